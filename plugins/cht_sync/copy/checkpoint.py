"""Where the copy of a source stands: its row of ops.checkpoint, and when a page may be written upon it."""

from dataclasses import dataclass
from typing import Any

from psycopg.abc import Params, QueryNoTemplate

from cht_sync import couchdb, sql, warehouse
from cht_sync.errors import CheckpointMoved, FirstCopy, SourceReplaced


@dataclass(frozen=True)
class Checkpoint:
    """Where a source's copy stands. `(generation, reads)` is the fence: what a page may be written upon.

    `mode` is what is unfinished, else incremental; `base`, the batch at which it began. `replay` is the last rejected
    id that an unfinished replay has tried. `seeded`: the copy began from couch2pg's table and was not compared since.
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
    """The source's, as it is now. Raises LookupError where the source is not prepared."""
    row = connection.execute(sql.read("copy/checkpoint"), [source]).fetchone()
    if row is None:
        raise LookupError(f"{source} is not prepared")
    generation, reads, batch, seq, kind, value, mode, base, replay, seeded = row
    identity = couchdb.Identity(kind, value) if kind else None
    return Checkpoint(source, generation, reads, batch, seq, identity, mode, base, replay, seeded)


def is_another(before: Checkpoint, identity: couchdb.Identity) -> bool:
    """Whether the database is another one than was copied; only the same kind is compared."""
    known = before.identity
    return known is not None and known.kind == identity.kind and known.value != identity.value


def require_same(before: Checkpoint, identity: couchdb.Identity) -> None:
    """Raises SourceReplaced where the database is another one than was copied."""
    if is_another(before, identity):
        raise SourceReplaced(
            f"The database behind {before.source} is another one than was copied so far "
            "(deleted and created again, restored, or another server's)",
            "Nothing was changed and the copy is kept; where it is meant to be another, run the mode replace, "
            "else correct the connection: see docs/operating.md",
        )


def require_handed_over(before: Checkpoint) -> None:
    """Raises FirstCopy while the source is copied in ranges: its feed has not been handed over yet."""
    if before.mode == "copying":
        raise FirstCopy(
            f"{before.source} is just copied for the first time, by cht_snapshot",
            "It goes on by itself once that has ended; if it does not go on, clear the red task of cht_snapshot",
        )


def fenced(
    connection: warehouse.Connection, before: Checkpoint, statement: QueryNoTemplate, values: Params
) -> tuple[Any, ...]:
    """The row of a statement that gives none where another run has written since `before`: then CheckpointMoved."""
    row: tuple[Any, ...] | None = connection.execute(statement, values).fetchone()
    if row is None:
        raise moved(before)
    return row


def moved(before: Checkpoint) -> CheckpointMoved:
    """The error of a run that was overtaken."""
    return CheckpointMoved(
        f"Another run has written to {before.source} since this one began",
        "This page was not written; the next try goes on where the other run ended",
    )
