"""A source copied anew, by the modes resync and replace: from the start of its feed, over as many runs as it takes.

    resync    the same database: pages are written in place, and what was not met by its end is marked `gone`
    replace   another database: what differs is set aside, and takes its place at once in the end, together with the
              marks on what the other database does not have; until then the copy is read as it was

Both note what they meet in staging.seen. What is unfinished stands in ops.checkpoint.mode: every run goes on with it.
"""

from dataclasses import replace

from cht_sync import couchdb, sql, staging, warehouse

#: What staging.document.gone says of documents that were not met.
GONE = {"resync": "purged", "replace": "replaced"}


def enter(
    connection: warehouse.Connection, before: staging.Checkpoint, mode: str, identity: couchdb.Identity
) -> staging.Checkpoint:
    """Where a run asked for `mode` starts: what is unfinished goes first, and is not begun again by a second try.

    Only `replace` takes another database than was copied; what it had copied of a third one is forgotten. Nothing is
    copied anew of which nothing was copied. Raises SourceReplaced, and CheckpointMoved where another run has written
    since `before`.
    """
    untouched = before.reads == 0
    if mode == "replace" and not untouched and (before.mode != "replace" or staging.is_another(before, identity)):
        return _begin(connection, replace(before, mode=mode, identity=identity))
    staging.require_same(before, identity)
    if mode == "resync" and not untouched and before.mode == "incremental":
        return _begin(connection, replace(before, mode=mode))
    return before


def _begin(connection: warehouse.Connection, before: staging.Checkpoint) -> staging.Checkpoint:
    row = connection.execute(
        sql.read("staging/begin"),
        {
            "source": before.source,
            "mode": before.mode,
            "kind": before.identity and before.identity.kind,
            "identity": before.identity and before.identity.value,
            "generation": before.generation,
            "reads": before.reads,
        },
    ).fetchone()
    if row is None:
        raise staging.moved(before)
    return replace(before, generation=row[0], batch=row[1], base=row[1], seq="0", replay=None)


def finish(connection: warehouse.Connection, before: staging.Checkpoint) -> tuple[staging.Checkpoint, int]:
    """In the transaction of the page with nothing behind it, which has locked the checkpoint.

    Returns where the copy stands then, and how many rows this has changed.
    """
    # of tables that were just written Postgres knows too little: it would read all of staging.seen for each document
    connection.execute("set local enable_nestloop = off")
    batch = {"source": before.source, "batch": before.batch + 1}
    changed = _count(connection, "staging/swap", batch) if before.mode == "replace" else 0
    changed += _count(connection, "staging/mark_gone", batch | {"base": before.base, "word": GONE[before.mode]})
    last = _count(connection, "staging/finish", {"source": before.source, "changed": int(changed > 0)})
    return replace(before, batch=last, mode="incremental", base=None), changed


def _count(connection: warehouse.Connection, statement: str, values: dict[str, object]) -> int:
    row = connection.execute(sql.read(statement), values).fetchone()
    assert row is not None  # noqa: S101  # each gives one row
    return int(row[0])
