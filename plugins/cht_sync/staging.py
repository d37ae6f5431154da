"""Writes pages of changes into staging: rows, rejects and checkpoint in one transaction, fenced."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Protocol

from psycopg import sql as identifiers

from cht_sync import couchdb, redaction, sql, warehouse
from cht_sync.errors import CheckpointMoved, SourceReplaced
from cht_sync.target import COPY, TARGETS, Target

#: Behind every line of a page.
LAST_LINE = 2**62


@dataclass(frozen=True)
class Checkpoint:
    """Where a source's copy stands. `(generation, reads)` is the fence: what a page may be written upon.

    `mode` is what is unfinished, else incremental; `base`, the batch at which it began. `replay` is the last refused id
    that an unfinished replay has tried; `seeded`, that it was begun from couch2pg's table, and not compared since.
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


@dataclass(frozen=True)
class End:
    """What is known of a page once it was read, as far as it came.

    `until` is the last line that may be written: the last row with a seq where the body was cut off. `asked_at` is when
    the page was asked for; `caught_up`, that there was nothing behind it.
    """

    seq: str
    pending: int | None
    until: int
    rows: int
    asked_at: datetime
    caught_up: bool


class Page(Protocol):
    """Chunks of COPY lines (lines.line), then `end`."""

    @property
    def end(self) -> End: ...

    def __iter__(self) -> Iterator[bytes]: ...


@dataclass(frozen=True)
class Written:
    """Of one page: rows staged, documents newly refused, and the checkpoint that it left."""

    changed: int
    rejected: int
    checkpoint: Checkpoint


def prepare(connection: warehouse.Connection, sources: dict[str, tuple[str, str]]) -> None:
    """Registers the sources of an instance ({source: (instance, database)}), each with its partition and checkpoint."""
    for source, (instance, database) in sources.items():
        with connection.transaction():
            connection.execute(
                sql.read("staging/prepare"), {"source": source, "instance": instance, "database": database}
            )
            name = connection.execute("select cht.partition_name(%s), cht.partition_settings()", [source]).fetchone()
            assert name is not None  # noqa: S101  # a select without from gives one row
            connection.execute(
                identifiers.SQL(
                    "create table if not exists staging.{name} partition of staging.document for values in ({source}) "
                    "with ({settings})"
                ).format(
                    name=identifiers.Identifier(name[0]),
                    source=identifiers.Literal(source),
                    settings=identifiers.SQL(name[1]),
                )
            )


def checkpoint(connection: warehouse.Connection, source: str) -> Checkpoint:
    """The source's, as it is now."""
    row = connection.execute(sql.read("staging/checkpoint"), [source]).fetchone()
    if row is None:
        raise LookupError(f"{source} is not prepared")
    generation, reads, batch, seq, kind, value, mode, base, behind, seeded = row
    identity = couchdb.Identity(kind, value) if kind else None
    return Checkpoint(source, generation, reads, batch, seq, identity, mode, base, behind, seeded)


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


def write(
    connection: warehouse.Connection, before: Checkpoint, page: Page, identify: Callable[[], couchdb.Identity]
) -> Written:
    """One page in one transaction. `identify` asks whose page it is, before rows are committed.

    Raises CheckpointMoved where another run has written since `before`, SourceReplaced, and whatever the page raises
    while it is read: nothing is kept then.
    """
    chunks = iter(page)
    first = next(chunks, None)
    target = TARGETS[before.mode]
    if first is None:
        # an empty page can end a mode, and mark as gone what it has not met
        identity = identify() if page.end.rows or target.noted else before.identity
        return Written(0, 0, _move(connection, before, page.end, identity, changed=False))
    connection.execute(sql.read("staging/page"))
    with connection.transaction():
        _copy(connection, chain([first], chunks))
        end = page.end
        identity = identify()
        batch = _require_unmoved(connection, before)
        changed, rejected = _merge(connection, before.source, batch + 1, end.until, target)
        after = _move(connection, before, end, identity, changed=bool(changed or rejected) and not target.aside)
    return Written(changed, rejected, after)


def amend(
    connection: warehouse.Connection, before: Checkpoint, chunks: Iterable[bytes], settle: Callable[[int], int]
) -> tuple[int, int]:
    """Documents that were read again by their ids, in one transaction and a batch of their own: rows written, refused.

    Neither `seq` nor `reads` moves, so that a running extraction goes on. `settle` is called with the batch under the
    lock, before anything is written: it takes out of pg_temp.page what must not be, and may change rows of staging
    itself; it returns how many. Raises CheckpointMoved where the copy was begun anew since `before`.
    """
    connection.execute(sql.read("staging/page"))
    with connection.transaction():
        _copy(connection, chunks)
        row = connection.execute(sql.read("staging/lock_to_amend"), [before.source, before.generation]).fetchone()
        if row is None:
            raise moved(before)
        settled = settle(row[0] + 1)
        changed, rejected = _merge(connection, before.source, row[0] + 1, LAST_LINE, COPY)
        if settled or changed or rejected:
            connection.execute("update ops.checkpoint set batch = batch + 1 where source = %s", [before.source])
    return settled + changed, rejected


def insert(
    connection: warehouse.Connection,
    before: Checkpoint,
    chunks: Iterable[bytes],
    move: Callable[[int, int], None],
    form: int = redaction.FORM,
) -> tuple[int, int]:
    """Documents of a parallel first copy, in one transaction beside others: rows written, refused.

    All of them get one batch, which is the source's once it is handed over. `move` is called with both numbers in the
    transaction. Raises CheckpointMoved where the source is not copied this way any more.
    """
    connection.execute(sql.read("staging/page"))
    with connection.transaction():
        _copy(connection, chunks)
        row = connection.execute(sql.read("snapshot/lock"), [before.source, before.generation]).fetchone()
        if row is None:
            raise moved(before)
        changed, rejected = _merge(connection, before.source, row[0] + 1, LAST_LINE, COPY, form)
        move(changed, rejected)
    return changed, rejected


def _copy(connection: warehouse.Connection, chunks: Iterable[bytes]) -> None:
    with connection.cursor() as cursor, cursor.copy(sql.read("staging/copy")) as copy:
        for chunk in chunks:
            copy.write(chunk)


def _require_unmoved(connection: warehouse.Connection, before: Checkpoint) -> int:
    """Locks the checkpoint until the commit: the batches of a source become visible in their order. Returns the last.

    It may be later than `before`: a repair takes a batch of its own, and moves nothing else.
    """
    row = connection.execute(
        "select generation, reads, batch from ops.checkpoint where source = %s for update", [before.source]
    ).fetchone()
    if row is None or row[:2] != (before.generation, before.reads):
        raise moved(before)
    return int(row[2])


def moved(before: Checkpoint) -> CheckpointMoved:
    """What a run is told that was overtaken."""
    return CheckpointMoved(
        f"Another run has written to {before.source} since this one began",
        "This page was not written; the next try goes on where the other run ended",
    )


def _merge(
    connection: warehouse.Connection, source: str, batch: int, until: int, target: Target, form: int = redaction.FORM
) -> tuple[int, int]:
    page = {"source": source, "batch": batch, "until": until, "form": form}
    row = connection.execute(target.statement(), page | {"noted": target.noted, "aside": target.aside}).fetchone()
    assert row is not None  # noqa: S101  # a select of counts gives one row
    return row[0], row[1]


def _move(
    connection: warehouse.Connection, before: Checkpoint, end: End, identity: couchdb.Identity | None, *, changed: bool
) -> Checkpoint:
    """Moves the checkpoint, where it still is what this page was read from."""
    identity = identity or before.identity
    row = connection.execute(
        sql.read("staging/move"),
        {
            "source": before.source,
            "generation": before.generation,
            "reads": before.reads,
            "changed": int(changed),
            "seq": end.seq,
            "pending": end.pending,
            "kind": identity and identity.kind,
            "identity": identity and identity.value,
            "caught_up_at": end.asked_at if end.caught_up else None,
        },
    ).fetchone()
    if row is None:
        raise moved(before)
    return replace(before, reads=before.reads + 1, batch=row[0], seq=end.seq, identity=identity)
