"""The servers of the demo: started together, and ended together in every case."""

import contextlib
import fcntl
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
from cht_sync import warehouse
from cht_sync.errors import SyncError

from demo import connections, content
from demo.settings import CouchDB, Settings
from servers.airflow import RECORD, Airflow, free_port
from servers.errors import DemoError
from servers.postgres import Postgres
from servers.processes import Processes
from servers.rest import Rest
from servers.standin import StandIn

ROOT = Path(__file__).resolve().parents[1]

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Stack:
    """Everything runs. `dsn` is the warehouse's, with its password; `is_ours`: the documents are invented."""

    airflow: Airflow
    rest: Rest
    couchdb: CouchDB
    dsn: str
    is_ours: bool
    checks: tuple[Callable[[], None], ...]

    def require_alive(self) -> None:
        """Raises DemoError if one of the servers has ended."""
        for check in self.checks:
            check()

    def connect(self) -> contextlib.AbstractContextManager[warehouse.Connection]:
        return warehouse.connect(partial(psycopg.connect, self.dsn))


@contextlib.contextmanager
def running(home: Path, settings: Settings, progress: Progress) -> Iterator[Stack]:
    """Starts it with the wanted content; all of it has ended when the block ends. Raises DemoError."""
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home), ExitStack() as servers:
        try:
            yield _start(home, settings, progress, servers)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C would leave processes running
            progress("Stopping")


def _start(home: Path, settings: Settings, progress: Progress, servers: ExitStack) -> Stack:
    """Each server's end is registered before its start, so that an interrupted start is ended, too."""
    Processes(home / "airflow" / RECORD).end()
    free_port(settings.port)
    progress("Starting Postgres")
    postgres = Postgres(home / "postgres")
    servers.callback(postgres.stop)
    postgres.start()
    note = content.Note(home / "content.json", settings)
    if note.is_new:
        _forget(home, postgres)
    dsn = settings.warehouse or postgres.database("warehouse")
    if settings.warehouse:
        _require_usable(settings.warehouse, empty=note.is_new)
    standin = StandIn(home / "couchdb", packages=ROOT / ".local" / "node")
    couchdb = settings.couchdb or _serve(standin, progress, servers)
    progress(f"CouchDB is at {couchdb.url}")
    if note.is_new:
        note.write(is_ours=content.fill(couchdb, settings, progress))
    airflow = Airflow(home / "airflow", ROOT, postgres.database("airflow"))
    servers.callback(airflow.stop)
    rest = airflow.start(settings.port, progress)
    rest.store(connections.couchdb(couchdb))
    rest.store(connections.warehouse(dsn))
    rest.make_pool("couchdb_demo", slots=4)
    checks = (airflow.require_alive, postgres.require_alive, standin.require_alive)
    return Stack(airflow, rest, couchdb, dsn, note.is_ours, checks)


def _serve(standin: StandIn, progress: Progress, servers: ExitStack) -> CouchDB:
    progress("Starting the CouchDB stand-in (the first time npm fetches its packages)")
    servers.callback(standin.stop)
    return CouchDB(*standin.start())


def _forget(home: Path, postgres: Postgres) -> None:
    """Other documents are another deployment: nothing of the previous one is kept."""
    shutil.rmtree(home / "couchdb", ignore_errors=True)
    for name in ("warehouse", "airflow"):
        postgres.drop(name)


def _require_usable(dsn: str, *, empty: bool) -> None:
    """The user's own warehouse: it is never emptied."""
    try:
        with warehouse.connect(partial(psycopg.connect, dsn)) as connection:
            row = connection.execute("select to_regclass('ops.checkpoint') is not null").fetchone()
            copied = row and row[0] and connection.execute("select from ops.checkpoint where batch > 0").rowcount
    except SyncError as error:  # its advice is about the connection in Airflow
        raise DemoError(error.what, "Correct CHT_WAREHOUSE_DSN: it names a Postgres, a login and a database") from None
    if copied and empty:
        raise DemoError(
            "The warehouse at CHT_WAREHOUSE_DSN already holds a copy of other documents",
            "Name an empty database, or leave CHT_WAREHOUSE_DSN out",
        )


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two demos would start the same servers over the same data."""
    with (home / "lock").open("w") as lock:
        if not _locked(lock.fileno()):
            raise DemoError("The demo already runs", "Use that one, or stop it with Ctrl-C where it was started")
        yield


def is_running(home: Path) -> bool:
    if not (home / "lock").exists():
        return False
    with (home / "lock").open("w") as lock:
        return not _locked(lock.fileno())


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
