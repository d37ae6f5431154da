"""Writes events after the county was loaded: a person is registered, moves, is muted, dies, or gets a report.

It finds a person in the database, at a random place among the ids. So it works with any documents.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from county import names
from county.contacts import DAY, iso
from county.generator import County
from county.plan import new_id
from demo.server import LoadError, Server
from tests.lib import expected

Document = dict[str, Any]

_SAMPLE = 100
#: The events, and how often each happens of a hundred times.
EVENTS = {"register": 35, "report": 35, "move": 8, "mute": 8, "unmute": 6, "die": 5, "delete": 3}


def run(
    url: str,
    auth: tuple[str, str],
    county_or_seed: County | int,
    stop: threading.Event,
    period_seconds: float = 2.0,
) -> None:
    """Writes one event a period, until `stop` is set; if the server fails, it tries again a period later."""
    seed = county_or_seed if isinstance(county_or_seed, int) else county_or_seed.seed
    with Server(url, auth, pause=stop.wait) as server:
        # Another seed after each start: the same one would write the same ids again.
        life = Life(server, Random(f"{seed}/activity/{time.time()}"), now=lambda: int(time.time() * 1000))
        while not stop.wait(period_seconds):
            with contextlib.suppress(LoadError):
                life.step()


class Life:
    """Writes one event at each step. `now` returns milliseconds since the epoch."""

    def __init__(self, server: Server, random: Random, now: Callable[[], int], database: str = "medic") -> None:
        self.server, self.random, self.now, self.database = server, random, now, database

    def step(self, event: str | None = None) -> str | None:
        """Writes `event`, or any; returns the id written, or None if it found nobody for it."""
        event = event or self.random.choices(list(EVENTS), list(EVENTS.values()))[0]
        around = self.look()
        document = getattr(self, event)(around)
        if document is None:
            return None
        self.server.bulk_docs(self.database, [msgspec.json.encode(document)])
        return str(document["_id"])

    def look(self) -> "Around":
        """Some of the documents, at a random place among the ids, or else at the first."""
        settings = next(iter(self.server.all_docs(self.database, start="settings", limit=1)), {})
        configured = expected.contact_types(settings) if settings.get("_id") == "settings" else []
        for start in (new_id(self.random), ""):
            found = self.server.all_docs(self.database, start=start, limit=_SAMPLE)
            self.random.shuffle(found)
            around = Around(found, configured)
            if around.persons and around.homes:
                break
        return around

    def register(self, around: "Around") -> Document | None:
        """A newborn, or a person who moved here."""
        if not around.homes:
            return None
        home, sex = around.homes[0], self.random.choice(("female", "male"))
        return {
            "_id": new_id(self.random),
            **around.person_of(home),
            "name": names.person(self.random, sex),
            "sex": sex,
            "date_of_birth": iso(self.now() - self.random.randrange(20_000) * DAY)[:10],
            "patient_id": str(self.random.randrange(10_000, 100_000_000)),
            "parent": below(home),
            "reported_date": self.now(),
        }

    def report(self, around: "Around") -> Document | None:
        if not around.persons:
            return None
        person = around.persons[0]
        subject = {"patient_id": str(person.get("patient_id", "")), "patient_uuid": person["_id"]}
        return {
            "_id": new_id(self.random),
            "type": "data_record",
            "form": self.random.choice(("household_visit", "u5_assessment", "immunization_service")),
            "content_type": "xml",
            "reported_date": self.now(),
            "contact": around.submitter,
            "fields": {**subject, "patient_name": person.get("name"), "danger_signs": "no"},
        }

    def move(self, around: "Around") -> Document | None:
        both = around.persons and around.homes
        return around.persons[0] | {"parent": below(around.homes[0])} if both else None

    def mute(self, around: "Around") -> Document | None:
        """A person, or sometimes a household with everybody in it."""
        contacts = around.homes if self.random.random() < 0.2 else around.persons
        return contacts[0] | {"muted": iso(self.now())} if contacts else None

    def unmute(self, around: "Around") -> Document | None:
        muted = next((contact for contact in around.homes + around.persons if contact.get("muted")), None)
        return {key: value for key, value in muted.items() if key != "muted"} if muted else None

    def die(self, around: "Around") -> Document | None:
        return around.persons[0] | {"date_of_death": iso(self.now())[:10]} if around.persons else None

    def delete(self, around: "Around") -> Document | None:
        return around.persons[0] | {"_deleted": True} if around.persons else None


class Around:
    """Some documents, classified by the settings: living persons, households, a submitter of reports."""

    def __init__(self, found: list[Document], configured: list[Document]) -> None:
        self.configured = configured
        persons = {"person"} | {entry["id"] for entry in configured if entry.get("person") is True}
        households = expected.household_types(configured)
        contacts = [document for document in found if expected.is_contact(document)]
        self.persons = [d for d in contacts if expected.type_id(d) in persons and not d.get("date_of_death")]
        self.homes = [d for d in contacts if expected.type_id(d) in households]
        self.submitter = next(
            (d["contact"] for d in found if d.get("type") == "data_record" and d.get("contact")), None
        )

    def person_of(self, home: Document) -> Document:
        """The type of a person who lives in such a household."""
        for entry in self.configured:
            if entry.get("person") is True and expected.type_id(home) in expected.parents_of(entry):
                hardcoded = entry["id"] == "person"
                return {"type": "person"} if hardcoded else {"type": "contact", "contact_type": entry["id"]}
        return {"type": "person"}


def below(home: Document) -> Document:
    """The lineage of a person in the household."""
    return {"_id": home["_id"], "parent": home["parent"]} if home.get("parent") else {"_id": home["_id"]}
