"""The servers of bench.extract: their addresses and the processor time that they used."""

import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import requests
from cht_sync import warehouse
from cht_sync.copy import write
from cht_sync.warehouse import migrations
from psycopg import conninfo, sql

from bench import clients
from bench import feed_server as feed
from bench.documents import Documents
from servers.postgres import Postgres

#: Settings for a server of a few gigabytes; all others are Postgres' defaults, above all fsync, which stays on.
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB"}

#: Seconds that a CouchDB has to compact the loaded documents.
PATIENCE = 600

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Source:
    """A CouchDB, or a server that behaves like one: `url` holds the login, `name` is for people."""

    name: str
    url: str
    version: str

    def cpu(self) -> float | None:
        """Processor seconds used so far; None if it is on another machine, or not readable for this user."""
        parts = urlsplit(self.url)
        return _cpu(parts.port) if parts.hostname in LOOPBACK else None


@contextmanager
def feed_server(held: int = feed.HELD) -> Iterator[Source]:
    """The feed server, in another process; see bench.feed_server."""
    command = [sys.executable, "-m", "bench.feed_server", str(held)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101  # they are pipes
        port = json.loads(process.stdout.readline())["port"]
        yield Source("feed server", f"http://127.0.0.1:{port}", "our own")
        process.communicate()  # it ends with its stdin


def couchdb(url: str) -> Source:
    """A server that runs already."""
    answer = requests.get(url, timeout=30)
    answer.raise_for_status()
    return Source("CouchDB", url.rstrip("/"), answer.json()["version"])


@contextmanager
def loaded(source: Source, documents: Documents, count: int) -> Iterator[str]:
    """A database with that number of documents, compacted; deleted at the end."""
    name = f"bench-{count}-{secrets.token_hex(4)}"
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Content-Type"] = "application/json"
        _ask(session, "PUT", f"{source.url}/{name}")
        try:
            for bulk in documents.bulks(count):
                _ask(session, "POST", f"{source.url}/{name}/_bulk_docs", bulk)
            _compact(session, f"{source.url}/{name}")
            yield name
        finally:
            _ask(session, "DELETE", f"{source.url}/{name}")


def _compact(session: requests.Session, database: str) -> None:
    """A CouchDB compacts by itself some time later, which would disturb a measurement."""
    _ask(session, "POST", f"{database}/_compact")
    end = time.monotonic() + PATIENCE
    while session.get(database, timeout=60).json()["compact_running"] and time.monotonic() < end:
        time.sleep(0.5)


def _ask(session: requests.Session, method: str, url: str, body: bytes | None = None) -> None:
    session.request(method, url, data=body, timeout=PATIENCE).raise_for_status()


@dataclass(frozen=True)
class Warehouses:
    """A Postgres in which each client gets its own database; the database of `dsn` is not used."""

    dsn: str
    version: str

    def cpu(self) -> float | None:
        """Processor seconds that the server with all its processes has used so far; None as above."""
        with psycopg.connect(self.dsn) as connection:
            return _cpu(connection.info.port) if connection.info.host in LOOPBACK else None

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The address of a warehouse with one source, of which nothing is copied yet."""
        name = f"bench_{secrets.token_hex(4)}"
        dsn = conninfo.make_conninfo(self.dsn, dbname=name)
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            try:
                with warehouse.connect(partial(psycopg.connect, dsn)) as made:
                    migrations.migrate(made)
                    write.prepare(made, {clients.SOURCE: tuple(clients.SOURCE.split("/"))})  # type: ignore[dict-item]
                yield dsn
            finally:
                connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def settle(self) -> None:
        """Writes a checkpoint to disk, so that no client pays for the writes of another."""
        with (
            contextlib.suppress(psycopg.errors.InsufficientPrivilege),
            psycopg.connect(self.dsn, autocommit=True) as connection,
        ):
            connection.execute("checkpoint")


@contextmanager
def warehouses(dsn: str | None) -> Iterator[Warehouses]:
    """The Postgres of `dsn`, or one that is started for this."""
    if dsn:
        yield _warehouses(dsn)
        return
    with tempfile.TemporaryDirectory(prefix="cht-sync-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root the server runs as `nobody`
        server = Postgres(Path(folder) / "postgres", SETTINGS)
        try:
            yield _warehouses(server.start())
        finally:
            server.stop()


def _warehouses(dsn: str) -> Warehouses:
    with psycopg.connect(dsn) as connection:
        return Warehouses(dsn, connection.info.parameter_status("server_version") or "?")


def _cpu(port: int | None) -> float | None:
    """Processor seconds of the server that listens there, with its processes, also those that have ended."""
    try:
        listening = (each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN)
        pid = next((each.pid for each in listening if each.laddr and each.laddr.port == port), None)
        if pid is None:
            return None
        server = psutil.Process(pid)
        times = server.cpu_times()
        used = times.user + times.system + times.children_user + times.children_system
        children = server.children(recursive=True)
    except psutil.Error:
        return None
    for child in children:
        with contextlib.suppress(psutil.Error):  # it has just ended
            times = child.cpu_times()
            used += times.user + times.system
    return used
