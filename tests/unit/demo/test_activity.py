"""The loop that lets things happen: it outlives a server in trouble, and ends on request."""

import threading
from collections.abc import Iterator

import pytest

from demo import activity
from demo.activity import Around
from tests.lib.fake_couchdb import FakeCouchDB

AUTH = ("admin", "hidden")
LIMIT = 30

HOME = {"_id": "c", "type": "clinic", "parent": {"_id": "h"}}
HUT = {"_id": "e", "type": "contact", "contact_type": "hut"}
TYPES = [{"id": "hut"}, {"id": "client", "person": True, "parents": ["hut"]}]


@pytest.fixture
def server() -> Iterator[FakeCouchDB]:
    with FakeCouchDB() as fake:
        fake.databases["medic"] = {"c": HOME}
        yield fake
        fake.shutdown()


def test_it_continues_after_trouble_and_ends_on_request(server: FakeCouchDB) -> None:
    """The settings are asked for, then the people: 503 and 404 are answered to those first."""
    server.troubles = [503, 503, 503, 404, 503]
    stop = threading.Event()
    thread = threading.Thread(target=activity.run, args=(server.url, AUTH, 1, stop, 0.001))
    thread.start()
    assert server.registered.wait(LIMIT)  # who was registered may have been deleted since
    assert not server.troubles
    stop.set()
    thread.join(LIMIT)
    assert not thread.is_alive()


def test_it_does_not_wait_for_its_period_when_asked_to_end() -> None:
    with FakeCouchDB() as fake:
        fake.shutdown()
    stop = threading.Event()
    thread = threading.Thread(target=activity.run, args=(fake.url, AUTH, 1, stop, 3600))
    thread.start()
    stop.set()
    thread.join(LIMIT)
    assert not thread.is_alive()


def test_persons_of_a_household_are_of_the_type_that_the_settings_say() -> None:
    around = Around([HUT, HOME], TYPES)
    assert around.homes == [HUT]
    assert around.person_of(HUT) == {"type": "contact", "contact_type": "client"}


def test_without_settings_it_is_a_person_in_a_clinic() -> None:
    around = Around([HUT, HOME, {"_id": "p", "type": "person"}], [])
    assert (around.homes, [person["_id"] for person in around.persons]) == ([HOME], ["p"])
    assert around.person_of(HOME) == {"type": "person"}


def test_the_dead_are_left_in_peace() -> None:
    dead = {"_id": "p", "type": "person", "date_of_death": "2026-01-01"}
    assert Around([dead], []).persons == []
