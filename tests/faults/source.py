"""The database in CouchDB, written and read without the proxy: the truth, and every revision that ever existed."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.faults import values

#: The start of rows of `_all_docs`, one a line, and the text before a row's document.
ROWS, DOCUMENT = (b'{"id":', b'{"key":'), b',"doc":'


@dataclass(frozen=True)
class Latest:
    """`doc` is values.parse of its text, None if it is deleted; `size` is that of the text, in bytes."""

    rev: str
    deleted: bool
    doc: Any = None
    size: int = 0


@dataclass
class Database:
    """`revisions` has, by id and revision, each body that was ever the latest. `written` has the time of the last write
    of an id, by time.time() after CouchDB's answer. `purged` has the generation of the copy when an id was purged.
    """

    url: str
    name: str
    auth: tuple[str, str]
    latest: dict[str, Latest] = field(default_factory=dict)
    revisions: dict[tuple[str, str], list[Any]] = field(default_factory=lambda: defaultdict(list))
    written: dict[str, float] = field(default_factory=dict)
    purged: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.auth = self.auth

    @property
    def live(self) -> list[str]:
        return sorted(name for name, latest in self.latest.items() if not latest.deleted)

    def create(self) -> str:
        """Creates it, also as another database than before; returns its identity."""
        before = self.identity()
        while (identity := self.identity()) is None or identity == before:
            self.delete()
            self._ask("PUT", "", expected=(201, 202, 412))
            time.sleep(0 if before is None else 0.05)  # CouchDB gives the time of creation in seconds
        self.latest, self.written, self.purged = {}, {}, {}
        return identity

    def delete(self) -> None:
        self._ask("DELETE", "", expected=(200, 202, 404))

    def identity(self) -> str | None:
        """None if it does not exist."""
        answer = self._ask("GET", "", expected=(200, 404))
        return None if answer.status_code == 404 else str(answer.json()["instance_start_time"])

    def write(self, documents: Mapping[str, bytes], *, new_edits: bool = True) -> None:
        """Writes JSON texts by id; texts that CouchDB refuses are left out."""
        edits = b"" if new_edits else b',"new_edits":false'
        body = b'{"docs":[' + b",".join(documents.values()) + b"]" + edits + b"}"
        if self._ask("POST", "/_bulk_docs", body, expected=(201, 202, 400)).status_code == 400:
            return
        self.written |= dict.fromkeys(documents, time.time())
        self._note(list(documents))

    def purge(self, name: str, generation: int) -> bool:
        """Returns whether the server can purge, and did."""
        body = json.dumps({name: [self.latest[name].rev]}).encode()
        answer = self._ask("POST", "/_purge", body, expected=(201, 202, 400, 404, 405, 501))
        if answer.status_code not in (201, 202):
            return False
        self.purged[name] = generation
        self._note([name])
        return True

    def changed_since(self, seq: str) -> set[str]:
        """Ids that the feed names after that seq."""
        return set(self._feed(seq))

    def read(self) -> dict[str, Latest]:
        """The current state of all documents."""
        listed = self._ask("GET", "/_all_docs?include_docs=true").content
        live = {name: latest for name, latest in map(_listed, _rows(listed)) if latest}
        gone = {name: Latest(rev, True) for name, (rev, deleted) in self._feed("0").items() if deleted}
        assert not live.keys() & gone.keys(), "CouchDB lists a document that it says is deleted"
        return live | gone

    def _feed(self, since: str) -> dict[str, tuple[str, bool]]:
        found = self._ask("GET", "/_changes", params={"since": since}).json()["results"]
        return {row["id"]: (row["changes"][0]["rev"], row.get("deleted", False)) for row in found}

    def _note(self, ids: list[str]) -> None:
        """Reads back the written documents: with conflicts, the latest may be another revision."""
        found = self._ask("POST", "/_all_docs?include_docs=true", json.dumps({"keys": ids}).encode()).content
        for name, latest in map(_listed, _rows(found)):
            if latest is None:
                self.latest[name] = Latest("", True)
                continue
            self.latest[name] = latest
            if latest.doc not in self.revisions[name, latest.rev]:
                self.revisions[name, latest.rev].append(latest.doc)

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        params: dict[str, str] | None = None,
        expected: tuple[int, ...] = (200,),
    ) -> requests.Response:
        headers = {"Content-Type": "application/json"}
        url = f"{self.url}/{self.name}{path}"
        answer = self._session.request(method, url, params=params, data=body, headers=headers, timeout=60)
        assert answer.status_code in expected, f"{method} {path}: {answer.status_code} {answer.text[:200]}"
        return answer


def _rows(text: bytes) -> list[bytes]:
    rows = [line.rstrip(b",\r") for line in text.split(b"\n")]
    return [row for row in rows if row.startswith(ROWS)]


def _listed(row: bytes) -> tuple[str, Latest | None]:
    """A row of `_all_docs`: None if the document is missing or deleted."""
    head, found, rest = row.partition(DOCUMENT)
    answered = json.loads(head + b"}" if found else head)
    if "value" not in answered or answered["value"].get("deleted") or not found:
        return answered["key"], None
    text = rest[:-1]
    return answered["id"], Latest(answered["value"]["rev"], False, values.parse(text), len(text))
