"""A row of the feed to a line for staging: what is left out, what is redacted, what is refused. Pure, no I/O."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from cht_sync.changes import DOCUMENT, LARGE, Cut, Excess
from cht_sync.errors import NotCouchDB

#: Version of the redaction below. A row staged by another version is written again when it is read again.
FORM = 1

#: Of a row from couch2pg's table, which has changed it: numbers as JavaScript holds them, texts without NUL.
SEEDED = 0

#: Design documents are code, and `token:login:*` are live login links.
NEVER_COPIED = (b"_design/", b"token:login:")

#: An index entry holds up to 2,704 bytes, and an id stands in several with other columns.
LONGEST_ID = 1000

#: What an account keeps: the rest is the password's hash, login tokens, and what servers add in years to come.
ACCOUNT_KEYS = ("_id", "_rev", "name", "type", "roles", "contact_id", "facility_id")

#: Postgres holds no NUL: its escape becomes U+FFFD's, but not where the backslash before the u is itself escaped.
NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

#: The two that frame a field of COPY's csv: JSON has no raw control characters.
FIELD, QUOTE = b"\x02", b"\x01"

#: A document of many megabytes is handed on in pieces of so many bytes.
PIECE = 256 * 1024

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
    """A row of the feed. `body` is the document's JSON text, None where the row came without it.

    `raw_id` is set instead of `id` where the id is not valid UTF-8: its JSON text. `excess` is set instead of `body`
    where the document is too long to be held. There are millions of rows: to make a dataclass takes ten times as long.
    """

    id: str
    rev: str
    seq: str | None
    deleted: bool
    body: bytes | None
    raw_id: bytes | None = None
    excess: Excess | None = None

    def holding(self, body: bytes | Excess) -> "Row":
        """The same with its document."""
        excess, held = (body, None) if isinstance(body, Excess) else (None, body)
        return Row(self.id, self.rev, self.seq, self.deleted, held, self.raw_id, excess)


def parse(text: bytes | Cut) -> Row:
    """A row's JSON text. Raises NotCouchDB where it is none. The document is cut off, not decoded."""
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
    """A row whose id is not valid UTF-8, or holds half a surrogate pair: it can be named by its JSON text only."""
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
            "Look for a proxy between that changes what it passes on; nothing of the page was kept",
        ) from None


def left_out(row: Row) -> bool:
    """Whether it is one that is never copied."""
    name = row.id.encode() if row.raw_id is None else row.raw_id[1:]
    return name.startswith(NEVER_COPIED)


def lines(number: int, row: Row, database: str) -> Iterator[bytes]:
    """One line of COPY for the table `page`: number, id, reject_id, rev, deleted, altered, body, raw, reason.

    `body` goes on as it came but for NUL and redaction; `raw` is what came where body differs or is refused. It comes
    in pieces where the document is large: no second copy of it is made.
    """
    if row.body is None or row.deleted or database == "_users" or len(row.body) <= LARGE:
        yield line(number, row, database)
    else:
        yield from _pieces(number, row, row.body)


def line(number: int, row: Row, database: str) -> bytes:
    """The same as one text."""
    if reason := _unnameable(row):
        return _refused(number, row, reason, database)
    id_ = row.id.encode()
    if row.deleted:
        return _fields(number, id_, rev=row.rev, deleted=b"t")
    if row.body is None:
        return _refused(number, row, _absent(row), database, id_)
    body = redact(row.body, database)
    if body is None:
        return _refused(number, row, "an account that is not a JSON object", database)
    if reason := _unholdable(body):
        return _refused(number, row, reason, database)
    # most have no backslash at all, which is found out in no time
    held = NUL.sub(rb"\1\\ufffd", body) if b"\\" in body and b"\\u0000" in body else body
    if held == body:
        return _fields(number, id_, rev=row.rev, body=body)
    return _fields(number, id_, rev=row.rev, altered=b"t", body=held, raw=body)


def _pieces(number: int, row: Row, body: bytes) -> Iterator[bytes]:
    reason = _unnameable(row) or _unholdable(body)
    altered = not reason and NUL.search(body) is not None
    fields = _fields(
        number,
        None if reason else row.id.encode(),
        reject_id=_reject_id(row) if reason else None,
        rev=row.rev,
        altered=b"t" if altered else b"f",
        reason=reason,
    )
    before, _, after = fields.rpartition(FIELD + FIELD)  # behind it an empty body, an empty raw
    yield before
    if not reason:
        yield from _without_nul(body) if altered else _slices(body)
    yield FIELD
    if reason or altered:
        yield b"\\x"
        for piece in _slices(body):
            yield piece.hex().encode()
    yield FIELD + after


def _slices(body: bytes, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    end = len(body) if end is None else end
    for at in range(start, end, PIECE):
        yield body[at : min(at + PIECE, end)]


def _without_nul(body: bytes) -> Iterator[bytes]:
    start = 0
    for found in NUL.finditer(body):
        yield from _slices(body, start, found.end(1))
        yield b"\\ufffd"
        start = found.end()
    yield from _slices(body, start)


def _unnameable(row: Row) -> str:
    """Why the row's id cannot be a key; empty where it can."""
    if row.raw_id is not None:
        return "its _id is not valid UTF-8"
    if "\0" in row.id:
        return "its _id holds a NUL"
    if len(row.id.encode()) > LONGEST_ID:
        return f"its _id is longer than {LONGEST_ID} bytes"
    return ""


def _absent(row: Row) -> str:
    if row.excess:
        return f"too long: {row.excess.size} bytes with the sha256 {row.excess.sha256}, of which nothing was kept"
    return "unreadable: CouchDB gave the row without its document"


def redact(body: bytes, database: str) -> bytes | None:
    """The document as it may be kept; None for an account that cannot be read, and so not be redacted."""
    if database != "_users":
        return body
    try:
        account = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return msgspec.json.encode({key: account[key] for key in ACCOUNT_KEYS if key in account})


def _unholdable(body: bytes) -> str:
    # one by one: a pattern for all of them takes ten times as long. Csv ends a line at the last two
    if FIELD in body or QUOTE in body or b"\0" in body or b"\r" in body or b"\n" in body:
        return "it holds a raw control character, which JSON does not allow"
    if not body.isascii():
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            for piece in _slices(body):  # a text takes up to four times its bytes
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "it is not valid UTF-8"
    return ""


def _refused(number: int, row: Row, reason: str, database: str, id_: bytes | None = None) -> bytes:
    """With `id_` only unless that very revision is staged already."""
    raw = None if row.body is None or row.deleted else redact(row.body, database)
    deleted = b"t" if row.deleted else b"f"
    return _fields(number, id_, reject_id=_reject_id(row), rev=row.rev, deleted=deleted, raw=raw, reason=reason)


def _reject_id(row: Row) -> bytes:
    return row.id.encode() if row.raw_id is None else row.raw_id


def _fields(
    number: int,
    id_: bytes | None,
    *,
    rev: str,
    reject_id: bytes | None = None,
    deleted: bytes = b"f",
    altered: bytes = b"f",
    body: bytes = b"",
    raw: bytes | None = None,
    reason: str = "",
) -> bytes:
    """csv with the two characters above: an unquoted empty field is null, an empty id is quoted."""
    return FIELD.join(
        (
            b"%d" % number,
            b"" if id_ is None else QUOTE + id_ + QUOTE,
            _bytea(reject_id),
            rev.encode(),
            deleted,
            altered,
            body,
            _bytea(raw),
            reason.encode() + b"\n",
        )
    )


def _bytea(value: bytes | None) -> bytes:
    return b"" if value is None else b"\\x" + value.hex().encode()


def is_raw(id_: bytes) -> bool:
    """Whether it is an id's JSON text, as is kept of one that is not valid UTF-8."""
    if not (id_.startswith(b'"') and id_.endswith(b'"')):
        return False
    try:
        msgspec.json.decode(id_, type=str)
    except (msgspec.MsgspecError, UnicodeError):
        return True
    return False
