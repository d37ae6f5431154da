"""The counts of every area, kept in model_data.place_count, and by sex and age in model_data.place_band_count.

They are made in steps, which runner.update takes one after the other: `plan` says which sources are counted whole and
which by the change; for each way `compute` finds the differences from what is kept, and `write` writes them. Where the
tables themselves have changed, `renew` comes before that and `discard` after it. The files: see fold.
"""

import datetime
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from psycopg import sql as statement
from psycopg.sql import Identifier

from cht_sync import warehouse
from cht_sync.models.counts import fold
from cht_sync.models.counts.fold import CHANGE, WHOLE, Fold
from cht_sync.models.delta import Delta
from cht_sync.models.files import definition
from cht_sync.models.files.definition import Relation

#: The counts by name, and those by sex and age: models, but no selects by document.
FOLD = "place_count"
BANDS = "place_band_count"
NAMES = (FOLD, BANDS)

#: The models that the counts are made of.
INPUTS = frozenset({"contact", "person", "place"})

TABLES = ("place_count", "counted_person", "orphan", "orphan_chain", "cycle", "place_band_count")

#: What both ways of counting find: the differences from what is kept.
DIFFERENCES = ("fold_area", "fold_person", "fold_orphan", "fold_chain", "fold_cycle", "fold_band")

#: The persons who may be counted elsewhere than before.
MOVED = "moved"

#: What people read; the rest is only what the next change is counted from.
READ = ("place_count", "orphan", "cycle")
KEPT = ("counted_person", "orphan_chain")

#: `today` is the day of which the ages are.
SOURCES = """
    create temporary table fold_source (source text collate "C" primary key, today date not null) on commit drop
"""

#: A day that has begun does not end again, where a run began before another; but a clock that went wrong is set right.
AIM = """
    insert into pg_temp.fold_source (source, today)
    select
        chosen.source,
        case
            when day.as_of <= %(today)s::date + 1 then greatest(day.as_of, %(today)s::date)
            else coalesce(%(today)s::date, day.as_of, (now() at time zone 'UTC')::date)
        end
    from unnest(%(sources)s::text[]) as chosen (source)
    left join ops.band_day as day on day.source = chosen.source
"""

NOTE_DAY = """
    insert into ops.band_day as kept (source, as_of)
    select fold_source.source, fold_source.today
    from pg_temp.fold_source
    on conflict (source) do update set as_of = excluded.as_of where kept.as_of <> excluded.as_of
"""

#: The documents that the models which the counts are made of have done again.
TODO = """
    create or replace temporary view fold_todo as
    select distinct todo.source, todo._id
    from pg_temp.todo
    where todo.scope = any({scopes})
"""


@dataclass(frozen=True)
class Change:
    """What the models of a run have done: sources of which a row was written, those that they did whole, and the scopes
    of pg_temp.todo that name the documents of the others."""

    touched: Collection[str]
    whole: Collection[str]
    scopes: Collection[str]

    @classmethod
    def of(cls, deltas: Mapping[str, Delta], touched: Collection[str]) -> "Change":
        """Of the models that the counts are made of."""
        inputs = [deltas[name] for name in INPUTS]
        whole = frozenset[str]().union(*(delta.whole for delta in inputs))
        return cls(touched, whole, frozenset[str]().union(*(delta.scopes | {delta.own} for delta in inputs)))


@dataclass(frozen=True)
class Way:
    """One way of counting in a run: its folder's name, the sources that it counts, and the day of which the ages are.

    `scopes` of pg_temp.todo name the documents of a change. `today` None leaves ages at the day that they are of.
    """

    name: str
    sources: frozenset[str]
    today: datetime.date | None = None
    scopes: frozenset[str] = frozenset()


def renew(connection: warehouse.Connection, files: Fold) -> None:
    """Makes new tables. What reads the ones of before keeps reading these, until `discard`. Raises ModelFailed."""
    for table in TABLES:
        connection.execute(
            statement.SQL("alter table if exists {} rename to {}").format(
                Identifier("model_data", table), Identifier(f"{table}__before")
            )
        )
    for file in files.tables.values():
        definition.execute(connection, file)


def discard(connection: warehouse.Connection) -> None:
    """Drops the tables that were renewed, once nothing reads them any more."""
    for table in TABLES:
        name = Identifier("model_data", f"{table}__before")
        connection.execute(statement.SQL("drop table if exists {}").format(name))


def plan(connection: warehouse.Connection, change: Change | None, today: datetime.date | None = None) -> list[Way]:
    """The ways of counting that this run needs: whole sources, then what has changed (None: everything is whole).

    `today` is the day in the deployment's time zone.
    """
    connection.execute(SOURCES)
    whole = _whole(connection, change, today)
    ways = [Way(WHOLE, whole, today)]
    if change:
        changed = _changed(connection, change, today) - whole
        ways.append(Way(CHANGE, changed, today, frozenset(change.scopes)))
    return [way for way in ways if way.sources]


def compute(connection: warehouse.Connection, files: Fold, way: Way, *, with_moved: bool = False) -> list[Relation]:
    """Makes the relations of a way in pg_temp, up to its differences, and with `with_moved` pg_temp.moved.

    Returns what it has made: fold.drop drops it, once it is written. Raises ModelFailed.
    """
    connection.execute("delete from pg_temp.fold_source")
    connection.execute(AIM, {"sources": sorted(way.sources), "today": way.today})
    if way.name == CHANGE:
        connection.execute(statement.SQL(TODO).format(scopes=statement.Literal(sorted(way.scopes))))
    return fold.make(connection, files.ways[way.name], [*DIFFERENCES, *([MOVED] if with_moved else [])])


def write(connection: warehouse.Connection, files: Fold, way: Way) -> dict[str, int]:
    """Writes the differences that were computed; how many rows of each of NAMES. Raises ModelFailed."""
    if way.name == CHANGE:
        definition.execute(connection, files.writes["area_to_check"])
    written = _write(connection, files, way)
    if way.name == WHOLE:
        for table in TABLES:
            connection.execute(statement.SQL("analyze {}").format(Identifier("model_data", table)))
    # where somebody is counted is read, too: two who change places leave all counts as they are
    return {FOLD: written[FOLD] or written[MOVED], BANDS: written[BANDS]}


def done(connection: warehouse.Connection) -> set[str]:
    """Forgets which sources were to be counted whole, once they are; returns them."""
    rows = connection.execute("delete from ops.to_recount returning source").fetchall()
    return {source for (source,) in rows}


def check(connection: warehouse.Connection, files: Fold | None = None) -> dict[str, int]:
    """The sources whose kept counts are not what counting from nothing gives, with the number of rows that differ.

    It changes nothing, and takes the time of counting whole. Raises AnotherRun, ModelFailed.
    """
    files = files or fold.read()
    sources = connection.execute("select source from model_data.place_count where area_uuid = '' order by 1").fetchall()
    found = {}
    with warehouse.lock(connection, "cht-sync models"):
        for (source,) in sources:
            with connection.transaction(force_rollback=True):
                connection.execute(SOURCES)
                way = Way(WHOLE, frozenset({source}))
                compute(connection, files, way)
                found[source] = _write(connection, files, way).total()
    return {source: rows for source, rows in found.items() if rows}


def _whole(connection: warehouse.Connection, change: Change | None, today: datetime.date | None) -> frozenset[str]:
    """The sources to be counted from nothing: asked for, done whole by the models, never counted, or with ages of a day
    that is yet to come."""
    rows = connection.execute(
        """
        select checkpoint.source
        from ops.checkpoint
        where cht.is_main(checkpoint.source) and checkpoint.mode <> 'copying' and (
            %(all)s
            or checkpoint.source = any(%(whole)s)
            or checkpoint.source in (select asked.source from ops.to_recount as asked)
            or not exists (
                select from model_data.place_count as fold
                where fold.source = checkpoint.source and fold.area_uuid = ''
            )
            or checkpoint.source in (select day.source from ops.band_day as day where day.as_of > %(today)s::date + 1)
        )
        """,
        {"all": change is None, "whole": list(change.whole if change else ()), "today": today},
    ).fetchall()
    return frozenset(source for (source,) in rows)


def _changed(connection: warehouse.Connection, change: Change, today: datetime.date | None) -> frozenset[str]:
    """The sources of which the models have written a row, and those for which another day has begun."""
    rows = connection.execute(
        """
        select touched.source
        from unnest(%(touched)s::text[]) as touched (source)
        where cht.is_main(touched.source)
        union
        select day.source
        from ops.band_day as day
        join ops.checkpoint on checkpoint.source = day.source
        where cht.is_main(day.source) and checkpoint.mode <> 'copying' and day.as_of < %(today)s
        """,
        {"touched": list(change.touched), "today": today},
    ).fetchall()
    return frozenset(source for (source,) in rows)


def _write(connection: warehouse.Connection, files: Fold, way: Way) -> Counter[str]:
    """Rows written by name, those of what the next change is counted from, and persons counted in another place."""
    if way.name == CHANGE:
        # by their keys: of few rows that have gone, a kept table is not to be read through
        connection.execute("set local enable_hashjoin = off; set local enable_mergejoin = off")
    rows = {table: definition.execute(connection, files.writes[table]).rowcount for table in TABLES}
    connection.execute("set local enable_hashjoin = on; set local enable_mergejoin = on")
    days = connection.execute(NOTE_DAY).rowcount
    (moved,) = warehouse.one(connection, "select count(*) from pg_temp.fold_person where is_moved")
    kept = sum(rows[table] for table in KEPT) - moved
    return Counter({FOLD: sum(rows[table] for table in READ), BANDS: rows[BANDS] + days, MOVED: moved, "kept": kept})
