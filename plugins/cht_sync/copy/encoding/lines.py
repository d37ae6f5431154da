"""A row of the feed as one line of COPY for staging, with a reason if it is rejected. Pure, no I/O."""

import codecs
import re
from collections.abc import Iterable, Iterator

from cht_sync.copy.encoding.redaction import redact
from cht_sync.couchdb.changes import LARGE
from cht_sync.couchdb.rows import Row

#: An index entry holds up to 2,704 bytes, and an id is part of several keys.
LONGEST_ID = 1000

#: Postgres holds no NUL: its escape is replaced by that of U+FFFD, unless the backslash before the u is itself escaped.
NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")

#: The delimiter and the quote of COPY's csv: JSON has no raw control characters.
FIELD, QUOTE = b"\x02", b"\x01"

#: Bytes of a piece of a large document.
PIECE = 256 * 1024


def numbered(rows: Iterable[Row], database: str) -> Iterator[bytes]:
    """The lines of these rows, in pieces. The rows are numbered from 0 in their order."""
    for number, row in enumerate(rows):
        yield from pieces(number, row, database)


def pieces(number: int, row: Row, database: str) -> Iterator[bytes]:
    """One line of COPY for the table `page`: number, id, reject_id, rev, deleted, altered, body, raw, reason.

    `body` is the document as it came, but redacted and without NUL. `raw` is the redacted document as it came, if
    `body` differs from it or is rejected. A large document comes in pieces, so that no second copy of it is made.
    """
    if row.body is None or row.deleted or database == "_users" or len(row.body) <= LARGE:
        yield line(number, row, database)
    else:
        yield from _pieces(number, row, row.body)


def line(number: int, row: Row, database: str) -> bytes:
    """The line as one text."""
    if reason := _unnameable(row):
        return _rejected(number, row, reason, database)
    id_ = row.id.encode()
    if row.deleted:
        return _fields(number, id_, rev=row.rev, deleted=b"t")
    if row.body is None:
        return _rejected(number, row, _absent(row), database, id_)
    body = redact(row.body, database)
    if body is None:
        return _rejected(number, row, "an account that is not a JSON object", database)
    if reason := _unholdable(body):
        return _rejected(number, row, reason, database)
    # most documents have no backslash, and that test is fast
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
        reject_id=row.name if reason else None,
        rev=row.rev,
        altered=b"t" if altered else b"f",
        reason=reason,
    )
    before, _, after = fields.rpartition(FIELD + FIELD)  # the two around an empty body and an empty raw
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
    """Why the row's id cannot be a key; empty if it can."""
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


def _unholdable(body: bytes) -> str:
    # one by one: a pattern for all of them takes ten times as long. \r and \n would end the line of csv
    if FIELD in body or QUOTE in body or b"\0" in body or b"\r" in body or b"\n" in body:
        return "it holds a raw control character, which JSON does not allow"
    if not body.isascii():
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            for piece in _slices(body):  # decoded whole, it would take up to four times its bytes
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "it is not valid UTF-8"
    return ""


def _rejected(number: int, row: Row, reason: str, database: str, id_: bytes | None = None) -> bytes:
    """With `id_` the document is rejected only if that very revision is not staged already."""
    raw = None if row.body is None or row.deleted else redact(row.body, database)
    deleted = b"t" if row.deleted else b"f"
    return _fields(number, id_, reject_id=row.name, rev=row.rev, deleted=deleted, raw=raw, reason=reason)


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
    """A line of csv with the two characters above: an unquoted empty field is null, so the id is quoted."""
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
