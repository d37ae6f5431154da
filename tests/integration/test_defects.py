"""What was wrong with the copies of the system that this one replaces: each goes wrong on its way, and right on ours.

The rest of its defects are in test_defects_models.py and dags/test_defects.py.
"""

import logging
import re
import socket
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlsplit

import psycopg
import pytest
import requests
from cht_sync import couchdb, errors
from cht_sync import warehouse as warehouses
from cht_sync.copy import extract, progress, write
from cht_sync.copy.job import Job
from cht_sync.verify import verification

from demo.settings import CouchDB
from tests.lib import former
from tests.lib.disturbed import Reader
from tests.lib.original import Original
from tests.lib.pages import SOURCE, Warehouse
from tests.lib.paths import ROOT
from tests.lib.replay import Answer, serving


@dataclass
class Copies:
    """A database, and both ways to copy it into one warehouse."""

    original: Original
    server: couchdb.Server
    staged: Warehouse

    @property
    def connection(self) -> warehouses.Connection:
        return self.staged.connection

    @property
    def client(self) -> partial[couchdb.Client]:
        return partial(couchdb.Client, self.server)

    def former(self, source: str = SOURCE, database: str = "") -> former.Reader:
        return former.Reader(self.connection, with_login(self.server, database or self.original.name), source)

    def formerly(self, columns: str = "_id, doc ->> '_rev'") -> list[tuple[object, ...]]:
        return self.connection.execute(f"select {columns} from former.document order by _id".encode()).fetchall()

    def run(self, source: str = SOURCE, database: str = "") -> progress.Progress:
        name = database or self.original.name
        return extract.run(Job(self.connection, self.client, source, name, lambda _: None), extract.Options())


def with_login(server: couchdb.Server, database: str) -> str:
    parts = urlsplit(server.url)
    login = f"{quote(server.login or '', safe='')}:{quote(server.password or '', safe='')}"
    return f"{parts.scheme}://{login}@{parts.netloc}/{database}"


@pytest.fixture
def copies(couchdb: CouchDB, database: str, staged: Warehouse) -> Iterator[Copies]:
    staged.connection.execute(former.TABLES)
    original = Original(couchdb, database)
    yield Copies(original, couchdb_server(couchdb), staged)
    original.close()


def couchdb_server(server: CouchDB) -> couchdb.Server:
    return couchdb.Server(server.url, *server.auth)


def test_documents_and_checkpoint_are_saved_together(copies: Copies) -> None:
    """A reader saves the page that it has read long ago, and is killed before it can say where it is."""
    first = copies.original.put("ana", b'"type":"person","n":1')
    slow, page = copies.former(), copies.former().fetch()
    reader = Reader(copies.client, copies.original.name, copies.staged.checkpoint(), extract.Options().limits)
    second = copies.original.put("ana", b'"type":"person","n":2', first)
    copies.former().run()
    copies.run()

    slow.save_documents(page)
    copies.former().run()
    assert copies.formerly() == [("ana", first)], "it is old for ever"

    with pytest.raises(errors.CheckpointMoved):
        reader.write(copies.connection)
    copies.run()
    assert copies.staged.rows("_id, _rev") == [("ana", second)]


def test_databases_that_have_a_document_of_the_same_id_keep_their_own(copies: Copies, couchdb: CouchDB) -> None:
    users = Original(couchdb, f"{copies.original.name}-users")
    users.create()
    try:
        copies.original.put("org.couchdb.user:ana", b'"type":"user-settings"')
        users.put("org.couchdb.user:ana", b'"type":"user"')
        write.prepare(copies.connection, {"kitui/users": ("kitui", "users")})
        copies.former().run()
        copies.former("kitui/users", users.name).run()
        copies.run()
        copies.run("kitui/users", users.name)
    finally:
        users.delete()
        users.close()
    assert copies.formerly("source, doc ->> 'type'") == [("kitui/users", "user")], "one is overwritten"
    rows = "select source, type from staging.document order by source"
    assert copies.connection.execute(rows).fetchall() == [(SOURCE, "user-settings"), ("kitui/users", "user")]


def test_a_document_that_cannot_be_held_does_not_block_later_ones(copies: Copies) -> None:
    copies.original.put("bad", rb'"text":"a\u0000b"')
    copies.original.put("worse\0", b'"n":1')
    for name in ("p", "q"):
        copies.original.put(name, b'"type":"person"')
    for _ in range(3):
        with pytest.raises(psycopg.DataError):
            copies.former().run()
    assert copies.formerly() == [], "nothing of the page comes, however often it is tried"
    assert copies.run().caught_up
    assert copies.staged.rows("_id, altered") == [("bad", True), ("p", False), ("q", False)]
    assert [row[0] for row in copies.staged.rejected()] == [b"worse\0"]


def test_login_tokens_are_not_copied(copies: Copies) -> None:
    copies.original.put("token:login:ana", b'"tasks":[{"message":"https://host/medic/login/token/abc"}]')
    copies.original.put("ana", b'"type":"person"')
    copies.former().run()
    copies.run()
    assert copies.formerly("_id") == [("ana",), ("token:login:ana",)]
    assert copies.staged.rows("_id") == [("ana",)]
    assert copies.staged.rejected() == []


def test_a_copy_that_has_lost_a_document_is_noticed_and_made_right(copies: Copies, warehouse: str) -> None:
    for name in ("a", "b", "c"):
        copies.original.put(name, b'"type":"person"')
    copies.former().run()
    copies.run()
    for table in ("former.document", "staging.document"):
        copies.connection.execute(f"delete from {table} where _id = 'b'".encode())
    copies.former().run()
    assert copies.formerly("_id") == [("a",), ("c",)], "no run ever says so"
    copies.run()
    second = partial(warehouses.connect, partial(psycopg.connect, warehouse))
    job = Job(copies.connection, copies.client, SOURCE, copies.original.name, lambda _: None, open=second)
    found = verification.run(job, verification.Options())
    assert (found.missing, found.repaired, found.left_over) == (1, 1, 0)
    assert copies.staged.rows("_id") == [("a",), ("b",), ("c",)]


def test_the_docs_list_each_of_these_tests() -> None:
    files = [
        "tests/integration/test_defects.py",
        "tests/integration/test_defects_models.py",
        "tests/dags/test_defects.py",
    ]
    ours = {name for file in files for name in re.findall(r"^def (test_\w+)", (ROOT / file).read_text(), re.MULTILINE)}
    docs = (ROOT / "docs" / "reliability.md").read_text().partition("## What was wrong before")[2]
    assert ours - {"test_the_docs_list_each_of_these_tests"} == set(re.findall(r"`(test_\w+)`", docs))


def closed() -> int:
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@pytest.mark.parametrize("status", [None, 302, 400, 401, 403, 404, 500, 503])
def test_the_password_is_in_no_log_when_a_request_fails(
    status: int | None, staged: Warehouse, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """None is a server that is not there."""
    staged.connection.execute(former.TABLES)
    caplog.set_level(logging.DEBUG)
    with serving(lambda _: Answer(status or 500, b"{}")) as (url, _):
        server = couchdb.Server(url if status else f"http://127.0.0.1:{closed()}", "admin", "p@ss-wörd")
        options = extract.Options(seconds=0)
        with pytest.raises(errors.SyncError) as ours:
            extract.run(Job(staged.connection, partial(couchdb.Client, server), SOURCE, "medic", print), options)
        said = [caplog.text, *capfd.readouterr(), *traceback.format_exception(ours.value), repr(ours.value)]
        said += [str(row) for row in staged.rows("message", "ops.extract_run", "run")]
        caplog.clear()
        with pytest.raises((requests.RequestException, KeyError)):
            former.Reader(staged.connection, with_login(server, "medic"), SOURCE).run()
    secrets = ("p@ss-wörd", quote("p@ss-wörd"), "p%40ss")
    assert [secret for secret in secrets for text in said if secret in text] == []
    if status not in (None, 302):
        assert quote("p@ss-wörd") in caplog.text
