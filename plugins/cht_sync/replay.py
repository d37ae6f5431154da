"""Refused documents tried again: after a fix of this code or of Postgres, or where CouchDB could not read them then.

They are taken in the order of their ids. How far that is stands in ops.checkpoint.replay, so that a later run goes on
where one was killed, or its time was up.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cht_sync import changes, lines, rows, sql, staging, warehouse
from cht_sync.errors import PageCut, ServerBusy
from cht_sync.rows import Row

#: Documents, and bytes of them, that are tried in one transaction.
ROWS, BYTES = 500, 16_000_000

#: The JSON text of a document by its id and revision.
Fetch = Callable[[str, str], bytes | changes.Excess | None]


@dataclass(frozen=True)
class Replayed:
    """Of a run: documents that were tried, those of them that are no longer refused, and whether all were tried."""

    tried: int = 0
    cured: int = 0
    finished: bool = False


@dataclass(frozen=True)
class _Refused:
    """One that waits; `size` is None where no body was kept, and it is read by its id."""

    id: bytes
    rev: str
    size: int | None


def ask(connection: warehouse.Connection, before: staging.Checkpoint) -> staging.Checkpoint:
    """Asks for a replay by this run and those after it. One that is unfinished goes on."""
    connection.execute(
        "update ops.checkpoint set replay = coalesce(replay, '') where source = %s and generation = %s",
        [before.source, before.generation],
    )
    return replace(before, replay=before.replay or b"")


def run(
    connection: warehouse.Connection,
    before: staging.Checkpoint,
    fetch: Fetch,
    database: str,
    is_over: Callable[[], bool],
) -> Replayed:
    """Tries each refused document once, as it was received; `fetch` reads those of which nothing was kept.

    Good ones are no longer refused. Raises CheckpointMoved where the copy was begun anew.
    """
    done = Replayed()
    behind = before.replay or b""
    while refused := _next(connection, before.source, behind):
        behind = refused[-1].id
        read = list(_rows(connection, before.source, refused, fetch))
        with connection.transaction():
            _write(connection, before, refused, read, database)
            _note(connection, before.source, behind)
            left = _count_refused(connection, before.source, refused)
        done = Replayed(done.tried + len(refused), done.cured + len(refused) - left)
        if is_over():
            return done
    _note(connection, before.source, None)
    return replace(done, finished=True)


def _write(
    connection: warehouse.Connection,
    before: staging.Checkpoint,
    refused: list[_Refused],
    read: list[Row],
    database: str,
) -> None:
    tried = {"source": before.source, "ids": [each.id for each in refused], "revs": [each.rev for each in refused]}

    def keep_refused(_batch: int) -> int:
        """What is not refused any more in the revision that was tried has become good, or is newer."""
        connection.execute(sql.read("staging/keep_refused"), tried)
        return 0

    staging.amend(connection, before, lines.numbered(read, database), keep_refused)


def _next(connection: warehouse.Connection, source: str, behind: bytes) -> list[_Refused]:
    page = {"source": source, "behind": behind, "rows": ROWS, "bytes": BYTES}
    return [_Refused(*row) for row in connection.execute(sql.read("staging/refused"), page).fetchall()]


def _note(connection: warehouse.Connection, source: str, behind: bytes | None) -> None:
    connection.execute("update ops.checkpoint set replay = %s where source = %s", [behind, source])


def _count_refused(connection: warehouse.Connection, source: str, refused: list[_Refused]) -> int:
    row = connection.execute(
        "select count(*) from ops.rejected_document where source = %s and id = any(%s)",
        [source, [each.id for each in refused]],
    ).fetchone()
    assert row is not None  # noqa: S101  # a count gives one row
    return int(row[0])


def _rows(connection: warehouse.Connection, source: str, refused: list[_Refused], fetch: Fetch) -> Iterator[Row]:
    kept = connection.execute(
        "select id, _rev, body from ops.rejected_document where source = %s and id = any(%s) and body is not null",
        [source, [each.id for each in refused]],
        binary=True,  # as text a body takes twice its bytes
    ).fetchall()
    for id_, rev, body in kept:
        yield _row(id_, rev, body)
    for each in refused:
        if each.size is None and not rows.is_raw(each.id) and (row := _read(each, fetch)):
            yield row


def _read(refused: _Refused, fetch: Fetch) -> Row | None:
    """None where it is deleted, or CouchDB still cannot read it; a server that is not there ends the run."""
    try:
        body = fetch(refused.id.decode(), refused.rev)
    except (ServerBusy, PageCut):
        return None
    if body is None:
        return None
    if isinstance(body, changes.Excess):
        return Row(refused.id.decode(), refused.rev, None, False, None, excess=body)
    return _row(refused.id, refused.rev, body)


def _row(id_: bytes, rev: str, body: bytes) -> Row:
    if rows.is_raw(id_):
        return Row("", rev, None, False, body, id_)
    return Row(id_.decode(), rev, None, False, body)
