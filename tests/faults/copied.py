"""The copy in the warehouse: its checkpoint, its documents, rejected documents, and documents set aside."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from tests.faults import values

CHECKPOINT = """
    select generation, reads, batch, seq, mode, identity, caught_up_at
    from ops.checkpoint
    where source = %s
"""
DOCUMENTS = """
    select convert_to(_id, 'UTF8'), _rev, _deleted, gone, batch, doc::text
    from staging.{table}
    where source = %s
"""
REJECTED = """
    select id, _rev, reason, batch, body
    from {table}
    where source = %s
"""
MOVES = """
    select pid, generation, reads, seq
    from public.moved
    order by number
"""


@dataclass(frozen=True)
class Move:
    """A move of the checkpoint, by one connection."""

    pid: int
    generation: int
    reads: int
    seq: str


@dataclass(frozen=True)
class Row:
    """`doc` is values.parse of the text from Postgres."""

    rev: str
    deleted: bool
    gone: str | None
    batch: int
    doc: Any

    @property
    def is_live(self) -> bool:
        return not self.deleted and self.gone is None


@dataclass(frozen=True)
class Rejected:
    rev: str
    reason: str
    batch: int
    body: bytes | None


@dataclass(frozen=True)
class Copy:
    """By the ids' bytes. `aside` and `aside_rejected` belong to an unfinished replace, `seen` are the ids that it met
    unchanged; `moves` are all since the start of the copy.
    """

    generation: int = 1
    reads: int = 0
    batch: int = 0
    seq: str = "0"
    mode: str = "incremental"
    identity: str | None = None
    caught_up_at: datetime | None = None
    rows: dict[bytes, Row] = field(default_factory=dict)
    rejected: dict[bytes, Rejected] = field(default_factory=dict)
    aside: dict[bytes, Row] = field(default_factory=dict)
    aside_rejected: dict[bytes, Rejected] = field(default_factory=dict)
    seen: frozenset[bytes] = frozenset()
    moves: tuple[Move, ...] = ()


def read(connection: psycopg.Connection[Any], source: str) -> Copy:
    """Reads everything in one snapshot."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        checkpoint = connection.execute(CHECKPOINT, [source]).fetchone()
        assert checkpoint is not None
        seen = connection.execute("select id from staging.seen where source = %s", [source]).fetchall()
        return Copy(  # type: ignore[call-arg]  # the query gives as many values as it has fields
            *checkpoint,
            _documents(connection, "document", source),
            _rejected(connection, "ops.rejected_document", source),
            _documents(connection, "next", source),
            _rejected(connection, "staging.next_rejected", source),
            frozenset(id_ for (id_,) in seen),
            tuple(Move(*move) for move in connection.execute(MOVES.encode()).fetchall()),
        )


def _documents(connection: psycopg.Connection[Any], table: str, source: str) -> dict[bytes, Row]:
    found = connection.execute(DOCUMENTS.format(table=table).encode(), [source])
    return {
        id_: Row(rev, deleted, gone, batch, None if doc is None else values.parse(doc))
        for id_, rev, deleted, gone, batch, doc in found
    }


def _rejected(connection: psycopg.Connection[Any], table: str, source: str) -> dict[bytes, Rejected]:
    found = connection.execute(REJECTED.format(table=table).encode(), [source])
    return {id_: Rejected(*rest) for id_, *rest in found}
