"""The rows of history.area_day in plain Python: it walks up from each person and each report.

It follows docs/counts.md, and uses the live documents and what was known of removed persons, but nothing of the SQL.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.lib.expected import UNPLACED, Contact, County

Document = Mapping[str, Any]
COLUMNS = ("persons", "patients", "deceased", "registered", "died", "removed", "reports")


@dataclass(frozen=True)
class Removed:
    """A removed person: the document that was counted last, the places above it then, and the day of the removal."""

    document: Document
    above: tuple[str, ...]
    day: date


def days(
    documents: Iterable[Document],
    removed: Mapping[str, Removed],
    reports: Iterable[Document],
    wanted: Iterable[date],
    zone: ZoneInfo,
) -> dict[tuple[date, str], dict[str, int]]:
    """The rows of these days, by day and area; `reports` are the live and the archived ones."""
    county = County(documents)
    live = {person.id: next(d for d in documents if d["_id"] == person.id) for person in county.persons()}
    households = {place.id for place in county.places.values() if place.type_id == "clinic"}
    areas = [uuid for uuid in [*county.places, UNPLACED] if uuid not in households]
    found = {(day, area): dict.fromkeys(COLUMNS, 0) for day in wanted for area in areas}
    seats = {uuid: above(county, county.contacts[uuid]) for uuid in live}
    seats |= {uuid: seat(county, gone.above) for uuid, gone in removed.items()}

    for uuid, document in [*live.items(), *((uuid, gone.document) for uuid, gone in removed.items())]:
        last = removed[uuid].day if uuid in removed else None
        for day, rows in by_day(found).items():
            for column in columns_of(document, day, last, zone):
                add(rows, seats[uuid], column)
    for report in reports:
        if report["form"] and (day := local(report.get("reported_date"), zone)):
            add(by_day(found).get(day, {}), seats.get(whose(report, live, removed), [UNPLACED]), "reports")
    return found


def by_day(found: Mapping[tuple[date, str], dict[str, int]]) -> dict[date, dict[str, dict[str, int]]]:
    result: dict[date, dict[str, dict[str, int]]] = {}
    for (day, area), row in found.items():
        result.setdefault(day, {})[area] = row
    return result


def add(rows: Mapping[str, dict[str, int]], places: Iterable[str], column: str) -> None:
    """Adds one in each of these places that is an area; households are not. If none is, it adds one to unplaced."""
    for place in [place for place in places if place in rows] or [UNPLACED]:
        if place in rows:
            rows[place][column] += 1


def columns_of(document: Document, day: date, last: date | None, zone: ZoneInfo) -> Iterator[str]:
    """The columns in which a person counts on a day; `last` is the day of the removal."""
    came = local(document.get("reported_date"), zone)
    given = document.get("date_of_death")
    died = date.fromisoformat(given) if given and given != "unknown" else None
    if (came is None or came <= day) and (last is None or day < last):
        yield "persons"
        if document.get("patient_id"):
            yield "patients"
        if given and (died is None or died <= day):
            yield "deceased"
    if came == day and (last is None or day <= last):
        yield "registered"
    if given and died == day and (last is None or day <= last):
        yield "died"
    if last == day and (came is None or came <= day):
        yield "removed"


def whose(report: Document, live: Mapping[str, Document], removed: Mapping[str, Removed]) -> str:
    """The person in whose place a report counts: its subject by uuid or code, also if removed; else its submitter."""
    fields = report.get("fields", {})
    uuid, key = fields.get("patient_uuid"), report.get("patient_id") or fields.get("patient_uuid")
    coded = sorted(person for person, document in live.items() if key and document.get("patient_id") == key)
    submitter = report.get("contact", {}).get("_id")
    known = [
        *(person for person in (uuid, key) if person in live),
        *coded[:1],
        *(person for person in (uuid, key) if person in removed),
        *(person for person in (submitter,) if person in live or person in removed),
        "",
    ]
    return known[0]


def above(county: County, contact: Contact) -> list[str]:
    return [place.id for place in county.ancestors(contact)] or [UNPLACED]


def seat(county: County, places: Iterable[str]) -> list[str]:
    """The first of these that is still a place, and the places above it now."""
    place = next((county.places[uuid] for uuid in places if uuid in county.places), None)
    return [place.id, *(higher.id for higher in county.ancestors(place))] if place else [UNPLACED]


def local(milliseconds: Any, zone: ZoneInfo) -> date | None:
    if milliseconds is None:
        return None
    return (datetime.fromtimestamp(0, ZoneInfo("UTC")) + timedelta(milliseconds=milliseconds)).astimezone(zone).date()
