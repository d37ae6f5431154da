"""One area of the county, with everybody in it, from the first write of a document to its last."""

from collections.abc import Iterator
from random import Random
from typing import Any

from county import contacts, reports, workers
from county.contacts import GONE, PERSON_FATES, STATES
from county.ledger import Ledger
from county.plan import Area, Place, lineage, new_id
from county.writes import Write

Document = dict[str, Any]

#: Registrations; edits and deletions; documents written again, and merges; moves, and places that are deleted.
ROUNDS = 4

#: The fates of a household, and how often each of a thousand.
HOUSEHOLD_FATES = {"muted": 20, "merged": 8, "deleted": 4, "late": 10, "mistyped": 3, "unmuted": 5, "stays": 950}


class Story:
    """Invents an area. `rounds`: its writes in their order, by database and id."""

    def __init__(self, seed: int, area: Area, now: int, ledger: Ledger) -> None:
        self.random = Random(f"{seed}/area/{area.index}")
        self.area, self.now, self.ledger = area, now, ledger
        self.rounds: list[dict[tuple[str, str], Write]] = [{} for _ in range(ROUNDS)]
        # The documents that are not deleted, each with the places above it that are in the area.
        self.live: dict[str, tuple[Document, tuple[Place, ...]]] = {}
        self.path = (() if area.fate == "deleted" else (area.place.id,)) + area.live_above
        # The first area shows every fate, however small the county is.
        self.fates = iter(PERSON_FATES if area.index == 0 else ())
        self.household_fates = iter(["stays", *HOUSEHOLD_FATES] if area.index == 0 else ())

    def writes(self) -> list[list[Write]]:
        """The writes of the area, by round."""
        area, muted = self.area, self.area.fate == "muted"
        login = f"chw_{area.index:05d}"
        worker = workers.employ(self.random, "d_chw", area.place, login, self.now)
        place = contacts.place(self.random, area.place, self.now, worker.person["_id"])
        self.write(0, contacts.muted(self.random, place, self.now) if muted else place, (area.place,))
        self.write(0, worker.person, (area.place,))
        self.register("lives", (), muted=muted)
        if area.fate != "deleted":
            self.ledger.place(area.place.id)
        self.put(workers.documents(self.random, worker, self.now))
        self.households(worker)
        if area.moves_to:
            self.move(area.moves_to)
        if area.fate == "deleted":
            self.delete(3, area.place.id)
        first, *later = [list(writes.values()) for writes in self.rounds]
        return [first[::-1] if area.late else first, *later]

    def households(self, worker: workers.Worker) -> None:
        stays: Place | None = None
        for number in range(self.area.households):
            fate = next(self.household_fates, None) or self.pick(HOUSEHOLD_FATES)
            if fate == "merged" and stays is None:
                fate = "stays"
            home = self.household(worker, f"Household {number + 1}", fate, stays)
            stays = home if fate == "stays" else stays

    def household(self, worker: workers.Worker, name: str, fate: str, into: Place | None) -> Place:
        """With its members; if it is merged, `into` is the household that they move to."""
        home = Place(new_id(self.random), "e_household", name, self.area.place.path)
        members = self.random.choices(range(1, 7), (8, 26, 30, 20, 10, 6))[0]
        people = [contacts.person(self.random, "f_client", home.path, self.now) for _ in range(members)]
        self.place(home, fate, worker, people[0])
        muted = fate == "muted" or self.area.fate == "muted"
        above = {"merged": (into.id,) if into else (), "deleted": ()}.get(fate, (home.id,))
        for person in people:
            person_fate = next(self.fates, None) or self.pick(PERSON_FATES)
            self.live_through(person, person_fate, (home, self.area.place))
            self.register(person_fate, above, muted=muted, direct=fate != "deleted")
            form = contacts.FORMS.get(person_fate)
            self.put(reports.about(self.random, worker, person, home.id, self.now, form))
        if fate == "merged" and into:
            self.merge(home, people, into)
        elif fate == "deleted":
            self.delete(3, home.id)
        else:
            self.ledger.place(home.id)
        return home

    def place(self, home: Place, fate: str, worker: workers.Worker, head: Document) -> None:
        inner = (home, self.area.place)
        document = contacts.household(self.random, home, self.now, worker.person["_id"], head["_id"])
        if fate == "mistyped":  # registered as a person by mistake
            self.write(0, document | {"contact_type": "f_client"}, inner)
        if fate == "unmuted":
            self.write(0, contacts.muted(self.random, document, self.now), inner)
            document = contacts.unmuted(document, self.now)
        if fate == "muted":
            document = contacts.muted(self.random, document, self.now)
        self.write(1 if fate in ("late", "mistyped", "unmuted") else 0, document, inner)

    def live_through(self, person: Document, fate: str, inner: tuple[Place, ...]) -> None:
        """The person's writes; if the person is deleted in the app, the body stays in the tombstone."""
        for number, document in enumerate(contacts.life(self.random, fate, person, self.now)):
            if document:
                self.write(number, document, inner)
            else:
                self.delete(number, person["_id"], person if fate == "deleted_in_app" else None)

    def register(self, fate: str, inside: tuple[str, ...], *, muted: bool, direct: bool | None = None) -> None:
        """Notes the last place of the person. `inside` is the live places within the area, the nearest first."""
        if fate in GONE:
            return
        state = STATES.get(fate, "active")
        if state == "active" and muted:
            state = "muted"
        if direct is None:  # a person who belongs to the area itself
            direct = self.area.fate != "deleted"
        self.ledger.person(inside + self.path, state, patient=fate != "unregistered", direct=direct)

    def merge(self, home: Place, people: list[Document], into: Place) -> None:
        """The members get another parent, then their household is deleted."""
        for person in people:
            if person["_id"] in self.live:
                document, _ = self.live[person["_id"]]
                self.write(2, document | {"parent": lineage(into.path)}, (into, self.area.place))
        self.delete(3, home.id)

    def move(self, to: Place) -> None:
        """The area and everything in it, one document after another."""
        for document, inner in list(self.live.values()):
            above = (inner if document["_id"] != inner[0].id else inner[1:]) + to.path
            moved = document | {"parent": lineage(above)}
            if "contact" in document:
                moved["contact"] = {**document["contact"], "parent": lineage((inner[0], *above))}
            self.write(3, moved, inner)

    def write(self, number: int, document: Document, inner: tuple[Place, ...]) -> None:
        self.rounds[number]["medic", document["_id"]] = Write("medic", document)
        self.live[document["_id"]] = document, inner

    def delete(self, number: int, id_: str, body: Document | None = None) -> None:
        self.rounds[number]["medic", id_] = Write("medic", body or {"_id": id_}, delete=True)
        self.live.pop(id_, None)

    def put(self, documents: Iterator[tuple[str, Document]]) -> None:
        for database, document in documents:
            self.rounds[0][database, document["_id"]] = Write(database, document)

    def pick(self, fates: dict[str, int]) -> str:
        return self.random.choices(list(fates), list(fates.values()))[0]
