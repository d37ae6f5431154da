"""Parses answers of `_all_docs` as they stream in: ids and revisions, or documents, in the ids' order. Pure, no I/O.

https://docs.couchdb.org/en/stable/api/database/bulk-api.html#db-all-docs
"""

import re
from collections.abc import Iterable, Iterator

import msgspec

from cht_sync.couchdb.changes import DOCUMENT, LONGEST, Cut, lines
from cht_sync.couchdb.rows import RAW_ID, Row
from cht_sync.errors import NotCouchDB, PageCut, ServerBusy

#: An id as its UTF-8 bytes, and the winning revision.
Entry = tuple[bytes, bytes]

#: The beginning of a row. No JSON string contains it, as its quotes would be escaped.
START = b'{"id":'
STRING = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
ROW = re.compile(START + STRING + rb',"key":' + STRING.replace(b"(", b"(?:", 1) + rb',"value":\{"rev":"([^"\\]+)"\}')
OPENING = re.compile(rb'\s*\{[^\[{]*"rows":\s*\[\s*')
END = re.compile(rb"\s*\]\s*\}\s*\Z")

#: Bytes that are handled at once. CouchDB sends some ten rows at a time: to gather them halves the time.
GATHERED = 64 * 1024


class Listing:
    """Iterate over it for lists of entries. `last` is the last id so far; `complete`: the end has come.

    `asked` is the id that the request started at: its entry is left out. `odd` are the entries whose id is not valid
    UTF-8, with its JSON text. Raises PageCut if the body is truncated; entries given before are good. Raises
    NotCouchDB.
    """

    def __init__(self, chunks: Iterable[bytes], asked: bytes, what: str) -> None:
        self._chunks, self._what = chunks, what
        self._opened = False
        self.last = asked
        self.odd: list[Entry] = []
        self.rows = self.bytes = 0
        self.complete = False

    def __iter__(self) -> Iterator[list[Entry]]:
        rest = b""
        for chunk in _gathered(self._chunks):
            self.bytes += len(chunk)
            rest += chunk
            cut = rest.rfind(START)  # the last row may be incomplete
            if cut > 0:
                yield self._entries(rest[:cut])
                rest = rest[cut:]
        end = END.search(rest)
        if end is None:
            raise self._cut() if self._opened or b"{".startswith(rest.strip()[:1]) else self._strange()
        yield self._entries(rest[: end.start()])
        self.complete = True

    def _entries(self, text: bytes) -> list[Entry]:
        if not self._opened and not OPENING.fullmatch(text.partition(START)[0]):
            raise self._strange()
        self._opened = True
        found = ROW.findall(text)
        if len(found) != text.count(START):
            raise self._strange()
        self.rows += len(found)
        if b"\\" in text or not _is_utf8(text):
            found = [entry for entry in map(self._decoded, found) if entry]
        if found and found[0][0] == self.last:
            del found[0]
        if found != sorted(found) or (found and found[0][0] < self.last):
            raise self._strange()
        if found:
            self.last = found[-1][0]
        return found

    def _decoded(self, entry: Entry) -> Entry | None:
        name = b'"' + entry[0] + b'"'
        try:
            return msgspec.json.decode(name, type=str).encode(), entry[1]
        except (msgspec.DecodeError, UnicodeError):
            self.odd.append((name, entry[1]))
            return None

    def _cut(self) -> PageCut:
        return _cut(self._what)

    def _strange(self) -> NotCouchDB:
        return _strange(self._what)


def _gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer chunks; of a truncated body, all that came."""
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            if size >= GATHERED:
                yield b"".join(parts)
                parts, size = [], 0
    except PageCut:
        yield b"".join(parts)
        raise
    yield b"".join(parts)


class _Value(msgspec.Struct):
    rev: str
    deleted: bool = False


class _Row(msgspec.Struct):
    id: str = ""
    value: _Value | None = None
    error: str | None = None


def documents(chunks: Iterable[bytes], what: str, longest: int = LONGEST) -> Iterator[Row | None]:
    """The documents of an answer; None for one that was requested, if CouchDB has nothing of it.

    Raises PageCut if the body is truncated; documents given before are good. Raises ServerBusy, NotCouchDB.
    """
    found = lines(chunks, longest)
    opening = next(found, b"")
    if not isinstance(opening, bytes) or not OPENING.fullmatch(opening):
        raise _cut(what) if isinstance(opening, bytes) and b"{".startswith(opening[:1]) else _strange(what)
    for line in found:
        if isinstance(line, Cut):
            yield _large(line, what)
        elif line.startswith((START, b'{"key":')):
            yield _row(line, what)
        elif line == b"]}":
            for _ in found:  # the connection can be used again only if the body was read to its end
                pass
            return
        elif line:
            break
        del line  # not kept while the next one comes
    raise _cut(what)


def looked_up(
    chunks: Iterable[bytes], ids: list[str], what: str, longest: int = LONGEST
) -> Iterator[tuple[str, Row | None]]:
    """The documents of an answer to a request for these ids, each with its id, in the order of `ids`."""
    left = iter(ids)
    for row in documents(chunks, what, longest):
        uuid = next(left, None)
        if uuid is None:
            raise _strange(what)
        yield uuid, row
    if next(left, None) is not None:
        raise _strange(what)


def _large(cut: Cut, what: str) -> Row:
    row = _row(cut.head + b"}", what)
    if row is None:
        raise _strange(what)
    return row.holding(cut.body)


def _row(text: bytes, what: str) -> Row | None:
    """A row of an answer. Its document is separated, not decoded, as in rows.parse."""
    head, doc, rest = text.partition(DOCUMENT)
    head = head + b"}" if doc else head
    raw_id = None
    try:
        row = msgspec.json.decode(head, type=_Row)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # an id that is not valid UTF-8 is named by its JSON text
        row, raw_id = _unnameable(head, what)
    if row.value is None:
        if row.error != "not_found":  # such as a shard that did not answer: nothing is known of the document
            raise ServerBusy(
                f"{what} lacks a document that could not be read", "The request is retried; look at CouchDB's log"
            )
        return None
    body = rest[:-1] if doc else b"null"
    return Row(row.id, row.value.rev, None, row.value.deleted, None if body == b"null" else body, raw_id)


def _unnameable(head: bytes, what: str) -> tuple[_Row, bytes]:
    raw_id, value = RAW_ID.search(head), head.rpartition(b',"value":')[2]
    try:
        if raw_id is None:
            raise _strange(what)
        return _Row("", msgspec.json.decode(value.removesuffix(b"}"), type=_Value)), raw_id[1]
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _strange(what) from None


def _cut(what: str) -> PageCut:
    return PageCut(f"{what} was cut off", "The rest is requested again")


def _strange(what: str) -> NotCouchDB:
    return NotCouchDB(
        f"{what} does not have the form or the order that CouchDB gives it",
        "Look for a proxy or a login page at that address; the connection must lead to CouchDB itself",
    )


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
