"""An invented county, the same for the same seed: the writes to CouchDB, and the counts that must follow."""

import datetime
import itertools
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from county import contacts, examples, settings, workers
from county.area import ROUNDS, Story
from county.ledger import Ledger
from county.plan import Plan, new_id, plan
from county.writes import Write as Write
from tests.lib import expected

#: The default end of "the last two years".
TODAY = datetime.date(2026, 11, 24)

# The members of a document that count; no others are kept when the whole county is counted.
_COUNTED = (
    "_id",
    "type",
    "contact_type",
    "name",
    "parent",
    "patient_id",
    "date_of_death",
    "muted",
    "settings",
)


@dataclass(frozen=True)
class FirstRound(Collection[Write]):
    """All writes. They are invented again each time, so that a county of any size needs little memory."""

    county: "County"
    length: int

    def __len__(self) -> int:
        return self.length

    def __contains__(self, write: object) -> bool:
        return any(write == other for other in self)

    def __iter__(self) -> Iterator[Write]:
        return self.county.first()


class County:
    """`writes` is rounds of Write, applied in their order; `ledger` is the expected result, noted while inventing."""

    def __init__(self, seed: int, size: int, today: datetime.date) -> None:
        self.seed, self.size = seed, size
        midnight = datetime.datetime.combine(today, datetime.time(), datetime.UTC)
        self.now = int(midnight.timestamp()) * 1000
        self.plan: Plan = plan(seed, size)
        self.ledger = Ledger()
        later: list[list[Write]] = [[] for _ in range(ROUNDS - 1)]
        length = 0
        for first, *others in itertools.chain(self._edges(self.ledger), self._areas(self.ledger)):
            length += len(first)
            for number, writes in enumerate(others):
                later[number] += writes
        self.writes: list[Collection[Write]] = [FirstRound(self, length), *later]

    def first(self) -> Iterator[Write]:
        unread = Ledger()
        for rounds in itertools.chain(self._edges(unread), self._areas(unread)):
            yield from rounds[0]

    def final(self, refused: Collection[str] = ()) -> list[dict[str, Any]]:
        """The documents of medic at the end, with the members that count, without the ids refused."""
        found: dict[str, dict[str, Any]] = {}
        for write in itertools.chain.from_iterable(self.writes):
            document = read(write) if write.database == "medic" else None
            if document and document["_id"] not in refused:
                found.pop(document["_id"], None)
                if not write.delete:
                    found[document["_id"]] = {key: document[key] for key in _COUNTED if key in document}
        return list(found.values())

    def expected(self, refused: Collection[str] = ()) -> dict[str, expected.Counts]:
        """The counts of every place of medic, without the ids that the server has `refused`."""
        return expected.counts(self.final(refused))

    def _areas(self, ledger: Ledger) -> Iterator[list[list[Write]]]:
        for area in self.plan.areas:
            yield Story(self.seed, area, self.now, ledger).writes()

    def _edges(self, ledger: Ledger) -> Iterator[list[list[Write]]]:
        """Everything except the areas: configuration, examples, the places above the areas, lost contacts."""
        yield [[Write("medic", form) for form in settings.forms()]]
        yield examples.rounds()
        yield self._above(ledger)
        yield self._lost(ledger)
        yield [[], [], [], [Write("medic", settings.settings())]]

    def _above(self, ledger: Ledger) -> list[list[Write]]:
        random = Random(f"{self.seed}/above")
        documents: list[tuple[str, dict[str, Any]]] = []
        gone: list[Write] = []
        for place in (self.plan.county, *self.plan.sub_counties):
            ledger.place(place.id)
            documents.append(("medic", contacts.place(random, place, self.now)))
        for index, centre in enumerate(self.plan.centres):
            worker = workers.employ(random, "c_supervisor", centre.place, f"supervisor_{index:04d}", self.now)
            documents.append(("medic", contacts.place(random, centre.place, self.now, worker.person["_id"])))
            documents.append(("medic", worker.person))
            documents += workers.documents(random, worker, self.now)
            live = centre.place.path[1:] if centre.deleted else centre.place.path
            ledger.person([place.id for place in live], "active", patient=True, direct=not centre.deleted)
            if centre.deleted:
                gone.append(Write("medic", {"_id": centre.place.id}, delete=True))
            else:
                ledger.place(centre.place.id)
        return [[Write(database, document) for database, document in documents], [], [], gone]

    def _lost(self, ledger: Ledger) -> list[list[Write]]:
        """A household and a person of an area that was never synchronised: all places above them are missing."""
        random = Random(f"{self.seed}/lost")
        unknown = plan(self.seed + 1, 0).areas[0].place
        household = type(unknown)(new_id(random), "e_household", "Household 1", unknown.path)
        ledger.place(household.id)
        inside = contacts.person(random, "f_client", household.path, self.now)
        ledger.person([household.id], "active", patient=True)
        outside = contacts.person(random, "f_client", unknown.path, self.now)
        ledger.person([], "active", patient=True)
        return [[Write("medic", d) for d in (contacts.place(random, household, self.now), inside, outside)]]


def build(seed: int = 1, size: int = 20_000, today: datetime.date = TODAY) -> County:
    """A county of about `size` documents in all databases, examples included; the smallest has about 400."""
    return County(seed, size, today)


def read(write: Write) -> dict[str, Any] | None:
    """The document; None if it is nested deeper than Python reads, which no contact is."""
    if not isinstance(write.doc, bytes):
        return dict(write.doc)
    try:
        found = json.loads(write.doc)
    except RecursionError:
        return None
    return dict(found)
