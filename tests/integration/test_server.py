"""A first copy in ranges, and a comparison, on a server that stores documents: the stand-in, or that of COUCHDB_URL."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
import pytest
import requests
from cht_sync import couchdb
from cht_sync import warehouse as warehouses
from cht_sync.copy import extract, progress
from cht_sync.copy.job import Job
from cht_sync.first_copy import plan, ranges
from cht_sync.verify import verification

from demo.settings import CouchDB
from tests.lib.pages import SOURCE, Warehouse

#: In the order of their bytes; the last two need escapes, or more bytes than letters. The stand-in lists none after ÿ.
NAMES = [*(f"p{number:03}" for number in range(300)), "ü\t\"\\'", "ý a"]


@dataclass
class Server:
    """One database of it, and a warehouse that copies it."""

    server: CouchDB
    name: str
    connection: warehouses.Connection
    second: Callable[[], Any]

    def ask(self, method: str, path: str, **arguments: Any) -> requests.Response:
        url = f"{self.server.url}/{self.name}/{path}"
        return requests.request(method, url, auth=self.server.auth, timeout=60, **arguments)

    def write(self, *documents: dict[str, Any]) -> None:
        answer = self.ask("POST", "_bulk_docs", json={"docs": documents})
        answer.raise_for_status()
        assert all("error" not in row for row in answer.json())

    def revisions(self) -> dict[str, str]:
        return {row["id"]: row["value"]["rev"] for row in self.ask("GET", "_all_docs").json()["rows"]}

    def client(self) -> couchdb.Client:
        return couchdb.Client(couchdb.Server(self.server.url, self.server.login, self.server.password))

    @property
    def job(self) -> Job:
        return Job(self.connection, self.client, SOURCE, self.name, lambda _: None, open=self.second)

    def extract(self) -> progress.Progress:
        options = extract.Options(page_rows=50)
        return extract.run(self.job, options)

    def compare(self) -> dict[str, int]:
        done = verification.run(self.job, verification.Options())
        return {key: value for key, value in vars(done).items() if isinstance(value, int) and value}

    def staged(self) -> dict[str, str]:
        query = "select _id, _rev from staging.document where not _deleted and gone is null"
        return dict(self.connection.execute(query).fetchall())


@pytest.fixture
def server(couchdb: CouchDB, database: str, staged: Warehouse, warehouse: str) -> Server:
    second = partial(warehouses.connect, partial(psycopg.connect, warehouse))
    filled = Server(couchdb, database, staged.connection, second)
    filled.write(*({"_id": name, "type": "person", "name": name} for name in NAMES))
    return filled


def test_a_first_copy_in_ranges_with_writes_between_then_the_feed_and_a_comparison(server: Server) -> None:
    options = plan.Options(page_rows=20, range_rows=60)
    numbers = plan.make(server.job, options)
    assert numbers == [1, 2, 3, 4, 5]
    for number in reversed(numbers):
        ranges.copy(server.job, number, options)
        revisions = server.revisions()
        edited, deleted = NAMES[number * 7], NAMES[number * 50]
        server.write(
            {"_id": edited, "_rev": revisions[edited], "edited": number},
            {"_id": deleted, "_rev": revisions[deleted], "_deleted": True},
            {"_id": f"new{number}"},
        )
    assert plan.hand_over(server.job, options)
    assert server.extract().caught_up
    assert server.staged() == server.revisions()
    assert server.compare() == {"documents": 302}


def test_what_is_missing_and_stale_is_read_again_and_what_is_new_left_to_the_feed(server: Server) -> None:
    server.extract()
    server.connection.execute("delete from staging.document where _id in ('p010', %s)", [NAMES[-2]])
    server.connection.execute("update staging.document set _rev = '0-old' where _id in ('p020', %s)", [NAMES[-1]])
    server.write({"_id": "new"}, {"_id": "p000", "_rev": server.revisions()["p000"], "_deleted": True})
    assert server.compare() == {"documents": 302, "missing": 2, "stale": 2, "repaired": 4, "not_yet": 2}
    server.extract()
    assert server.staged() == server.revisions()
    assert server.compare() == {"documents": 302}


def test_what_was_purged_is_found(server: Server) -> None:
    server.extract()
    answer = server.ask("POST", "_purge", json={"p001": [server.revisions()["p001"]]})
    if answer.status_code == requests.codes.bad_request:
        pytest.skip("the stand-in cannot purge; a CouchDB can")
    assert server.extract().changed == 0
    assert server.compare() == {"documents": 301, "purged": 1, "repaired": 1}
    assert server.staged() == server.revisions()
