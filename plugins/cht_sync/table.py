"""A model's table: written by document, or made anew beside it and put under its view."""

from collections import Counter
from collections.abc import Collection

from psycopg import errors as pg
from psycopg import sql as statement
from psycopg.sql import Identifier

from cht_sync import describe, relation, warehouse
from cht_sync.errors import ModelFailed
from cht_sync.relation import Relation
from cht_sync.work import Work

DELETE = """
    with gone as (
        delete from {table} as kept
        where kept.source = any(%(whole)s)
        returning kept.source
    ), named as (
        delete from {table} as kept
        using pg_temp.todo
        where todo.scope = any(%(scopes)s) and todo.source <> all(%(whole)s)
            and kept.source = todo.source and kept._id = todo._id
        returning kept.source
    )
    select source, count(*) from (table gone union all table named) as deleted group by source
"""

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


def write(connection: warehouse.Connection, file: Relation, work: Work) -> Counter[str]:
    """Deletes the rows of the work's documents and inserts what the file selects; rows written by source.

    Raises ModelFailed.
    """
    table = Identifier("model_data", file.name)
    rows = connection.execute(
        statement.SQL(DELETE).format(table=table),
        {"whole": sorted(work.whole), "scopes": sorted(work.scopes | {work.own})},
    ).fetchall()
    written = Counter(dict(rows))
    head = statement.SQL("with written as (insert into {} ").format(table)
    tail = statement.SQL("\nreturning source) select source, count(*) from written group by source")
    with relation.telling(file, head=head.as_string(connection)):
        written.update(dict(connection.execute(head + file.select() + tail).fetchall()))
    if work.whole:
        connection.execute(statement.SQL("analyze {}").format(table))
    return written


def new(name: str) -> str:
    """The table in model_data that is to take the place of a model's."""
    return f"{name}__new"


def create(connection: warehouse.Connection, file: Relation, text: str, ours: Collection[tuple[str, str]]) -> None:
    """The empty new table; `text` is the file's select, `ours` are the relations that are made again afterwards.

    Raises ModelFailed, also where others read a column that it doesn't have.
    """
    name = Identifier("model_data", new(file.name))
    head = statement.SQL("create table {} as ").format(name).as_string(connection)
    with relation.telling(file, head=head, text=text):
        connection.execute(head.encode() + text.encode() + b"\nwith no data")
    before, after = (describe.columns(connection, at) for at in (f"models.{file.name}", f"model_data.{new(file.name)}"))
    if missing := {"source", *file.key} - {column for column, _ in after}:
        raise relation.invalid(file, f"gives no column {sorted(missing)[0]}")
    if before != after[: len(before)]:
        require_unread(connection, f"models.{file.name}", ours)


def fill(connection: warehouse.Connection, file: Relation, text: str) -> int:
    """Inserts what `text` selects into the new table; how many rows. Raises ModelFailed."""
    head = statement.SQL("insert into {} ").format(Identifier("model_data", new(file.name))).as_string(connection)
    with relation.telling(file, head=head, text=text):
        return connection.execute(head.encode() + text.encode()).rowcount


def empty(connection: warehouse.Connection, name: str, source: str) -> None:
    """Takes a source out of the new table."""
    query = statement.SQL("delete from {} where source = %s").format(Identifier("model_data", new(name)))
    connection.execute(query, [source])


def finish(connection: warehouse.Connection, file: Relation) -> None:
    """Key and indexes of the new table, once all rows are in it. Raises ModelFailed."""
    name, key = Identifier("model_data", new(file.name)), statement.SQL(", ").join(map(Identifier, file.key))
    connection.execute("set local maintenance_work_mem = '256MB'")
    with relation.telling(file, "its key or an index"):
        connection.execute(statement.SQL("alter table {} add primary key ({})").format(name, key))
        for index in file.indexes:
            columns = statement.SQL(", ").join(map(Identifier, index))
            connection.execute(statement.SQL("create index on {} ({})").format(name, columns))
    connection.execute(statement.SQL("analyze {}").format(name))


def swap(connection: warehouse.Connection, file: Relation, ours: Collection[tuple[str, str]]) -> None:
    """Puts the new table under the view, in place of the old one. Raises ModelFailed."""
    made, table = Identifier("model_data", new(file.name)), Identifier("model_data", file.name)
    columns = [Identifier(name) for name, _ in describe.columns(connection, f"model_data.{new(file.name)}")]
    query = statement.SQL("select {} from {}").format(statement.SQL(", ").join(columns), made)
    show(connection, file, query, ours)
    connection.execute(statement.SQL("drop table if exists {}").format(table))
    connection.execute(statement.SQL("alter table {} rename to {}").format(made, Identifier(file.name)))


def discard(connection: warehouse.Connection, name: str) -> None:
    """Drops the new table, where there is one."""
    connection.execute(statement.SQL("drop table if exists {}").format(Identifier("model_data", new(name))))


def show(
    connection: warehouse.Connection, file: Relation, query: statement.Composable, ours: Collection[tuple[str, str]]
) -> None:
    """Makes models.<name> show the query, in place where its columns allow it: whoever reads it isn't broken.

    Raises ModelFailed, naming them, where others read a column that is gone or has another type now.
    """
    view = Identifier("models", file.name)
    head = statement.SQL("create or replace view {} as ").format(view)
    with relation.telling(file, head=head.as_string(connection)):
        try:
            with connection.transaction():
                connection.execute(head + query)
        except pg.InvalidTableDefinition:
            require_unread(connection, f"models.{file.name}", ours)
            connection.execute(statement.SQL("drop view {} cascade").format(view))
            connection.execute(head + query)
    describe.comment(connection, "view", "models", file)


def require_unread(connection: warehouse.Connection, view: str, ours: Collection[tuple[str, str]]) -> None:
    """Raises ModelFailed where others than ours read the view (`schema.name`), at any distance: it names them."""
    found = connection.execute(DEPENDENTS, {"view": view}).fetchall()
    if others := [f"{namespace}.{name}" for namespace, name in found if (namespace, name) not in ours]:
        raise ModelFailed(
            f"{view} has other columns now, and {', '.join(others)} would break",
            "Drop or alter what reads it, then run this again: it goes on by itself",
        )
