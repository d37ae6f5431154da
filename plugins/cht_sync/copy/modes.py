"""The modes: where pages are written, and how a source is copied again from the start of its feed.

    incremental   what has changed: pages are written in place
    resync        the same database again: pages are written in place; documents not met by its end are marked as gone
    replace       another database: rows that differ are set aside until the copy is whole. Then one transaction puts
                  them in place, and marks as gone what the other database does not have. Until then readers see the
                  old copy

resync and replace note the ids that they meet in staging.seen, and take as many runs as they need. ops.checkpoint.mode
holds the unfinished mode: every run continues it.
"""

from dataclasses import dataclass, replace

from psycopg import sql as identifiers

from cht_sync import couchdb, sql, warehouse
from cht_sync.copy import checkpoint
from cht_sync.copy.checkpoint import Checkpoint

#: The value of staging.document.gone for documents that were not met.
GONE = {"resync": "purged", "replace": "replaced"}


@dataclass(frozen=True)
class Destination:
    """Where the pages of a mode are written. `noted`: ids that are met and not written are put into staging.seen.

    `aside`: rows that differ from staging.document are kept in staging.next. Documents of the same revision are
    compared by their content, too: in another database that revision may be of another document.
    """

    document: str
    rejected: str
    noted: bool
    aside: bool

    def statement(self) -> identifiers.Composed:
        """The statement that writes one page."""
        return identifiers.SQL(sql.read("copy/write")).format(
            document=identifiers.Identifier(*self.document.split(".")),
            rejected=identifiers.Identifier(*self.rejected.split(".")),
        )


COPY = Destination("staging.document", "ops.rejected_document", noted=False, aside=False)

#: By ops.checkpoint.mode.
DESTINATIONS = {
    "incremental": COPY,
    "resync": replace(COPY, noted=True),
    "replace": Destination("staging.next", "staging.next_rejected", noted=True, aside=True),
}


def enter(connection: warehouse.Connection, before: Checkpoint, mode: str, identity: couchdb.Identity) -> Checkpoint:
    """The checkpoint at which a run with the requested `mode` starts. An unfinished mode is continued, not begun again.

    Only `replace` accepts another database than was copied; what it had copied of a third one is deleted. A source of
    which nothing was copied begins no mode. Raises SourceReplaced, and CheckpointMoved if another run has written since
    `before`.
    """
    untouched = before.reads == 0
    if mode == "replace" and not untouched and (before.mode != "replace" or checkpoint.is_another(before, identity)):
        return _begin(connection, replace(before, mode=mode, identity=identity))
    checkpoint.require_same(before, identity)
    if mode == "resync" and not untouched and before.mode == "incremental":
        return _begin(connection, replace(before, mode=mode))
    return before


def _begin(connection: warehouse.Connection, before: Checkpoint) -> Checkpoint:
    values = {
        "source": before.source,
        "mode": before.mode,
        "kind": before.identity and before.identity.kind,
        "identity": before.identity and before.identity.value,
        "generation": before.generation,
        "reads": before.reads,
    }
    generation, batch = checkpoint.fenced(connection, before, sql.read("copy/begin"), values)
    return replace(before, generation=generation, batch=batch, base=batch, seq="0", replay=None)


def finish(connection: warehouse.Connection, before: Checkpoint) -> tuple[Checkpoint, int]:
    """Ends a mode, in the transaction of its last page, which has locked the checkpoint.

    Returns the new checkpoint, and how many rows this has changed.
    """
    # Postgres has no statistics of tables just written: with nested loops it would read staging.seen for each document
    connection.execute("set local enable_nestloop = off")
    batch = {"source": before.source, "batch": before.batch + 1}
    changed = _count(connection, "copy/swap", batch) if before.mode == "replace" else 0
    changed += _count(connection, "copy/mark_gone", batch | {"base": before.base, "word": GONE[before.mode]})
    last = _count(connection, "copy/finish", {"source": before.source, "changed": int(changed > 0)})
    return replace(before, batch=last, mode="incremental", base=None), changed


def _count(connection: warehouse.Connection, statement: str, values: dict[str, object]) -> int:
    return int(warehouse.one(connection, sql.read(statement), values)[0])
