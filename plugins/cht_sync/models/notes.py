"""The state of models, views, tallies and counts in `ops`: whether a run has work, and what it has done."""

import datetime

from cht_sync import sql, warehouse
from cht_sync.models.catalogue import COUNTS, REJECTED, Catalogue
from cht_sync.models.files import comments, deployment
from cht_sync.models.files.definition import Relation


def has_work(connection: warehouse.Connection, files: Catalogue, today: datetime.date | None) -> bool:
    """Whether a run of the models has anything to do."""
    (is_due,) = warehouse.one(
        connection,
        sql.read("models/run/models_due"),
        {
            "names": list(files.stamps),
            "hashes": list(files.stamps.values()),
            "described": [file.name for file in files.shown],
            "headers": [file.header for file in files.shown],
            "models": [file.name for file in files.models],
            "today": today,
        },
    )
    return bool(is_due)


def batches(connection: warehouse.Connection, file: Relation) -> dict[str, int]:
    """Of each source with changes, the batch that the model has taken in; 0 means nothing yet.

    If the noted batch is higher than the source's, the source was removed and copied again: it is 0 then. A source that
    is being copied in ranges is left out.
    """
    rows = connection.execute(
        """
        select
            checkpoint.source,
            case when state.batch > checkpoint.batch then 0 else coalesce(state.batch, 0) end
        from ops.checkpoint
        left join ops.model_state as state on state.source = checkpoint.source and state.model = %s
        where checkpoint.mode <> 'copying' and state.batch is distinct from checkpoint.batch
        """,
        [file.name],
    ).fetchall()
    return dict(rows)


def write(
    connection: warehouse.Connection, files: Catalogue, written: dict[str, int], renewed: set[str], there: set[str]
) -> None:
    """Notes a run: the rows `written` by name, and the names that it has made from nothing (`renewed`).

    `there`: the models whose tables match their files, whether the run has written them or not.
    """
    working = [file.name for file in files.shown if not files.failures.stop(file)]
    _relations(connection, files, written, renewed, {*working, *COUNTS} | (there & renewed))
    # without its file a table is not kept up to date: if the file comes back, the table has to be made from nothing
    late = (files.failures.names | {file.name for file in files.models} | set(left_over(connection, files))) - there
    connection.execute("update ops.relation set hash = '' where name = any(%s)", [sorted(late)])
    connection.execute(
        sql.read("models/run/note_models"), {"models": [file.name for file in files.models if file.name in working]}
    )
    connection.execute("delete from ops.model_todo where model = any(%s)", [working])
    deployment.note(connection, ["models", "views"], files.failures)
    shown = renewed | {view.name for view in files.views if renewed}
    _describe(connection, [file for file in files.shown if file.name in working], shown)


def left_over(connection: warehouse.Connection, files: Catalogue) -> list[str]:
    """Relations that no longer have a file."""
    known = {*files.stamps, *files.failures.names, REJECTED}
    rows = connection.execute("select name from ops.relation where name <> all(%s) order by name", [list(known)])
    return [name for (name,) in rows.fetchall()]


def require_known(connection: warehouse.Connection, files: Catalogue, renewed: set[str]) -> None:
    """Catches headers that describe a missing column. Those of `renewed` are checked when their tables are made."""
    for file in _reworded(connection, files.shown):
        if file.name not in renewed and not files.failures.stop(file):
            with files.failures.catch(file):
                comments.require_known(file, comments.columns(connection, f"models.{file.name}"))


def _relations(
    connection: warehouse.Connection, files: Catalogue, written: dict[str, int], renewed: set[str], current: set[str]
) -> None:
    """Raises the version of the relations that have changed."""
    completed = connection.execute(sql.read("models/run/note_sources")).fetchall()
    # when a source becomes complete, its counts have changed for their readers
    changed = [
        name
        for name in files.stamps
        if name in current and (written.get(name) or name in renewed or (completed and name in COUNTS))
    ]
    hashes = [files.stamps[name] for name in changed]
    connection.execute(sql.read("models/run/note_relations"), {"names": changed, "hashes": hashes})
    connection.execute(sql.read("models/run/note_rejected"))


def _describe(connection: warehouse.Connection, files: list[Relation], shown: set[str]) -> None:
    """Updates the comments of relations whose headers have changed. Relations in `shown` have theirs already."""
    changed = _reworded(connection, files)
    for file in changed:
        if file.name not in shown:
            comments.comment(connection, "view", "models", file)
    connection.execute(
        sql.read("models/run/note_headers"),
        {"names": [file.name for file in changed], "headers": [file.header for file in changed]},
    )


def _reworded(connection: warehouse.Connection, files: list[Relation]) -> list[Relation]:
    """The files whose headers differ from the noted ones."""
    noted = dict(connection.execute("select name, header from ops.relation").fetchall())
    return [file for file in files if noted.get(file.name) != file.header]
