"""The counts other than persons and patients, in plain Python: households, staff, and persons in a household.

It counts the live documents of one source, as tests.lib.expected counts persons: it walks up from each.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.lib.expected import UNPLACED, Contact, County, Document, contact_types, household_types

COLUMNS = ("households", "staff", "in_household")


@dataclass(frozen=True, slots=True)
class Place:
    """The attributes of a place. `level` is 1 at the top; `muted`: by itself or from above."""

    effective_parent: str | None
    level: int
    orphan: bool
    in_cycle: bool
    muted: bool


def counts(documents: Iterable[Document]) -> dict[str, dict[str, int]]:
    """{place: {direct_households: …, total_households: …, …}}, and of the unplaced."""
    documents = list(documents)
    county = County(documents)
    households, named = households_of(county, documents), staff_of(documents)
    columns = [f"{kind}_{column}" for column in COLUMNS for kind in ("direct", "total")]
    result = {uuid: dict.fromkeys(columns, 0) for uuid in [*county.places, UNPLACED]}
    for place in county.places.values():
        if place.id in households:
            result[place.id]["total_households"] += 1
            add(result, county, place, "households")
    for person in county.persons():
        if person.id in named:
            add(result, county, person, "staff")
        if person.chain and person.chain[0] in households:
            add(result, county, person, "in_household")
    return result


def add(result: dict[str, dict[str, int]], county: County, contact: Contact, column: str) -> None:
    """Adds one in every place above; direct if the document names it as the parent. A place is never unplaced."""
    above = [place.id for place in county.ancestors(contact)]
    for uuid in above:
        result[uuid][f"total_{column}"] += 1
    if above and contact.chain[0] == above[0]:
        result[above[0]][f"direct_{column}"] += 1
    if not above and contact.id not in county.places:
        result[UNPLACED][f"direct_{column}"] += 1
        result[UNPLACED][f"total_{column}"] += 1


def households_of(county: County, documents: Iterable[Document]) -> set[str]:
    """The places whose type is a household type."""
    settings: Document = next((d for d in documents if d["_id"] == "settings" and not d.get("_deleted")), {})
    types = household_types(contact_types(settings))
    return {place.id for place in county.places.values() if place.type_id in types}


def staff_of(documents: Iterable[Document]) -> set[str]:
    """The contacts that the settings of users name."""
    users = (d for d in documents if d.get("type") == "user-settings" and not d.get("_deleted"))
    return {named for d in users if isinstance(named := d.get("contact_id"), str)}


def places(documents: Iterable[Document]) -> dict[str, Place]:
    """Every live place with its position in the tree."""
    county = County(documents)
    circles = {uuid for cycle in county.cycles() for uuid in cycle}
    return {place.id: described(county, place, circles) for place in county.places.values()}


def described(county: County, place: Contact, circles: set[str]) -> Place:
    above = list(county.ancestors(place))
    return Place(
        effective_parent=above[0].id if above else None,
        level=len(above) + 1,
        orphan=bool(place.chain) and place.chain[0] not in county.places,
        in_cycle=place.id in circles,
        muted=any(each.muted for each in [place, *above]),
    )
