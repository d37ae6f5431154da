"""What a run of the models has to do: which documents, for which model.

In the run's transaction, two temporary views show the work of one model at a time:
  document   its documents, live ones and archived reports: source, _id, _rev, type, saved_timestamp, doc, is_main
  changed    (source, _id) of all changed documents, live or not, for its `affected` query
"""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql as statement

from cht_sync import warehouse
from cht_sync.models.files import definition
from cht_sync.models.files.definition import Relation

TABLE = """
    create temporary table todo (
        scope text not null,
        source text collate "C" not null,
        _id text collate "C" not null,
        primary key (source, _id, scope)
    ) on commit drop
"""

COLUMNS = """
        document.source, document._id, document._rev, document.type, document.saved_timestamp, document.doc,
        cht.is_main({source}) as is_main
"""

# The sources are constants in the views, so that the planner sees which partitions are read.
DOCUMENT = """
    create or replace temporary view document as
    select {columns}
    from staging.document as document
    where document.source = any({whole}) and cht.is_modelled(document._deleted, document.gone, document.type)
    union all
    select {columns}
    from (
        select distinct todo.source, todo._id
        from pg_temp.todo
        where todo.scope = any({scopes}) and todo.source <> all({whole})
    ) as named
    join staging.document as document on document.source = named.source and document._id = named._id
    where cht.is_modelled(document._deleted, document.gone, document.type)
"""

CHANGED = """
    create or replace temporary view changed as
    select distinct todo.source, todo._id
    from pg_temp.todo
    where todo.scope = any({scopes}) and todo.source <> all({whole})
"""

CHOOSE = """
    insert into pg_temp.todo (scope, source, _id)
    select %s, document.source, document._id
    from unnest(%s::text[], %s::bigint[]) as noted (source, batch)
    join staging.document as document on document.source = noted.source and document.batch > noted.batch
"""

AFFECT = """
    insert into pg_temp.todo (scope, source, _id)
    select {scope}, found.source, found._id
    from (
{affected}
    ) as found (source, _id)
    on conflict do nothing
"""

#: With the model's name after it: the scope of the documents that the model's `affected` returns.
AFFECTED = "affected "


@dataclass(frozen=True)
class Delta:
    """One model's work: the sources that it does whole, and the scopes of pg_temp.todo that name its other documents.

    They include the documents of every model that it reads. `own` is the scope of what its `affected` adds.
    """

    whole: frozenset[str]
    scopes: frozenset[str]
    own: str


def plan(files: Iterable[Relation], noted: dict[str, dict[str, int]]) -> dict[str, Delta]:
    """The work of each file. `noted`: by model and source, the batch that is taken in; 0 means nothing yet."""
    deltas: dict[str, Delta] = {}
    for file in files:
        above = [deltas[name] for name in file.upstream]
        whole = frozenset(source for source, batch in noted[file.name].items() if batch == 0)
        deltas[file.name] = Delta(
            whole=whole.union(*(delta.whole for delta in above)),
            scopes=frozenset({scope(noted[file.name])}).union(*(delta.scopes | {delta.own} for delta in above)),
            own=AFFECTED + file.name,
        )
    return deltas


def scope(noted: dict[str, int]) -> str:
    """The scope of the documents after these batches. Models that have noted the same batches share it."""
    return " ".join(f"{source}>{batch}" for source, batch in sorted(noted.items()) if batch)


def begin(connection: warehouse.Connection) -> None:
    """Creates an empty pg_temp.todo, in the run's transaction."""
    connection.execute(TABLE)


def choose(connection: warehouse.Connection, noted: dict[str, dict[str, int]]) -> int:
    """Notes the documents after each batch, once for all models with the same batches. Returns their number."""
    for name, batches in {scope(batches): batches for batches in noted.values()}.items():
        later = {source: batch for source, batch in batches.items() if batch}
        connection.execute(CHOOSE, [name, list(later), list(later.values())])
    postponed = "insert into pg_temp.todo select %s || model, source, _id from ops.model_todo where model = any(%s)"
    connection.execute(postponed, [AFFECTED, list(noted)])
    connection.execute("analyze pg_temp.todo")
    whole = {source for batches in noted.values() for source, batch in batches.items() if batch == 0}
    (documents,) = warehouse.one(
        connection,
        """
        select (select count(distinct (source, _id)) from pg_temp.todo where source <> all(%(whole)s))
            + (select count(*) from staging.document where source = any(%(whole)s))
        """,
        {"whole": sorted(whole)},
    )
    return int(documents)


def affect(connection: warehouse.Connection, file: Relation, delta: Delta) -> None:
    """Adds the documents that the file's `affected` returns for the changed ones. Raises ModelFailed."""
    if not file.affected:
        return
    # `own` has what was postponed: the run in which it changed may not have executed `affected`
    _show(connection, CHANGED, delta.scopes | {delta.own}, delta.whole)
    named = statement.SQL(AFFECT).format(scope=statement.Literal(delta.own), affected=statement.SQL(file.affected))
    with definition.translated(file, "affected"):
        connection.execute(named)


def postpone(connection: warehouse.Connection, file: Relation, delta: Delta) -> None:
    """Keeps the documents that `affected` returned for a model that was not written, its own and its upstream's.

    The next run may not find them, since `affected` may no longer return them.
    """
    named = sorted(name for name in delta.scopes | {delta.own} if name.startswith(AFFECTED))
    connection.execute(
        """
        insert into ops.model_todo (model, source, _id)
        select distinct %s, todo.source, todo._id
        from pg_temp.todo
        where todo.scope = any(%s)
        on conflict do nothing
        """,
        [file.name, named],
    )


def aim(connection: warehouse.Connection, delta: Delta) -> None:
    """Makes `document` show this work."""
    _show(connection, DOCUMENT, delta.scopes | {delta.own}, delta.whole)


def columns(source: statement.Composable) -> statement.Composed:
    """The columns of `document`. If `source` is a constant, cht.is_main is evaluated once."""
    return statement.SQL(COLUMNS).format(source=source)


def _show(connection: warehouse.Connection, view: str, scopes: frozenset[str], whole: frozenset[str]) -> None:
    connection.execute(
        statement.SQL(view).format(
            columns=columns(statement.SQL("document.source")),
            whole=statement.Literal(sorted(whole)),
            scopes=statement.Literal(sorted(scopes)),
        )
    )
