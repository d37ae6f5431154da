"""SIGKILL at any statement of a run that copies a source again, then the scheduled runs after it: the copy is whole."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from cht_sync import couchdb, warehouse
from cht_sync.copy import checkpoint

from tests.lib import databases, extent, replaced
from tests.lib.feeds import FakeCouchDB
from tests.lib.kills import Task, connect, kill, killed_or_ended, prepare, run, statements
from tests.lib.pages import IDENTITY, SOURCE
from tests.lib.replaced import OTHER, Source

MODES = ["resync", "replace"]
LEFT = "select source from staging.seen union all select source from staging.next"
REJECTED = "select id, _rev from ops.rejected_document order by id"


@pytest.fixture(scope="module")
def server() -> Iterator[Source]:
    with replaced.serve() as source:
        yield source


def before() -> FakeCouchDB:
    fake = FakeCouchDB()
    for number in range(6):
        fake.put(f"p{number}", f'{{"n":{number}}}')
    fake.put("rejected", '{"n":1e200000}')
    return fake


def after(mode: str) -> FakeCouchDB:
    """p0 is not there any more; of the others one is the same, one was edited, one deleted, one came."""
    fake = FakeCouchDB(started=OTHER if mode == "replace" else IDENTITY.value)
    fake.put("p1", '{"n":1}')
    fake.put("p2", '{"n":22}', "2-b")
    fake.delete("p3")
    fake.put("p4", '{"n":4}')
    fake.put("p5", '{"n":1e200000}', "2-b")
    fake.put("q", '{"n":6}')
    return fake


def begin(server: Source, dsn: str, mode: str) -> None:
    """A whole copy, then another state at the source."""
    server.fake = before()
    run(dsn, [prepare, server.copy])
    server.fake = after(mode)


def task(server: Source, mode: str) -> Task:
    return partial(server.copy, mode=mode, page_rows=2)


def wants(connection: warehouse.Connection, mode: str) -> bool:
    """Whether what was asked for has yet to begin: then only who asked will, as Airflow's next try does."""
    begun = checkpoint.read(connection, SOURCE)
    return begun.generation == 1 or (mode == "replace" and begun.identity == IDENTITY)


def whole(server: Source) -> list[tuple[str, str, Any]]:
    """The copy as it must be in the end: of what is rejected the earlier revision is there."""
    return sorted([row for row in server.documents() if row[0] != "p5"] + [("p5", "1-a", {"n": 5})])


def require_whole(connection: warehouse.Connection, server: Source) -> None:
    assert replaced.staged(connection) == whole(server)
    assert connection.execute(REJECTED).fetchall() == [(b"p5", "2-b")]
    assert connection.execute(LEFT).fetchall() == []
    ended = checkpoint.read(connection, SOURCE)
    assert (ended.mode, ended.base) == ("incremental", None)
    assert ended.identity == couchdb.Identity(IDENTITY.kind, server.fake.started)


@pytest.mark.parametrize("mode", MODES)
def test_the_runs_after_a_kill_go_on(mode: str, server: Source, postgres: str, warehouse: str) -> None:
    begin(server, warehouse, mode)
    with databases.new(postgres, warehouse) as undisturbed:
        sent = statements(undisturbed, task(server, mode))
    for at in extent.moments(sent):
        with databases.new(postgres, warehouse) as killed, connect(killed) as reader:
            old = replaced.staged(reader)
            kill(killed, task(server, mode), at)
            if mode == "replace":
                assert replaced.staged(reader) in (old, whole(server))
            run(killed, [task(server, mode if wants(reader, mode) else "incremental")])
            require_whole(reader, server)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("after_statements", [9, 14, 23])
def test_kill_after_kill(mode: str, after_statements: int, server: Source, warehouse: str) -> None:
    """Every run is killed, later and later in its course, until one comes to its end."""
    begin(server, warehouse, mode)
    modes: list[str] = []
    with connect(warehouse) as reader:
        while not modes or checkpoint.read(reader, SOURCE).mode == mode or wants(reader, mode):
            modes.append(mode if wants(reader, mode) else "incremental")
            survived = partial(server.copy, mode=modes[-1], page_rows=1)
            killed_or_ended(warehouse, survived, after_statements + len(modes))
        assert len(modes) > 2
        require_whole(reader, server)
