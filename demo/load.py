"""Writes rounds of documents to a CouchDB, in bounded requests and with the exact text of each document."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from county.writes import Round, Text, text
from demo.ndjson import BadLine as BadLine
from demo.ndjson import Lines as Lines
from demo.ndjson import read_ndjson as read_ndjson
from demo.server import LoadError as LoadError
from demo.server import Server

#: The databases of an instance that are copied; missing ones are created, even if nothing is written to them.
DATABASES = ("medic", "medic-sentinel", "medic-users-meta", "_users")

# One request: enough documents to be fast, few enough bytes for a server's limit and for the memory of a small machine.
_DOCUMENTS = 500
_BYTES = 2_000_000
# A document that another client writes at the same time may conflict again.
_CONFLICTS = 3

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Refused:
    database: str
    reason: str
    count: int


@dataclass
class Loaded:
    """The result of a load; `written` counts revisions.

    `ids` of refused documents, by database, are for the comparison with the expected counts: they are never logged.
    """

    written: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    ids: dict[str, set[str]] = field(default_factory=dict)

    @property
    def refused(self) -> list[Refused]:
        return [Refused(database, reason, count) for (database, reason), count in sorted(self.reasons.items())]

    def refuse(self, database: str, id_: str, reason: str) -> None:
        self.reasons[database, reason] += 1
        self.ids.setdefault(database, set()).add(id_)


def load(
    url: str,
    auth: tuple[str, str],
    rounds: Iterable[Round],
    progress: Progress | None = None,
    databases: Iterable[str] = DATABASES,
    pause: Callable[[float], object] = time.sleep,
) -> Loaded:
    """Creates the databases, writes the rounds in order; `progress` receives the documents done and, if known, all."""
    with Server(url, auth, pause) as server:
        for database in databases:
            server.create(database)
        total = count(rounds)
        loader = Loader(server)
        for chunk in chunks(rounds):
            loader.write(*chunk)
            if progress:
                progress(loader.done, total)
    return loader.loaded


def count(rounds: Iterable[Round]) -> int | None:
    """The number of writes, if every round knows its own without being read."""
    if not isinstance(rounds, Sequence) or not all(hasattr(writes, "__len__") for writes in rounds):
        return None
    return sum(len(writes) for writes in rounds)


def chunks(rounds: Iterable[Round]) -> Iterator[tuple[str, list[Text]]]:
    """The documents of one database for one request; none waits for the next round."""
    for writes in rounds:
        waiting: dict[str, list[Text]] = {}
        sizes: Counter[str] = Counter()
        for write in writes:
            document, database = text(write), write.database
            size = sizes[database] + len(document.json)
            if database in waiting and (size > _BYTES or len(waiting[database]) >= _DOCUMENTS):
                yield database, waiting.pop(database)
                size = len(document.json)
            sizes[database] = size
            waiting.setdefault(database, []).append(document)
        yield from waiting.items()


class Loader:
    """Writes chunks until the database has accepted or refused each document."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.loaded = Loaded()
        self.done = 0

    def write(self, database: str, documents: list[Text]) -> None:
        self.done += len(documents)
        bodies = [(document, document.json) for document in documents]
        for _ in range(_CONFLICTS):
            again = self._send(database, bodies)
            if not again:
                return
            revs = self.server.revs(database, [document.id for document in again])
            bodies = [(d, d.with_rev(revs[d.id]) if d.id in revs else d.json) for d in again]
        for document in again:
            self.loaded.refuse(database, document.id, "conflict")

    def _send(self, database: str, bodies: list[tuple[Text, bytes]]) -> list[Text]:
        """The documents that must be written again, on the current revision."""
        answers = self.server.bulk_docs(database, [body for _, body in bodies])
        if answers is None and len(bodies) > 1:  # one of them makes the request fail: find out which
            half = len(bodies) // 2
            return self._send(database, bodies[:half]) + self._send(database, bodies[half:])
        again = []
        for (document, _), answer in zip(bodies, answers or [], strict=True):
            reason = reason_of(answer)
            if reason is None:
                self.loaded.written += 1
            elif reason == "conflict":
                again.append(document)
            elif reason == "not_found" and document.deleted:  # PouchDB deletes no document that never existed
                again.append(self._make(database, document))
            else:
                self.loaded.refuse(database, document.id, reason)
        return again

    def _make(self, database: str, document: Text) -> Text:
        """Writes a document with this id, so that there is one to delete."""
        self.server.bulk_docs(database, [msgspec.json.encode({"_id": document.id})])
        return document


def reason_of(answer: Any) -> str | None:
    """CouchDB's error name, never its sentence, which may quote the document; None if it was accepted."""
    if "error" not in answer:
        return None
    words = (answer["error"], answer.get("name"))  # PouchDB says `true` here, and has the name in another member
    return next((word for word in words if isinstance(word, str)), "unknown")
