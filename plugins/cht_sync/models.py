"""Models: tables kept up with the documents, by the change.

A model is one `select` from `document` (see relation.Relation). On a run `document` holds what changed since the batch
that the model has noted, and what its `affected` query names because of it; where its file is new or has changed,
everything. Rows are deleted by document and inserted again, so that a document that changes its type leaves one table
and enters another. Everything happens in one transaction over one snapshot: a run that is killed has done nothing.
"""

from dataclasses import dataclass, field
from pathlib import Path

from cht_sync import counts, describe, relation, sql, table, warehouse, work
from cht_sync.relation import Relation

#: The counts of every area: what a mart names that reads them.
FOLD = counts.FOLD


@dataclass(frozen=True)
class Update:
    """What a run did: documents looked at, rows written by model (deleted and inserted), models that failed."""

    changed: int = 0
    models: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def update(connection: warehouse.Connection, include: Path = sql.INCLUDE) -> Update:
    """Brings models and counts up to what is staged; nothing new costs one statement.

    Raises ModelFailed, AnotherRun, ConfigurationInvalid.
    """
    files, views = relation.folder("models", include), relation.folder("views", include)
    if not _is_behind(connection, files, views, include):
        return Update()
    with warehouse.lock(connection, "cht-sync models"), connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        # the counts hash every person and place of a source
        connection.execute("set local work_mem = '128MB'")
        # what has changed is looked up by its keys, and those pages are mostly in memory
        connection.execute("set local random_page_cost = 1.1")
        return _run(connection, files, views, include)


def _is_behind(connection: warehouse.Connection, files: list[Relation], views: list[Relation], include: Path) -> bool:
    stamps = _stamps(files, views, include)
    row = connection.execute(
        sql.read("ops/models_behind"),
        {
            "names": list(stamps),
            "hashes": list(stamps.values()),
            "described": [file.name for file in (*files, *views)],
            "headers": [file.header for file in (*files, *views)],
            "models": [file.name for file in files],
        },
    ).fetchone()
    return bool(row and row[0])


def _stamps(files: list[Relation], views: list[Relation], include: Path) -> dict[str, str]:
    """What each relation is made from, by name."""
    return {file.name: file.hash for file in [*files, *views, counts.definition(include)]}


def _run(connection: warehouse.Connection, files: list[Relation], views: list[Relation], include: Path) -> Update:
    stamps = _stamps(files, views, include)
    known = dict(connection.execute("select name, hash from ops.relation").fetchall())
    anew = {name for name, stamp in stamps.items() if known.get(name) != stamp}
    # those that read it are done whole too: a new table is quicker than every row deleted and inserted
    anew |= {file.name for file in files if file.upstream & anew}
    noted = {file.name: _noted(connection, file, anew) for file in files}
    works = work.plan(files, noted)
    changed = work.choose(connection, noted)
    marts = connection.execute("select 'marts', mart from ops.mart_state").fetchall()
    ours = {*marts, *(("models", view.name) for view in views)}
    written, touched = _write(connection, files, works, anew, ours)
    if FOLD in anew:
        counts.renew(connection, include)
    change = None if anew & {FOLD, *counts.INPUTS} else counts.Change.of(works, touched)
    written[FOLD] = counts.update(connection, change, include)
    _show(connection, views, anew, ours)
    if FOLD in anew:
        counts.discard(connection)
    _note(connection, stamps, written, anew, files)
    _describe(connection, [*files, *views], anew | {view.name for view in views if anew})
    return Update(changed, written)


def _noted(connection: warehouse.Connection, file: Relation, anew: set[str]) -> dict[str, int]:
    """The batch up to which the model has each source that it is behind; 0 where it has nothing, or more than there is.

    A batch falls only where a source was removed and copied again. What is just copied in ranges is not read.
    """
    rows = connection.execute(
        """
        select
            checkpoint.source,
            case when %(anew)s or state.batch > checkpoint.batch then 0 else coalesce(state.batch, 0) end
        from ops.checkpoint
        left join ops.model_state as state on state.source = checkpoint.source and state.model = %(model)s
        where checkpoint.mode <> 'copying' and (%(anew)s or state.batch is distinct from checkpoint.batch)
        """,
        {"model": file.name, "anew": file.name in anew},
    ).fetchall()
    return dict(rows)


def _write(
    connection: warehouse.Connection,
    files: list[Relation],
    works: dict[str, work.Work],
    anew: set[str],
    ours: set[tuple[str, str]],
) -> tuple[dict[str, int], set[str]]:
    """Rows written by model, and the sources whose counts they change."""
    kept = [file for file in files if file.name not in anew]
    # what names a document now may not name it afterwards
    for file in kept:
        work.affect(connection, file, works[file.name], "before")
    written, touched = dict[str, int](), set[str]()
    for file in files:
        if file in kept:
            work.affect(connection, file, works[file.name])
            work.aim(connection, works[file.name])
            rows = table.write(connection, file, works[file.name])
        else:
            work.aim(connection, works[file.name])
            rows = table.make(connection, file, ours)
        written[file.name] = rows.total()
        if file.name in counts.INPUTS:
            touched |= set(rows)
    return written, touched


def _show(connection: warehouse.Connection, views: list[Relation], anew: set[str], ours: set[tuple[str, str]]) -> None:
    """Views are made again with any table: one may have been dropped with what it read."""
    for view in views if anew else []:
        table.show(connection, view, view.select(), ours)


def _note(
    connection: warehouse.Connection,
    stamps: dict[str, str],
    written: dict[str, int],
    anew: set[str],
    files: list[Relation],
) -> None:
    completed = connection.execute(sql.read("ops/note_sources")).fetchall()
    # numbers that have become complete are other numbers
    changed = [name for name in stamps if written.get(name) or name in anew or (completed and name == FOLD)]
    connection.execute(sql.read("ops/note_relations"), {"names": changed, "hashes": [stamps[name] for name in changed]})
    connection.execute(sql.read("ops/note_models"), {"models": [file.name for file in files]})


def _describe(connection: warehouse.Connection, files: list[Relation], shown: set[str]) -> None:
    """Words of a header that have changed become comments; what is just `shown` has them already."""
    noted = dict(connection.execute("select name, header from ops.relation").fetchall())
    changed = [file for file in files if noted.get(file.name) != file.header]
    for file in changed:
        if file.name not in shown:
            describe.comment(connection, "view", "models", file)
    connection.execute(
        sql.read("ops/note_headers"),
        {"names": [file.name for file in changed], "headers": [file.header for file in changed]},
    )
