"""What a run of the models has to do: which documents, for which model.

In the run's transaction there are, for the model that is aimed at:
  document   the documents to be done, live or archived reports: source, _id, _rev, type, saved_timestamp, doc, is_main
  changed    (source, _id) of what has changed, alive or not, for its `affected` query
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

# The sources are written into the views, so that the planner sees which partitions are read.
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

#: Of the scope of what a model's `affected` names, before the model's name.
AFFECTED = "affected "


@dataclass(frozen=True)
class Delta:
    """One model's: sources to be done whole, and the scopes of pg_temp.todo that name its documents.

    It is done again for whatever a model that it reads is done again; `own` is the scope of what its `affected` adds.
    """

    whole: frozenset[str]
    scopes: frozenset[str]
    own: str


def plan(files: Iterable[Relation], noted: dict[str, dict[str, int]]) -> dict[str, Delta]:
    """The work of each file, where `noted` has by model and source the batch taken in; 0 is nothing yet."""
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
    """The name for what came after these batches: models with the same share it."""
    return " ".join(f"{source}>{batch}" for source, batch in sorted(noted.items()) if batch)


def begin(connection: warehouse.Connection) -> None:
    """In the run's transaction: nothing is to be done yet."""
    connection.execute(TABLE)


def choose(connection: warehouse.Connection, noted: dict[str, dict[str, int]]) -> int:
    """Notes the documents above each batch, once for all models that have noted the same. Returns how many."""
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
    """Adds to the file's documents what its `affected` names because of what has changed. Raises ModelFailed."""
    if not file.affected:
        return
    # with its own: what was postponed had changed in a run that may not have asked
    _show(connection, CHANGED, delta.scopes | {delta.own}, delta.whole)
    named = statement.SQL(AFFECT).format(scope=statement.Literal(delta.own), affected=statement.SQL(file.affected))
    with definition.translated(file, "affected"):
        connection.execute(named)


def postpone(connection: warehouse.Connection, file: Relation, delta: Delta) -> None:
    """Keeps what `affected` has named for a model that was not written, its own and those of the models that it reads:
    what named it may not name it any more."""
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
    """From here on `document` holds this work."""
    _show(connection, DOCUMENT, delta.scopes | {delta.own}, delta.whole)


def columns(source: statement.Composable) -> statement.Composed:
    """What `document` has of staging.document; of a `source` that is a constant is asked once what its name says."""
    return statement.SQL(COLUMNS).format(source=source)


def _show(connection: warehouse.Connection, view: str, scopes: frozenset[str], whole: frozenset[str]) -> None:
    connection.execute(
        statement.SQL(view).format(
            columns=columns(statement.SQL("document.source")),
            whole=statement.Literal(sorted(whole)),
            scopes=statement.Literal(sorted(scopes)),
        )
    )
