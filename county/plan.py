"""The plan of the county, made before a document is written: its places, and the fate of each.

A county holds sub-counties, these hold health centres, these hold the areas of community health workers, these hold
households. A plan has only the levels above the household. It decides each fate, so that the code that invents a person
knows the person's last place at once.
"""

import uuid
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from county import names

# Documents of all databases for each household and for each area, and the fixed ones: measured, so that the county has
# the wanted size.
_PER_HOUSEHOLD, _PER_AREA, _ALWAYS = 9.6, 14, 150
_HOUSEHOLDS = 40  # in an area
_AREAS = 6  # under a health centre

# The fates of areas. The first four areas have one each, so that every county has all of them.
AREA_FATES = ("stays", "muted", "deleted", "moved")
_AREA_WEIGHTS = (92, 4, 2, 2)


@dataclass(frozen=True)
class Place:
    """A place as those below it name it; `above` is its own lineage, the nearest first."""

    id: str
    contact_type: str
    name: str
    above: tuple["Place", ...] = ()

    @cached_property
    def path(self) -> tuple["Place", ...]:
        return (self, *self.above)


@dataclass(frozen=True)
class Centre:
    """A health centre; if it is `deleted`, its areas stay."""

    place: Place
    deleted: bool


@dataclass(frozen=True)
class Area:
    """The area of one community health worker. `moves_to` is the place that it moves to, with everything in it."""

    index: int
    place: Place
    households: int
    fate: str
    moves_to: Place | None
    live_above: tuple[str, ...]  # ids of the places that are above it at the end, the nearest first
    late: bool  # its documents arrive from the persons up: children before their parents


@dataclass
class Plan:
    seed: int
    county: Place
    sub_counties: list[Place] = field(default_factory=list)
    centres: list[Centre] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)


def plan(seed: int, size: int) -> Plan:
    """For about `size` documents; the smallest county has about 400."""
    random = Random(f"{seed}/plan")
    households = max(24, (size - _ALWAYS) / (_PER_HOUSEHOLD + _PER_AREA / _HOUSEHOLDS))
    areas = max(4, round(households / _HOUSEHOLDS))
    centres = max(2, round(areas / _AREAS))
    county = Place(new_id(random), "a_county", f"{names.place(random)} County")
    planned = Plan(seed, county)
    for _ in range(max(1, min(10, round(centres / 3)))):
        planned.sub_counties.append(_place(random, "b_sub_county", "Sub-county", county))
    for index in range(centres):
        above = planned.sub_counties[index % len(planned.sub_counties)]
        centre = _place(random, "c_health_centre", "Health Centre", above)
        planned.centres.append(Centre(centre, deleted=index == 2 and centres > 3))
    for index in range(areas):
        planned.areas.append(_area(random, planned, index, households / areas))
    return planned


def _area(random: Random, planned: Plan, index: int, households: float) -> Area:
    centre = planned.centres[index % len(planned.centres)].place
    fate = AREA_FATES[index] if index < len(AREA_FATES) else random.choices(AREA_FATES, _AREA_WEIGHTS)[0]
    moves_to = _elsewhere(planned, centre) if fate == "moved" else None
    deleted = {c.place.id for c in planned.centres if c.deleted}
    return Area(
        index=index,
        place=_place(random, "d_community_health_volunteer_area", "Area", centre),
        households=max(8 if index == 0 else 3, round(households * random.uniform(0.7, 1.3))),
        fate=fate,
        moves_to=moves_to,
        live_above=tuple(place.id for place in (moves_to or centre).path if place.id not in deleted),
        late=index % 5 == 4,
    )


def _elsewhere(planned: Plan, centre: Place) -> Place:
    return next(c.place for c in planned.centres if not c.deleted and c.place.id != centre.id)


def _place(random: Random, contact_type: str, kind: str, above: Place) -> Place:
    return Place(new_id(random), contact_type, f"{names.place(random)} {kind}", above.path)


def new_id(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def lineage(path: tuple[Place, ...]) -> dict[str, Any]:
    """`parent` as the apps write it: ids only, each within the one below."""
    chain: dict[str, Any] = {}
    for place in reversed(path):
        chain = {"_id": place.id, "parent": chain} if chain else {"_id": place.id}
    return chain
