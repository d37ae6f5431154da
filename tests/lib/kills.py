"""SIGKILL at any statement of a task: a process of its own that ends there."""

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest
from cht_sync import warehouse as warehouses
from cht_sync.copy import write

from tests.lib.pages import SOURCE

Task = Callable[[warehouses.Connection], object]


STATE = {
    "staging": "select _id, _rev, _deleted, type, doc::text from staging.document order by _id",
    "rejects": "select id, _rev, reason, body from ops.rejected_document order by id",
    "checkpoint": "select seq, pending, caught_up_at is not null from ops.checkpoint",
    "models": "select * from models.area_count order by area_uuid",
    "persons": "select uuid, patient_id from models.person order by uuid",
    "views": "select * from marts.patients_by_area order by area_uuid",
    # the mart of every run: others are up to an hour late
    "current": "select is_current, as_of is not null from marts.freshness where mart = 'patients_by_area'",
}


def prepare(connection: warehouses.Connection) -> None:
    write.prepare(connection, {SOURCE: ("kitui", "medic")})


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


def killed_or_ended(dsn: str, task: Callable[..., object], kill_at: int) -> None:
    try:
        kill(dsn, task, kill_at)
    except AssertionError:
        """It has come to its end before."""
