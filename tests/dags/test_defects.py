"""What was wrong with how the system that this one replaces runs: it goes wrong on its way, and right on ours."""

from collections.abc import Callable
from functools import partial
from urllib.parse import quote, urlsplit

import psycopg
import pytest
import requests
from cht_sync import warehouse as warehouses
from cht_sync.instances import Instance

from demo.settings import CouchDB
from tests.dags.test_runs import module, run, states
from tests.lib import former
from tests.lib.original import Original

pytestmark = pytest.mark.usefixtures("metadata", "connections")


def run_formerly(copies: list[Callable[[], None]]) -> None:
    """All databases in one process, one after another; only a deadlock is tried again."""
    for copy in copies:
        while True:
            try:
                copy()
                break
            except psycopg.errors.DeadlockDetected:
                continue


def test_a_database_that_cannot_be_copied_does_not_keep_the_others_from_it(
    couchdb: CouchDB, database: str, warehouse: str
) -> None:
    original = Original(couchdb, database)
    original.put("ana", b'"type":"person"')
    original.close()
    names = ["missing", database]
    with warehouses.connect(partial(psycopg.connect, warehouse)) as connection:
        connection.execute(former.TABLES)
        parts = urlsplit(couchdb.url)
        at = f"{parts.scheme}://{couchdb.login}:{quote(couchdb.password, safe='')}@{parts.netloc}"
        copies = [former.Reader(connection, f"{at}/{name}", f"demo/{name}").run for name in names]
        for _ in range(2):
            with pytest.raises(requests.HTTPError):
                run_formerly(copies)
        assert connection.execute("select _id from former.document").fetchall() == [], "it never comes to the second"

        done = run(module("extract").create(Instance("demo", "couchdb_demo", tuple(names)), "Africa/Nairobi"))
        assert states(done) == {
            "prepare_warehouse": "success",
            "extract_missing": "failed",
            f"extract_{database}": "success",
            "announce": "success",
        }
        rows = "select source, _id from staging.document"
        assert connection.execute(rows).fetchall() == [(f"demo/{database}", "ana")]
