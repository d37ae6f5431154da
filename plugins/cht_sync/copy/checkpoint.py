"""The checkpoint of a source: its row of ops.checkpoint, and the fence, the condition under which a page is written."""

from dataclasses import dataclass
from typing import Any

from psycopg.abc import Params, QueryNoTemplate

from cht_sync import couchdb, sql, warehouse
from cht_sync.errors import CheckpointMoved, FirstCopy, SourceReplaced


@dataclass(frozen=True)
class Checkpoint:
    """How far the copy of a source is. `(generation, reads)` is the fence: a page is written only upon the same.

    `mode` is the unfinished mode, else incremental; `base` is the batch at which it began. `replay` is the last
    rejected id that an unfinished replay has tried. `seeded`: first copied from couch2pg's table, not compared since.
    """

    source: str
    generation: int
    reads: int
    batch: int
    seq: str
    identity: couchdb.Identity | None
    mode: str = "incremental"
    base: int | None = None
    replay: bytes | None = None
    seeded: bool = False


def read(connection: warehouse.Connection, source: str) -> Checkpoint:
    """The checkpoint as it is now. Raises LookupError if the source is not prepared."""
    row = connection.execute(sql.read("copy/checkpoint"), [source]).fetchone()
    if row is None:
        raise LookupError(f"{source} is not prepared")
    generation, reads, batch, seq, kind, value, mode, base, replay, seeded = row
    identity = couchdb.Identity(kind, value) if kind else None
    return Checkpoint(source, generation, reads, batch, seq, identity, mode, base, replay, seeded)


def is_another(before: Checkpoint, identity: couchdb.Identity) -> bool:
    """Whether the database is another than was copied; only identities of the same kind are compared."""
    known = before.identity
    return known is not None and known.kind == identity.kind and known.value != identity.value


def require_same(before: Checkpoint, identity: couchdb.Identity) -> None:
    """Raises SourceReplaced if the database is another than was copied."""
    if is_another(before, identity):
        raise SourceReplaced(
            f"The address of {before.source} has another database than was copied "
            "(deleted and created again, restored, or another server's)",
            "Nothing was changed; if the new database is the right one, run the mode replace, else correct the "
            "connection: see docs/operating.md, A database was replaced",
        )


def require_handed_over(before: Checkpoint) -> None:
    """Raises FirstCopy while the source is copied in ranges: it has not been handed over to its feed yet."""
    if before.mode == "copying":
        raise FirstCopy(
            f"{before.source} is being copied for the first time, by cht_snapshot",
            "Its feed is copied once that has ended; if it does not end, clear the red task of cht_snapshot",
        )


def fenced(
    connection: warehouse.Connection, before: Checkpoint, statement: QueryNoTemplate, values: Params
) -> tuple[Any, ...]:
    """The statement's row. Raises CheckpointMoved if there is none: another run has written since `before`."""
    row: tuple[Any, ...] | None = connection.execute(statement, values).fetchone()
    if row is None:
        raise moved(before)
    return row


def moved(before: Checkpoint) -> CheckpointMoved:
    """The error of a run that was overtaken."""
    return CheckpointMoved(
        f"Another run has written to {before.source} since this one began",
        "This page was not written; the next try continues where the other run ended",
    )
