"""A warehouse in which tests of models, counts and history stage documents, as pages of a copy do."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from cht_sync import warehouse as warehouses
from cht_sync.models import runner
from psycopg.types.json import set_json_dumps

from tests.lib import expected_bands, expected_groups

Document = Mapping[str, Any]
SOURCE = "demo/medic"
CAUGHT_UP = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)

COLUMNS = (
    "persons",
    "persons_active",
    "persons_muted",
    "persons_deceased",
    "patients",
    "patients_active",
    "patients_muted",
    "patients_deceased",
    *expected_groups.COLUMNS,
)

set_json_dumps(json.dumps)


class Staged:
    """Stages pages, and returns what the models made of them."""

    def __init__(self, connection: warehouses.Connection) -> None:
        self.connection = connection

    def source(self, source: str = SOURCE) -> None:
        """Registers a source, with its partition and a checkpoint that is not caught up."""
        instance, database = source.split("/")
        table = psycopg.sql.Identifier("staging", "document_" + source.replace("/", "_"))
        statement = "create table {} partition of staging.document for values in ({})"
        self.connection.execute(
            "insert into ops.source (source, instance, database) values (%s, %s, %s)", [source, instance, database]
        )
        self.connection.execute(psycopg.sql.SQL(statement).format(table, psycopg.sql.Literal(source)))
        self.connection.execute("insert into ops.checkpoint (source) values (%s)", [source])

    def page(
        self,
        documents: Iterable[Document] = (),
        *,
        deleted: Iterable[str] = (),
        source: str = SOURCE,
        caught_up: datetime | None = CAUGHT_UP,
        saved: datetime | None = None,
    ) -> None:
        """Stages a page: rows and checkpoint in one transaction, now or at the time `saved`.

        A deleted document leaves a row without a body.
        """
        rows: list[tuple[Any, ...]] = [(d["_id"], False, d.get("type"), json.dumps(d)) for d in documents]
        rows += [(uuid, True, None, None) for uuid in deleted]
        with self.connection.transaction():
            (batch,) = self.row(
                """
                update ops.checkpoint
                set batch = batch + %s, reads = reads + 1, caught_up_at = coalesce(%s, caught_up_at)
                where source = %s
                returning batch
                """,
                [int(bool(rows)), caught_up, source],
            )
            for uuid, gone, kind, body in rows:
                self.connection.execute(
                    """
                    insert into staging.document
                        (source, _id, _rev, _deleted, type, saved_timestamp, batch, redaction_version, doc)
                    values (%s, %s, '1-a', %s, %s, coalesce(%s, now()), %s, 1, %s)
                    on conflict (source, _id) do update set
                        _rev = document.batch || '-a', _deleted = excluded._deleted, type = excluded.type,
                        saved_timestamp = excluded.saved_timestamp, batch = excluded.batch, gone = null,
                        doc = excluded.doc
                    """,
                    [source, uuid, gone, kind if isinstance(kind, str) else None, saved, batch, body],
                )

    def gone(self, uuid: str, how: str, source: str = SOURCE, saved: datetime | None = None) -> None:
        """Marks a document that disappeared from CouchDB without a deletion in the feed."""
        with self.connection.transaction():
            (batch,) = self.row(
                "update ops.checkpoint set batch = batch + 1 where source = %s returning batch", [source]
            )
            self.connection.execute(
                """
                update staging.document set gone = %s, batch = %s, saved_timestamp = coalesce(%s, now())
                where source = %s and _id = %s
                """,
                [how, batch, saved, source, uuid],
            )

    def update(self, today: date | None = None) -> runner.Update:
        return runner.update(self.connection, today=today)

    def row(self, query: str, parameters: Any = None) -> tuple[Any, ...]:
        row = self.connection.execute(query, parameters).fetchone()
        assert row is not None
        return tuple(row)

    def rows(self, query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, parameters).fetchall()

    def values(self, query: str, parameters: Any = None) -> list[Any]:
        """The first column."""
        return [row[0] for row in self.rows(query, parameters)]

    def counts(self, source: str = SOURCE) -> dict[str, dict[str, int]]:
        """models.area_count: {area_uuid: {column: number}}."""
        columns = [f"{kind}_{column}" for kind in ("direct", "total") for column in COLUMNS]
        found = self.rows(f"select area_uuid, {', '.join(columns)} from models.area_count where source = %s", [source])
        return {area: dict(zip(columns, numbers, strict=True)) for area, *numbers in found}

    def bands(self, source: str = SOURCE) -> dict[str, expected_bands.Bands]:
        """models.area_band: {area_uuid: {(sex, band): {column: number}}}, without areas with nobody alive."""
        columns = ("direct_persons", "direct_patients", "total_persons", "total_patients")
        found: dict[str, expected_bands.Bands] = {}
        for area, sex, band, *numbers in self.rows(
            f"select area_uuid, sex, band, {', '.join(columns)} from models.area_band where source = %s", [source]
        ):
            found.setdefault(area, {})[sex, band] = dict(zip(columns, numbers, strict=True))
        return found


@contextmanager
def opened(dsn: str) -> Iterator[Staged]:
    with warehouses.connect(lambda: psycopg.connect(dsn)) as connection:
        yield Staged(connection)
