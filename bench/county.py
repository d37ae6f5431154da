"""The counties of the benchmark of counts by their sizes, and the changes that are measured in them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """A county: 5 persons a household; 105 places and workers a hundred households."""

    name: str
    households: int
    reports: int

    @property
    def persons(self) -> int:
        return self.households * 5

    @property
    def centres(self) -> int:
        return 1 + (self.households - 1) // 840

    @property
    def districts(self) -> int:
        return 1 + (self.households - 1) // 8400


SIZES = {
    size.name: size
    for size in (
        Size("tiny", 900, 3_000),
        Size("100k", 20_000, 300_000),
        Size("1m", 200_000, 3_000_000),
        Size("10m", 2_000_000, 3_000_000),
    )
}


@dataclass(frozen=True)
class Change:
    """A page of changes: a file of bench/sql, and its number of rows."""

    name: str
    file: str
    rows: int = 0


PERSONS = Change("1,000 persons change", "persons_change", 1000)
CHANGES = (
    PERSONS,
    Change("a place with 5,120 descendants moves", "place_moves"),
    Change("a district is muted", "district_muted"),
)
