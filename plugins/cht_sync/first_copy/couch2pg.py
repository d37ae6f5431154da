"""A first copy from the table of couch2pg, which has copied the same database, instead of from CouchDB.

    plan    notes couch2pg's seq in the feed, before any of its rows is read
    copy    copies its rows by the usual write path; a page and its progress are one transaction
            (after plan.hand_over the feed resumes at that seq)

couch2pg stores its rows and its seq in different transactions, and one of its databases may have overwritten a document
of another. So the copy is seeded: its numbers are not complete until it was compared with CouchDB (verify), or read
again (resync). Rows have the version redaction.SEEDED, so that whatever the feed names again is written again.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql as identifiers

from cht_sync import sql
from cht_sync.copy import progress
from cht_sync.copy.encoding import redaction
from cht_sync.copy.job import Job
from cht_sync.couchdb import fetch
from cht_sync.couchdb.rows import Row
from cht_sync.errors import ConfigurationInvalid, WarehouseUnreachable
from cht_sync.first_copy import plan as first_copy
from cht_sync.first_copy import ranges

#: The number of the one range.
NUMBER = 1

#: Rows in one fetch from couch2pg's database.
FETCHED = 200

Connect = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]


@dataclass(frozen=True)
class Old:
    """couch2pg's table: `connect` opens its database; `name` is couch2pg's name of the source."""

    connect: Connect
    schema: str
    table: str
    name: str

    def query(self, relation: str) -> identifiers.Composed:
        """A statement of include/sql/first_copy."""
        return identifiers.SQL(sql.read(f"first_copy/couch2pg_{relation}")).format(
            table=identifiers.Identifier(self.schema, self.table),
            progress=identifiers.Identifier(self.schema, "couchdb_progress"),
        )

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to its database. Raises WarehouseUnreachable, ConfigurationInvalid."""
        try:
            with self.connect() as connection:
                connection.rollback()
                connection.read_only = True
                yield connection
        except (pg.UndefinedTable, pg.UndefinedColumn, pg.InsufficientPrivilege) as error:
            raise ConfigurationInvalid(
                f"{self.schema}.{self.table} cannot be read as a table of couch2pg ({error.diag.message_primary})",
                "Name the table, and a connection whose login may read it and couchdb_progress; see docs/adopting.md",
            ) from None
        except psycopg.OperationalError:
            raise WarehouseUnreachable(
                "The database of couch2pg does not answer, or the connection to it was lost",
                "Check host, port, login and password of the connection that is named under Seed from",
            ) from None


def plan(job: Job, old: Old, options: first_copy.Options) -> list[int]:
    """The number of the one range; none if the source is copied already. An unfinished one continues.

    Raises AnotherRun, CheckpointMoved, SourceReplaced, FirstCopy, ConfigurationInvalid, WarehouseUnreachable, and the
    errors of couchdb.Client.
    """
    with job.lock("extract", options.wait):
        before = first_copy.to_begin(job)
        if before is None:
            return []
        with closing(job.client()) as client:
            identity = fetch.identity(client, job.database, job.backoff(options.seconds))
        if before.mode == "copying" and not options.restart:
            first_copy.require_way(before, seeded=True)
            first_copy.require_same(before, identity)
        else:
            first_copy.begin(job.connection, before, identity, _first(old), options)
        return [NUMBER]


def _first(old: Old) -> first_copy.Begin:
    with old.reading() as reader:
        seqs = dict(reader.execute(old.query("progress")).fetchall())
        row = reader.execute(sql.read("first_copy/couch2pg_expected"), [f'"{old.schema}"."{old.table}"']).fetchone()
    if old.name not in seqs:
        raise ConfigurationInvalid(
            f"couch2pg has no source {old.name}; it has {', '.join(sorted(map(str, seqs))) or 'none'}",
            "Correct source_name of the instance in include/instances.toml",
        )
    return first_copy.Begin(str(seqs[old.name] or "0"), [None], row[0] if row else 0, seeded=True)


def copy(job: Job, old: Old, options: first_copy.Options) -> progress.Progress:
    """Copies the rest of the range; nothing if it is finished, or the source is handed over.

    Raises AnotherRun, CheckpointMoved, ConfigurationInvalid, WarehouseUnreachable; committed pages stay, and the next
    try continues after them.
    """
    begun = progress.Progress(job.source, mode="seed")
    with ranges.lock(job, NUMBER, options):
        range_ = ranges.left(job, NUMBER)
        if range_ is None:
            return replace(begun, caught_up=True)
        with progress.recording(job, begun) as record, old.reading() as reader:
            while not range_.finished:
                answer = ranges.Answer(range_.last)
                range_.write(job, record, answer, _read(reader, old, answer, options), redaction.SEEDED)
    return record.progress


def _read(
    reader: psycopg.Connection[Any], old: Old, answer: ranges.Answer, options: first_copy.Options
) -> Iterator[Row]:
    """Up to a page of rows, or of bytes. Rows that couch2pg cannot have written are left to the comparison."""
    page = {"name": old.name, "after": answer.last, "rows": options.page_rows}
    with reader.transaction(), reader.cursor("seed") as cursor:
        cursor.itersize = FETCHED
        cursor.execute(old.query("page"), page)
        for id_, deleted, rev, body in cursor:
            row = Row(str(id_), str(rev), None, bool(deleted), None if deleted else str(body).encode())
            if answer.count(row, is_whole=rev is not None):
                yield row
            if answer.bytes >= options.page_bytes:
                return
    answer.whole = answer.rows < options.page_rows
