"""The counts of every area, kept in model_data.place_count, and by sex and age in model_data.place_band_count: by the
change, or made from nothing.

include/sql/models/counts has the tables; place_count.sql and place_band_count.sql, the definition, which counts
sources whole; area_change.sql and band_change.sql, which bring them up to what the models have done again, and to the
day that it is; area_write.sql and band_write.sql, which write what either has made.
"""

import datetime
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql as statement
from psycopg.sql import Identifier

from cht_sync import sql, warehouse
from cht_sync.models import definition as definitions
from cht_sync.models.definition import Relation
from cht_sync.models.delta import Delta

#: The counts by name, and those by sex and age: models, but no selects by document.
FOLD = "place_count"
BANDS = "place_band_count"
NAMES = (FOLD, BANDS)

#: The models that the counts are made of.
INPUTS = frozenset({"contact", "person", "place"})

TABLES = ("place_count", "counted_person", "orphan", "orphan_chain", "cycle", "place_band_count")

#: The two ways of counting, each of what people read and of ages after that.
WHOLE = ("place_count", "place_band_count")
CHANGE = ("area_change", "band_change")
FILES = ("tables", *WHOLE, *CHANGE, "area_write", "band_write")

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
    where cht.is_main(chosen.source)
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

TO_CHECK = """
    insert into ops.area_to_check (source, area_uuid)
    select made.source, made.area_uuid
    from pg_temp.fold_area as made
    where not made.is_gone
    union
    select made.source, made.area_uuid
    from pg_temp.fold_band as made
    except
    select made.source, made.area_uuid
    from pg_temp.fold_area as made
    where made.is_gone
"""

#: What the way of counting that comes next makes again.
WRITTEN = """
    drop table if exists
        pg_temp.fold_area, pg_temp.fold_person, pg_temp.fold_orphan, pg_temp.fold_chain, pg_temp.fold_cycle,
        pg_temp.fold_band, pg_temp.moved
"""


#: What is done around the writing of where people are counted, of those in pg_temp.moved.
Moving = Callable[[], AbstractContextManager[None]]


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


def definition(include: sql.Include = sql.INCLUDE) -> Relation:
    """What the counts are made by: where it has changed, they are made anew."""
    return definitions.parse(FOLD, "\n".join(sql.read(f"models/counts/{name}", include) for name in FILES))


def renew(connection: warehouse.Connection, include: sql.Include = sql.INCLUDE) -> None:
    """Makes the tables anew. What reads the ones of before goes on with them, until `discard`. Raises ModelFailed."""
    for table in TABLES:
        connection.execute(
            statement.SQL("alter table if exists {} rename to {}").format(
                Identifier("model_data", table), Identifier(f"{table}__before")
            )
        )
    _execute(connection, "tables", include)


def discard(connection: warehouse.Connection) -> None:
    """Drops the tables that were renewed, once nothing reads them any more."""
    for table in TABLES:
        name = Identifier("model_data", f"{table}__before")
        connection.execute(statement.SQL("drop table if exists {}").format(name))


def update(
    connection: warehouse.Connection,
    change: Change | None,
    today: datetime.date | None = None,
    include: sql.Include = sql.INCLUDE,
    moving: Moving | None = None,
) -> dict[str, int]:
    """Counts what has changed (None: everything), and whole the sources never counted; how many rows differed and were
    written, by name.

    `today` is the day in the deployment's time zone; None leaves the ages at the day that they are of. `moving` is
    around the writing of each; in it pg_temp.moved has the people who may be counted elsewhere. Raises ModelFailed.
    """
    connection.execute(SOURCES)
    whole, written = _whole(connection, change, today), Counter(dict.fromkeys(NAMES, 0))
    if _aim(connection, whole, today):
        written.update(_make(connection, WHOLE, include, moving))
        for table in TABLES:
            connection.execute(statement.SQL("analyze {}").format(Identifier("model_data", table)))
    if change and _aim(connection, (set(change.touched) | _turned(connection, today)) - whole, today):
        connection.execute(statement.SQL(TODO).format(scopes=statement.Literal(sorted(change.scopes))))
        written.update(_make(connection, CHANGE, include, moving))
    connection.execute("delete from ops.to_recount")
    # where somebody is counted is read, too: two who change places leave all counts as they are
    return {FOLD: written[FOLD] or written["moved"], BANDS: written[BANDS]}


def check(connection: warehouse.Connection, include: sql.Include = sql.INCLUDE) -> dict[str, int]:
    """The sources whose kept counts are not what counting from nothing gives, with the number of rows that differ.

    It changes nothing, and takes the time of counting whole. Raises AnotherRun, ModelFailed.
    """
    sources = connection.execute("select source from model_data.place_count where area_uuid = '' order by 1").fetchall()
    found = {}
    with warehouse.lock(connection, "cht-sync models"):
        for (source,) in sources:
            with connection.transaction(force_rollback=True):
                connection.execute(SOURCES)
                _aim(connection, {source}, None)
                found[source] = _make(connection, WHOLE, include).total()
    return {source: rows for source, rows in found.items() if rows}


def _whole(connection: warehouse.Connection, change: Change | None, today: datetime.date | None) -> set[str]:
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
    return {source for (source,) in rows}


def _turned(connection: warehouse.Connection, today: datetime.date | None) -> set[str]:
    """The sources for which another day has begun."""
    rows = connection.execute(
        """
        select day.source
        from ops.band_day as day
        join ops.checkpoint on checkpoint.source = day.source
        where checkpoint.mode <> 'copying' and day.as_of < %s
        """,
        [today],
    ).fetchall()
    return {source for (source,) in rows}


def _aim(connection: warehouse.Connection, sources: Collection[str], today: datetime.date | None) -> bool:
    """Counts these from here on; whether there are any."""
    if not sources:
        return False
    connection.execute("delete from pg_temp.fold_source")
    return connection.execute(AIM, {"sources": sorted(sources), "today": today}).rowcount > 0


def _make(
    connection: warehouse.Connection, way: tuple[str, str], include: sql.Include, moving: Moving | None = None
) -> Counter[str]:
    """One way of counting, written; rows by name, and of what the next change is counted from."""
    for file in way:
        _execute(connection, file, include)
    if way == CHANGE:
        connection.execute(TO_CHECK)
    if moving:
        _execute(connection, "moved", include)
    with moving() if moving else nullcontext():
        if way == CHANGE:
            # by their keys: of few rows that have gone, a kept table is not to be read through
            connection.execute("set local enable_hashjoin = off; set local enable_mergejoin = off")
        areas, moved, kept = _execute(connection, "area_write", include).fetchone() or (0, 0, 0)
        bands = _execute(connection, "band_write", include).rowcount
        connection.execute("set local enable_hashjoin = on; set local enable_mergejoin = on")
    connection.execute(WRITTEN)
    days = connection.execute(NOTE_DAY).rowcount
    return Counter({FOLD: areas, BANDS: bands + days, "moved": moved, "kept": kept})


def _execute(connection: warehouse.Connection, name: str, include: sql.Include) -> psycopg.Cursor[Any]:
    """Runs a file of statements; the result of the last of them."""
    file = definitions.parse(name, sql.read(f"models/counts/{name}", include))
    with definitions.telling(file):
        cursor = connection.execute(file.text.encode())
    while cursor.nextset():
        pass
    return cursor
