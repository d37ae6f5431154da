"""History: the counts of each past day, by the dates in the documents."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cht_sync import sql, warehouse
from cht_sync.errors import ModelFailed
from cht_sync.models.files import definition

#: How many days a daily run counts again at most, if documents came late.
LONGEST = 90

#: What area_day.sql reads, each after those that it reads itself: tables in pg_temp for the days that are counted.
PARTS = ("day_stock", "day_dated", "day_removed", "day_happened")


@dataclass(frozen=True)
class Counted:
    """The days that a daily run has counted, from `first` to `last`, and the number of their `rows`.

    `older`: the first and the last of the earlier counted days that have to be counted again, if any.
    """

    first: datetime.date
    last: datetime.date
    rows: int
    older: tuple[datetime.date, datetime.date] | None = None


def count_day(connection: warehouse.Connection, day: datetime.date, timezone: str) -> int:
    """Replaces the day's rows of history.area_day; returns their number. The same input writes nothing again.

    `timezone` is the deployment's, in which a day begins and ends. Raises ModelFailed, AnotherRun.
    """
    with _ready(connection):
        return _count(connection, day, day, timezone)


def catch_up(connection: warehouse.Connection, last: datetime.date, timezone: str, longest: int = LONGEST) -> Counted:
    """Counts the day `last`, and all days from the earliest one that late documents have changed, in one statement.

    Raises as count_day does.
    """
    with _ready(connection):
        values = {"last": last, "timezone": timezone, "longest": longest}
        first, older_from, older_to = warehouse.one(connection, sql.read("reports/history/due"), values)
        rows = _count(connection, first or last, last, timezone)
    return Counted(first or last, last, rows, (older_from, older_to) if older_from and older_to else None)


@contextmanager
def _ready(connection: warehouse.Connection) -> Iterator[None]:
    """One snapshot of the models, and no other counting of days at the same time."""
    if warehouse.one(connection, "select to_regclass('models.area_count') is null") == (True,):
        raise ModelFailed("There are no models yet to count a day from", "Let cht_marts run once, then run this again")
    with warehouse.lock(connection, "cht-sync history"), connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("set local work_mem = '128MB'")
        # parallel workers return few rows, but the planner cannot know that
        connection.execute("set local parallel_setup_cost = 100; set local parallel_tuple_cost = 0.001")
        yield


def _count(connection: warehouse.Connection, first: datetime.date, last: datetime.date, timezone: str) -> int:
    days = {"first": first, "last": last, "timezone": timezone}
    for name in PARTS:
        definition.execute(connection, definition.load("reports/history", name), days)
        connection.execute(f"analyze pg_temp.{name}".encode())
    (rows,) = definition.execute(connection, definition.load("reports/history", "area_day"), days).fetchone() or (0,)
    connection.execute(f"drop table {', '.join(f'pg_temp.{name}' for name in PARTS)}".encode())
    return int(rows)


def backfill_command(first: datetime.date, last: datetime.date, timezone: str) -> str:
    """The command that counts these days again, both included, for a shell on Airflow's machine."""
    zone = ZoneInfo(timezone)
    ends = [datetime.datetime.combine(day, datetime.time(), zone).isoformat() for day in (first, last)]
    return (
        f"airflow backfill create --dag-id cht_history --from-date {ends[0]} --to-date {ends[1]} "
        "--reprocess-behavior completed"
    )
