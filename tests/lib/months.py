"""The tallies in plain Python: each report and person is looked up on its own, from the documents alone."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.lib import expected, expected_groups
from tests.lib.expected import UNPLACED, Contact, County

Document = dict[str, Any]
ZONE = ZoneInfo("Africa/Nairobi")
#: The month of a document without a readable date.
NEVER = None


class Months:
    """The tallies of one source's live documents; each is {key: number}."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.documents = list(documents)
        self.county = County(self.documents)
        self.households = expected_groups.households_of(self.county, self.documents)
        self.persons = {person.id: person for person in self.county.persons()}
        self.bodies = {document["_id"]: document for document in self.documents}
        self.reports = [d for d in self.documents if d.get("type") == "data_record" and d.get("form")]

    def by_area(self) -> Counter[tuple[str, date | None, str]]:
        """The reports by (nearest area, month, form)."""
        return Counter((self.area(self.whose(report)), month(report), report["form"]) for report in self.reports)

    def by_every_area(self) -> Counter[tuple[str, date | None, str]]:
        """The same, counted also in each area above."""
        return Counter(
            (area, month(report), report["form"]) for report in self.reports for area in self.areas(self.whose(report))
        )

    def submitted(self) -> Counter[tuple[str, date | None]]:
        named = ((submitter(report), month(report)) for report in self.reports)
        return Counter((who, when) for who, when in named if who is not None)

    def visited(self) -> Counter[tuple[str, date | None]]:
        named = ((self.place_visited(report), month(report)) for report in self.reports)
        return Counter((place, when) for place, when in named if place is not None)

    def registered(self) -> Counter[tuple[str, date | None]]:
        return Counter((self.area(person), month(self.bodies[person.id])) for person in self.persons.values())

    def registered_patients(self) -> Counter[tuple[str, date | None]]:
        patients = [person for person in self.persons.values() if self.bodies[person.id].get("patient_id")]
        return Counter((self.area(person), month(self.bodies[person.id])) for person in patients)

    def households_visited(self) -> Counter[tuple[str, date | None]]:
        """The visited households by (area, month), counted in every area above."""
        seen = {(place, when) for place, when in self.visited() if place in self.households}
        return Counter((area, when) for place, when in seen for area in self.areas_of(self.county.places[place]))

    def whose(self, report: Document) -> Contact | None:
        """The subject of the report, else its submitter."""
        return self.subject(report) or self.persons.get(submitter(report) or "")

    def subject(self, report: Document) -> Contact | None:
        uuid = key(report.get("fields", {}).get("patient_uuid"))
        named = next(
            filter(None, [key(report.get("patient_id")), key(report.get("fields", {}).get("patient_id")), uuid]), None
        )
        coded = sorted((p for p in self.persons if key(self.bodies[p].get("patient_id")) == named), key=expected.utf8)
        for found in (uuid, named, *coded[: named is not None]):
            if found in self.persons:
                return self.persons[found]
        return None

    def place_visited(self, report: Document) -> str | None:
        if visited := report.get("fields", {}).get("visited_contact_uuid"):
            return str(visited)
        subject = self.subject(report)
        above = list(self.county.ancestors(subject)) if subject else []
        return above[0].id if above else None

    def area(self, contact: Contact | None) -> str:
        return self.areas(contact)[0]

    def areas(self, person: Contact | None) -> list[str]:
        """The areas above the household that the person is in, the nearest first."""
        above = [place.id for place in self.county.ancestors(person)] if person else []
        return [uuid for uuid in above if uuid not in self.households] or [UNPLACED]

    def areas_of(self, place: Contact) -> list[str]:
        above = [place.id, *(other.id for other in self.county.ancestors(place))]
        return [uuid for uuid in above if uuid not in self.households] or [UNPLACED]


def submitter(report: Document) -> str | None:
    contact = report.get("contact")
    return contact.get("_id") if isinstance(contact, dict) else None


def key(value: Any) -> str | None:
    """A non-empty text, or a number as text; else None."""
    return str(value) if expected.is_number(value) or (isinstance(value, str) and value) else None


def month(document: Document) -> date | None:
    reported = document.get("reported_date")
    if not isinstance(reported, int):
        return NEVER
    moment = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=reported)).astimezone(ZONE)
    return moment.date().replace(day=1)
