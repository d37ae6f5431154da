"""The counts of every area, kept in model_data.place_count, and by sex and age in model_data.place_band_count.

runner.update calls these steps in order: `plan` decides which sources are counted whole and which by the change. For
each way, `compute` finds the differences from the kept counts, and `write` writes them. If the tables themselves have
changed, `renew` comes before these steps and `discard` after them. The files: see fold.
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

#: The names of the counts, and of those by sex and age. They have versions, as models have.
FOLD = "place_count"
BANDS = "place_band_count"
NAMES = (FOLD, BANDS)

#: The models that the counts are made from.
INPUTS = frozenset({"contact", "person", "place"})

TABLES = ("place_count", "counted_person", "orphan", "orphan_chain", "cycle", "place_band_count")

#: The differences from the kept counts, which both ways of counting find.
DIFFERENCES = ("fold_area", "fold_person", "fold_orphan", "fold_chain", "fold_cycle", "fold_band")

#: The persons who may be counted in another place than before.
MOVED = "moved"

#: READ is what people read. KEPT is only what the next change is counted from.
READ = ("place_count", "orphan", "cycle")
KEPT = ("counted_person", "orphan_chain")

#: `today`: the day of the ages.
SOURCES = """
    create temporary table fold_source (source text collate "C" primary key, today date not null) on commit drop
"""

#: The day of a source never goes back one day, since a run may have begun before another. It does go back from a day
#: further in the future, which a wrong clock has set.
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

#: The documents that were done again by the models in INPUTS.
TODO = """
    create or replace temporary view fold_todo as
    select distinct todo.source, todo._id
    from pg_temp.todo
    where todo.scope = any({scopes})
"""


@dataclass(frozen=True)
class Change:
    """The changes by a run's models: sources with written rows, sources done whole, and the scopes of pg_temp.todo with
    the documents of the others."""

    touched: Collection[str]
    whole: Collection[str]
    scopes: Collection[str]

    @classmethod
    def of(cls, deltas: Mapping[str, Delta], touched: Collection[str]) -> "Change":
        """The change by the models in INPUTS."""
        inputs = [deltas[name] for name in INPUTS]
        whole = frozenset[str]().union(*(delta.whole for delta in inputs))
        return cls(touched, whole, frozenset[str]().union(*(delta.scopes | {delta.own} for delta in inputs)))


@dataclass(frozen=True)
class Way:
    """One way of counting in a run: the name of its folder, the sources that it counts, and the day of the ages.

    `scopes` of pg_temp.todo have the documents of a change. If `today` is None, the day of the ages stays.
    """

    name: str
    sources: frozenset[str]
    today: datetime.date | None = None
    scopes: frozenset[str] = frozenset()


def renew(connection: warehouse.Connection, files: Fold) -> None:
    """Makes new, empty tables. Readers keep the previous ones until `discard`. Raises ModelFailed."""
    for table in TABLES:
        connection.execute(
            statement.SQL("alter table if exists {} rename to {}").format(
                Identifier("model_data", table), Identifier(f"{table}__before")
            )
        )
    for file in files.tables.values():
        definition.execute(connection, file)


def discard(connection: warehouse.Connection) -> None:
    """Drops the tables that `renew` replaced, once nothing reads them."""
    for table in TABLES:
        name = Identifier("model_data", f"{table}__before")
        connection.execute(statement.SQL("drop table if exists {}").format(name))


def plan(connection: warehouse.Connection, change: Change | None, today: datetime.date | None = None) -> list[Way]:
    """The ways of counting that this run needs: first whole sources, then by the change.

    If `change` is None, every source is counted whole. `today` is the day in the deployment's time zone.
    """
    connection.execute(SOURCES)
    whole = _whole(connection, change, today)
    ways = [Way(WHOLE, whole, today)]
    if change:
        changed = _changed(connection, change, today) - whole
        ways.append(Way(CHANGE, changed, today, frozenset(change.scopes)))
    return [way for way in ways if way.sources]


def compute(connection: warehouse.Connection, files: Fold, way: Way, *, with_moved: bool = False) -> list[Relation]:
    """Makes the relations of a way in pg_temp, up to its differences, and with `with_moved` also pg_temp.moved.

    Returns these relations; fold.drop drops them after the writing. Raises ModelFailed.
    """
    connection.execute("delete from pg_temp.fold_source")
    connection.execute(AIM, {"sources": sorted(way.sources), "today": way.today})
    if way.name == CHANGE:
        connection.execute(statement.SQL(TODO).format(scopes=statement.Literal(sorted(way.scopes))))
    return fold.make(connection, files.ways[way.name], [*DIFFERENCES, *([MOVED] if with_moved else [])])


def write(connection: warehouse.Connection, files: Fold, way: Way) -> dict[str, int]:
    """Writes the computed differences; returns the number of rows for each of NAMES. Raises ModelFailed."""
    if way.name == CHANGE:
        definition.execute(connection, files.writes["area_to_check"])
    written = _write(connection, files, way)
    if way.name == WHOLE:
        for table in TABLES:
            connection.execute(statement.SQL("analyze {}").format(Identifier("model_data", table)))
    # people also read where a person is counted: two persons who swap places change that, but no count
    return {FOLD: written[FOLD] or written[MOVED], BANDS: written[BANDS]}


def done(connection: warehouse.Connection) -> set[str]:
    """Clears the requests to count sources whole, after that is done; returns these sources."""
    rows = connection.execute("delete from ops.to_recount returning source").fetchall()
    return {source for (source,) in rows}


def check(connection: warehouse.Connection, files: Fold | None = None) -> dict[str, int]:
    """The sources whose kept counts differ from counts made from nothing, with the number of rows that differ.

    It changes nothing, and takes as long as counting whole. Raises AnotherRun, ModelFailed.
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
    """The sources to be counted from nothing: requested, done whole by the models, never counted, or with the ages of a
    day more than one day in the future."""
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
    """The sources of which the models have written a row, and those whose ages are of an earlier day."""
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
    """Writes the differences; returns the rows written by name, those of KEPT, and the persons who moved."""
    if way.name == CHANGE:
        # rows are looked up by their keys: no kept table should be scanned for the few that are deleted
        connection.execute("set local enable_hashjoin = off; set local enable_mergejoin = off")
    rows = {table: definition.execute(connection, files.writes[table]).rowcount for table in TABLES}
    connection.execute("set local enable_hashjoin = on; set local enable_mergejoin = on")
    days = connection.execute(NOTE_DAY).rowcount
    (moved,) = warehouse.one(connection, "select count(*) from pg_temp.fold_person where is_moved")
    kept = sum(rows[table] for table in KEPT) - moved
    return Counter({FOLD: sum(rows[table] for table in READ), BANDS: rows[BANDS] + days, MOVED: moved, "kept": kept})
