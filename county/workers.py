"""Community health workers and their supervisors: accounts, targets, and their telephones' telemetry."""

from collections.abc import Iterator
from random import Random
from typing import Any

from county import contacts
from county.contacts import DAY, iso
from county.plan import Place, lineage, new_id

Document = dict[str, Any]

_FORMS = ("household_visit", "u5_assessment", "pregnancy", "delivery", "death_report", "contact:e_household:edit")
_METRICS = (
    "boot_time",
    "boot_time:1:to_first_code_execution",
    "boot_time:2:to_bootstrap",
    "rules-engine:initialize",
    "rules-engine:targets",
    "rules-engine:tasks:all-contacts",
    "search:reports",
    "replication:user",
)


class Worker:
    """A community health worker or a supervisor: the person, the login and the place they work in."""

    def __init__(self, person: Document, place: Place, login: str, role: str) -> None:
        self.person, self.place, self.login, self.role = person, place, login, role

    @property
    def contact(self) -> Document:
        return {"_id": self.person["_id"], "parent": lineage(self.place.path)}


def employ(random: Random, contact_type: str, place: Place, login: str, now: int) -> Worker:
    """A person who works in a place, and is registered there like everybody else."""
    role = "chw_supervisor" if contact_type == "c_supervisor" else "chw"
    document = contacts.person(random, contact_type, place.path, now, role=role)
    return Worker(document, place, login, role)


def documents(random: Random, worker: Worker, now: int) -> Iterator[tuple[str, Document]]:
    """The account in both databases, six months of targets, and the telephone's telemetry."""
    id_ = f"org.couchdb.user:{worker.login}"
    both = {
        "_id": id_,
        "name": worker.login,
        "roles": [worker.role],
        "facility_id": [worker.place.id],
        "contact_id": worker.person["_id"],
        "known": True,
    }
    phone = {"fullname": worker.person["name"], "phone": worker.person["phone"], "email": "", "language": "sw"}
    yield "medic", {**both, **phone, "type": "user-settings"}
    secret = {"password_scheme": "pbkdf2", "pbkdf2_prf": "sha256", "iterations": 10}
    hashed = {"derived_key": f"{random.getrandbits(160):040x}", "salt": f"{random.getrandbits(128):032x}"}
    yield "_users", {**both, **secret, **hashed, "type": "user"}
    for months in range(6):
        yield "medic", target(random, worker, now, months)
    for months in range(3):
        yield "medic-users-meta", telemetry(random, worker, now - months * 30 * DAY)
    if random.random() < 0.5:
        yield "medic-users-meta", feedback(random, worker, now - random.randrange(90) * DAY)


def target(random: Random, worker: Worker, now: int, months: int) -> Document:
    """How far the goals of a month were met, that many months ago."""
    number = int(iso(now)[:4]) * 12 + int(iso(now)[5:7]) - 1 - months
    month, id_ = f"{number // 12}-{number % 12 + 1:02d}", f"org.couchdb.user:{worker.login}"
    total = random.randrange(1, 40)
    passed = random.randrange(total + 1)
    return {
        "_id": f"target~{month}~{worker.person['_id']}~{id_}",
        "type": "target",
        "user": id_,
        "owner": worker.person["_id"],
        "reporting_period": month,
        "updated_date": now - months * 30 * DAY,
        "targets": [
            {"id": "deaths-this-month", "type": "count", "goal": 0, "value": {"pass": 0, "total": random.randrange(3)}},
            {
                "id": "households-visited",
                "type": "percent",
                "goal": 80,
                "value": {"pass": passed, "total": total, "percent": round(100 * passed / total)},
            },
        ],
    }


def telemetry(random: Random, worker: Worker, when: int) -> Document:
    day, device = iso(when)[:10], new_id(random)
    year, month, of_month = (int(part) for part in day.split("-"))
    return {
        "_id": f"telemetry-{year}-{month}-{of_month}-{worker.login}-{device}",
        "type": "telemetry",
        "metrics": {name: _metric(random) for name in _METRICS},
        "metadata": {
            "year": year,
            "month": month,
            "day": of_month,
            "user": worker.login,
            "deviceId": device,
            "versions": {"app": "4.9.0", "forms": {form: f"1-{random.getrandbits(128):032x}" for form in _FORMS}},
        },
        "device": {"userAgent": "Mozilla/5.0 (Linux; Android 11)", "hardwareConcurrency": 8, "deviceInfo": {}},
        "dbInfo": {"doc_count": random.randrange(400, 9000), "db_name": f"medic-user-{worker.login}"},
    }


def _metric(random: Random) -> Document:
    values = [random.randrange(10, 4000) for _ in range(random.randrange(1, 5))]
    squares = sum(value * value for value in values)
    return {"sum": sum(values), "min": min(values), "max": max(values), "count": len(values), "sumsqr": squares}


def feedback(random: Random, worker: Worker, when: int) -> Document:
    return {
        "_id": f"feedback-{iso(when)}-{new_id(random)}",
        "type": "feedback",
        "meta": {"time": iso(when), "user": {"name": worker.login, "roles": [worker.role]}, "version": "4.9.0"},
        "info": {"message": "Timeout while synchronising", "stack": "at invented (app.js:1:1)"},
        "log": [],
    }
