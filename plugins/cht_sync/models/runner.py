"""A run of the models: it brings their tables up to date with the changed documents.

A model is one `select` from `document` (see definition.Relation). On a run `document` holds what changed since the
batch that the model has noted, and what its `affected` query names because of it. If its file is new or has changed,
its table is first made from nothing next to the old one (see rebuild). Rows are deleted by document and inserted
again, so that a document that changes its type leaves one table and enters another. All visible changes are one
transaction over one snapshot: a killed run has changed nothing that is visible.
"""

import datetime
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from cht_sync import sql, warehouse
from cht_sync.models import catalogue, delta, notes, rebuild, table, v1
from cht_sync.models.catalogue import COUNTS, Catalogue
from cht_sync.models.counts import areas, fold, late_rows, tallies
from cht_sync.models.counts.tallies import Tallies
from cht_sync.models.files.definition import Relation


@dataclass(frozen=True)
class Update:
    """What a run did: documents looked at, rows deleted and inserted by model, the deployment's files that failed.

    `left_over`: relations that have no file any more.
    """

    changed: int = 0
    models: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)


def update(
    connection: warehouse.Connection,
    include: sql.Include = sql.INCLUDE,
    blocks: int = rebuild.BLOCKS,
    today: datetime.date | None = None,
    timezone: str = "UTC",
) -> Update:
    """Brings models and counts up to date with staging, and ages with `today`; nothing new costs one statement.

    `timezone` is the deployment's: it decides where a month begins. `today` is the day in it; None leaves the ages as
    they are. If a file is new or has changed, its table is made from nothing first, in chunks of `blocks` pages.
    Raises ModelFailed, AnotherRun, ConfigurationInvalid.
    """
    files = catalogue.read(include, timezone)
    if not files.failures and not notes.has_work(connection, files, today):
        return Update()
    with warehouse.lock(connection, "cht-sync models"):
        renewed = _renewed(connection, files)
        notes.require_known(connection, files, renewed)
        made = rebuild.Rebuild(
            connection,
            [file for file in files.models if file.name in renewed],
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
            # changed rows are looked up by their keys, and most of those pages are in memory
            connection.execute("set local random_page_cost = 1.1")
            tallies.set_timezone(connection, timezone)
            return _Run(connection, files, renewed, made, today).run()


def _renewed(connection: warehouse.Connection, files: Catalogue) -> set[str]:
    """The names to be made from nothing, because their file or a file that they read has changed.

    A new table is faster than writing every row again.
    """
    known = dict(connection.execute("select name, hash from ops.relation").fetchall())
    renewed = {name for name, stamp in files.stamps.items() if known.get(name) != stamp}
    renewed |= {file.name for file in files.models if file.upstream & renewed}
    counted = {*COUNTS, *areas.INPUTS} & renewed
    return renewed | {file.name for file in files.tallies if counted or file.of in renewed}


def _ours(connection: warehouse.Connection, files: Catalogue) -> set[tuple[str, str]]:
    """The relations that are made again if a relation that they read has to be dropped."""
    marts = connection.execute("select 'marts', mart from ops.mart_state").fetchall()
    return {*marts, *(("models", view.name) for view in files.views)}


@dataclass(frozen=True)
class _Plan:
    """The models whose tables match their files, the delta of each, and the number of `changed` documents.

    `there`: the names of these models, and of those whose new tables this run has put in place.
    """

    models: list[Relation]
    deltas: dict[str, delta.Delta]
    changed: int
    there: set[str]


@dataclass(frozen=True)
class _Run:
    """The transaction of a run. `renewed`: names that are made from nothing; `made` already has the models' new tables.

    `written` gets the number of rows that are written, by name.
    """

    connection: warehouse.Connection
    files: Catalogue
    renewed: set[str]
    made: rebuild.Rebuild
    today: datetime.date | None
    written: Counter[str] = field(default_factory=Counter)

    def run(self) -> Update:
        """All steps, in order. Rows that are counted are noted twice: before they are written, and after."""
        delta.begin(self.connection)
        before = late_rows.LateRows(self.connection, self.renewed)
        plan = self._plan()
        tallied = Tallies(self.connection, [file for file in self.files.tallies if file.name not in self.renewed])
        touched, lost = self._write(plan, tallied.models)
        before.note(plan.deltas)
        whole = self._count(plan, touched, tallied)
        self._show()
        self._tally(tallied, whole)
        notes.write(self.connection, self.files, self.written, self.renewed, plan.there - lost)
        v1.publish(self.connection)
        failed = sorted(failure.file.name for failure in self.files.failures.values())
        return Update(plan.changed, dict(self.written), failed, notes.left_over(self.connection, self.files))

    def _plan(self) -> _Plan:
        """Puts new tables in place, and notes which documents each model has to look at."""
        swapped = self.made.swap()
        self.written.update(swapped)
        kept = [file for file in self.files.models if file.name in swapped or file.name not in self.renewed]
        noted = {file.name: notes.batches(self.connection, file) for file in kept}
        deltas = delta.plan(kept, noted)
        changed = delta.choose(self.connection, noted)
        return _Plan(kept, deltas, changed, set(swapped) | {file.name for file in kept})

    def _write(self, plan: _Plan, counted: Collection[str]) -> tuple[set[str], set[str]]:
        """Writes the models. `counted`: the models that have tallies.

        Returns the sources whose counts change, and the models whose `affected` failed and needs the previous rows of
        others: no later run has these rows, so the tables of these models have to be made from nothing.
        """
        touched, lost = set[str](), set[str]()
        stamps = rebuild.stamps(plan.models)
        kept = {*late_rows.WATCHED, *counted}.union(*(file.asks for file in plan.models))
        for file in plan.models:
            its = plan.deltas[file.name]
            if not self._affect(file, its, stamps[file.name]):
                lost |= {file.name} if file.asks else set()
                continue
            with self.files.failures.alone(self.connection, file):
                delta.aim(self.connection, its)
                rows = table.write(self.connection, file, its, keep=file.name in kept)
                self.written[file.name] += rows.total()
                if file.name in areas.INPUTS:
                    touched |= set(rows)
        for file in plan.models:
            if self.files.failures.stop(file):
                delta.postpone(self.connection, file, plan.deltas[file.name])
        return touched, lost

    def _affect(self, file: Relation, its: delta.Delta, stamp: str) -> bool:
        """Adds what the file's `affected` returns; False if it failed. `stamp` is that of a new table of the file."""
        failures = self.files.failures
        if failures.stop(file):
            return False
        with failures.alone(self.connection, file, stamp if file.asks else ""):
            delta.affect(self.connection, file, its)
        return not failures.have(file)

    def _count(self, plan: _Plan, touched: Collection[str], tallied: Tallies) -> set[str]:
        """Counts areas, and in the tallies the rows that are written or whose persons are counted elsewhere now.

        Returns the sources that were counted whole on request, or modelled whole.
        """
        if self.renewed & set(COUNTS):
            areas.renew(self.connection, self.files.counts)
        is_whole = self.renewed & {*COUNTS, *areas.INPUTS}
        change = None if is_whole else areas.Change.of(plan.deltas, touched)
        self.written.update(dict.fromkeys(COUNTS, 0))
        was, now = tallied.written(plan.deltas)
        tallied.take_off(was)
        for way in areas.plan(self.connection, change, self.today):
            made = areas.compute(self.connection, self.files.counts, way, with_moved=bool(tallied.files))
            moved = tallied.moved()
            tallied.take_off(moved)
            self.written.update(areas.write(self.connection, self.files.counts, way))
            tallied.put_on(moved)
            fold.drop(self.connection, made)
        tallied.put_on(now)
        self.written.update(tallied.add())
        return areas.done(self.connection).union(*(each.whole for each in plan.deltas.values()))

    def _show(self) -> None:
        """Makes the views again if any table is new: a view may have been dropped with a table that it read."""
        for view in self.files.views if self.renewed else []:
            with self.files.failures.alone(self.connection, view):
                table.show(self.connection, view, view.select(), self.made.ours)
        if self.renewed & set(COUNTS):
            areas.discard(self.connection)

    def _tally(self, tallied: Tallies, whole: Collection[str]) -> None:
        """Counts these sources from nothing in the tallies, and makes new tallies, which read the views."""
        self.written.update(tallied.recount(whole))
        for file in self.files.tallies:
            if file.name in self.renewed:
                self.written[file.name] = tallies.make(self.connection, file)


def is_waiting(connection: warehouse.Connection, instance: str) -> bool:
    """Whether the models have not yet taken in everything that was copied from an instance."""
    return bool(warehouse.one(connection, sql.read("models/run/is_waiting"), [instance])[0])
