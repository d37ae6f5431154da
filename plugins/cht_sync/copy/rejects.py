"""The replay: rejected documents tried again, after a fix of this code or of Postgres, or once CouchDB can read them.

They are tried in the order of their ids. ops.checkpoint.replay holds the last one tried, so that a later run continues
after a kill, or when the time was up.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cht_sync import sql, warehouse
from cht_sync.copy import write
from cht_sync.copy.checkpoint import Checkpoint
from cht_sync.copy.encoding import lines
from cht_sync.couchdb import changes, rows
from cht_sync.couchdb.rows import Row
from cht_sync.errors import PageCut, ServerBusy

#: The most documents, and the most bytes of them, that are tried in one transaction.
ROWS, BYTES = 500, 16_000_000

#: Gives the JSON text of a document by its id and revision.
Fetch = Callable[[str, str], bytes | changes.Excess | None]


@dataclass(frozen=True)
class Replayed:
    """Of a run: documents tried; those of them that are no longer rejected; whether all were tried."""

    tried: int = 0
    cured: int = 0
    finished: bool = False


@dataclass(frozen=True)
class _Rejected:
    """A rejected document; `size` is None if no body was kept: then it is read by its id."""

    id: bytes
    rev: str
    size: int | None


def ask(connection: warehouse.Connection, before: Checkpoint) -> Checkpoint:
    """Requests a replay, by this run and those after it. An unfinished one continues."""
    connection.execute(
        "update ops.checkpoint set replay = coalesce(replay, '') where source = %s and generation = %s",
        [before.source, before.generation],
    )
    return replace(before, replay=before.replay or b"")


def replay(
    connection: warehouse.Connection, before: Checkpoint, fetch: Fetch, database: str, is_over: Callable[[], bool]
) -> Replayed:
    """Tries each rejected document once, as it was received; `fetch` reads those of which nothing was kept.

    Good ones are no longer rejected. Raises CheckpointMoved if the copy was begun again since `before`.
    """
    done = Replayed()
    last = before.replay or b""
    while rejected := _next(connection, before.source, last):
        last = rejected[-1].id
        found = list(_rows(connection, before.source, rejected, fetch))
        with write.loaded(connection, lines.numbered(found, database)):
            _write(connection, before, rejected)
            _note(connection, before.source, last)
            left = _count(connection, before.source, rejected)
        done = Replayed(done.tried + len(rejected), done.cured + len(rejected) - left)
        if is_over():
            return done
    _note(connection, before.source, None)
    return replace(done, finished=True)


def _write(connection: warehouse.Connection, before: Checkpoint, rejected: list[_Rejected]) -> None:
    """Writes the result of one try, except of documents that are no longer rejected in that revision."""
    tried = {"source": before.source, "ids": [each.id for each in rejected], "revs": [each.rev for each in rejected]}
    batch = write.hold(connection, before)
    connection.execute(sql.read("copy/keep_rejected"), tried)
    write.amend(connection, before, batch)


def _next(connection: warehouse.Connection, source: str, last: bytes) -> list[_Rejected]:
    page = {"source": source, "after": last, "rows": ROWS, "bytes": BYTES}
    return [_Rejected(*row) for row in connection.execute(sql.read("copy/rejected"), page).fetchall()]


def _note(connection: warehouse.Connection, source: str, last: bytes | None) -> None:
    connection.execute("update ops.checkpoint set replay = %s where source = %s", [last, source])


def _count(connection: warehouse.Connection, source: str, rejected: list[_Rejected]) -> int:
    query = "select count(*) from ops.rejected_document where source = %s and id = any(%s)"
    return int(warehouse.one(connection, query, [source, [each.id for each in rejected]])[0])


def _rows(connection: warehouse.Connection, source: str, rejected: list[_Rejected], fetch: Fetch) -> Iterator[Row]:
    kept = connection.execute(
        "select id, _rev, body from ops.rejected_document where source = %s and id = any(%s) and body is not null",
        [source, [each.id for each in rejected]],
        binary=True,  # as text a body takes twice its bytes
    ).fetchall()
    for id_, rev, body in kept:
        yield _row(id_, rev, body)
    for each in rejected:
        if each.size is None and not rows.is_raw(each.id) and (row := _read(each, fetch)):
            yield row


def _read(rejected: _Rejected, fetch: Fetch) -> Row | None:
    """The row, by its id; None if it is deleted, or CouchDB still cannot read it. Raises Unreachable."""
    try:
        body = fetch(rejected.id.decode(), rejected.rev)
    except (ServerBusy, PageCut):
        return None
    if body is None:
        return None
    return Row(rejected.id.decode(), rejected.rev, None, False, None).holding(body)


def _row(id_: bytes, rev: str, body: bytes) -> Row:
    if rows.is_raw(id_):
        return Row("", rev, None, False, body, id_)
    return Row(id_.decode(), rev, None, False, body)
