"""The areas and their counts from the warehouse, as a table for a terminal and as CSV."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cht_sync import warehouse
from psycopg import sql

COUNTS = (
    *("persons", "persons_active", "persons_muted", "persons_deceased"),
    *("patients", "patients_active", "patients_muted", "patients_deceased"),
)
COLUMNS = (
    *("source", "area_uuid", "name", "contact_type", "parent_uuid"),
    *(f"{prefix}_{count}" for prefix in ("direct", "total") for count in COUNTS),
)

#: The columns of the history.
SHOWN_DAYS = 7

#: A screen or two; a whole country's areas are for OUT=FILE.csv.
LONGEST = 400

AREAS = """
    select source, area_uuid, parent_uuid, name, contact_type, array[{counts}]
    from marts.patients_by_area
    order by source, name, area_uuid
"""
COMPARED = "select min(compared_at), sum(documents), bool_and(is_equal) from marts.compared"
MONTH = "select max(month) from marts.chw_activity where month <= %s"
ACTIVITY = """
    select
        area.name,
        area.area_uuid,
        coalesce(registered.persons, 0),
        coalesce(submitted.reports, 0),
        coalesce(done.active_chws, 0),
        coalesce(done.chws, 0),
        coalesce(done.households_visited, 0)
    from marts.patients_by_area as area
    left join (
        select source, area_uuid, sum(reports) as reports
        from marts.reports_by_area_and_month
        where month = %(month)s
        group by source, area_uuid
    ) as submitted using (source, area_uuid)
    left join marts.registrations_by_area_and_month as registered
        on registered.source = area.source and registered.area_uuid = area.area_uuid and registered.month = %(month)s
    left join marts.chw_activity as done
        on done.source = area.source and done.area_uuid = area.area_uuid and done.month = %(month)s
    where area.parent_uuid is null and area.area_uuid <> ''
    order by area.source, area.name, area.area_uuid
"""
AGES = """
    select
        band,
        source,
        array[
            coalesce(sum(total_persons) filter (where sex = 'female'), 0),
            coalesce(sum(total_persons) filter (where sex = 'male'), 0),
            coalesce(sum(total_persons) filter (where sex = 'other'), 0),
            coalesce(sum(total_persons) filter (where sex = 'unknown'), 0)
        ]
    from marts.patients_by_age_and_sex
    where parent_uuid is null
    group by source, band, age_from
    order by source, age_from
"""
SEXES = ("female", "male", "other", "unknown")
QUALITY = """
    select
        sum(duplicates), sum(orphans), sum(in_cycle), sum(mismatching_lineages), sum(impossible_dates),
        sum(unreadable_dates), sum(rejected)
    from marts.data_quality
    where parent_uuid is null
"""
DOUBTS = (
    "duplicates",
    "orphans",
    "in a cycle",
    "mismatching lineages",
    "impossible dates",
    "unreadable dates",
    "rejected",
)
DAYS = """
    select
        day,
        source,
        array[
            sum(persons), sum(patients), sum(deceased), sum(registered), sum(died), sum(removed), sum(reports)
        ]
    from history.area_day
    join marts.patients_by_area as area using (source, area_uuid)
    where area.parent_uuid is null and day > (select max(day) from history.area_day) - %s
    group by day, source
    order by source, day
"""
A_DAY = ("persons", "patients", "deceased", "registered", "died", "removed", "reports")
AS_OF = "select min(as_of), bool_and(complete) from marts.freshness where mart = 'patients_by_area'"


@dataclass(frozen=True)
class Area:
    """A row of marts.patients_by_area; `counts` are its totals in the order of COUNTS."""

    source: str
    uuid: str
    parent: str | None
    name: str | None
    contact_type: str | None
    counts: Sequence[int]


def table(connection: warehouse.Connection, timezone: str) -> str:
    """The areas above the household, each below its parent, with their totals and their time."""
    counts = sql.SQL(", ").join(sql.Identifier(f"total_{count}") for count in COUNTS)
    rows = connection.execute(sql.SQL(AREAS).format(counts=counts)).fetchall()
    areas = [Area(*row) for row in rows]
    lines = [_line(area, depth) for area, depth in _tree(areas)]
    text = _aligned([_head(), *lines[:LONGEST]])
    if len(lines) > LONGEST:
        text += f"\n… and {len(lines) - LONGEST:,} more areas: OUT=FILE.csv writes all of them"
    blocks = [
        text,
        f"{as_of(connection, timezone)}\n{compared(connection, timezone)}",
        ages(connection),
        month(connection, timezone),
        days(connection),
        doubts(connection),
    ]
    return "\n\n".join(filter(None, blocks))


def as_of(connection: warehouse.Connection, timezone: str) -> str:
    moment, complete = connection.execute(AS_OF).fetchone() or (None, False)
    if moment is None or not complete:
        return "The first copy has not ended yet: the counts are not complete."
    shown: datetime = moment.astimezone(ZoneInfo(timezone))
    return f"As of {shown:%Y-%m-%d %H:%M:%S} ({timezone}). Every count is of the area with everything below it."


def ages(connection: warehouse.Connection) -> str:
    """Living persons by age in full years and sex: whole sources."""
    found = connection.execute(AGES).fetchall()
    if not found:
        return ""
    lines = [[band, source, *(f"{number:,}" for number in numbers)] for band, source, numbers in found]
    text = _aligned([["age", "source", *SEXES], *lines])
    return f"Persons alive (marts.patients_by_age_and_sex), whole sources:\n{text}"


def month(connection: warehouse.Connection, timezone: str) -> str:
    """The activity in each area at the top, in the last month that has any."""
    (last,) = connection.execute(MONTH, [datetime.now(ZoneInfo(timezone)).date()]).fetchone() or (None,)
    if last is None:
        return ""
    areas = connection.execute(ACTIVITY, {"month": last}).fetchall()
    lines = [
        f"  {_printable(name or uuid)[:40]}: {registered:,} registered, {reports:,} reports, "
        f"{active:,} of {workers:,} CHWs active, {visited:,} households visited"
        for name, uuid, registered, reports, active, workers, visited in areas[:LONGEST]
    ]
    return "\n".join([f"In {last:%B %Y}:", *lines])


def days(connection: warehouse.Connection) -> str:
    """The latest days of the history, each with all areas of a source."""
    found = connection.execute(DAYS, [SHOWN_DAYS]).fetchall()
    if not found:
        return ""
    lines = [[f"{day}", source, *(f"{number:,}" for number in numbers)] for day, source, numbers in found]
    return f"Past days (history.area_day), whole sources:\n{_aligned([['day', 'source', *A_DAY], *lines])}"


def doubts(connection: warehouse.Connection) -> str:
    """The totals of marts.data_quality."""
    numbers = connection.execute(QUALITY).fetchone() or ()
    found = ", ".join(f"{number:,} {what}" for what, number in zip(DOUBTS, numbers, strict=True) if number)
    return f"Worth looking at (marts.data_quality): {found or 'nothing'}."


def compared(connection: warehouse.Connection, timezone: str) -> str:
    moment, documents, is_equal = connection.execute(COMPARED).fetchone() or (None, 0, False)
    if moment is None:
        return "Not compared with CouchDB yet."
    shown: datetime = moment.astimezone(ZoneInfo(timezone))
    found = "the copy is the same" if is_equal else "the copy differs, see ops.verification"
    return f"Compared with CouchDB at {shown:%Y-%m-%d %H:%M:%S}: {documents:,} documents, {found}."


def write(connection: warehouse.Connection, file: Path) -> int:
    """Writes every area, households included, and one row a source for its unplaced; returns the number of rows."""
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    query = sql.SQL("select {} from models.area_count order by source, area_uuid").format(columns)
    written = 0
    with file.open("w", newline="", encoding="utf-8") as output, connection.cursor() as cursor:
        lines = csv.writer(output)
        lines.writerow(COLUMNS)
        for row in cursor.execute(query):
            lines.writerow(row)
            written += 1
    return written


def _tree(areas: Sequence[Area]) -> Iterator[tuple[Area, int]]:
    """Each area with its depth, parents first; the unplaced at the end of their source."""
    known = {(area.source, area.uuid) for area in areas}
    below: dict[tuple[str, str | None], list[Area]] = {}
    for area in areas:
        parent = area.parent if area.uuid and (area.source, area.parent) in known else None
        below.setdefault((area.source, parent), []).append(area)
    for source in sorted({area.source for area in areas}):
        top = sorted(below.get((source, None), []), key=lambda area: area.uuid == "")
        waiting = [(area, 0) for area in reversed(top)]
        while waiting:
            area, depth = waiting.pop()
            yield area, depth
            if area.uuid:
                waiting += [(child, depth + 1) for child in reversed(below.get((source, area.uuid), []))]


def _head() -> list[str]:
    """The states, to the right of the column that they divide."""
    return ["area", "type", *(count.rpartition("_")[2] for count in COUNTS)]


def _line(area: Area, depth: int) -> list[str]:
    name = "unplaced" if not area.uuid else _printable(area.name or area.uuid)
    return ["  " * depth + name[:40], _printable(area.contact_type or ""), *(f"{count:,}" for count in area.counts)]


def _printable(text: str) -> str:
    """Names are typed by people: control characters must not reach the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(_row(line, widths) for line in [lines[0], rule, *lines[1:]])


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, numbers to the right."""
    sides = ["<", "<", *">" * (len(cells) - 2)]
    return "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(cells, sides, widths, strict=True)).rstrip()
