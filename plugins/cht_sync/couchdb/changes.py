"""Cuts a page of `_changes` into rows as it streams in; a huge document cannot exhaust the memory. Pure, no I/O."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from cht_sync.couchdb import pouchdb
from cht_sync.errors import NotCouchDB, PageCut

#: CouchDB's page has an opening, one line a row, then a tail of one line.
OPENING, TAIL = b'{"results":[', b'"last_seq"'

#: Precedes the document in a row. No JSON string contains it, as its quotes would be escaped.
DOCUMENT = b',"doc":'

#: CouchDB ends the body with one of these if it fails after it has answered 200. No row begins so.
FAILURES = (b'{"code":', b'{"error":')

#: A row of more bytes is not handled as one text: each step would copy it.
LARGE = 1024 * 1024

#: A document of more bytes is not held. Postgres' jsonb holds at most twice as many.
LONGEST = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Excess:
    """Size and hash of a document that is too long to be held."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A row of many megabytes: `head` is its text before the document, `body` that of the document."""

    head: bytes
    body: bytes | Excess


class _Tail(msgspec.Struct):
    """The last line of a page; `pending` is absent in CouchDB 1 and PouchDB, and may be null."""

    last_seq: str | int
    pending: int | None = None


class Page:
    """Iterate over it for rows; after them it has `last_seq` and `pending`.

    `last_seq` is None until the body's last line has come: without it the page is not whole. Raises PageCut if the body
    is truncated, NotCouchDB if it is no page.
    """

    def __init__(self, chunks: Iterable[bytes], what: str, longest: int = LONGEST) -> None:
        self._chunks = self._counted(chunks)
        self._what = what
        self._longest = longest
        self.last_seq: str | None = None
        self.pending: int | None = None
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes | Cut]:
        rows = lines(self._chunks, self._longest)
        first = next(rows, b"")
        if first != OPENING:
            yield from self._one_line(first)
            return
        for line in rows:
            if isinstance(line, Cut):
                yield line
            elif line.startswith(TAIL):
                return self._end(line)
            elif line.startswith(FAILURES):
                raise self._cut()
            elif line and line != b"]":
                yield line
            del line  # not kept while the next one comes
        raise self._cut()

    def _one_line(self, first: bytes | Cut) -> Iterator[bytes]:
        """The rows of a page on one line, as a PouchDB server sends it."""
        if isinstance(first, Cut):
            if isinstance(first.body, Excess):
                raise self._cut()
            first = first.head + DOCUMENT + first.body
        if not first.startswith(OPENING):
            if OPENING.startswith(first):  # only a part of the opening has come
                raise self._cut()
            raise NotCouchDB(
                f"{self._what} has a body that is not CouchDB's",
                "Look for a proxy or a login page at that address; the connection must lead to CouchDB itself",
            )
        page = pouchdb.page(first)
        if page is None:
            raise self._cut()
        yield from page.rows
        self.last_seq, self.pending = page.last_seq, page.pending

    def _end(self, text: bytes) -> None:
        try:
            tail = msgspec.json.decode(b"{" + text, type=_Tail)
        except msgspec.DecodeError:
            raise self._cut() from None
        for _ in self._chunks:  # the connection can be used again only if the body was read to its end
            pass
        self.last_seq, self.pending = str(tail.last_seq), tail.pending

    def _cut(self) -> PageCut:
        return PageCut(f"{self._what} was cut off", "The rows before the cut are kept; the rest is requested again")

    def _counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.bytes += len(chunk)
            yield chunk


def lines(chunks: Iterable[bytes], longest: int = LONGEST) -> Iterator[bytes | Cut]:
    """A body cut at line feeds. The text after the last one is dropped as part of a row, unless it is the page's tail.

    A body without line feeds, such as a whole answer of PouchDB, is one text.
    """
    line = _Line(longest)
    opened = False
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        line.add(first)
        for other in others:
            yield line.take()
            line.add(other)
            opened = True
    rest = line.take()
    if not opened or (isinstance(rest, bytes) and rest.startswith(TAIL)):
        yield rest


class _Line:
    """A line while it comes. If its document is too long, it is only counted and hashed, and no longer held."""

    def __init__(self, longest: int) -> None:
        self._longest = longest + len(b"},\r")
        self._begin()

    def _begin(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._head: bytes | None = None
        self._counted: _Counted | None = None

    def add(self, part: bytes) -> None:
        if self._counted:
            return self._counted.add(part)
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._longest:
            self._behead()
            if self._head is not None and self._size > self._longest:
                self._count()
        return None

    def take(self) -> bytes | Cut:
        """The whole line without its separator; the next line begins."""
        if self._size > LARGE:
            self._behead()
        parts, head, counted = self._parts, self._head, self._counted
        self._begin()
        if counted and head is not None:
            return Cut(head, counted.end())
        while len(parts) > 1 and not parts[-1].rstrip(b",\r"):
            parts.pop()
        parts[-1:] = [part.rstrip(b",\r") for part in parts[-1:]]
        if head is None:
            return b"".join(parts)
        parts[-1] = parts[-1].removesuffix(b"}")  # the brace that ends the row
        return Cut(head, b"".join(parts))

    def _behead(self) -> None:
        """Moves the row's head out of its parts; a row without a document is left as it is."""
        head = b""
        for number, part in enumerate(self._parts if self._head is None else ()):
            head += part
            found = head.find(DOCUMENT)
            if found >= 0:
                self._head, rest = head[:found], head[found + len(DOCUMENT) :]
                self._parts[: number + 1] = [rest]
                self._size -= found + len(DOCUMENT)
            if found >= 0 or len(head) > LARGE:
                return

    def _count(self) -> None:
        self._counted = _Counted()
        for part in self._parts:
            self._counted.add(part)
        self._parts = []


class _Counted:
    """Counts and hashes the bytes of a document. The last bytes are held back, as they may belong to the row."""

    def __init__(self) -> None:
        self._size = 0
        self._hash = hashlib.sha256()
        self._last = b""

    def add(self, part: bytes) -> None:
        if len(part) < 8:
            part = self._last + part
            self._last = b""
        self._take(self._last)
        self._take(part[:-8])
        self._last = part[-8:]

    def end(self) -> Excess:
        self._take(self._last.rstrip(b",\r").removesuffix(b"}"))
        return Excess(self._size, self._hash.hexdigest())

    def _take(self, part: bytes) -> None:
        self._size += len(part)
        self._hash.update(part)


def whole(chunks: Iterable[bytes], longest: int) -> bytes | Excess:
    """A body that is one document, without the line feed at its end; size and hash if it is longer than `longest`."""
    parts: list[bytes] = []
    size, counted = 0, None
    for chunk in _without_last_line_feed(chunks):
        size += len(chunk)
        parts.append(chunk)
        if size > longest:
            counted = counted or hashlib.sha256()
            for part in parts:
                counted.update(part)
            parts = []
    return Excess(size, counted.hexdigest()) if counted else b"".join(parts)


def _without_last_line_feed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        text = held + chunk
        rest = text.removesuffix(b"\n")
        held = text[len(rest) :]
        if rest:
            yield rest
