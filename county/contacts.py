"""The documents of contacts, shaped like those that the apps write; and the fates of a person."""

import datetime
from random import Random
from typing import Any

from county import names
from county.plan import Place, lineage, new_id

Document = dict[str, Any]

DAY = 86_400_000  # milliseconds
YEARS_OF_REPORTS = 2

#: The fates of a person, and how often each of a thousand. Each has its own writes by round in `life`.
PERSON_FATES = {
    "deceased": 15,
    "dies": 6,
    "muted": 10,
    "muted_before_3_4": 2,
    "unmuted": 5,
    "deleted": 6,
    "deleted_in_app": 6,
    "recreated": 4,
    "unregistered": 30,
    "registered_late": 50,
    "numeric_patient_id": 4,
    "lives": 862,
}
GONE = frozenset({"deleted", "deleted_in_app"})
FORMS = {"deceased": "death_report", "dies": "death_report", "muted": "mute", "unmuted": "unmute"}
STATES = {"deceased": "deceased", "dies": "deceased", "muted": "muted", "muted_before_3_4": "muted"}


def iso(milliseconds: int) -> str:
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def registered(random: Random, now: int) -> int:
    """Within the last three years, more often recently."""
    return now - int(random.random() ** 1.5 * 3 * 365 * DAY) - 1


def place(random: Random, where: Place, now: int, contact: str | None = None) -> Document:
    document: Document = {
        "_id": where.id,
        "type": "contact",
        "contact_type": where.contact_type,
        "name": where.name,
        "external_id": "",
        "notes": "",
        "place_id": str(random.randrange(10_000, 10_000_000)),
        "reported_date": registered(random, now),
        "form_version": {"time": now - 200 * DAY, "sha256": f"{random.getrandbits(256):064x}"},
    }
    if where.above:
        document["parent"] = lineage(where.above)
    if contact:
        document["contact"] = {"_id": contact, "parent": lineage(where.path)}
    return document


def household(random: Random, where: Place, now: int, chw: str, contact: str) -> Document:
    return place(random, where, now, contact) | {
        "uses_treated_water": random.choice(("true", "false")),
        "has_functional_latrine": random.choice(("true", "true", "false")),
        "has_functional_handwash_facility": random.choice(("true", "false")),
        "household_number": str(random.randrange(1, 400)),
        "geolocation": f"{random.uniform(-1.5, 0.9):.5f} {random.uniform(34.1, 36.9):.5f}",
        "meta": {"created_by_person_uuid": chw, "created_by_place_uuid": where.above[0].id},
    }


def person(random: Random, contact_type: str, path: tuple[Place, ...], now: int, role: str = "patient") -> Document:
    sex = random.choice(("female", "male"))
    born = now - int(random.random() ** 1.4 * 80 * 365 * DAY) - DAY
    return {
        "_id": new_id(random),
        "type": "contact",
        "contact_type": contact_type,
        "name": names.person(random, sex),
        "sex": sex,
        "date_of_birth": iso(born)[:10],
        "date_of_birth_method": random.choice(("calendar", "approx")),
        "ephemeral_dob": {"dob_calendar": iso(born)[:10], "dob_iso": iso(born)[:10]},
        "phone": names.phone(random) if random.random() < 0.3 else "",
        "phone_alternate": "",
        "role": role,
        "relationship_to_household_head": random.choice(("head", "spouse", "child", "child", "grandchild", "other")),
        "has_chronic_illness": random.choice(("no", "no", "no", "yes")),
        "patient_id": str(random.randrange(10_000, 100_000_000)),
        "parent": lineage(path),
        "reported_date": max(born, registered(random, now)),
        "form_version": {"time": now - 200 * DAY, "sha256": f"{random.getrandbits(256):064x}"},
    }


def muted(random: Random, document: Document, now: int) -> Document:
    """The contact after the server has muted it."""
    date = iso(random.randrange(document["reported_date"], now))
    history = {"last_update": "server_side", "server_side": {"muted": True, "date": date}, "client_side": []}
    return document | {"muted": date, "muting_history": history}


def unmuted(document: Document, now: int) -> Document:
    """The same contact after unmuting: `muted` is gone, its history stays."""
    history = {"last_update": "server_side", "server_side": {"muted": False, "date": iso(now)}, "client_side": []}
    return {key: value for key, value in document.items() if key != "muted"} | {"muting_history": history}


def life(random: Random, fate: str, document: Document, now: int) -> list[Document | None]:
    """The person's document round by round; None deletes it, and a round left out at the end changes nothing."""
    dead = document | {"date_of_death": iso(random.randrange(document["reported_date"], now))[:10]}
    silent = muted(random, document, now)
    unregistered = {key: value for key, value in document.items() if key != "patient_id"}
    ways: dict[str, list[Document | None]] = {
        "deceased": [dead],
        "dies": [document, dead],
        "muted": [silent],
        "muted_before_3_4": [document | {"muted": True}],
        "unmuted": [silent, unmuted(document, now)],
        "deleted": [document, None],
        "deleted_in_app": [document, None],
        "recreated": [document, None, document | {"notes": "written again"}],
        "unregistered": [unregistered],
        "registered_late": [unregistered, document],
        "numeric_patient_id": [document | {"patient_id": int(document["patient_id"])}],
    }
    return ways.get(fate, [document])
