"""What a copy must be: compared with the database that it is a copy of, and with what it was before."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from cht_sync import warehouse
from cht_sync.copy import checkpoint
from cht_sync.copy.checkpoint import Checkpoint

from tests.lib.original import Document, held

#: A text of many bytes is compared by its hash.
TEXT = "case when octet_length({0}) > 2000 then md5({0}) else {0} end"

ROWS = f"""
    select _id, _rev, _deleted, gone, altered, {TEXT.format("doc::text")}, batch
    from staging.document
    where source = %s
    order by _id
"""

REJECTED = "select id, _rev, reason, body from ops.rejected_document where source = %s order by id"

LEFT = """
    select source from staging.seen
    union all select source from staging.next
    union all select source from staging.next_rejected
"""


class Row(NamedTuple):
    """Of a document, without its batch."""

    rev: str
    deleted: bool
    gone: str | None
    altered: bool
    doc: str | None


class Reject(NamedTuple):
    rev: str
    reason: str
    body: bytes | None


@dataclass(frozen=True)
class State:
    """What is staged of a source, in one snapshot."""

    checkpoint: Checkpoint
    rows: dict[str, Row]
    rejected: dict[bytes, Reject]
    batches: dict[str, int]

    @property
    def names(self) -> set[str]:
        """Of whatever is staged or rejected."""
        return self.rows.keys() | {key.decode() for key in self.rejected}

    def only(self, names: Collection[str]) -> tuple[dict[str, Row], dict[str, Reject]]:
        """The rows and what is rejected of these."""
        rejected = {key.decode(): reject for key, reject in self.rejected.items()}
        return {name: row for name, row in self.rows.items() if name in names}, {
            name: reject for name, reject in rejected.items() if name in names
        }


def state(connection: warehouse.Connection, source: str) -> State:
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        before = checkpoint.read(connection, source)
        rows = connection.execute(ROWS, [source]).fetchall()
        rejected = connection.execute(REJECTED, [source]).fetchall()
    return State(
        before,
        {row[0]: Row(*row[1:6]) for row in rows},
        {bytes(row[0]): Reject(*row[1:]) for row in rejected},
        {row[0]: row[6] for row in rows},
    )


@dataclass
class Consumer:
    """A reader that follows the copy by its batches, as the models do; it looks after every step."""

    rows: dict[str, Row]
    noted: int = 0

    def follow(self, seen: State) -> None:
        """Takes what has a later batch than was noted; then it must have everything."""
        later = {name for name, batch in seen.batches.items() if batch > self.noted}
        self.rows |= {name: seen.rows[name] for name in later}
        self.noted = seen.checkpoint.batch
        assert self.rows == seen.rows, "a change came with a batch that was noted already"
        assert max(seen.batches.values(), default=0) <= self.noted


def text(connection: warehouse.Connection, raw: bytes) -> str | None:
    """As a row's `doc`; None where jsonb cannot hold it."""
    found = held(connection, raw)
    if found is None or len(found.encode()) <= 2000:
        return found
    row = connection.execute("select md5(%s)", [found]).fetchone()
    assert row
    return str(row[0])


def is_left_out(name: str) -> bool:
    return name.startswith(("_design/", "token:login:"))


def is_unnameable(name: str) -> bool:
    return "\0" in name or len(name.encode()) > 1000


@dataclass(frozen=True)
class Judge:
    """Compares a copy with the documents of its database. `longest` are the bytes of the longest document kept."""

    connection: warehouse.Connection
    longest: int

    def require_same(self, before: State, after: State, original: list[Document]) -> None:
        """Each document is as CouchDB has it: staged, or deleted, or rejected with what was received, or left out."""
        for document in original:
            if is_left_out(document.id):
                assert document.id not in after.rows
                assert document.id.encode() not in after.rejected
            elif document.deleted:
                assert document.id.encode() not in after.rejected
                staged = None if is_unnameable(document.id) else Row(document.rev, True, None, False, None)
                assert after.rows.get(document.id) == staged
            elif self._is_rejected(document):
                self._require_rejected(before, after, document)
            else:
                found = Row(document.rev, False, None, rb"\u0000" in _even(document.raw), self._text(document))
                assert after.rows.get(document.id) == found
                assert document.id.encode() not in after.rejected

    def _text(self, document: Document) -> str | None:
        return text(self.connection, document.raw)

    def _is_rejected(self, document: Document) -> bool:
        return is_unnameable(document.id) or len(document.raw) > self.longest or self._text(document) is None

    def _require_rejected(self, before: State, after: State, document: Document) -> None:
        rejected = after.rejected[document.id.encode()]
        assert rejected.rev == document.rev
        if len(document.raw) > self.longest:
            assert rejected.body is None
        else:
            assert rejected.body == document.raw
        if is_unnameable(document.id):
            assert document.id not in after.rows
        elif earlier := before.rows.get(document.id):
            assert after.rows[document.id].gone in (None, earlier.gone)


def _even(raw: bytes) -> bytes:
    """Without backslashes that stand for themselves: what is left of a `u0000` after one is a NUL."""
    return raw.replace(rb"\\", b"")


def require_nothing_left(connection: warehouse.Connection) -> None:
    """Nothing is left of a mode that has ended."""
    assert connection.execute(LEFT).fetchall() == []
