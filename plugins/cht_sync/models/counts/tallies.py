"""Tallies: how many rows a model has by a few of its columns, kept by the change.

A tally is one `select … group by` from `tallied`, which has rows of the model that its header names in `of`. If the
tally is rebuilt, these are all rows. Otherwise they are the rows that a run has written, and those of persons who are
counted in another place now. They are counted twice: the previous rows with the previous places of persons, and the new
rows with the new places. The difference is added to the kept tally. `moved` in the header is a select of the model's
rows that are about the persons in `moved` (source, uuid).

`key` has the columns by which it counts; none of them is null. Every other column is a number. A row of zeros is not
kept.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping

from psycopg import sql as statement
from psycopg.sql import Identifier, Literal

from cht_sync import sql, warehouse
from cht_sync.models import table
from cht_sync.models.delta import Delta
from cht_sync.models.files import comments, definition
from cht_sync.models.files.definition import Relation

ALL = "select kept.* from {model} as kept"

OF_SOURCES = "select kept.* from {model} as kept where kept.source = any({sources})"

WRITTEN = "select kept.* from {rows} as kept where kept.source <> all({whole})"

#: Without the written rows: these are counted separately, the previous and the new ones.
MOVED = """
    select kept.*
    from (
        select distinct found.source, found._id
        from (
{moved}
        ) as found (source, _id)
    ) as named
    join {model} as kept on kept.source = named.source and kept._id = named._id
    where not exists (
        select from {now} as written where written.source = named.source and written._id = named._id
    )
"""

SHIFT = """
    insert into {shift} ({keys}, {numbers})
    select {keys}, {signed}
    from ({counted}) as counted
"""

KEPT = "select * from {tally} where source = any({sources})"

ADD = """
    insert into {tally} as kept ({keys}, {numbers})
    select {keys}, {sums}
    from {shift}
    group by {keys}
    having ({sums}) <> ({zeros})
    on conflict ({keys}) do update set {added}
"""
SWEEP = """
    delete from {tally} as kept
    using (select distinct {keys} from {shift}) as shifted
    where ({kept_keys}) = ({shifted_keys}) and ({numbers}) = ({zeros})
"""


#: What to count for each tally: a select over rows of its model.
Selection = Mapping[Relation, statement.Composable]


class Tallies:
    """The tallies of `files` in one run. `take_off` and `put_on` note differences; `add` adds them to the kept rows."""

    def __init__(self, connection: warehouse.Connection, files: Iterable[Relation]) -> None:
        self.connection, self.files = connection, list(files)
        self._shifted: dict[Relation, dict[str, statement.Composable]] = {}

    @property
    def models(self) -> set[str]:
        """The models whose rows are counted: they are written with `keep` (see table)."""
        return {file.of for file in self.files}

    def written(self, deltas: Mapping[str, Delta]) -> tuple[Selection, Selection]:
        """The previous and the new rows that the models have written, without sources done whole: see `recount`."""
        models = {model for model in self.models if self._has_written(model)}
        pairs = {file: self._written(file, deltas[file.of]) for file in self.files if file.of in models}
        return {file: was for file, (was, _) in pairs.items()}, {file: now for file, (_, now) in pairs.items()}

    def moved(self) -> Selection:
        """The rows about the persons in pg_temp.moved, if there are any, counted where these persons are now."""
        moving = [file for file in self.files if file.moved]
        if moving and self.connection.execute("select from pg_temp.moved limit 1").rowcount:
            return {file: self._moved(file) for file in moving}
        return {}

    def take_off(self, rows: Selection) -> None:
        """Notes that these rows, as they count at this moment, are subtracted."""
        for file, counted in rows.items():
            self._shift(file, counted, "-")

    def put_on(self, rows: Selection) -> None:
        """Notes that these rows, as they count at this moment, are added."""
        for file, counted in rows.items():
            self._shift(file, counted)

    def recount(self, sources: Collection[str]) -> dict[str, int]:
        """Counts these sources from nothing, since their kept rows may be wrong. Returns rows written by tally."""
        for file in self.files if sources else []:
            names = {"tally": _model(file.name), "model": _model(file.of), "sources": Literal(sorted(sources))}
            self._shift(file, statement.SQL(KEPT).format(**names), "-")
            self._shift(file, _tallied(statement.SQL(OF_SOURCES).format(**names), file))
        return self.add()

    def add(self) -> dict[str, int]:
        """Adds the noted differences to the kept rows; returns rows written by tally."""
        written = {}
        for file, names in self._shifted.items():
            self.connection.execute(statement.SQL("analyze {shift}").format(**names))
            added = self.connection.execute(statement.SQL(ADD).format(**names)).rowcount
            if added:
                self.connection.execute(statement.SQL(SWEEP).format(**names))
            self.connection.execute(statement.SQL("drop table {shift}").format(**names))
            written[file.name] = added
        self._shifted.clear()
        return written

    def _has_written(self, model: str) -> bool:
        query = statement.SQL("select where exists (select from {was}) or exists (select from {now})")
        names = {"was": table.was(model), "now": table.now(model)}
        return bool(self.connection.execute(query.format(**names)).rowcount)

    def _written(self, file: Relation, delta: Delta) -> tuple[statement.Composable, statement.Composable]:
        """The previous and the new rows of its model."""
        query, whole = statement.SQL(WRITTEN), Literal(sorted(delta.whole))
        was, now = (query.format(rows=rows, whole=whole) for rows in (table.was(file.of), table.now(file.of)))
        return _tallied(was, file), _tallied(now, file)

    def _moved(self, file: Relation) -> statement.Composable:
        names = {"model": _model(file.of), "now": table.now(file.of), "moved": statement.SQL(file.moved)}
        return _tallied(statement.SQL(MOVED).format(**names), file)

    def _shift(self, file: Relation, counted: statement.Composable, sign: str = "") -> None:
        """Notes what is added to the tally, or subtracted if `sign` is a minus."""
        if file not in self._shifted:
            self._shifted[file] = _names(self.connection, file)
            create = statement.SQL("create temporary table {shift} (like {tally}) on commit drop")
            self.connection.execute(create.format(**self._shifted[file]))
        names = self._shifted[file]
        query = statement.SQL(SHIFT).format(**names, signed=names["minus" if sign else "numbers"], counted=counted)
        with definition.translated(file, "what has changed"):
            self.connection.execute(query)


def read(include: sql.Include = sql.INCLUDE) -> list[Relation]:
    """The files of include/sql/models/tallies. Raises ConfigurationInvalid."""
    files = definition.folder("models/tallies", include)
    for file in files:
        if not file.of or "source" not in file.key:
            raise definition.invalid(file, "names no model in `of`, or has no `key` with source in it")
    return files


def set_timezone(connection: warehouse.Connection, timezone: str) -> None:
    """Stores the deployment's time zone for everything that counts by month. It is part of every `stamp`."""
    connection.execute(
        "update ops.deployment set timezone = %(timezone)s where timezone <> %(timezone)s", {"timezone": timezone}
    )


def stamp(file: Relation, views: Iterable[Relation], timezone: str) -> str:
    """A hash of what decides its rows, except the model: its file, the views that it reads, the time zone."""
    hashes = [view.hash for view in views if view.name in file.reads]
    parts = [file.hash, file.of, file.moved, timezone, *hashes]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def make(connection: warehouse.Connection, file: Relation) -> int:
    """Rebuilds a tally from all rows of its model; returns its number of rows. Raises ModelFailed."""
    text = _tallied(statement.SQL(ALL).format(model=_model(file.of)), file).as_string(connection)
    table.discard(connection, file.name)
    table.create(connection, file, text, set())
    written = table.fill(connection, file, text)
    table.finish(connection, file)
    table.swap(connection, file, set())
    return written


def _tallied(rows: statement.Composable, file: Relation) -> statement.Composable:
    """The file's select, with these rows of its model in `tallied`."""
    return statement.SQL("with tallied as ({rows}) {select}").format(rows=rows, select=file.select())


def _model(name: str) -> Identifier:
    return Identifier("model_data", name)


def _names(connection: warehouse.Connection, file: Relation) -> dict[str, statement.Composable]:
    columns = [name for name, _ in comments.columns(connection, f"model_data.{file.name}")]
    keys = [Identifier(name) for name in file.key]
    numbers = [Identifier(name) for name in columns if name not in file.key]
    return {
        "tally": _model(file.name),
        "shift": Identifier("pg_temp", f"{file.name}__shift"),
        "keys": _list(keys),
        "numbers": _list(numbers),
        "minus": _list(statement.SQL("-{0} as {0}").format(number) for number in numbers),
        "sums": _list(statement.SQL("sum({})").format(number) for number in numbers),
        "zeros": _list(Literal(0) for _ in numbers),
        "added": _list(statement.SQL("{0} = kept.{0} + excluded.{0}").format(number) for number in numbers),
        "kept_keys": _list(statement.SQL("kept.{}").format(key) for key in keys),
        "shifted_keys": _list(statement.SQL("shifted.{}").format(key) for key in keys),
    }


def _list(parts: Iterable[statement.Composable]) -> statement.Composed:
    return statement.SQL(", ").join(parts)
