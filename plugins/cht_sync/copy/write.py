"""Writes pages into staging: rows, rejected documents and checkpoint in one transaction, under the fence.

    page             a page of the feed
    hold, amend      documents that were read again by their ids; between the two the caller may change rows itself
    insert           documents of a first copy in ranges

All but `page` are called inside `loaded`, the transaction that has the lines in pg_temp.page.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain

from psycopg import sql as identifiers

from cht_sync import couchdb, sql, warehouse
from cht_sync.copy import checkpoint, modes
from cht_sync.copy.checkpoint import Checkpoint
from cht_sync.copy.encoding import redaction
from cht_sync.copy.reading.page import End, Page

#: Greater than any line number of a page.
LAST_LINE = 2**62


@dataclass(frozen=True)
class Written:
    """Of one page: rows staged, documents newly rejected, and the checkpoint after it."""

    changed: int
    rejected: int
    checkpoint: Checkpoint


def prepare(connection: warehouse.Connection, sources: dict[str, tuple[str, str]]) -> None:
    """Registers the sources of an instance ({source: (instance, database)}), each with a partition and a checkpoint."""
    for source, (instance, database) in sources.items():
        with connection.transaction():
            connection.execute(sql.read("copy/prepare"), {"source": source, "instance": instance, "database": database})
            query = "select cht.partition_name(%s), cht.partition_settings()"
            name, settings = warehouse.one(connection, query, [source])
            connection.execute(
                identifiers.SQL(
                    "create table if not exists staging.{name} partition of staging.document for values in ({source}) "
                    "with ({settings})"
                ).format(
                    name=identifiers.Identifier(name),
                    source=identifiers.Literal(source),
                    settings=identifiers.SQL(settings),
                )
            )


@contextmanager
def loaded(connection: warehouse.Connection, chunks: Iterable[bytes]) -> Iterator[None]:
    """Opens a transaction in which pg_temp.page holds these lines."""
    connection.execute(sql.read("copy/page"))
    with connection.transaction():
        with connection.cursor() as cursor, cursor.copy(sql.read("copy/copy")) as copy:
            for chunk in chunks:
                copy.write(chunk)
        yield


def page(
    connection: warehouse.Connection, before: Checkpoint, page: Page, identify: Callable[[], couchdb.Identity]
) -> Written:
    """Writes one page in one transaction. `identify` asks for the database's identity, before rows are committed.

    Raises CheckpointMoved if another run has written since `before`, SourceReplaced, and whatever the page raises while
    it is read. Nothing is kept then.
    """
    chunks = iter(page)
    first = next(chunks, None)
    destination = modes.DESTINATIONS[before.mode]
    if first is None:
        # an empty page, too, can end a mode, which marks as gone what was not met
        identity = identify() if page.end.rows or destination.noted else before.identity
        return Written(0, 0, _move(connection, before, page.end, identity, changed=False))
    with loaded(connection, chain([first], chunks)):
        end = page.end
        identity = identify()
        batch = _require_unmoved(connection, before)
        changed, rejected = _merge(connection, before.source, batch + 1, destination, end.until)
        after = _move(connection, before, end, identity, changed=bool(changed or rejected) and not destination.aside)
    return Written(changed, rejected, after)


def hold(connection: warehouse.Connection, before: Checkpoint) -> int:
    """Locks the checkpoint until the commit, for documents that were read again; returns the batch for them.

    Raises CheckpointMoved if the copy was begun again since `before`.
    """
    return int(checkpoint.fenced(connection, before, sql.read("copy/lock_to_amend"), _generation(before))[0]) + 1


def amend(connection: warehouse.Connection, before: Checkpoint, batch: int, settled: int = 0) -> tuple[int, int]:
    """Writes what is loaded, with the batch that `hold` gave; returns rows changed (`settled` included), rows rejected.

    Neither `seq` nor `reads` moves, so that a running extraction continues. `settled` counts rows of staging that the
    caller has changed with that batch; the caller may also have deleted lines from pg_temp.page.
    """
    changed, rejected = _merge(connection, before.source, batch, modes.COPY)
    if settled or changed or rejected:
        connection.execute("update ops.checkpoint set batch = batch + 1 where source = %s", [before.source])
    return settled + changed, rejected


def insert(
    connection: warehouse.Connection, before: Checkpoint, redaction_version: int = redaction.REDACTION_VERSION
) -> Written:
    """Writes what is loaded of a first copy, in parallel with its other ranges.

    All ranges get one batch, which the source gets at the hand-over. Raises CheckpointMoved if the source is no longer
    copied in ranges.
    """
    (batch,) = checkpoint.fenced(connection, before, sql.read("copy/lock_to_insert"), _generation(before))
    changed, rejected = _merge(connection, before.source, batch + 1, modes.COPY, redaction_version=redaction_version)
    return Written(changed, rejected, before)


def _generation(before: Checkpoint) -> list[object]:
    return [before.source, before.generation]


def _require_unmoved(connection: warehouse.Connection, before: Checkpoint) -> int:
    """Locks the checkpoint until the commit, so that batches become visible in their order. Returns the last batch.

    It may be later than that of `before`: a repair takes a batch, but moves neither generation nor reads.
    """
    row = connection.execute(
        "select generation, reads, batch from ops.checkpoint where source = %s for update", [before.source]
    ).fetchone()
    if row is None or row[:2] != (before.generation, before.reads):
        raise checkpoint.moved(before)
    return int(row[2])


def _merge(
    connection: warehouse.Connection,
    source: str,
    batch: int,
    destination: modes.Destination,
    until: int = LAST_LINE,
    redaction_version: int = redaction.REDACTION_VERSION,
) -> tuple[int, int]:
    page = {"source": source, "batch": batch, "until": until, "redaction_version": redaction_version}
    values = page | {"noted": destination.noted, "aside": destination.aside}
    changed, rejected, *_ = warehouse.one(connection, destination.statement(), values)
    return changed, rejected


def _move(
    connection: warehouse.Connection, before: Checkpoint, end: End, identity: couchdb.Identity | None, *, changed: bool
) -> Checkpoint:
    """Moves the checkpoint, if it still is the one that this page was read from. Raises CheckpointMoved."""
    identity = identity or before.identity
    values = {
        "source": before.source,
        "generation": before.generation,
        "reads": before.reads,
        "changed": int(changed),
        "seq": end.seq,
        "pending": end.pending,
        "kind": identity and identity.kind,
        "identity": identity and identity.value,
        "caught_up_at": end.asked_at if end.caught_up else None,
    }
    (batch,) = checkpoint.fenced(connection, before, sql.read("copy/move"), values)
    return replace(before, reads=before.reads + 1, batch=batch, seq=end.seq, identity=identity)
