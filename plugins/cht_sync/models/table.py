"""A model's table: written by document, or rebuilt next to the old one and put under the view."""

from collections import Counter
from collections.abc import Collection

from psycopg import errors as pg
from psycopg import sql as statement
from psycopg.sql import Identifier

from cht_sync import warehouse
from cht_sync.errors import ModelFailed
from cht_sync.models.delta import Delta
from cht_sync.models.files import comments, definition
from cht_sync.models.files.definition import Relation

DELETE = """
    with gone as (
        delete from {table} as kept
        where kept.source = any({whole})
        returning kept.{row}
    ), named as (
        delete from {table} as kept
        using pg_temp.todo
        where todo.scope = any({scopes}) and todo.source <> all({whole})
            and kept.source = todo.source and kept._id = todo._id
        returning kept.{row}
    ), deleted as (
        table gone union all table named
    ){keep}
    select source, count(*) from deleted group by source
"""

#: Before and after the file's select.
INSERT = "with written as (insert into {table} "
COUNT = """
        returning {row}
    ){keep}
    select source, count(*) from written group by source
"""

#: The previous rows and the new ones: see `write`.
WAS = ", was as (insert into {was} select * from deleted)"
NOW = ", now as (insert into {now} select * from written where source <> all({whole}))"

# What reads a view, other views and materialized views, at any distance.
DEPENDENTS = """
    with recursive dependent as (
        select to_regclass(%(view)s)::oid as relation
        union
        select rule.ev_class
        from dependent
        join pg_depend on pg_depend.refclassid = 'pg_class'::regclass and pg_depend.refobjid = dependent.relation
            and pg_depend.classid = 'pg_rewrite'::regclass
        join pg_rewrite as rule on rule.oid = pg_depend.objid
    )
    select pg_namespace.nspname, pg_class.relname
    from dependent
    join pg_class on pg_class.oid = dependent.relation
    join pg_namespace on pg_namespace.oid = pg_class.relnamespace
    where dependent.relation <> to_regclass(%(view)s)
    order by 1, 2
"""


def write(connection: warehouse.Connection, file: Relation, delta: Delta, *, keep: bool = False) -> Counter[str]:
    """Deletes the rows of the delta's documents and inserts what the file selects; returns rows written by source.

    With `keep`, pg_temp.was_<name> gets the deleted rows and pg_temp.now_<name> the inserted ones, without those of
    sources that are done whole: they may be millions. Raises ModelFailed.
    """
    names: dict[str, statement.Composable] = {
        "table": Identifier("model_data", file.name),
        "was": was(file.name),
        "now": now(file.name),
        "whole": statement.Literal(sorted(delta.whole)),
        "scopes": statement.Literal(sorted(delta.scopes | {delta.own})),
        "row": statement.SQL("*" if keep else "source"),
    }
    for each in ("was", "now") if keep else ():
        connection.execute(
            statement.SQL("create temporary table {} (like {table}) on commit drop").format(names[each], **names)
        )
    keeping = [statement.SQL(text if keep else "").format(**names) for text in (WAS, NOW)]
    deleted = connection.execute(statement.SQL(DELETE).format(**names, keep=keeping[0])).fetchall()
    head = statement.SQL(INSERT).format(**names)
    tail = statement.SQL(COUNT).format(**names, keep=keeping[1])
    with definition.translated(file, head=head.as_string(connection)):
        inserted = connection.execute(head + file.select() + tail).fetchall()
    if delta.whole:
        connection.execute(statement.SQL("analyze {table}").format(**names))
    return Counter(dict(deleted)) + Counter(dict(inserted))


def was(name: str) -> Identifier:
    """The table of the rows that a run has deleted, if the model was written with `keep`."""
    return Identifier("pg_temp", f"was_{name}")


def now(name: str) -> Identifier:
    """The table of the rows that a run has inserted, without sources that are done whole."""
    return Identifier("pg_temp", f"now_{name}")


def new(name: str) -> str:
    """The name of the table in model_data that will replace a model's."""
    return f"{name}__new"


def create(connection: warehouse.Connection, file: Relation, text: str, ours: Collection[tuple[str, str]]) -> None:
    """Creates the empty new table. `text`: the file's select; `ours`: the relations that are made again after a drop.

    Raises ModelFailed, also if other relations read a column that the new table lacks.
    """
    name = Identifier("model_data", new(file.name))
    head = statement.SQL("create table {} as ").format(name).as_string(connection)
    with definition.translated(file, head=head, text=text):
        connection.execute(head.encode() + text.encode() + b"\nwith no data")
    before, after = (comments.columns(connection, at) for at in (f"models.{file.name}", f"model_data.{new(file.name)}"))
    if missing := {"source", *file.key} - {column for column, _ in after}:
        raise definition.invalid(file, f"gives no column {sorted(missing)[0]}")
    comments.require_known(file, after)
    if before != after[: len(before)]:
        require_unread(connection, f"models.{file.name}", ours)


def fill(connection: warehouse.Connection, file: Relation, text: str) -> int:
    """Inserts what `text` selects into the new table; returns the number of rows. Raises ModelFailed."""
    head = statement.SQL("insert into {} ").format(Identifier("model_data", new(file.name))).as_string(connection)
    with definition.translated(file, head=head, text=text):
        return connection.execute(head.encode() + text.encode()).rowcount


def empty(connection: warehouse.Connection, name: str, source: str) -> None:
    """Deletes the rows of a source from the new table."""
    query = statement.SQL("delete from {} where source = %s").format(Identifier("model_data", new(name)))
    connection.execute(query, [source])


def finish(connection: warehouse.Connection, file: Relation) -> None:
    """Adds the key and the indexes to the new table, once it has all rows. Raises ModelFailed."""
    name, key = Identifier("model_data", new(file.name)), statement.SQL(", ").join(map(Identifier, file.key))
    connection.execute("set local maintenance_work_mem = '256MB'")
    with definition.translated(file, "its key or an index"):
        connection.execute(statement.SQL("alter table {} add primary key ({})").format(name, key))
        for index in file.indexes:
            columns = statement.SQL(", ").join(map(Identifier, index))
            connection.execute(statement.SQL("create index on {} ({})").format(name, columns))
    connection.execute(statement.SQL("analyze {}").format(name))


def swap(connection: warehouse.Connection, file: Relation, ours: Collection[tuple[str, str]]) -> None:
    """Puts the new table under the view, in place of the old one. Raises ModelFailed."""
    made, table = Identifier("model_data", new(file.name)), Identifier("model_data", file.name)
    columns = [Identifier(name) for name, _ in comments.columns(connection, f"model_data.{new(file.name)}")]
    query = statement.SQL("select {} from {}").format(statement.SQL(", ").join(columns), made)
    show(connection, file, query, ours)
    connection.execute(statement.SQL("drop table if exists {}").format(table))
    connection.execute(statement.SQL("alter table {} rename to {}").format(made, Identifier(file.name)))


def discard(connection: warehouse.Connection, name: str) -> None:
    """Drops the new table, if there is one."""
    connection.execute(statement.SQL("drop table if exists {}").format(Identifier("model_data", new(name))))


def show(
    connection: warehouse.Connection, file: Relation, query: statement.Composable, ours: Collection[tuple[str, str]]
) -> None:
    """Makes models.<name> show the query. If the columns allow it, the view stays in place for those who read it.

    Raises ModelFailed, naming them, if other relations read a column that is gone or has another type now.
    """
    view = Identifier("models", file.name)
    head = statement.SQL("create or replace view {} as ").format(view)
    with definition.translated(file, head=head.as_string(connection)):
        try:
            with connection.transaction():
                connection.execute(head + query)
        except pg.InvalidTableDefinition:
            require_unread(connection, f"models.{file.name}", ours)
            connection.execute(statement.SQL("drop view {} cascade").format(view))
            connection.execute(head + query)
    comments.comment(connection, "view", "models", file)


def require_unread(connection: warehouse.Connection, view: str, ours: Collection[tuple[str, str]]) -> None:
    """Raises ModelFailed, naming them, if relations other than `ours` read `view` (schema.name), at any distance."""
    found = connection.execute(DEPENDENTS, {"view": view}).fetchall()
    if others := [f"{namespace}.{name}" for namespace, name in found if (namespace, name) not in ours]:
        raise ModelFailed(
            f"{view} has other columns now, and {', '.join(others)} would break",
            "Drop or alter these relations, then run this task again: it continues by itself",
        )
