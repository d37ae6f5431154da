"""The counts of every area, kept in model_data.area_fold: by the change, or made from nothing.

include/sql/counts has the tables; area_fold.sql, the definition, which counts sources whole; area_change.sql, which
brings them up to what the models have done again; area_write.sql, which writes what either has made.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql as statement
from psycopg.sql import Identifier

from cht_sync import relation, sql, warehouse
from cht_sync.relation import Relation
from cht_sync.work import Work

#: The counts by name: a model, but no select by document.
FOLD = "area_fold"

#: The models that the counts are made of.
INPUTS = frozenset({"contact", "person", "place"})

TABLES = ("area_fold", "counted_person", "orphan", "orphan_chain", "cycle")
FILES = ("tables", "area_fold", "area_change", "area_write")

SOURCES = 'create temporary table fold_source (source text collate "C" primary key) on commit drop'

#: The documents that the models which the counts are made of have done again.
TODO = """
    create or replace temporary view fold_todo as
    select distinct todo.source, todo._id
    from pg_temp.todo
    where todo.scope = any({scopes})
"""

TO_CHECK = """
    insert into ops.area_to_check (source, area_uuid)
    select made.source, made.area_uuid
    from pg_temp.fold_area as made
    where not made.is_gone
"""

#: What the way of counting that comes next makes again.
WRITTEN = (
    "drop table pg_temp.fold_area, pg_temp.fold_person, pg_temp.fold_orphan, pg_temp.fold_chain, pg_temp.fold_cycle"
)


@dataclass(frozen=True)
class Change:
    """What the models of a run have done: sources of which a row was written, those that they did whole, and the scopes
    of pg_temp.todo that name the documents of the others."""

    touched: Collection[str]
    whole: Collection[str]
    scopes: Collection[str]

    @classmethod
    def of(cls, works: Mapping[str, Work], touched: Collection[str]) -> "Change":
        """Of the models that the counts are made of."""
        inputs = [works[name] for name in INPUTS]
        whole = frozenset[str]().union(*(work.whole for work in inputs))
        return cls(touched, whole, frozenset[str]().union(*(work.scopes | {work.own} for work in inputs)))


def definition(include: Path = sql.INCLUDE) -> Relation:
    """What the counts are made by: where it has changed, they are made anew."""
    return relation.parse(FOLD, "\n".join(sql.read(f"counts/{name}", include) for name in FILES))


def renew(connection: warehouse.Connection, include: Path = sql.INCLUDE) -> None:
    """Makes the tables anew. What reads the ones of before goes on with them, until `discard`. Raises ModelFailed."""
    for table in TABLES:
        connection.execute(
            statement.SQL("alter table if exists {} rename to {}").format(
                Identifier("model_data", table), Identifier(f"{table}__before")
            )
        )
    _execute(connection, "tables", include)


def discard(connection: warehouse.Connection) -> None:
    """Drops the tables that were renewed, once nothing reads them any more."""
    for table in TABLES:
        name = Identifier("model_data", f"{table}__before")
        connection.execute(statement.SQL("drop table if exists {}").format(name))


def update(connection: warehouse.Connection, change: Change | None, include: Path = sql.INCLUDE) -> int:
    """Counts what has changed (None: everything), and whole the sources never counted; how many rows differed and were
    written.

    Raises ModelFailed.
    """
    connection.execute(SOURCES)
    whole = _whole(connection, change)
    written = 0
    if _aim(connection, whole):
        written += sum(_make(connection, "area_fold", include)[:1])
        for table in TABLES:
            connection.execute(statement.SQL("analyze {}").format(Identifier("model_data", table)))
    if change and _aim(connection, set(change.touched) - whole):
        connection.execute(statement.SQL(TODO).format(scopes=statement.Literal(sorted(change.scopes))))
        written += sum(_make(connection, "area_change", include)[:1])
    connection.execute("delete from ops.to_recount")
    return written


def check(connection: warehouse.Connection, include: Path = sql.INCLUDE) -> dict[str, int]:
    """The sources whose kept counts are not what counting from nothing gives, with the number of rows that differ.

    It changes nothing, and takes the time of counting whole. Raises AnotherRun, ModelFailed.
    """
    sources = connection.execute("select source from model_data.area_fold where area_uuid = '' order by 1").fetchall()
    found = {}
    with warehouse.lock(connection, "cht-sync models"):
        for (source,) in sources:
            with connection.transaction(force_rollback=True):
                connection.execute(SOURCES)
                _aim(connection, {source})
                found[source] = sum(_make(connection, "area_fold", include))
    return {source: rows for source, rows in found.items() if rows}


def _whole(connection: warehouse.Connection, change: Change | None) -> set[str]:
    """The sources to be counted from nothing: asked for, done whole by the models, or never counted."""
    rows = connection.execute(
        """
        select checkpoint.source
        from ops.checkpoint
        where cht.is_main(checkpoint.source) and checkpoint.mode <> 'copying' and (
            %(all)s
            or checkpoint.source = any(%(whole)s)
            or checkpoint.source in (select asked.source from ops.to_recount as asked)
            or not exists (
                select from model_data.area_fold as fold
                where fold.source = checkpoint.source and fold.area_uuid = ''
            )
        )
        """,
        {"all": change is None, "whole": list(change.whole if change else ())},
    ).fetchall()
    return {source for (source,) in rows}


def _aim(connection: warehouse.Connection, sources: Collection[str]) -> bool:
    """Counts these from here on; whether there are any."""
    if not sources:
        return False
    connection.execute("delete from pg_temp.fold_source")
    chosen = connection.execute(
        """
        insert into pg_temp.fold_source (source)
        select chosen.source
        from unnest(%s::text[]) as chosen (source)
        where cht.is_main(chosen.source)
        """,
        [sorted(sources)],
    )
    return chosen.rowcount > 0


def _make(connection: warehouse.Connection, name: str, include: Path) -> tuple[int, ...]:
    """One way of counting, written; rows of what people read, and of what the next change is counted from."""
    _execute(connection, name, include)
    if name == "area_change":
        connection.execute(TO_CHECK)
    # by their keys: of few rows that have gone, a kept table is not to be read through
    connection.execute("set local enable_hashjoin = off; set local enable_mergejoin = off")
    written = _execute(connection, "area_write", include)
    connection.execute("set local enable_hashjoin = on; set local enable_mergejoin = on")
    connection.execute(WRITTEN)
    return written


def _execute(connection: warehouse.Connection, name: str, include: Path) -> tuple[int, ...]:
    """Runs a file of statements; the row that the last of them returns, if it does."""
    file = relation.parse(name, sql.read(f"counts/{name}", include))
    with relation.telling(file):
        cursor = connection.execute(file.text.encode())
    while cursor.nextset():
        pass
    return tuple(cursor.fetchone() or ()) if cursor.description else ()
