"""SIGKILL at any statement of a task, then the task again: everything ends as after an undisturbed run.

Nothing more changes in CouchDB after the kill: what a killed try has committed must reach the counts all the same.
"""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from cht_sync import couchdb
from cht_sync import warehouse as warehouses
from cht_sync.copy import extract
from cht_sync.copy.job import Job
from cht_sync.models import runner
from cht_sync.reports import marts

from tests.lib import databases, extent
from tests.lib.feeds import FakeCouchDB
from tests.lib.kills import Task, connect, kill, prepare, run, state, statements
from tests.lib.pages import SOURCE
from tests.lib.replay import serving


@pytest.fixture(scope="module")
def source() -> Iterator[Task]:
    """Copies three pages: a health centre, a household, persons, a deletion, and a document that is rejected."""
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


Same = Callable[[list[Task], Task, list[Task]], None]


@pytest.fixture
def same_after_kill(postgres: str, modelled: str) -> Same:
    """`task` is killed before some of its statements, each time in a copy of the same warehouse, and then run again."""

    def check(before: list[Task], task: Task, then: list[Task]) -> None:
        with databases.new(postgres, modelled) as begun:
            run(begun, before)
            with databases.new(postgres, begun) as undisturbed:
                sent = statements(undisturbed, task)
                run(undisturbed, then)
                with connect(undisturbed) as connection:
                    expected = state(connection)
            for at in extent.moments(sent):
                with databases.new(postgres, begun) as killed:
                    kill(killed, task, at)
                    run(killed, [task, *then])
                    with connect(killed) as connection:
                        assert state(connection) == expected, f"killed before statement {at} of {sent}"

    return check


def must_wait(connection: warehouses.Connection) -> None:
    """What wakes the models, whichever run has committed the pages."""
    assert runner.is_waiting(connection, "kitui")


def test_extract(source: Task, same_after_kill: Same) -> None:
    same_after_kill([prepare], source, [must_wait, runner.update, marts.refresh])


def test_update_models(source: Task, same_after_kill: Same) -> None:
    same_after_kill([prepare, source], runner.update, [marts.refresh])


def test_refresh_marts(source: Task, same_after_kill: Same) -> None:
    same_after_kill([prepare, source, runner.update], marts.refresh, [])


def page(connection: warehouses.Connection) -> None:
    """A page that changes p1."""
    with connection.transaction():
        connection.execute("update ops.checkpoint set batch = batch + 1")
        connection.execute(
            "update staging.document set doc = '{}', batch = checkpoint.batch from ops.checkpoint where _id = 'p1'"
        )


def test_refresh_of_marts_that_stand(source: Task, same_after_kill: Same) -> None:
    before = [prepare, source, runner.update, marts.refresh, page, runner.update]
    same_after_kill(before, marts.refresh, [])
