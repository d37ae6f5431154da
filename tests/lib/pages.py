"""Pages as a feed would give them, for the tests of staging."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
from cht_sync import couchdb, warehouse
from cht_sync.copy import checkpoint
from cht_sync.copy import write as staging
from cht_sync.copy.checkpoint import Checkpoint
from cht_sync.copy.encoding import lines
from cht_sync.copy.reading.page import End
from cht_sync.couchdb.rows import Row

SOURCE = "kitui/medic"
ASKED_AT = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
IDENTITY = couchdb.Identity("instance_start_time", "1795463520")


@dataclass
class Page:
    """Rows in their order; `fails` is raised after them."""

    rows: list[Row]
    seq: str = "5-g1AAAA"
    pending: int | None = 0
    until: int | None = None
    fails: Exception | None = None
    database: str = "medic"
    read: bool = field(default=False, init=False)

    def __iter__(self) -> Iterator[bytes]:
        for number, row in enumerate(self.rows):
            yield lines.line(number, row, self.database)
        if self.fails:
            raise self.fails
        self.read = True

    @property
    def end(self) -> End:
        assert self.read
        until = len(self.rows) if self.until is None else self.until
        return End(self.seq, self.pending, until, len(self.rows), ASKED_AT, self.pending == 0)


def doc(name: str, body: str = '{"type":"person"}', rev: str = "1-a") -> Row:
    return Row(name, rev, None, False, body.encode())


def deleted(name: str, rev: str = "2-d") -> Row:
    return Row(name, rev, None, True, b'{"type":"person","name":"Ana"}')


class Warehouse:
    """A warehouse with one source, and what is in it."""

    def __init__(self, connection: warehouse.Connection) -> None:
        self.connection = connection
        staging.prepare(connection, {SOURCE: ("kitui", "medic")})

    def write(self, *rows: Row, source: str = SOURCE, **page: Any) -> staging.Written:
        before = checkpoint.read(self.connection, source)
        return staging.page(self.connection, before, Page(list(rows), **page), lambda: IDENTITY)

    def checkpoint(self) -> Checkpoint:
        return checkpoint.read(self.connection, SOURCE)

    def rows(self, columns: str, table: str = "staging.document", order: str = "_id") -> list[tuple[Any, ...]]:
        query = f"select {columns} from {table} where source = '{SOURCE}' order by {order}"
        return self.connection.execute(psycopg.sql.SQL(query)).fetchall()

    def rejected(self) -> list[tuple[Any, ...]]:
        return self.rows("id, _rev, reason, body", "ops.rejected_document", "id")


@contextmanager
def opened(dsn: str) -> Iterator[Warehouse]:
    """A migrated warehouse with one prepared source."""
    with warehouse.connect(partial(psycopg.connect, dsn)) as connection:
        yield Warehouse(connection)
