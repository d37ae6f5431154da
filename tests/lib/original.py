"""A database of a CouchDB, written to and read as it is: what a copy of it is compared with.

It shares no code with the copy: rows are cut out of whole answers, and Postgres' own cast says what jsonb can hold.
"""

import json
import re
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
import requests

from demo.settings import CouchDB

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Document:
    """As CouchDB gives it: `raw` is its JSON text, empty where it came without one."""

    id: str
    rev: str
    deleted: bool
    raw: bytes


class Original:
    """One database. Whatever it is asked for beyond that is another's: it has a session of its own."""

    def __init__(self, couchdb: CouchDB, name: str) -> None:
        self.name, self.url = name, f"{couchdb.url}/{quote(name, safe='')}"
        self._session = requests.Session()
        self._session.auth = couchdb.auth

    def close(self) -> None:
        self._session.close()

    def create(self) -> None:
        self._session.put(self.url, timeout=30).raise_for_status()

    def delete(self) -> None:
        self._session.delete(self.url, timeout=30).raise_for_status()

    def started(self) -> str:
        """Its identity."""
        return str(self._json("GET", "")["instance_start_time"])

    def recreate(self) -> None:
        """Another database under the same name. CouchDB gives a creation time in seconds: it is made again until
        that one is another, too.
        """
        before, ended = self.started(), time.monotonic() + 10
        while time.monotonic() < ended:
            self.delete()
            self.create()
            if self.started() != before:
                return
            threading.Event().wait(0.1)
        raise AssertionError("The database says that it is the same")

    def put(self, id_: str, members: bytes, rev: str | None = None) -> str | None:
        """Writes a document upon a revision; the new one, None where CouchDB does not take it."""
        answer = self._write([body(id_, members, rev)], edits=True)
        return answer[0].get("rev") if answer else None

    def put_leaf(self, id_: str, members: bytes, revisions: list[str]) -> None:
        """A revision that comes from elsewhere, as by replication: `revisions` are it and those before it, the latest
        first, without their numbers. It may be another branch than what is here.
        """
        path = {"start": len(revisions), "ids": revisions}
        members = b"%s,%s" % (b'"_revisions":' + json.dumps(path).encode(), members)
        self._write([body(id_, members, f"{len(revisions)}-{revisions[0]}")], edits=False)

    def revisions(self) -> dict[str, list[str]]:
        """Of each document those that nothing was written upon, the winner first, deleted ones too."""
        rows = self._json("GET", "/_changes?style=all_docs")["results"]
        return {row["id"]: [change["rev"] for change in row["changes"]] for row in rows}

    def purge(self, id_: str, revs: list[str]) -> None:
        """Takes revisions out as if they had never been, where the server can."""
        self._json("POST", "/_purge", json.dumps({id_: revs}).encode())

    def can_purge(self) -> bool:
        answer = self._session.post(f"{self.url}/_purge", data=b"{}", headers=JSON, timeout=30)
        return answer.ok

    def live(self) -> list[Document]:
        """Every document that is not deleted, by `_all_docs`."""
        rows = _rows(self._get("/_all_docs?include_docs=true"))
        return [Document(head["id"], head["value"]["rev"], False, raw) for head, raw in rows]

    def changes(self) -> list[Document]:
        """Every document, deleted ones too, by one page of `_changes`."""
        rows = _rows(self._get("/_changes?include_docs=true"))
        return [Document(head["id"], head["changes"][0]["rev"], "deleted" in head, raw) for head, raw in rows]

    def _write(self, bodies: list[bytes], *, edits: bool) -> list[dict[str, Any]]:
        data = b'{"new_edits":%s,"docs":[%s]}' % (b"true" if edits else b"false", b",".join(bodies))
        answer = self._session.post(f"{self.url}/_bulk_docs", data=data, headers=JSON, timeout=60)
        return json.loads(answer.content) if answer.ok else []

    def _get(self, path: str) -> bytes:
        answer = self._session.get(self.url + path, timeout=60)
        answer.raise_for_status()
        return answer.content

    def _json(self, method: str, path: str, data: bytes | None = None) -> dict[str, Any]:
        answer = self._session.request(method, self.url + path, data=data, headers=JSON, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = json.loads(answer.content)
        return found


def body(id_: str, members: bytes, rev: str | None) -> bytes:
    known = b"" if rev is None else b'"_rev":%s,' % json.dumps(rev).encode()
    return b'{"_id":%s,%s%s}' % (json.dumps(id_).encode(), known, members)


def _rows(answer: bytes) -> list[tuple[dict[str, Any], bytes]]:
    """Each row without its document, and the document's text."""
    found = []
    for line in answer.split(b"\n"):
        if line.startswith((b'{"id":', b'{"seq":')):
            head, doc, raw = line.rstrip(b",\r").partition(b',"doc":')
            found.append((json.loads(head + b"}" if doc else head), raw[:-1] if doc else b""))
    return found


def without_nul(raw: bytes) -> bytes:
    """The text with U+FFFD for each NUL: escapes are read one by one, so that a backslash that is one itself counts."""
    return re.sub(
        rb"\\(?:u0000|u[0-9a-fA-F]{4}|.)", lambda escape: rb"\ufffd" if escape[0] == rb"\u0000" else escape[0], raw
    )


def held(connection: psycopg.Connection[Any], raw: bytes) -> str | None:
    """The document as jsonb prints it, None where Postgres cannot hold it. The connection is in autocommit mode."""
    try:
        row = connection.execute("select cast(%s::text as jsonb)::text", [without_nul(raw).decode()]).fetchone()
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded, psycopg.errors.StatementTooComplex):
        return None
    assert row
    return str(row[0])


def new_name() -> str:
    """Of a database of a test."""
    return f"test-{secrets.token_hex(8)}"
