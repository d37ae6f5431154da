"""Tallies: how many rows of a model there are by a few of their columns, kept by the change.

A tally is one `select … group by` from `tallied`, which has rows of the model that its header names in `of`: all of
them where the tally is made anew, else those that a change is about: that are written, or are of people who are
counted elsewhere. They are counted as they were, with people where they were, and as they are, with people where they
are; the difference is added to what is kept. `moved` in the header names the model's rows that are of the people in
`moved` (source, uuid).

`key` has the columns by which it counts, none of them null; every other column is a number. A row of zeros is none.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from psycopg import sql as statement
from psycopg.sql import Identifier, Literal

from cht_sync import sql, warehouse
from cht_sync.models import comments, definition, table
from cht_sync.models.definition import Relation
from cht_sync.models.delta import Delta

ALL = "select kept.* from {model} as kept"

OF_SOURCES = "select kept.* from {model} as kept where kept.source = any({sources})"

WRITTEN = "select kept.* from {rows} as kept where kept.source <> all({whole})"

#: What is written is not among them: it is counted as it was and as it is by itself.
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


class Tallies:
    """Those of `files`; `written` gets how many rows of each were written."""

    def __init__(self, connection: warehouse.Connection, files: Iterable[Relation], written: dict[str, int]) -> None:
        self.connection, self.files, self.written = connection, list(files), written
        self._shifted: dict[Relation, dict[str, statement.Composable]] = {}

    @property
    def models(self) -> set[str]:
        """Those whose rows are counted: they are written with `keep` (see table)."""
        return {file.of for file in self.files}

    @contextmanager
    def changing(self, deltas: Mapping[str, Delta]) -> Iterator[None]:
        """Around the counting of people, once the models are written; sources that these did whole: see `recount`."""
        written = {model for model in self.models if self._has_written(model)}
        rows = {file: self._written(file.of, deltas[file.of]) for file in self.files if file.of in written}
        for file, (was, _) in rows.items():
            self._shift(file, _tallied(was, file), "-")
        yield
        for file, (_, now) in rows.items():
            self._shift(file, _tallied(now, file))
        self._add()

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Around the writing of where people are counted; pg_temp.moved has those of whom it changes."""
        some = self.connection.execute("select from pg_temp.moved limit 1").rowcount
        rows = {file: self._moved(file) for file in self.files if some and file.moved}
        for file, of_moved in rows.items():
            self._shift(file, of_moved, "-")
        yield
        for file, of_moved in rows.items():
            self._shift(file, of_moved)

    def recount(self, sources: Collection[str]) -> None:
        """Counts these from nothing: whatever is kept of them may be wrong."""
        for file in self.files if sources else []:
            names = {"tally": _model(file.name), "model": _model(file.of), "sources": Literal(sorted(sources))}
            self._shift(file, statement.SQL(KEPT).format(**names), "-")
            self._shift(file, _tallied(statement.SQL(OF_SOURCES).format(**names), file))
        self._add()

    def _has_written(self, model: str) -> bool:
        query = statement.SQL("select where exists (select from {was}) or exists (select from {now})")
        names = {"was": table.was(model), "now": table.now(model)}
        return bool(self.connection.execute(query.format(**names)).rowcount)

    def _written(self, model: str, delta: Delta) -> tuple[statement.Composable, statement.Composable]:
        """The model's rows as they were and as they are."""
        query, whole = statement.SQL(WRITTEN), Literal(sorted(delta.whole))
        return query.format(rows=table.was(model), whole=whole), query.format(rows=table.now(model), whole=whole)

    def _moved(self, file: Relation) -> statement.Composable:
        names = {"model": _model(file.of), "now": table.now(file.of), "moved": statement.SQL(file.moved)}
        return _tallied(statement.SQL(MOVED).format(**names), file)

    def _shift(self, file: Relation, counted: statement.Composable, sign: str = "") -> None:
        """Notes what is to be added to the tally, or with a minus taken off."""
        if file not in self._shifted:
            self._shifted[file] = _names(self.connection, file)
            create = statement.SQL("create temporary table {shift} (like {tally}) on commit drop")
            self.connection.execute(create.format(**self._shifted[file]))
        names = self._shifted[file]
        query = statement.SQL(SHIFT).format(**names, signed=names["minus" if sign else "numbers"], counted=counted)
        with definition.telling(file, "what has changed"):
            self.connection.execute(query)

    def _add(self) -> None:
        """Adds what was noted to what is kept."""
        for file, names in self._shifted.items():
            self.connection.execute(statement.SQL("analyze {shift}").format(**names))
            added = self.connection.execute(statement.SQL(ADD).format(**names)).rowcount
            if added:
                self.connection.execute(statement.SQL(SWEEP).format(**names))
            self.connection.execute(statement.SQL("drop table {shift}").format(**names))
            self.written[file.name] = self.written.get(file.name, 0) + added
        self._shifted.clear()


def read(include: sql.Include = sql.INCLUDE) -> list[Relation]:
    """The files of include/sql/models/tallies. Raises ConfigurationInvalid."""
    files = definition.folder("models/tallies", include)
    for file in files:
        if not file.of or "source" not in file.key:
            raise definition.invalid(file, "names no model in `of`, or has no `key` with source in it")
    return files


def set_timezone(connection: warehouse.Connection, timezone: str) -> None:
    """Has what counts by month read the deployment's time zone; another one is in every `stamp`."""
    connection.execute(
        "update ops.deployment set timezone = %(timezone)s where timezone <> %(timezone)s", {"timezone": timezone}
    )


def stamp(file: Relation, views: Iterable[Relation], timezone: str) -> str:
    """Of all that decides its rows but the model's: itself, the views that it reads, what a month is."""
    hashes = [view.hash for view in views if view.name in file.reads]
    parts = [file.hash, file.of, file.moved, timezone, *hashes]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def make(connection: warehouse.Connection, file: Relation) -> int:
    """Makes it anew, of all rows of its model; how many rows it has. Raises ModelFailed."""
    text = _tallied(statement.SQL(ALL).format(model=_model(file.of)), file).as_string(connection)
    table.discard(connection, file.name)
    table.create(connection, file, text, set())
    written = table.fill(connection, file, text)
    table.finish(connection, file)
    table.swap(connection, file, set())
    return written


def _tallied(rows: statement.Composable, file: Relation) -> statement.Composable:
    """What the file selects, where `tallied` has these rows of its model."""
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
