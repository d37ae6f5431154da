"""Freshness: the sources whose figures are older than `fresh_within` allows."""

from dataclasses import dataclass
from datetime import timedelta

from cht_sync import sql, warehouse
from cht_sync.errors import FiguresOld
from cht_sync.instances import Configuration


@dataclass(frozen=True)
class Late:
    """A source that is older than its limit, and its oldest `part`: the copy, or a mart."""

    source: str
    part: str
    age: timedelta
    limit: timedelta

    def __str__(self) -> str:
        return f"{self.part} of {self.source} is {_spelled(self.age)} old (limit {_spelled(self.limit)})"


def check(connection: warehouse.Connection, configuration: Configuration) -> list[Late]:
    """The late sources, if all of them were reported within the last day.

    Otherwise it raises FiguresOld: once when a source becomes late, then once a day. Paused instances, and those
    without `fresh_within`, are not checked.
    """
    late = find(connection, configuration)
    due = connection.execute(sql.read("operate/freshness/note"), {"late": [each.source for each in late]}).fetchall()
    if due:
        raise FiguresOld(
            "Figures are older than their limit: " + "; ".join(map(str, late)),
            "Look for a red task in cht_extract_<instance>, then in cht_marts; reported once a day while it lasts",
        )
    return late


def limits(configuration: Configuration) -> dict[str, float]:
    """The greatest age of each source's figures in seconds; only sources that have a limit."""
    return {
        source: instance.limit.total_seconds()
        for instance in configuration.instances
        if instance.active and instance.limit
        for source in instance.sources
    }


def find(connection: warehouse.Connection, configuration: Configuration) -> list[Late]:
    """The sources that are late, in order."""
    given = limits(configuration)
    rows = connection.execute(
        sql.read("operate/freshness/late"), {"sources": list(given), "seconds": list(given.values())}
    ).fetchall()
    return [Late(source, part, timedelta(seconds=age), timedelta(seconds=limit)) for source, part, age, limit in rows]


def _spelled(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"
