"""What is noted of the models, views, tallies and counts: whether a run has anything to do, and what a run has done."""

import datetime

from cht_sync import sql, warehouse
from cht_sync.models.catalogue import COUNTS, REJECTED, Catalogue
from cht_sync.models.files import comments, deployment
from cht_sync.models.files.definition import Relation


def has_work(connection: warehouse.Connection, files: Catalogue, today: datetime.date | None) -> bool:
    """Whether there is anything for a run of the models to do."""
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
    """The batch up to which the model has each source that it is behind; 0 where it has nothing, or more than there is.

    A batch falls only where a source was removed and copied again. What is just copied in ranges is not read.
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

    `there` are the models whose tables are of their files, whether the run has written them or not.
    """
    working = [file.name for file in files.shown if not files.failures.stop(file)]
    _relations(connection, files, written, renewed, {*working, *COUNTS} | (there & renewed))
    # without its file nothing is kept up; when the file is back, its table has to be made from nothing
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
    """Relations that have no file any more."""
    known = {*files.stamps, *files.failures.names, REJECTED}
    rows = connection.execute("select name from ops.relation where name <> all(%s) order by name", [list(known)])
    return [name for (name,) in rows.fetchall()]


def require_known(connection: warehouse.Connection, files: Catalogue, renewed: set[str]) -> None:
    """Catches headers that explain what is no column; those of `renewed` are looked at when these are made."""
    for file in _reworded(connection, files.shown):
        if file.name not in renewed and not files.failures.stop(file):
            with files.failures.catch(file):
                comments.require_known(file, comments.columns(connection, f"models.{file.name}"))


def _relations(
    connection: warehouse.Connection, files: Catalogue, written: dict[str, int], renewed: set[str], current: set[str]
) -> None:
    """Gives those that have changed another version."""
    completed = connection.execute(sql.read("models/run/note_sources")).fetchall()
    # numbers that have become complete are other numbers
    changed = [
        name
        for name in files.stamps
        if name in current and (written.get(name) or name in renewed or (completed and name in COUNTS))
    ]
    hashes = [files.stamps[name] for name in changed]
    connection.execute(sql.read("models/run/note_relations"), {"names": changed, "hashes": hashes})
    connection.execute(sql.read("models/run/note_rejected"))


def _describe(connection: warehouse.Connection, files: list[Relation], shown: set[str]) -> None:
    """Words of a header that have changed become comments; what is just `shown` has them already."""
    changed = _reworded(connection, files)
    for file in changed:
        if file.name not in shown:
            comments.comment(connection, "view", "models", file)
    connection.execute(
        sql.read("models/run/note_headers"),
        {"names": [file.name for file in changed], "headers": [file.header for file in changed]},
    )


def _reworded(connection: warehouse.Connection, files: list[Relation]) -> list[Relation]:
    """Those with other words in their headers than are noted."""
    noted = dict(connection.execute("select name, header from ops.relation").fetchall())
    return [file for file in files if noted.get(file.name) != file.header]
