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
    "current": "select bool_and(is_current), bool_and(as_of is not null) from marts.freshness",
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
            extract.run(connection, client, SOURCE, "medic", extract.Options(page_rows=4), lambda _: None)

        yield copy


def prepare(connection: warehouses.Connection) -> None:
    staging.prepare(connection, {SOURCE: ("kitui", "medic")})


def state(connection: warehouses.Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {name: connection.execute(query.encode()).fetchall() for name, query in STATE.items()}


def connect(dsn: str) -> Any:
    return warehouses.connect(partial(psycopg.connect, dsn))


class Counter:
    """Counts what is sent to Postgres, and ends the process by SIGKILL before the one of that number."""

    def __init__(self, kill_at: int) -> None:
        self.sent, self.kill_at = 0, kill_at

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.sent += 1
            if self.sent == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counted


def killed(dsn: str, task: Task, kill_at: int) -> bool:
    """Runs the task in a process of its own that is killed at a statement; false where it ended before that."""
    child = os.fork()
    if child == 0:
        counter = Counter(kill_at)
        psycopg.Cursor.execute = counter.before(psycopg.Cursor.execute)  # type: ignore[method-assign]
        psycopg.Copy.write = counter.before(psycopg.Copy.write)  # type: ignore[method-assign]
        code = 1
        try:
            with connect(dsn) as connection:
                task(connection)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the task failed instead of being killed"
    return False


@pytest.fixture
def undisturbed(source: Task, warehouse: str) -> dict[str, list[tuple[Any, ...]]]:
    with connect(warehouse) as connection:
        for task in (prepare, source, models.update, marts.refresh):
            task(connection)
        return state(connection)


def kills(first: list[Task], task: Task, then: list[Task], dsn: str, kill_at: int, expected: object) -> bool:
    """`task` is killed at that statement after `first`, and run again before `then`."""
    with connect(dsn) as connection:
        for done in first:
            done(connection)
    was_killed = killed(dsn, task, kill_at)
    with connect(dsn) as connection:
        for done in (task, *then):
            done(connection)
        found = state(connection)
    assert found == expected
    return was_killed


def must_wait(connection: warehouses.Connection) -> None:
    """What wakes the models, whoever has committed the pages."""
    assert extract.is_waiting(connection, "kitui")


@pytest.mark.parametrize("kill_at", [1, 5, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 22, 24, 27])
def test_extract(kill_at: int, source: Task, other_warehouse: str, undisturbed: object) -> None:
    then = [must_wait, models.update, marts.refresh]
    assert kills([prepare], source, then, other_warehouse, kill_at, undisturbed)


@pytest.mark.parametrize("kill_at", [1, 6, 8, 10, 15, 20, 25, 30, 35, 40, 45, 50])
def test_update_models(kill_at: int, source: Task, other_warehouse: str, undisturbed: object) -> None:
    assert kills([prepare, source], models.update, [marts.refresh], other_warehouse, kill_at, undisturbed)


@pytest.mark.parametrize("kill_at", [1, 5, 6, 7, 8, 9, 10, 11, 12])
def test_refresh_marts(kill_at: int, source: Task, other_warehouse: str, undisturbed: object) -> None:
    assert kills([prepare, source, models.update], marts.refresh, [], other_warehouse, kill_at, undisturbed)


def page(connection: warehouses.Connection, body: str) -> None:
    """A page that changes p1."""
    with connection.transaction():
        connection.execute("update ops.checkpoint set batch = batch + 1")
        connection.execute(
            "update staging.document set doc = %s, batch = checkpoint.batch from ops.checkpoint where _id = 'p1'",
            [body],
        )


@pytest.mark.parametrize("kill_at", [6, 8, 9, 10, 11])
def test_refresh_of_marts_that_stand(kill_at: int, source: Task, other_warehouse: str, undisturbed: object) -> None:
    there_and_back = [
        models.update,
        marts.refresh,
        partial(page, body="{}"),
        models.update,
        marts.refresh,
        partial(page, body='{"type":"person","patient_id":"1","parent":{"_id":"house"}}'),
        models.update,
    ]
    first = [prepare, source, *there_and_back]
    assert kills(first, marts.refresh, [], other_warehouse, kill_at, undisturbed)
