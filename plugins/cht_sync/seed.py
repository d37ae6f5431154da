"""A first copy from the table of couch2pg, which has copied the same database before, instead of from CouchDB.

    plan    notes how far couch2pg is in the feed, before any of its rows is read
    copy    its rows, a page a transaction with the note of how far it is, by the way that pages take
            (snapshot.hand_over then lets the feed go on from that note)

couch2pg has saved rows and note in different transactions, and one database may have overwritten another's document. So
what comes of this is not trusted: its numbers are not complete until it was compared with CouchDB (verify), or read
anew (resync). Rows are of the form redaction.SEEDED: whatever the feed names again is written again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql as identifiers

from cht_sync import couchdb, feed, lines, progress, redaction, retry, rows, snapshot, sql, staging, warehouse
from cht_sync.errors import ConfigurationInvalid, WarehouseUnreachable
from cht_sync.rows import Row

#: The number of the one range.
NUMBER = 1

#: Rows that are fetched at once from couch2pg's database.
FETCHED = 200

Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]


@dataclass(frozen=True)
class Old:
    """Where couch2pg's rows are: `connect` opens its database; its table of documents; what it calls the source."""

    connect: Connect
    schema: str
    table: str
    name: str

    def query(self, relation: str) -> identifiers.Composed:
        """One of include/sql/seed."""
        return identifiers.SQL(sql.read(f"seed/{relation}")).format(
            table=identifiers.Identifier(self.schema, self.table),
            progress=identifiers.Identifier(self.schema, "couchdb_progress"),
        )

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to it. Raises WarehouseUnreachable, ConfigurationInvalid."""
        try:
            with self.connect() as connection:
                connection.rollback()
                connection.read_only = True
                yield connection
        except (pg.UndefinedTable, pg.UndefinedColumn, pg.InsufficientPrivilege) as error:
            raise ConfigurationInvalid(
                f"{self.schema}.{self.table} can't be read as couch2pg's ({error.diag.message_primary})",
                "Name the table, and a connection whose login may read it and couchdb_progress; see docs/adopting.md",
            ) from None
        except psycopg.OperationalError:
            raise WarehouseUnreachable(
                "The database of couch2pg does not answer, or the connection to it was lost",
                "Check host, port, login and password of the connection that was named under Seed from",
            ) from None


def plan(
    connection: warehouse.Connection,
    old: Old,
    client: Callable[[], couchdb.Client],
    source: str,
    database: str,
    options: snapshot.Options,
    report: Callable[[object], None],
    pause: retry.Pause | None = None,
) -> list[int]:
    """The number of the range; none where the source is copied already. An unfinished one goes on.

    Raises AnotherRun, CheckpointMoved, SourceReplaced, FirstCopy, ConfigurationInvalid, WarehouseUnreachable, and the
    errors of couchdb.Client.
    """
    with warehouse.lock(connection, f"cht-sync extract {source}", options.wait):
        before = staging.checkpoint(connection, source)
        if before.reads:
            report(f"{source} is copied already: cht_extract goes on with it")
            return []
        asking = client()
        try:
            identity = retry.Backoff(options.seconds, pause or time.sleep).insist(lambda: asking.identity(database))
        finally:
            asking.close()
        if before.mode == "copying" and not options.anew:
            snapshot.require_way(before, seeded=True)
            snapshot.require_same(before, identity)
        else:
            snapshot.begin(connection, before, identity, _first(old), options)
        return [NUMBER]


def _first(old: Old) -> snapshot.Begin:
    with old.reading() as reader:
        seqs = dict(reader.execute(old.query("progress")).fetchall())
        row = reader.execute(sql.read("seed/expected"), [f'"{old.schema}"."{old.table}"']).fetchone()
    if old.name not in seqs:
        raise ConfigurationInvalid(
            f"couch2pg has no source {old.name}; it has {', '.join(sorted(map(str, seqs))) or 'none'}",
            "Correct source_name of the instance in include/instances.toml",
        )
    return snapshot.Begin(str(seqs[old.name] or "0"), [None], row[0] if row else 0, seeded=True)


def copy(
    connection: warehouse.Connection,
    old: Old,
    source: str,
    database: str,
    options: snapshot.Options,
    report: Callable[[progress.Progress], None],
) -> progress.Progress:
    """Copies what is left; nothing where it is copied, or the source is handed over.

    Raises AnotherRun, CheckpointMoved, ConfigurationInvalid, WarehouseUnreachable; what was committed stays, and the
    next try goes on behind it.
    """
    with warehouse.lock(connection, f"cht-sync snapshot {source} {NUMBER}", options.wait):
        before = staging.checkpoint(connection, source)
        row = connection.execute(
            "select behind, expected - documents from ops.snapshot_range "
            "where source = %s and number = %s and finished_at is null",
            [source, NUMBER],
        ).fetchone()
        told = progress.Progress(source, mode="seed", caught_up=True)
        if before.mode != "copying" or row is None:
            return told
        record = progress.Record(connection, replace(told, caught_up=False), report, None, time.monotonic)
        try:
            with old.reading() as reader:
                pages = _Pages(connection, reader, old, before, database, options, record)
                pages.run(row[0], max(0, row[1]))
            record.end()
        except BaseException as error:
            record.fail(error)
            raise
        return record.progress


class _Pages:
    """The state of one run."""

    def __init__(
        self,
        connection: warehouse.Connection,
        reader: psycopg.Connection[Any],
        old: Old,
        before: staging.Checkpoint,
        database: str,
        options: snapshot.Options,
        record: progress.Record,
    ) -> None:
        self._connection, self._reader, self._old, self._before = connection, reader, old, before
        self._database, self._options, self._record = database, options, record
        self._tally = feed.Tally()
        self._last, self._rows, self._bytes, self._left_out, self._whole = "", 0, 0, 0, False

    def run(self, behind: str, pending: int) -> None:
        finished = False
        while not finished:
            self._last, self._rows, self._bytes, self._left_out, self._whole = behind, 0, 0, 0, False
            finished = self._write(behind, pending)
            behind, pending = self._last, max(0, pending - self._rows)

    def _write(self, behind: str, pending: int) -> bool:
        asked_at = datetime.now(UTC)

        def move(changed: int, rejected: int) -> None:
            values = {"source": self._before.source, "number": NUMBER, "before": behind, "behind": self._last}
            moved = self._connection.execute(
                sql.read("snapshot/move"), values | {"rows": self._rows, "finished": self._whole}
            ).fetchone()
            if moved is None:
                raise staging.moved(self._before)
            self._tally.left_out += self._left_out
            self._tally.bytes += self._bytes
            left = max(0, pending - self._rows)
            end = staging.End("", left, self._rows, self._rows, asked_at, caught_up=self._whole)
            self._record.page(staging.Written(changed, rejected, self._before), end, self._tally, keep=True)

        staging.insert(
            self._connection, self._before, lines.numbered(self._read(behind), self._database), move, redaction.SEEDED
        )
        self._record.committed()
        return self._whole

    def _read(self, behind: str) -> Iterator[Row]:
        """Up to a page of rows, or of bytes; those that couch2pg can't have written are left to the comparison."""
        page = {"name": self._old.name, "behind": behind, "rows": self._options.page_rows}
        with self._reader.transaction(), self._reader.cursor("seed") as cursor:
            cursor.itersize = FETCHED
            cursor.execute(self._old.query("page"), page)
            for id_, deleted, rev, body in cursor:
                self._last, self._rows = str(id_), self._rows + 1
                row = Row(str(id_), str(rev), None, bool(deleted), None if deleted else str(body).encode())
                self._bytes += len(row.body or b"")
                if rev is None or rows.left_out(row):
                    self._left_out += 1
                else:
                    yield row
                if self._bytes >= self._options.page_bytes:
                    return
        self._whole = self._rows < self._options.page_rows
