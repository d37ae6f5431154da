"""Tallies: how many rows of a model there are by a few of their columns, kept by the change.

A tally is one `select … group by` from `tallied`, which has rows of the model that its header names in `of`: all of
them where the tally is made anew, else those that a change is about. These are counted before something is written and
afterwards, and the difference is added to what is kept. So it is twice in a run: where the model is written, with
people where they were counted before; and where people are counted elsewhere, with the model as it is by then. `moved`
in the header names the model's rows that are of the people in `moved` (source, uuid).

`key` has the columns by which it counts, none of them null; every other column is a number. A row of zeros is none.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql as statement
from psycopg.sql import Identifier, Literal

from cht_sync import describe, relation, sql, table, warehouse
from cht_sync.relation import Relation
from cht_sync.work import Work

ALL = "select kept.* from {model} as kept"

OF_SOURCES = "select kept.* from {model} as kept where kept.source = any({sources})"

WRITTEN = """
    select kept.*
    from (
        select distinct todo.source, todo._id
        from pg_temp.todo
        where todo.scope = any({scopes}) and todo.source <> all({whole})
    ) as named
    join {model} as kept on kept.source = named.source and kept._id = named._id
"""

MOVED = """
    select kept.*
    from (
        select distinct found.source, found._id
        from (
{moved}
        ) as found (source, _id)
    ) as named
    join {model} as kept on kept.source = named.source and kept._id = named._id
"""

#: What is counted before is taken off.
BEFORE = """
    create temporary table {shift} on commit drop as
    select {keys}, {minus}
    from (
"""
AFTER = """
    insert into {shift} ({keys}, {numbers})
    select {keys}, {numbers}
    from (
"""

KEPT = """
    create temporary table {shift} on commit drop as
    select {keys}, {minus}
    from {tally}
    where source = any({sources})
"""

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

    @contextmanager
    def writing(self, model: str, work: Work) -> Iterator[None]:
        """Around the writing of the model's rows that are the work's; sources that it does whole: see `recount`."""
        rows = statement.SQL(WRITTEN).format(
            model=Identifier("model_data", model),
            whole=Literal(sorted(work.whole)),
            scopes=Literal(sorted(work.scopes | {work.own})),
        )
        with self._shifting({file: rows for file in self.files if file.of == model}):
            yield

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Around the writing of where people are counted; pg_temp.moved has those of whom it changes."""
        chosen: dict[Relation, statement.Composable] = {
            file: statement.SQL(MOVED).format(model=Identifier("model_data", file.of), moved=statement.SQL(file.moved))
            for file in self.files
            if file.moved
        }
        with self._shifting(chosen):
            yield

    def recount(self, sources: Collection[str]) -> None:
        """Counts these from nothing: whatever is kept of them may be wrong."""
        for file in self.files if sources else []:
            given = {"model": Identifier("model_data", file.of), "sources": Literal(sorted(sources))}
            self.connection.execute(statement.SQL(KEPT).format(**self._names(file), **given))
            self._count(file, statement.SQL(OF_SOURCES).format(**given), AFTER)
            self._add(file)

    @contextmanager
    def _shifting(self, chosen: Mapping[Relation, statement.Composable]) -> Iterator[None]:
        for file, rows in chosen.items():
            self._count(file, rows, BEFORE)
        yield
        for file, rows in chosen.items():
            self._count(file, rows, AFTER)
            self._add(file)

    def _count(self, file: Relation, rows: statement.Composable, head: str) -> None:
        with relation.telling(file, "what has changed"), _tallied(self.connection, rows):
            counted = statement.SQL(head).format(**self._names(file)) + file.select() + statement.SQL(") as counted")
            self.connection.execute(counted)

    def _add(self, file: Relation) -> None:
        """Adds the difference to what is kept."""
        names = self._names(file)
        self.connection.execute(statement.SQL("analyze {shift}").format(**names))
        added = self.connection.execute(statement.SQL(ADD).format(**names)).rowcount
        if added:
            self.connection.execute(statement.SQL(SWEEP).format(**names))
        self.connection.execute(statement.SQL("drop table {shift}").format(**names))
        self.written[file.name] = self.written.get(file.name, 0) + added

    def _names(self, file: Relation) -> dict[str, statement.Composable]:
        columns = [name for name, _ in describe.columns(self.connection, f"model_data.{file.name}")]
        keys = [Identifier(name) for name in file.key]
        numbers = [Identifier(name) for name in columns if name not in file.key]
        return {
            "tally": Identifier("model_data", file.name),
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


def read(include: Path = sql.INCLUDE) -> list[Relation]:
    """The files of include/sql/tallies. Raises ConfigurationInvalid."""
    files = relation.folder("tallies", include)
    for file in files:
        if not file.of or "source" not in file.key:
            raise relation.invalid(file, "names no model in `of`, or has no `key` with source in it")
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
    rows = statement.SQL(ALL).format(model=Identifier("model_data", file.of))
    table.discard(connection, file.name)
    with _tallied(connection, rows):
        table.create(connection, file, file.text, set())
        written = table.fill(connection, file, file.text)
    table.finish(connection, file)
    table.swap(connection, file, set())
    return written


@contextmanager
def _tallied(connection: warehouse.Connection, rows: statement.Composable) -> Iterator[None]:
    """Inside it `tallied` has these rows of a model."""
    connection.execute(statement.SQL("create temporary view tallied as ") + rows)
    yield
    connection.execute("drop view pg_temp.tallied")


def _list(parts: Iterable[statement.Composable]) -> statement.Composed:
    return statement.SQL(", ").join(parts)
