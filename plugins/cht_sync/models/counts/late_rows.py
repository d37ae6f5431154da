"""Late and removed rows: what a run of the models changes in past days.

It keeps the persons who are removed, and notes the earliest moment from which past days change. Both are part of the
models' transaction, so a killed run changes neither. A run that rebuilds a table compares its old and new rows, too.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from psycopg import sql as statement
from psycopg.sql import Identifier

from cht_sync import sql, warehouse
from cht_sync.models import table
from cht_sync.models.delta import Delta
from cht_sync.models.files import definition

#: The models from which days are counted.
WATCHED = ("person", "report")


class LateRows:
    """The late and removed rows of one run. The tables of `rebuilt` will be replaced; they are compared whole."""

    def __init__(self, connection: warehouse.Connection, rebuilt: Collection[str]) -> None:
        self._connection = connection
        rows = connection.execute("select source from ops.source order by source").fetchall()
        self._sources = [source for (source,) in rows]
        self._rebuilt = {name for name in WATCHED if name in rebuilt}
        self._compared = {name for name in self._rebuilt if self._is_there(name)}
        for name in self._compared:
            self._show(name, "temporary table {} on commit drop", Identifier("models", name))

    def note(self, deltas: Mapping[str, Delta]) -> None:
        """Notes these rows, after the models are written and before the counts are."""
        watched = [name for name in WATCHED if name in deltas]
        for name in watched:
            if name not in self._compared:
                self._show(name, "or replace temporary view {}", table.was(name))
        whole = {name: self._sources if name in self._rebuilt else sorted(deltas[name].whole) for name in watched}
        # without earlier counts nobody is removed, not even a person who was there when the first rebuild began
        is_counted = "person" not in self._rebuilt - self._compared
        if is_counted and self._connection.execute("select from pg_temp.past_person limit 1").rowcount:
            definition.execute(self._connection, definition.load("models/late_rows", "remove"))
        touched = [self._moment(f"touch_{name}", whole[name]) for name in watched]
        if since := min((moment for moment in touched if moment), default=None):
            definition.execute(self._connection, definition.load("models/late_rows", "touch"), {"since": since})
        definition.execute(self._connection, definition.load("models/late_rows", "return"), {"whole": whole["person"]})

    def _is_there(self, name: str) -> bool:
        return bool(self._connection.execute("select where to_regclass(%s) is not null", [f"models.{name}"]).rowcount)

    def _show(self, name: str, kind: str, rows: Identifier) -> None:
        """Creates pg_temp.past_<name>: the columns from which days are counted, of these rows of the model."""
        past = statement.SQL(f"create {kind} as ").format(Identifier("pg_temp", f"past_{name}"))
        self._connection.execute(past + statement.SQL(sql.read(f"models/late_rows/past_{name}")).format(rows=rows))

    def _moment(self, name: str, whole: Collection[str]) -> datetime | None:
        """The earliest moment that a file of include/sql/models/late_rows returns, if any."""
        row = definition.execute(
            self._connection, definition.load("models/late_rows", name), {"whole": whole}
        ).fetchone()
        return row[0] if row else None
