"""SIGKILL at any statement of a task, then the task again: everything ends as after an undisturbed run.

Nothing more changes in CouchDB after the kill: what a killed try has committed must reach the counts all the same.
"""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
from cht_sync import couchdb, extract, marts, models, staging
from cht_sync import warehouse as warehouses
from cht_sync.job import Job

from tests.integration.feeds import FakeCouchDB
from tests.integration.pages import SOURCE
from tests.unit.replay import serving

Task = Callable[[warehouses.Connection], object]

STATE = {
    "staging": "select _id, _rev, _deleted, type, doc::text from staging.document order by _id",
    "rejects": "select id, _rev, reason, body from ops.rejected_document order by id",
    "checkpoint": "select seq, pending, caught_up_at is not null from ops.checkpoint",
    "models": "select * from models.area_count order by area_uuid",
    "persons": "select uuid, patient_id from models.person order by uuid",
    "views": "select * from marts.patients_by_area order by area_uuid",
    # the mart of every run: others are an hour behind
    "current": "select is_current, as_of is not null from marts.freshness where mart = 'patients_by_area'",
}


@pytest.fixture(scope="module")
def source() -> Iterator[Task]:
    """Copies three pages: a health centre, a household, persons, a deletion, and a document that is refused."""
    fake = FakeCouchDB()
    fake.put("settings", '{"settings":{"contact_types":[]}}')
    fake.put("area", '{"type":"health_center","name":"Area"}')
    fake.put("house", '{"type":"clinic","name":"House","parent":{"_id":"area"}}')
    for number in range(6):
        fake.put(f"p{number}", '{"type":"person","patient_id":"1","parent":{"_id":"house"}}')
    fake.delete("p0")
    fake.put("huge", '{"n":1e200000}')
    with serving(fake.answer) as (url, _):

        def copy(connection: warehouses.Connection) -> None:
            client = partial(couchdb.Client, couchdb.Server(url))
            extract.run(Job(connection, client, SOURCE, "medic", lambda _: None), extract.Options(page_rows=4))

        yield copy


def prepare(connection: warehouses.Connection) -> None:
    staging.prepare(connection, {SOURCE: ("kitui", "medic")})


def state(connection: warehouses.Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {name: connection.execute(query.encode()).fetchall() for name, query in STATE.items()}


def connect(dsn: str) -> Any:
    return warehouses.connect(partial(psycopg.connect, dsn))


class Counter:
    """Counts what is sent to Postgres, and ends the process by SIGKILL before the one of that number."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.sent, self.kill_at = 0, kill_at

    def install(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(psycopg.Cursor, "execute", self.before(psycopg.Cursor.execute))
        patch.setattr(psycopg.Copy, "write", self.before(psycopg.Copy.write))

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.sent += 1
            if self.sent == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counted


def kill(dsn: str, task: Task, kill_at: int) -> None:
    """Runs the task in a process of its own that is killed at that statement."""
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patch:
            Counter(kill_at).install(patch)
            try:
                run(dsn, [task])
            finally:
                os._exit(1)  # it should not have come here
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the task ended instead of being killed"


def run(dsn: str, tasks: list[Task]) -> None:
    with connect(dsn) as connection:
        for task in tasks:
            task(connection)


def statements(dsn: str, task: Task) -> int:
    """How many the task takes, which is run for it."""
    with pytest.MonkeyPatch.context() as patch:
        counter = Counter()
        counter.install(patch)
        run(dsn, [task])
        return counter.sent


class Undisturbed:
    """What a run that nobody kills ends with: found once for each list of tasks."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, dict[str, list[tuple[Any, ...]]]]] = {}

    def find(self, dsn: str, name: str, before: list[Task], task: Task, then: list[Task]) -> tuple[int, object]:
        """The statements of `task`, and the state after all."""
        if name not in self.known:
            run(dsn, before)
            sent = statements(dsn, task)
            run(dsn, then)
            with connect(dsn) as connection:
                self.known[name] = sent, state(connection)
        return self.known[name]


@pytest.fixture(scope="module")
def known() -> Undisturbed:
    return Undisturbed()


Same = Callable[[float, list[Task], Task, list[Task]], None]


@pytest.fixture
def same_after_kill(known: Undisturbed, warehouse: str, other_warehouse: str, request: pytest.FixtureRequest) -> Same:
    """`task` is killed at a moment between its first statement (0) and its last (1), and then run again."""

    def check(moment: float, before: list[Task], task: Task, then: list[Task]) -> None:
        sent, expected = known.find(warehouse, request.function.__name__, before, task, then)
        run(other_warehouse, before)
        kill(other_warehouse, task, 1 + round(moment * (sent - 1)))
        run(other_warehouse, [task, *then])
        with connect(other_warehouse) as connection:
            assert state(connection) == expected

    return check


def must_wait(connection: warehouses.Connection) -> None:
    """What wakes the models, whoever has committed the pages."""
    assert extract.is_waiting(connection, "kitui")


MOMENTS = [0, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1]


@pytest.mark.parametrize("moment", MOMENTS)
def test_extract(moment: float, source: Task, same_after_kill: Same) -> None:
    same_after_kill(moment, [prepare], source, [must_wait, models.update, marts.refresh])


@pytest.mark.parametrize("moment", MOMENTS)
def test_update_models(moment: float, source: Task, same_after_kill: Same) -> None:
    same_after_kill(moment, [prepare, source], models.update, [marts.refresh])


@pytest.mark.parametrize("moment", MOMENTS[::2])
def test_refresh_marts(moment: float, source: Task, same_after_kill: Same) -> None:
    same_after_kill(moment, [prepare, source, models.update], marts.refresh, [])


def page(connection: warehouses.Connection) -> None:
    """A page that changes p1."""
    with connection.transaction():
        connection.execute("update ops.checkpoint set batch = batch + 1")
        connection.execute(
            "update staging.document set doc = '{}', batch = checkpoint.batch from ops.checkpoint where _id = 'p1'"
        )


@pytest.mark.parametrize("moment", MOMENTS[::2])
def test_refresh_of_marts_that_stand(moment: float, source: Task, same_after_kill: Same) -> None:
    before = [prepare, source, models.update, marts.refresh, page, models.update]
    same_after_kill(moment, before, marts.refresh, [])
