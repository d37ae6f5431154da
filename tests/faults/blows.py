"""Faults of a run and its warehouse in a round, each in its own thread."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import psycopg

from tests.faults.plan import Blow
from tests.faults.runs import Run
from tests.faults.server import Server

LOCKS = {
    "wait for the checkpoint's lock": "select from ops.checkpoint for update",
    "wait for the table's lock": "lock table staging.document in share row exclusive mode",
    "wait for the run's lock": "select pg_advisory_xact_lock(hashtextextended('cht-sync extract ' || source, 0)) "
    "from ops.source",
}

#: Seconds that a lock is held.
HELD = 0.25


class Blows:
    """`strike` is called with the number of each request; `count` is called with each fault that had an effect."""

    def __init__(
        self, planned: Sequence[Blow], server: Server, dsn: str, runs: Sequence[Run], count: Callable[[str, int], None]
    ) -> None:
        self._planned = list(planned)
        self._server, self._dsn, self._runs, self._count = server, dsn, runs, count
        self._threads: list[threading.Thread] = []
        self._errors: list[Exception] = []
        self._over = threading.Event()
        self._lock = threading.Lock()

    def strike(self, request: float) -> None:
        with self._lock:
            due = [blow for blow in self._planned if blow.request <= request]
            self._planned = [blow for blow in self._planned if blow.request > request]
            for blow in due:
                self._start(self._fall, blow)

    def hold(self, seconds: float) -> None:
        """Holds the run's own lock, from before its start."""
        held = threading.Event()
        kind = "wait for the run's lock"
        self._start(self._keep, kind, seconds, held)
        assert held.wait(10)

    def join(self) -> None:
        """The runs are over: faults that have not happened yet are cancelled."""
        self._over.set()
        with self._lock:
            self._planned = []
        for thread in self._threads:
            thread.join()
        for error in self._errors:
            raise error

    def _start(self, act: Callable[..., None], *given: object) -> None:
        def guarded() -> None:
            try:
                act(*given)
            except Exception as error:  # raised again at the end of the round
                self._errors.append(error)

        self._threads.append(threading.Thread(target=guarded))
        self._threads[-1].start()

    def _fall(self, blow: Blow) -> None:
        if self._over.wait(blow.delay):
            return
        if blow.kind == "SIGKILL":
            self._runs[0].kill()  # counted by how it ended
        elif blow.kind == "server stopped":
            self._count(blow.kind, 1)
            self._server.crash()
        elif blow.kind in LOCKS:
            self._keep(blow.kind, HELD)
        else:
            how = "pg_terminate_backend" if blow.kind == "backend terminated" else "pg_cancel_backend"
            self._count(blow.kind, self._server.end(self._dsn, how))

    def _keep(self, kind: str, seconds: float, held: threading.Event | None = None) -> None:
        """Holds a lock; it counts as a fault if a run waited for it."""
        waited = 0
        with (
            suppress(psycopg.OperationalError),
            self._server.connect(self._dsn) as connection,
            connection.transaction(),
        ):
            connection.execute(LOCKS[kind].encode())
            if held:
                held.set()
            end = time.monotonic() + seconds
            while time.monotonic() < end and not self._over.wait(0.02):
                waited = max(waited, self._server.waiting(self._dsn))
        self._count(kind, waited)
