"""The relations in pg_temp from which one way of counting makes the counts of areas.

include/sql/models/counts has a file for each: one `select` with a header, as a model has (see definition). The files in
`whole` count places and persons from all contacts of a source, those in `change` from the contacts that were done
again. Files outside these folders are shared by both. `tables` has the tables in which counts are kept, and `write` the
statements that write the differences into them.

In a header, `after` names the relations that this one reads; they are made first. `index` makes an index, or the
primary key if its columns are those of `key`. `analyze` names the columns of which the planner needs statistics, or
`all`. `make: view` makes a view instead of a table.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from psycopg import sql as statement
from psycopg.sql import Identifier

from cht_sync import sql, warehouse
from cht_sync.models.files import definition
from cht_sync.models.files.definition import Relation

#: The two ways of counting, by their folders.
WHOLE = "whole"
CHANGE = "change"


@dataclass(frozen=True)
class Fold:
    """The files of include/sql/models/counts: relations by way, kept tables, and the statements that write these."""

    ways: dict[str, list[Relation]]
    tables: dict[str, Relation]
    writes: dict[str, Relation]

    @property
    def hash(self) -> str:
        """A hash of everything that decides the counts: if it has changed, everything is counted again."""
        files = [*self.ways[WHOLE], *self.ways[CHANGE], *self.tables.values(), *self.writes.values()]
        return hashlib.sha256(" ".join(file.hash for file in files).encode()).hexdigest()


def read(include: sql.Include = sql.INCLUDE) -> Fold:
    """Reads the files. Raises ConfigurationInvalid if a header is wrong."""
    return Fold(
        {way: definition.folders(["models/counts", f"models/counts/{way}"], include) for way in (WHOLE, CHANGE)},
        {file.name: file for file in definition.folder("models/counts/tables", include)},
        {file.name: file for file in definition.folder("models/counts/write", include)},
    )


def make(connection: warehouse.Connection, files: list[Relation], wanted: Collection[str]) -> list[Relation]:
    """Makes the wanted relations, after those that they read; returns all of them. Raises ModelFailed."""
    needed = set(wanted).union(*(file.upstream for file in files if file.name in wanted))
    made = [file for file in files if file.name in needed]
    for file in made:
        _make(connection, file)
    return made


def drop(connection: warehouse.Connection, made: Collection[Relation]) -> None:
    """Drops the relations that `make` made, so that the next way of counting can make its own."""
    for kind, files in (
        ("view", [file for file in made if _is_view(file)]),
        ("table", [file for file in made if not _is_view(file)]),
    ):
        names = statement.SQL(", ").join(_name(file) for file in files)
        connection.execute(statement.SQL("drop {} {}").format(statement.SQL(kind), names))


def _make(connection: warehouse.Connection, file: Relation) -> None:
    kind = "temporary view {} as " if _is_view(file) else "temporary table {} on commit drop as "
    head = statement.SQL("create " + kind).format(Identifier(file.name)).as_string(connection)
    with definition.translated(file, head=head):
        connection.execute(head.encode() + file.text.encode())
    for index in file.indexes:
        columns = statement.SQL(", ").join(map(Identifier, index))
        text = "alter table {} add primary key ({})" if index == file.key else "create index on {} ({})"
        connection.execute(statement.SQL(text).format(_name(file), columns))
    if analyze := file.meaning("analyze"):
        which = statement.SQL("" if analyze == "all" else f"({analyze})")
        connection.execute(statement.SQL("analyze {} {}").format(_name(file), which))


def _is_view(file: Relation) -> bool:
    return file.meaning("make") == "view"


def _name(file: Relation) -> Identifier:
    return Identifier("pg_temp", file.name)
