"""The clients that are compared: each reads one database completely. bench.child runs each in its own process.

floor     reads the pages that our copy reads, and throws them away: the cost of the source and of the socket
cht_sync  built as CHT Sync is: 1,000 rows a request, first the ids, then their documents, each answer parsed whole,
          one insert on conflict with parameters, the checkpoint in a second transaction
lean      the same, but the documents come with the page: two requests fewer a page
ours      cht_sync.copy.extract
listing   reads all ids and revisions as a comparison does, and throws them away
verify    cht_sync.verify.verification
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec
import psycopg
import requests
from cht_sync import couchdb, warehouse
from cht_sync.copy import extract
from cht_sync.copy.job import Job
from cht_sync.copy.reading import reader
from cht_sync.verify import verification
from psycopg.sql import Composable

from bench.discarding import Discarding

#: The query of our copy.
ROWS = extract.Options.page_rows
INTERVAL = ROWS // reader.SEQS_PER_PAGE

#: The query of CHT Sync.
BATCH = 1000

#: The source of our copy.
SOURCE = "bench/county"

TAIL = re.compile(rb'"last_seq":"([^"]+)","pending":(\d+)')
LAST_ID = re.compile(rb'.*"key":"([^"]+)"', re.DOTALL)

SCHEMA = """
    create schema theirs;
    create table theirs.couchdb (
        saved_timestamp timestamp, _id varchar primary key, _deleted boolean, source varchar, doc jsonb
    );
    create table theirs.couchdb_progress (
        seq varchar, pending integer, updated_at timestamptz, source varchar primary key
    );
    insert into theirs.couchdb_progress (seq, source) values ('0', 'bench')
"""
INSERT = """
    insert into theirs.couchdb (saved_timestamp, _id, _deleted, source, doc) values {}
    on conflict (_id) do update set
        saved_timestamp = excluded.saved_timestamp,
        _deleted = excluded._deleted,
        source = excluded.source,
        doc = excluded.doc
"""
PROGRESS = "update theirs.couchdb_progress set seq = $1, pending = $2, updated_at = now() where source = 'bench'"


@dataclass(frozen=True)
class Place:
    """The input of a client: the CouchDB, with login, and the Postgres. `mode` is for our copy."""

    url: str
    database: str
    dsn: str = ""
    mode: str = "incremental"


@dataclass(frozen=True)
class Done:
    """Documents read, if known; rows written to Postgres; `statements` sent to it, and how many of them write."""

    documents: int
    written: int = 0
    statements: int = 0
    writing: int = 0


def floor(place: Place) -> Done:
    reader = Discarding(place.url)
    changes = f"/{place.database}/_changes"
    all_of_them = pending = int(_found(TAIL, reader.get(f"{changes}?limit=0"))[2])
    since = "0"
    while pending:
        query = f"since={quote(since)}&limit={ROWS}&seq_interval={INTERVAL}&include_docs=true"
        found = _found(TAIL, reader.get(f"{changes}?{query}"))
        since, pending = found[1].decode(), int(found[2])
    return Done(all_of_them)


def listing(place: Place) -> Done:
    reader = Discarding(place.url)
    start, last = "", b""
    while True:
        tail = reader.get(f"/{place.database}/_all_docs?limit={verification.LISTED}{start}")
        found = _found(LAST_ID, tail)
        if found[1] == last:
            return Done(0)
        last = found[1]
        start = f"&startkey={quote(msgspec.json.encode(last.decode()).decode())}"


def cht_sync(place: Place, *, lean: bool = False) -> Done:
    session = requests.Session()
    session.trust_env = False
    session.headers["Accept"] = "application/json"
    base = f"{place.url.rstrip('/')}/{place.database}"
    batch = _page_with_documents if lean else _ids_then_documents
    done = 0
    with psycopg.connect(place.dsn, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        connection.execute(SCHEMA.encode())
        while True:
            seq = connection.execute("select seq from theirs.couchdb_progress where source = 'bench'").fetchall()[0][0]
            documents, after, pending = batch(session, base, seq)
            if documents:
                _store(connection, documents)
            connection.execute(PROGRESS, [after, pending])
            if not documents:
                return Done(done, written=done)
            done += len(documents)


Batch = tuple[list[Any], str, int]


def _ids_then_documents(session: requests.Session, base: str, seq: str) -> Batch:
    pending = _json(session.get(f"{base}/_changes?limit=0&since={quote(seq)}"))["pending"]
    page = _json(session.get(f"{base}/_changes?limit={BATCH}&since={quote(seq)}&seq_interval={BATCH}"))
    ids = [row["id"] for row in page["results"]]
    if not ids:
        return [], page["last_seq"], pending
    found = _json(session.post(f"{base}/_all_docs?include_docs=true", json={"keys": ids}))
    return [row["doc"] for row in found["rows"]], page["last_seq"], pending


def _page_with_documents(session: requests.Session, base: str, seq: str) -> Batch:
    query = f"limit={BATCH}&since={quote(seq)}&seq_interval={BATCH}&include_docs=true"
    page = _json(session.get(f"{base}/_changes?{query}"))
    return [row["doc"] for row in page["results"]], page["last_seq"], page["pending"]


def _store(connection: psycopg.Connection[Any], documents: list[Any]) -> None:
    values = ",".join(f"(now(), ${n}, ${n + 1}, ${n + 2}, ${n + 3})" for n in range(1, 4 * len(documents), 4))
    parameters = [
        value
        for document in documents
        for value in (document["_id"], False, "bench", _sanitised(msgspec.json.encode(document).decode()))
    ]
    connection.execute(INSERT.format(values).encode(), parameters)


def _sanitised(text: str) -> str:
    return re.sub(r"(\\+u0000)|\0", "", text)


def _json(response: requests.Response) -> Any:
    response.raise_for_status()
    return msgspec.json.decode(response.content)


def _found(pattern: re.Pattern[bytes], text: bytes) -> re.Match[bytes]:
    found = pattern.search(text)
    if found is None:
        raise ValueError("the answer does not end as CouchDB's answers do")
    return found


#: A statement that changes permanent tables. Temporary tables of the session do not count.
WRITES = re.compile(r'\b(insert into|update|delete from)\s+"?(ops|staging)\b')


class Counting(psycopg.Cursor[Any]):
    """Counts the statements sent, without COPY, begin and commit."""

    sent = writing = 0

    def execute(self, query: Any, *arguments: Any, **options: Any) -> "Counting":
        Counting.sent += 1
        Counting.writing += WRITES.search(_text(query)) is not None
        return super().execute(query, *arguments, **options)


def _text(query: Any) -> str:
    if isinstance(query, Composable):
        return query.as_string()
    return query.decode() if isinstance(query, bytes) else str(query)


def _connected(place: Place) -> AbstractContextManager[warehouse.Connection]:
    return warehouse.connect(partial(psycopg.connect, place.dsn, cursor_factory=Counting))


def _client(place: Place) -> Callable[[], couchdb.Client]:
    parts = urlsplit(place.url)
    port = f":{parts.port}" if parts.port else ""
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else (None, None)
    address = f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"
    return partial(couchdb.Client, couchdb.Server(address, *login))


def ours(place: Place) -> Done:
    with _connected(place) as connection:
        options = extract.Options(seconds=86_400, mode=place.mode)
        done = extract.run(Job(connection, _client(place), SOURCE, place.database, lambda _: None), options)
    return Done(done.rows, done.changed, Counting.sent, Counting.writing)


def verified(place: Place) -> Done:
    second = partial(_connected, place)
    with _connected(place) as connection:
        job = Job(connection, _client(place), SOURCE, place.database, lambda _: None, open=second)
        done = verification.run(job, verification.Options())
    if done.wrong or done.waits:
        raise ValueError(f"the copy is not correct: {done}")
    return Done(done.documents, done.repaired)


CLIENTS: dict[str, Callable[[Place], Done]] = {
    "floor": floor,
    "cht_sync": cht_sync,
    "lean": partial(cht_sync, lean=True),
    "ours": ours,
    "listing": listing,
    "verify": verified,
}
