"""Models: tables kept up with the documents, by the change.

A model is one `select` from `document` (see definition.Relation). On a run `document` holds what changed since the
batch that the model has noted, and what its `affected` query names because of it; where its file is new or has
changed, its table is made anew beside the old one first (see rebuild). Rows are deleted by document and inserted
again, so that a document that changes its type leaves one table and enters another. Everything that is seen happens in
one transaction over one snapshot: a run that is killed has changed nothing of it.
"""

import datetime
from collections.abc import Collection
from dataclasses import dataclass, field

from cht_sync import sql, warehouse
from cht_sync.models import comments, definition, delta, deployment, rebuild, table, v1
from cht_sync.models.counts import areas, late_rows, tallies
from cht_sync.models.counts.tallies import Tallies
from cht_sync.models.definition import Relation
from cht_sync.models.deployment import Failures

#: The counts of every area, and those by sex and age: what a mart names that reads them.
COUNTS = areas.NAMES

#: Documents that could not be staged: what a mart names that tells of them.
REJECTED = "rejected"


@dataclass(frozen=True)
class Update:
    """What a run did: documents looked at, rows deleted and inserted by model, the deployment's files that failed.

    `left_over`: relations that have no file any more.
    """

    changed: int = 0
    models: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Files:
    """The models, each after those that it reads, and the views: ours, then the deployment's; and the tallies."""

    models: list[Relation]
    views: list[Relation]
    tallies: list[Relation]
    stamps: dict[str, str]
    failures: Failures

    @property
    def shown(self) -> list[Relation]:
        return [*self.models, *self.views, *self.tallies]


def update(
    connection: warehouse.Connection,
    include: sql.Include = sql.INCLUDE,
    blocks: int = rebuild.BLOCKS,
    today: datetime.date | None = None,
    timezone: str = "UTC",
) -> Update:
    """Brings models and counts up to what is staged, and ages to `today`; nothing new costs one statement.

    `timezone` is the deployment's: it says what a month is. `today` is the day in it; None leaves ages at the day that
    they are of. Where a file is new or has changed, its table is made anew first, in chunks of so many pages. Raises
    ModelFailed, AnotherRun, ConfigurationInvalid.
    """
    files = read(include, timezone)
    if not files.failures and not _is_behind(connection, files, today):
        return Update()
    with warehouse.lock(connection, "cht-sync models"):
        rebuilt = _rebuilt(connection, files)
        _require_known(connection, files, rebuilt)
        made = rebuild.Rebuild(
            connection,
            [file for file in files.models if file.name in rebuilt],
            _ours(connection, files),
            rebuild.stamps(files.models),
            files.failures,
            blocks,
        )
        made.run()
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read")
            # the counts hash every person and place of a source
            connection.execute("set local work_mem = '128MB'")
            # what has changed is looked up by its keys, and those pages are mostly in memory
            connection.execute("set local random_page_cost = 1.1")
            tallies.set_timezone(connection, timezone)
            return _run(connection, files, made, rebuilt, today, include)


def read(include: sql.Include = sql.INCLUDE, timezone: str = "UTC") -> Files:
    """Of include/sql and include/deployment as they are now. Raises ConfigurationInvalid where one of ours is wrong."""
    ours, views, failures = definition.folder("models", include), definition.folder("models/views", include), Failures()
    fold = areas.definition(include)
    counted = tallies.read(include)
    taken = {*areas.TABLES, REJECTED, *(file.name for file in (*ours, *views, *counted))}
    models = [*ours, *deployment.read("models", include, ours, taken, failures)]
    taken |= {file.name for file in models} | failures.names
    stamps = {file.name: tallies.stamp(file, views, timezone) for file in counted}
    views = [*views, *deployment.read("views", include, views, taken, failures)]
    stamps |= {file.name: file.hash for file in (*models, *views)} | dict.fromkeys(COUNTS, fold.hash)
    return Files(models, views, counted, stamps, failures)


def versioned(include: sql.Include = sql.INCLUDE) -> set[str]:
    """What has a version, or had one until it failed: what a mart or a check names in `reads`."""
    known = read(include)
    return {*COUNTS, REJECTED, *(file.name for file in (*known.models, *known.tallies)), *known.failures.names}


def _is_behind(connection: warehouse.Connection, files: Files, today: datetime.date | None) -> bool:
    row = connection.execute(
        sql.read("models/run/models_due"),
        {
            "names": list(files.stamps),
            "hashes": list(files.stamps.values()),
            "described": [file.name for file in files.shown],
            "headers": [file.header for file in files.shown],
            "models": [file.name for file in files.models],
            "today": today,
        },
    ).fetchone()
    return bool(row and row[0])


def _rebuilt(connection: warehouse.Connection, files: Files) -> set[str]:
    """What is made from another file than it is, or reads it: a new table is quicker than every row written again."""
    known = dict(connection.execute("select name, hash from ops.relation").fetchall())
    rebuilt = {name for name, stamp in files.stamps.items() if known.get(name) != stamp}
    rebuilt |= {file.name for file in files.models if file.upstream & rebuilt}
    counted = {*COUNTS, *areas.INPUTS} & rebuilt
    return rebuilt | {file.name for file in files.tallies if counted or file.of in rebuilt}


def _require_known(connection: warehouse.Connection, files: Files, rebuilt: set[str]) -> None:
    """Headers that have changed explain what is there; those of what is made anew are looked at then."""
    for file in _reworded(connection, files.shown):
        if file.name not in rebuilt and not files.failures.stop(file):
            with files.failures.catch(file):
                comments.require_known(file, comments.columns(connection, f"models.{file.name}"))


def _ours(connection: warehouse.Connection, files: Files) -> set[tuple[str, str]]:
    """The relations that are made again where what they read has to be dropped."""
    marts = connection.execute("select 'marts', mart from ops.mart_state").fetchall()
    return {*marts, *(("models", view.name) for view in files.views)}


def _run(
    connection: warehouse.Connection,
    files: Files,
    made: rebuild.Rebuild,
    rebuilt: set[str],
    today: datetime.date | None,
    include: sql.Include,
) -> Update:
    delta.begin(connection)
    before = late_rows.LateRows(connection, rebuilt)
    written = made.swap()
    kept = [file for file in files.models if file.name in written or file.name not in rebuilt]
    noted = {file.name: _noted(connection, file) for file in kept}
    deltas = delta.plan(kept, noted)
    changed = delta.choose(connection, noted)
    there = set(written) | {file.name for file in kept}
    tallied = Tallies(connection, [file for file in files.tallies if file.name not in rebuilt], written)
    touched, lost = _write(connection, kept, deltas, files.failures, written, tallied.models)
    before.note(deltas)
    if rebuilt & set(COUNTS):
        areas.renew(connection, include)
    asked = {source for (source,) in connection.execute("select source from ops.to_recount").fetchall()}
    change = None if rebuilt & {*COUNTS, *areas.INPUTS} else areas.Change.of(deltas, touched)
    with tallied.changing(deltas):
        written |= areas.update(connection, change, today, include, tallied.moving if tallied.files else None)
    _show(connection, files, rebuilt, made.ours)
    if rebuilt & set(COUNTS):
        areas.discard(connection)
    tallied.recount(asked.union(*(each.whole for each in deltas.values())))
    for file in files.tallies:
        if file.name in rebuilt:
            written[file.name] = tallies.make(connection, file)
    _note(connection, files, written, rebuilt, there - lost)
    v1.publish(connection)
    failed = sorted(failure.file.name for failure in files.failures.values())
    return Update(changed, written, failed, _left_over(connection, files))


def _noted(connection: warehouse.Connection, file: Relation) -> dict[str, int]:
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


def _write(
    connection: warehouse.Connection,
    files: list[Relation],
    deltas: dict[str, delta.Delta],
    failures: Failures,
    written: dict[str, int],
    counted: Collection[str],
) -> tuple[set[str], set[str]]:
    """Adds the rows written to those by model; `counted` are those that tallies are of.

    Returns the sources whose counts they change; and the models that could not ask how others were before: nobody can
    tell them later, so their tables have to be made anew.
    """
    touched, lost = set[str](), set[str]()
    stamps = rebuild.stamps(files)
    kept = {*late_rows.WATCHED, *counted}.union(*(file.asks for file in files))
    for file in files:
        if not _affect(connection, file, deltas[file.name], failures, stamps[file.name]):
            lost |= {file.name} if file.asks else set()
            continue
        with failures.alone(connection, file):
            delta.aim(connection, deltas[file.name])
            rows = table.write(connection, file, deltas[file.name], keep=file.name in kept)
            written[file.name] = written.get(file.name, 0) + rows.total()
            if file.name in areas.INPUTS:
                touched |= set(rows)
    for file in files:
        if failures.stop(file):
            delta.postpone(connection, file, deltas[file.name])
    return touched, lost


def _affect(connection: warehouse.Connection, file: Relation, its: delta.Delta, failures: Failures, stamp: str) -> bool:
    """Adds what the file's `affected` names; whether it could be asked. `stamp` is that of its table made anew."""
    if failures.stop(file):
        return False
    with failures.alone(connection, file, stamp if file.asks else ""):
        delta.affect(connection, file, its)
    return not failures.have(file)


def _show(connection: warehouse.Connection, files: Files, rebuilt: set[str], ours: Collection[tuple[str, str]]) -> None:
    """Views are made again with any table: one may have been dropped with what it read."""
    for view in files.views if rebuilt else []:
        with files.failures.alone(connection, view):
            table.show(connection, view, view.select(), ours)


def _note(
    connection: warehouse.Connection, files: Files, written: dict[str, int], rebuilt: set[str], there: set[str]
) -> None:
    """`there` are the models whose tables are of their files, whether the run has written them or not."""
    completed = connection.execute(sql.read("models/run/note_sources")).fetchall()
    working = [file.name for file in files.shown if not files.failures.stop(file)]
    current = {*working, *COUNTS} | (there & rebuilt)
    # numbers that have become complete are other numbers
    changed = [
        name
        for name in files.stamps
        if name in current and (written.get(name) or name in rebuilt or (completed and name in COUNTS))
    ]
    hashes = [files.stamps[name] for name in changed]
    connection.execute(sql.read("models/run/note_relations"), {"names": changed, "hashes": hashes})
    connection.execute(sql.read("models/run/note_rejected"))
    # without its file nothing is kept up; back again, it has to be made anew
    behind = (files.failures.names | {file.name for file in files.models} | set(_left_over(connection, files))) - there
    connection.execute("update ops.relation set hash = '' where name = any(%s)", [sorted(behind)])
    connection.execute(
        sql.read("models/run/note_models"), {"models": [file.name for file in files.models if file.name in working]}
    )
    connection.execute("delete from ops.model_todo where model = any(%s)", [working])
    deployment.note(connection, ["models", "views"], files.failures)
    shown = rebuilt | {view.name for view in files.views if rebuilt}
    _describe(connection, [file for file in files.shown if file.name in working], shown)


def _left_over(connection: warehouse.Connection, files: Files) -> list[str]:
    known = {*files.stamps, *files.failures.names, REJECTED}
    rows = connection.execute("select name from ops.relation where name <> all(%s) order by name", [list(known)])
    return [name for (name,) in rows.fetchall()]


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


def is_waiting(connection: warehouse.Connection, instance: str) -> bool:
    """Whether the models have not taken in all that was copied of an instance."""
    return bool(warehouse.one(connection, sql.read("models/run/is_waiting"), [instance])[0])
