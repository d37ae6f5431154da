"""The counts of persons and patients for every place, in plain Python: an independent check on the SQL.

It counts the live documents of one source by the definitions of docs/counts.md, in the simplest way: it walks up from
each person. Nothing here comes from the SQL or imitates it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]

COLUMNS = (
    "persons",
    "persons_active",
    "persons_muted",
    "persons_deceased",
    "patients",
    "patients_active",
    "patients_muted",
    "patients_deceased",
)
#: The `area_uuid` of the persons with no live place above them.
UNPLACED = ""

_CONTACT_TYPES = frozenset({"contact", "district_hospital", "health_center", "clinic", "person"})
# An _id that the copy rejects, because Postgres cannot hold or index it: such a document is not counted.
_LONGEST_ID = 1000


@dataclass(frozen=True, slots=True)
class Counts:
    """One place, or the unplaced: the persons directly in it, and with everything below."""

    name: str | None
    contact_type: str | None
    parent_uuid: str | None
    in_household: bool  # the place is a household: each person directly in it is in a household
    direct: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0))
    total: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0))


@dataclass(frozen=True, slots=True)
class Contact:
    """The members of a contact's document that count; `chain` is its embedded lineage, the parent first."""

    id: str
    type_id: str | None
    name: str | None
    chain: tuple[str, ...]
    patient: bool
    deceased: bool
    muted: bool


class County:
    """The contacts of one source: which are persons, and which are above which."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.contacts: dict[str, Contact] = {}
        configured: list[Any] = []
        for document in documents:
            if document.get("_deleted"):
                continue
            if document.get("_id") == "settings":
                configured = contact_types(document)
            elif is_contact(document) and holdable(document["_id"]):
                self.contacts[document["_id"]] = contact(document)
        self.person_types = {"person"} | {entry["id"] for entry in configured if entry.get("person") is True}
        self.household_types = household_types(configured)
        self.places = {c.id: c for c in self.contacts.values() if c.type_id not in self.person_types}
        self.cut = {cycle[0] for cycle in self.cycles()}

    def persons(self) -> Iterator[Contact]:
        return (c for c in self.contacts.values() if c.id not in self.places)

    def parent(self, child: Contact) -> Contact | None:
        """The nearest live place of its own embedded chain: usually its parent, another place for an orphan."""
        return next((self.places[uuid] for uuid in child.chain if uuid in self.places), None)

    def ancestors(self, child: Contact) -> Iterator[Contact]:
        """The places above, the nearest first."""
        while child.id not in self.cut and (above := self.parent(child)):
            yield above
            child = above

    def cycles(self) -> list[list[str]]:
        """Places that are above themselves; each cycle starts at its smallest id and goes up from there."""
        found, seen = [], set[str]()
        for place in self.places.values():
            path: list[str] = []
            above: Contact | None = place
            while above and above.id not in seen:
                seen.add(above.id)
                path.append(above.id)
                above = self.parent(above)
            if above and above.id in path:
                cycle = path[path.index(above.id) :]
                first = cycle.index(min(cycle, key=utf8))
                found.append(cycle[first:] + cycle[:first])
        return found


def counts(documents: Iterable[Document]) -> dict[str, Counts]:
    """The counts of every live place by its uuid, including rows of zeros, and of the unplaced under UNPLACED."""
    county = County(documents)
    result = {place.id: row(county, place) for place in county.places.values()}
    result[UNPLACED] = Counts(name="unplaced", contact_type=None, parent_uuid=None, in_household=False)
    for person in county.persons():
        above = list(county.ancestors(person))
        columns = columns_of(person, muted=person.muted or any(place.muted for place in above))
        for place in above:
            add(result[place.id].total, columns)
        if above and person.chain[0] == above[0].id:
            add(result[above[0].id].direct, columns)
        if not above:
            add(result[UNPLACED].total, columns)
            add(result[UNPLACED].direct, columns)
    return result


def orphans(documents: Iterable[Document]) -> list[str]:
    """The ids of contacts that name a parent which does not exist or is not a place."""
    county = County(documents)
    return sorted((c.id for c in county.contacts.values() if c.chain and c.chain[0] not in county.places), key=utf8)


def cycles(documents: Iterable[Document]) -> list[list[str]]:
    """The cycles of places, each from its smallest id upwards, by that id."""
    return sorted(County(documents).cycles(), key=lambda cycle: utf8(cycle[0]))


def is_contact(document: Document) -> bool:
    return isinstance(document.get("type"), str) and document["type"] in _CONTACT_TYPES


def type_id(contact: Document) -> str | None:
    found = contact.get("contact_type") if contact["type"] == "contact" else contact["type"]
    return found if isinstance(found, str) else None


def contact(document: Document) -> Contact:
    name, patient_id = document.get("name"), document.get("patient_id")
    return Contact(
        id=document["_id"],
        type_id=type_id(document),
        name=name if isinstance(name, str) else None,
        chain=tuple(lineage(document)),
        patient=bool(patient_id) if isinstance(patient_id, str) else is_number(patient_id),
        deceased=document.get("date_of_death") not in (None, False, 0, ""),
        muted=document.get("muted") not in (None, False, "false", 0, ""),
    )


def lineage(document: Document) -> Iterator[str]:
    """The embedded ids upwards, as long as each is an object with a non-empty `_id`."""
    above = document.get("parent")
    while isinstance(above, dict) and isinstance(above.get("_id"), str) and above["_id"]:
        yield above["_id"]
        above = above.get("parent")


def contact_types(settings: Document) -> list[Any]:
    """The configured entries that have an id."""
    inner = settings.get("settings")
    entries = inner.get("contact_types") if isinstance(inner, dict) else None
    entries = entries if isinstance(entries, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def household_types(configured: list[Any]) -> set[str]:
    """The place types that are no other place type's parent; `clinic` if none is configured."""
    if not configured:
        return {"clinic"}
    places = [entry for entry in configured if entry.get("person") is not True]
    parents = {above for entry in places for above in parents_of(entry) if above != entry["id"]}
    return {entry["id"] for entry in places} - parents


def parents_of(entry: Document) -> list[str]:
    parents = entry.get("parents")
    return [above for above in parents if isinstance(above, str)] if isinstance(parents, list) else []


def row(county: County, place: Contact) -> Counts:
    above = place.chain[0] if place.chain else None
    return Counts(place.name, place.type_id, above, in_household=place.type_id in county.household_types)


def columns_of(person: Contact, *, muted: bool) -> list[str]:
    """The columns that a person counts in: exactly one of three states, and the same for a patient."""
    state = "deceased" if person.deceased else "muted" if muted else "active"
    persons = ["persons", f"persons_{state}"]
    return [*persons, "patients", f"patients_{state}"] if person.patient else persons


def add(counted: dict[str, int], columns: list[str]) -> None:
    for column in columns:
        counted[column] += 1


def holdable(uuid: str) -> bool:
    return "\0" not in uuid and len(utf8(uuid)) <= _LONGEST_ID


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def utf8(uuid: str) -> bytes:
    """The bytes that CouchDB and the copy order ids by."""
    return uuid.encode("utf-8", "surrogatepass")
