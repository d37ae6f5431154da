"""Parses a row of the feed; and which rows are never copied. Pure, no I/O."""

import json
import re

import msgspec

from cht_sync.couchdb.changes import DOCUMENT, Cut, Excess
from cht_sync.errors import NotCouchDB

#: Design documents are code, and `token:login:*` are live login links.
NEVER_COPIED = (b"_design/", b"token:login:")

#: The id in a row's JSON text, with its quotes.
RAW_ID = re.compile(rb'"id":\s*("(?:[^"\\]|\\.)*")')


class _Revision(msgspec.Struct, gc=False):
    rev: str


class _Head(msgspec.Struct, gc=False):
    """A row without its document."""

    id: str
    changes: list[_Revision]
    seq: str | int | None = None
    deleted: bool = False


class Row(msgspec.Struct, frozen=True, gc=False):
    """A row of the feed. `body` is the document's JSON text, None if the row came without it.

    If the id is not valid UTF-8, `raw_id` is set instead of `id`: its JSON text. If the document is too long to be
    held, `excess` is set instead of `body`. It is no dataclass: of millions of rows, each would take ten times as long.
    """

    id: str
    rev: str
    seq: str | None
    deleted: bool
    body: bytes | None
    raw_id: bytes | None = None
    excess: Excess | None = None

    @property
    def name(self) -> bytes:
        """The id as bytes; its JSON text if it is not valid UTF-8."""
        return self.id.encode() if self.raw_id is None else self.raw_id

    @property
    def is_incomplete(self) -> bool:
        """Whether it came without its document, and can be requested by its id."""
        return self.body is None and not self.deleted and self.raw_id is None and self.excess is None

    def holding(self, body: bytes | Excess) -> "Row":
        """The same row with this document."""
        excess, held = (body, None) if isinstance(body, Excess) else (None, body)
        return Row(self.id, self.rev, self.seq, self.deleted, held, self.raw_id, excess)


def parse(text: bytes | Cut) -> Row:
    """The row of a JSON text. Its document is separated, not decoded. Raises NotCouchDB if the text is no row."""
    if isinstance(text, Cut):
        return parse(text.head + b"}").holding(text.body)
    head, found, rest = text.partition(DOCUMENT)
    body = rest[:-1] if found else None  # without the brace that ends the row
    if body == b"null":
        body = None
    try:
        decoded = msgspec.json.decode(head + b"}" if found else head, type=_Head)
        rev = decoded.changes[0].rev
    except (msgspec.DecodeError, UnicodeDecodeError, IndexError):
        return _parse_undecodable(head + b"}" if found else head, body)
    seq = None if decoded.seq is None else str(decoded.seq)
    return Row(decoded.id, rev, seq, decoded.deleted, body)


def _parse_undecodable(head: bytes, body: bytes | None) -> Row:
    """A row whose id is not valid UTF-8, or holds half a surrogate pair: its JSON text names it."""
    raw_id = RAW_ID.search(head)
    try:
        decoded = json.loads(head.decode("utf-8", "replace"))
        if raw_id is None:
            raise ValueError
        seq = decoded.get("seq")
        rev = decoded["changes"][0]["rev"]
        return Row("", rev, None if seq is None else str(seq), decoded.get("deleted") is True, body, raw_id[1])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise NotCouchDB(
            "A page of changes holds a row that is not CouchDB's",
            "Look for a proxy that changes answers; nothing of the page was kept",
        ) from None


def left_out(row: Row) -> bool:
    """Whether the row is never copied."""
    name = row.id.encode() if row.raw_id is None else row.raw_id[1:]
    return name.startswith(NEVER_COPIED)


def is_raw(id_: bytes) -> bool:
    """Whether this is the JSON text of an id that is not valid UTF-8."""
    if not (id_.startswith(b'"') and id_.endswith(b'"')):
        return False
    try:
        msgspec.json.decode(id_, type=str)
    except (msgspec.MsgspecError, UnicodeError):
        return True
    return False
