"""Models: tables kept up with the documents, by the change.

A model is one `select` from `document` (see definition.Relation). On a run `document` holds what changed since the
batch that the model has noted, and what its `affected` query names because of it. If its file is new or has changed,
its table is first made from nothing next to the old one (see rebuild). Rows are deleted by document and inserted
again, so that a document that changes its type leaves one table and enters another. Everything that is seen happens in
one transaction over one snapshot: a run that is killed has changed nothing of it.
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
    """Brings models and counts up to what is staged, and ages to `today`; nothing new costs one statement.

    `timezone` is the deployment's: it says what a month is. `today` is the day in it; None leaves ages at the day that
    they are of. If a file is new or has changed, its table is made from nothing first, in chunks of `blocks` pages.
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
            # what has changed is looked up by its keys, and those pages are mostly in memory
            connection.execute("set local random_page_cost = 1.1")
            tallies.set_timezone(connection, timezone)
            return _Run(connection, files, renewed, made, today).run()


def _renewed(connection: warehouse.Connection, files: Catalogue) -> set[str]:
    """What is to be made from nothing: its file has changed, or that of what it reads.

    A new table is quicker than writing every row again.
    """
    known = dict(connection.execute("select name, hash from ops.relation").fetchall())
    renewed = {name for name, stamp in files.stamps.items() if known.get(name) != stamp}
    renewed |= {file.name for file in files.models if file.upstream & renewed}
    counted = {*COUNTS, *areas.INPUTS} & renewed
    return renewed | {file.name for file in files.tallies if counted or file.of in renewed}


def _ours(connection: warehouse.Connection, files: Catalogue) -> set[tuple[str, str]]:
    """The relations that are made again where what they read has to be dropped."""
    marts = connection.execute("select 'marts', mart from ops.mart_state").fetchall()
    return {*marts, *(("models", view.name) for view in files.views)}


@dataclass(frozen=True)
class _Plan:
    """The models whose tables are of their files, with the work of each; the documents to be looked at.

    `there` has the names of these models, and of those whose new tables this run has put in place.
    """

    models: list[Relation]
    deltas: dict[str, delta.Delta]
    changed: int
    there: set[str]


@dataclass(frozen=True)
class _Run:
    """The transaction of a run. `renewed` is made from nothing; the new tables of models are in `made` already.

    `written` gets the rows that are written, by name.
    """

    connection: warehouse.Connection
    files: Catalogue
    renewed: set[str]
    made: rebuild.Rebuild
    today: datetime.date | None
    written: Counter[str] = field(default_factory=Counter)

    def run(self) -> Update:
        """All steps, in order: whatever is counted is noted as it was first, and as it is afterwards."""
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
        """Writes the models; `counted` are those that tallies are of.

        Returns the sources whose counts they change; and the models that could not ask for the previous rows of
        others: no later run can, so their tables have to be made from nothing.
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
        """Adds what the file's `affected` names; whether it could be asked. `stamp` is that of its new table."""
        failures = self.files.failures
        if failures.stop(file):
            return False
        with failures.alone(self.connection, file, stamp if file.asks else ""):
            delta.affect(self.connection, file, its)
        return not failures.have(file)

    def _count(self, plan: _Plan, touched: Collection[str], tallied: Tallies) -> set[str]:
        """Counts areas, and the rows of tallies: as they were where persons were counted, and as they are now.

        Returns the sources that were asked to be counted whole, or were modelled whole.
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
        """Makes the views again if any table is new: one may have been dropped with what it read."""
        for view in self.files.views if self.renewed else []:
            with self.files.failures.alone(self.connection, view):
                table.show(self.connection, view, view.select(), self.made.ours)
        if self.renewed & set(COUNTS):
            areas.discard(self.connection)

    def _tally(self, tallied: Tallies, whole: Collection[str]) -> None:
        """Counts the tallies of these sources from nothing, and those that are new, which read the views."""
        self.written.update(tallied.recount(whole))
        for file in self.files.tallies:
            if file.name in self.renewed:
                self.written[file.name] = tallies.make(self.connection, file)


def is_waiting(connection: warehouse.Connection, instance: str) -> bool:
    """Whether the models have not taken in all that was copied of an instance."""
    return bool(warehouse.one(connection, sql.read("models/run/is_waiting"), [instance])[0])
