"""History: the counts of each past day, by the dates in the documents."""

import datetime

from cht_sync import relation, sql, warehouse
from cht_sync.errors import ModelFailed


def count_day(connection: warehouse.Connection, day: datetime.date, timezone: str) -> int:
    """The day's rows of history.area_day, replaced whole; how many it has. The same input writes nothing again.

    `timezone` is the deployment's: it says what a day is. Raises ModelFailed, AnotherRun.
    """
    file = relation.parse("area_day", sql.read("history/area_day"))
    _require_models(connection)
    with warehouse.lock(connection, "cht-sync history"), connection.transaction(), relation.telling(file):
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("set local work_mem = '128MB'")
        row = connection.execute(file.text.encode(), {"day": day, "timezone": timezone}).fetchone()
    return int(row[0]) if row else 0


def _require_models(connection: warehouse.Connection) -> None:
    row = connection.execute("select to_regclass('models.area_count') is not null").fetchone()
    if not (row and row[0]):
        raise ModelFailed("There are no models yet to count a day from", "Let cht_marts run once, then run this again")
