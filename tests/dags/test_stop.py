"""A task that Airflow stops: it gets SIGTERM, and five seconds later SIGKILL."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import psycopg
import pytest
from cht_sync import couchdb
from cht_sync import warehouse as warehouses
from cht_sync.airflow import hook
from cht_sync.copy import extract
from cht_sync.copy.job import Job

from tests.lib.feeds import FakeCouchDB
from tests.lib.pages import SOURCE, Warehouse, opened
from tests.lib.replay import Answer, Request, serving
from tests.lib.waiting import until


@pytest.fixture
def staged(warehouse: str) -> Iterator[Warehouse]:
    with opened(warehouse) as found:
        yield found


@dataclass
class Stalling:
    """Gives one page of two documents; the next one stalls as `fault` says. `reached` is set when it is asked for."""

    fake: FakeCouchDB = field(default_factory=FakeCouchDB)
    fault: Callable[[Answer], Answer] = lambda answer: answer
    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def answer(self, request: Request) -> Answer:
        own = self.fake.answer(request)
        if request.path != "/medic/_changes" or request.query["since"] == "0":
            return own
        self.reached.set()
        return self.fault(own)


@pytest.fixture
def server() -> Iterator[Stalling]:
    server = Stalling()
    for number in range(4):
        server.fake.put(f"p{number}")
    with serving(server.answer) as (url, _):
        server.url = url
        yield server
        server.release.set()


def task(dsn: str, url: str) -> int:
    """In a process of its own; its exit status."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        with hook.task(), warehouses.connect(partial(psycopg.connect, dsn)) as connection:
            client = partial(couchdb.Client, couchdb.Server(url))
            extract.run(Job(connection, client, SOURCE, "medic", lambda _: None), extract.Options(page_rows=2))
    except hook.Stopped:
        status = 7
    finally:
        os._exit(status)


def stop(child: int, limit: float = 5) -> int:
    """Asks it to end as Airflow does; its status. Killed where it has not ended in time."""
    os.kill(child, signal.SIGTERM)
    ended = threading.Timer(limit, os.kill, (child, signal.SIGKILL))
    ended.start()
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        ended.cancel()


def silent(server: Stalling) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, hold=server.release)


def in_the_middle(server: Stalling) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, cut_at=len(answer.body) - 60, hold=server.release)


def busy(_server: Stalling) -> Callable[[Answer], Answer]:
    return lambda _: Answer(503, headers={"Retry-After": "60"})


@pytest.mark.parametrize("stall", [silent, in_the_middle, busy])
def test_it_ends_in_time_on_a_committed_page(
    stall: Callable[[Stalling], Callable[[Answer], Answer]],
    server: Stalling,
    staged: Warehouse,
    warehouse: str,
) -> None:
    server.fault = stall(server)
    child = task(warehouse, server.url)
    assert server.reached.wait(30)
    until(lambda: staged.checkpoint().reads == 1, "the first page")
    assert stop(child) == 7
    assert staged.checkpoint().seq == "2-g1AAAA"
    assert [row[0] for row in staged.rows("_id")] == ["p0", "p1"]


def test_it_ends_in_time_where_postgres_lets_it_wait(server: Stalling, staged: Warehouse, warehouse: str) -> None:
    with psycopg.connect(warehouse) as other:
        other.execute("select from ops.checkpoint for update")
        child = task(warehouse, server.url)
        waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        until(lambda: staged.connection.execute(waits).fetchone() == (1,), "its wait")
        assert stop(child) == 7
    assert staged.checkpoint().reads == 0
    assert staged.rows("_id") == []
