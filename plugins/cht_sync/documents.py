"""A row of the feed to a line for staging: what is left out, what is redacted, what is refused. Pure, no I/O."""

import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from cht_sync.errors import NotCouchDB

#: Version of the redaction below. A row staged by another version is written again when it is read again.
FORM = 1

#: An index entry holds up to 2,704 bytes, and an id stands in several with other columns.
LONGEST_ID = 1000

#: What an account keeps: the rest is the password's hash, login tokens, and what servers add in years to come.
ACCOUNT_KEYS = ("_id", "_rev", "name", "type", "roles", "contact_id", "facility_id")

#: Postgres holds no NUL: its escape becomes U+FFFD's, but not where the backslash before the u is itself escaped.
NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

#: The two that frame a field of COPY's csv (JSON has no raw control characters), and the two that csv ends a line at.
FIELD, QUOTE = b"\x02", b"\x01"
CONTROL = re.compile(rb"[\x00\x01\x02\r\n]")

RAW_ID = re.compile(rb'"id":\s*("(?:[^"\\]|\\.)*")')


class _Revision(msgspec.Struct):
    rev: str


class _Head(msgspec.Struct):
    """A row without its document."""

    id: str
    changes: list[_Revision]
    seq: str | int | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the feed. `body` is the document's JSON text, None where the row came without it.

    `raw_id` is set instead of `id` where the id is not valid UTF-8: its JSON text.
    """

    id: str
    rev: str
    seq: str | None
    deleted: bool
    body: bytes | None
    raw_id: bytes | None = None


def parse(text: bytes) -> Row:
    """A row's JSON text. Raises NotCouchDB where it is none.

    The document is cut off, not decoded: `,"doc":` cannot stand inside a JSON string, whose quotes would be escaped.
    """
    head, found, rest = text.partition(b',"doc":')
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
    """Never copied: design documents are code, and `token:login:*` are live login links."""
    return row.id.startswith(("_design/", "token:login:"))


def line(number: int, row: Row, database: str) -> bytes:
    """One line of COPY for the table `page`: number, id, reject_id, rev, deleted, altered, body, raw, reason.

    `body` goes on as it came but for NUL and redaction; `raw` is what came where body differs or is refused.
    """
    if row.raw_id is not None:
        return _refused(number, row, "its _id is not valid UTF-8", row.raw_id, database)
    encoded = row.id.encode()
    if b"\x00" in encoded:
        return _refused(number, row, "its _id holds a NUL", encoded, database)
    if len(encoded) > LONGEST_ID:
        return _refused(number, row, f"its _id is longer than {LONGEST_ID} bytes", encoded, database)
    if row.deleted:
        return _fields(number, encoded, rev=row.rev, deleted=b"t")
    if row.body is None:
        return _refused(number, row, "unreadable: CouchDB gave the row without its document", encoded, database)
    body = redact(row.body, database)
    if body is None:
        return _refused(number, row, "an account that is not a JSON object", encoded, database)
    if reason := _unholdable(body):
        return _refused(number, row, reason, encoded, database)
    held = NUL.sub(rb"\1\\ufffd", body) if b"\\u0000" in body else body
    if held == body:
        return _fields(number, encoded, rev=row.rev, body=body)
    return _fields(number, encoded, rev=row.rev, altered=b"t", body=held, raw=body)


def redact(body: bytes, database: str) -> bytes | None:
    """The document as it may be kept; None for an account that cannot be read, and so not be redacted."""
    if database != "_users":
        return body
    try:
        account = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return msgspec.json.encode({key: account[key] for key in ACCOUNT_KEYS if key in account})


def _unholdable(body: bytes) -> str | None:
    if CONTROL.search(body):
        return "it holds a raw control character, which JSON does not allow"
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            return "it is not valid UTF-8"
    return None


def _refused(number: int, row: Row, reason: str, reject_id: bytes, database: str) -> bytes:
    raw = None if row.body is None or row.deleted else redact(row.body, database)
    deleted = b"t" if row.deleted else b"f"
    return _fields(number, None, reject_id=reject_id, rev=row.rev, deleted=deleted, raw=raw, reason=reason)


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
