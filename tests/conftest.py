"""The servers of the tests: one Postgres and one CouchDB a session, a new database of each for every test that asks.

`CHT_WAREHOUSE_DSN` and `COUCHDB_URL` (with login and password in it) put servers of yours in their place.
"""

import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
import requests
from cht_sync import warehouse as warehouses
from cht_sync.models import runner
from cht_sync.warehouse import migrations

from demo.settings import CouchDB
from servers.postgres import Postgres
from servers.standin import StandIn
from tests.lib import databases, memory
from tests.lib.certificates import Certificates, issue
from tests.lib.paths import ROOT

#: Nothing of a test has to survive a power cut, and its tables are gone before a vacuum would pay.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "max_wal_size": "256MB",
    "max_connections": "200",
}


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a Postgres server, of a database of it that tests leave alone."""
    if dsn := os.environ.get("CHT_WAREHOUSE_DSN"):
        yield dsn
        return
    with tempfile.TemporaryDirectory(prefix="cht-sync-", dir=memory.folder(), ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root the server runs as `nobody`
        server = Postgres(Path(folder) / "postgres", FAST)
        yield server.start()
        server.stop()


@pytest.fixture(scope="session")
def template(postgres: str) -> Iterator[str]:
    """A database with the schema in it, to be copied: much quicker than migrating one for each test."""
    with databases.new(postgres) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            migrations.migrate(connection)
        yield dsn


@pytest.fixture(scope="session")
def modelled(postgres: str, template: str) -> Iterator[str]:
    """A database with the schema and the empty tables of all models, to be copied: to make them takes 0.5 s."""
    with databases.new(postgres, template) as dsn:
        with warehouses.connect(partial(psycopg.connect, dsn)) as connection:
            runner.update(connection)
        yield dsn


@pytest.fixture
def warehouse(postgres: str, template: str) -> Iterator[str]:
    """The address of a new warehouse: the schema, and nothing in it."""
    with databases.new(postgres, template) as dsn:
        yield dsn


@pytest.fixture
def other_warehouse(postgres: str, template: str) -> Iterator[str]:
    """A second new warehouse, to compare with the first."""
    with databases.new(postgres, template) as dsn:
        yield dsn


@pytest.fixture
def empty_warehouse(postgres: str) -> Iterator[str]:
    """The address of a new database in which nothing was migrated yet."""
    with databases.new(postgres) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def couchdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CouchDB]:
    """A CouchDB server: the stand-in, or the one of COUCHDB_URL."""
    if given := os.environ.get("COUCHDB_URL"):
        parts = urlsplit(given)
        host = parts.netloc.rpartition("@")[2]
        yield CouchDB(
            f"{parts.scheme}://{host}{parts.path}".rstrip("/"),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )
        return
    server = StandIn(tmp_path_factory.mktemp("couchdb"), packages=ROOT / ".local" / "node")
    yield CouchDB(*server.start())
    server.stop()


@pytest.fixture
def database(couchdb: CouchDB) -> Iterator[str]:
    """The name of a new, empty database on that server."""
    name = f"test-{secrets.token_hex(8)}"
    requests.put(f"{couchdb.url}/{name}", auth=couchdb.auth, timeout=30).raise_for_status()
    yield name
    requests.delete(f"{couchdb.url}/{name}", auth=couchdb.auth, timeout=30)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of an authority that nobody trusts by itself."""
    return issue(tmp_path_factory.mktemp("certificates"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A table at the end: category, tests, seconds of all processes together."""
    seconds, tests = Counter[str](), Counter[str]()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                category = report.nodeid.split("/")[1]
                seconds[category] += report.duration
                tests[category] += report.when == "call"
    terminalreporter.section("tests by category")
    for category, spent in seconds.most_common():
        terminalreporter.line(f"{category:<14}{tests[category]:>6}{spent:>8.0f} s")


#: The longest first, so that no process is left with one of them at the end.
ORDER = ("system", "kills", "properties", "faults", "dags", "integration", "spec", "unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: ORDER.index(item.nodeid.split("/")[1]))
