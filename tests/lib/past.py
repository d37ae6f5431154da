"""Events at given times, and the counts of the days: for the tests of history."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cht_sync.reports import history

from tests.lib import tables
from tests.lib.staged import SOURCE, Staged

COLUMNS = ("persons", "patients", "deceased", "registered", "died", "removed", "reports")
Rows = dict[tuple[str, str], dict[str, int]]


class Past:
    """`demo/medic`, copied at given times in a deployment's time zone."""

    def __init__(self, staged: Staged, timezone: str = "Africa/Nairobi") -> None:
        self.staged, self.timezone = staged, timezone

    def moment(self, text: str) -> datetime:
        """A local time, such as 2024-03-10 12:00."""
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(self.timezone))

    def at(self, when: str, table: str = "", *documents: dict[str, Any], deleted: str = "", run: bool = True) -> None:
        """Copies a page at that time, then runs the models; a cell or field `registered` is a local time."""
        page = [self._written(document) for document in [*(tables.documents(table) if table else []), *documents]]
        self.staged.page(page, deleted=deleted.split(), saved=self.moment(when))
        if run:
            self.staged.update()

    def vanish(self, when: str, uuids: str, how: str, *, run: bool = True) -> None:
        """Finds at that time that documents disappeared from CouchDB without a deletion in the feed."""
        for uuid in uuids.split():
            self.staged.gone(uuid, how, saved=self.moment(when))
        if run:
            self.staged.update()

    def shows(self, table: str) -> None:
        """Requires the table's columns of its days and areas; each day is counted again."""
        wanted = {(row.pop("day"), row.pop("area")): row for row in tables.rows(table)}
        found = self.count({day for day, _ in wanted})
        shown = {key: {column: str(found[key][column]) for column in row} for key, row in wanted.items()}
        assert shown == wanted

    def count(self, days: Iterable[str]) -> Rows:
        """Counts these days again; returns their rows, by day and area."""
        for day in days:
            history.count_day(self.staged.connection, date.fromisoformat(day), self.timezone)
        return self.kept(days)

    def kept(self, days: Iterable[str]) -> Rows:
        rows = self.staged.rows(
            f"""
            select day::text, case area_uuid when '' then 'unplaced' else area_uuid end, {", ".join(COLUMNS)}
            from history.area_day
            where day::text = any(%s) and source = %s
            """,
            [list(days), SOURCE],
        )
        return {(day, area): dict(zip(COLUMNS, numbers, strict=True)) for day, area, *numbers in rows}

    def removed(self) -> list[str]:
        return self.staged.values("select uuid from history.removed_person order by uuid")

    def _written(self, document: dict[str, Any]) -> dict[str, Any]:
        if registered := document.pop("registered", None):
            document["reported_date"] = int(self.moment(registered).timestamp() * 1000)
        return document


PLACES = """
    _id | type     | parent
    d   | district |
    c   | centre   | d
    e   | centre   | d
    h   | clinic   | c d
    i   | clinic   | e d
"""


def person(uuid: str = "p", parent: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    above = parent or {"_id": "h", "parent": {"_id": "c", "parent": {"_id": "d"}}}
    return {"_id": uuid, "type": "person", "parent": above, "registered": "2024-03-05 12:00", **fields}


def rebuilt(staged: Staged) -> None:
    """Rebuilds all models and counts from nothing."""
    staged.connection.execute("delete from ops.relation")
    staged.update()


def remodelled(staged: Staged) -> None:
    staged.connection.execute("update ops.model_state set batch = 0")
    staged.update()


PERSON = """
    _id | type   | parent | registered       | patient_id
    p   | person | h c d  | 2024-03-05 12:00 | 12345
"""


BEFORE_AND_AFTER = """
    day        | area | persons | patients | removed
    2024-03-04 | c    | 0       | 0        | 0
    2024-03-05 | c    | 1       | 1        | 0
    2024-03-09 | c    | 1       | 1        | 0
    2024-03-09 | d    | 1       | 1        | 0
    2024-03-10 | c    | 0       | 0        | 1
    2024-03-10 | d    | 0       | 0        | 1
    2024-03-11 | c    | 0       | 0        | 0
"""
