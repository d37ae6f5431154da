"""Reports about a person: forms, tasks, and the server's notes about them."""

from collections.abc import Iterator
from random import Random
from typing import Any

from county.contacts import DAY, YEARS_OF_REPORTS, iso
from county.plan import new_id
from county.workers import Worker

Document = dict[str, Any]

#: The forms, how often each is sent, and its questions; the answers are texts, as in every form.
FORMS: dict[str, tuple[int, tuple[str, ...]]] = {
    "household_visit": (30, ("visit_purpose", "members_present", "has_treated_water", "has_latrine", "danger_signs")),
    "u5_assessment": (22, ("has_cough", "cough_days", "has_fever", "fever_days", "mrdt_result", "muac_colour")),
    "pregnancy_home_visit": (12, ("gestation_weeks", "has_danger_sign", "attended_anc", "anc_visits", "sleeps_in_net")),
    "immunization_service": (12, ("vaccines_given", "is_up_to_date", "deworming_given", "vitamin_a_given")),
    "pregnancy": (6, ("lmp_date_8601", "edd_8601", "is_first_pregnancy", "hiv_status_known", "previous_losses")),
    "delivery": (4, ("delivery_place", "delivery_outcome", "babies_delivered", "babies_alive", "birth_weight_grams")),
    "referral_follow_up": (6, ("attended_facility", "condition_now", "treatment_given", "follow_up_again")),
    "treatment_follow_up": (6, ("completed_treatment", "condition_now", "side_effects", "refer_again")),
    "commodity_count": (2, ("paracetamol_tablets", "ors_sachets", "zinc_tablets", "mrdt_kits", "al_packs")),
}
_NAMES = tuple(FORMS)
_WEIGHTS = tuple(weight for weight, _ in FORMS.values())
_GROUPS = ("group_assessment", "group_review", "data")


def about(
    random: Random, worker: Worker, person: Document, home: str, now: int, own_form: str | None = None
) -> Iterator[tuple[str, Document]]:
    """Documents about one person: some reports, their info documents, sometimes a task.

    `own_form` is the form, if any, that reported the person's fate.
    """
    number = random.choices((0, 1, 2, 4), (35, 38, 20, 7))[0]
    for form in (*[None] * number, *([own_form] if own_form else [])):
        document = report(random, worker, person, home, now, form)
        yield "medic", document
        if random.random() < 0.4:
            yield "medic-sentinel", info(random, document)
    if random.random() < 0.12:
        yield "medic", task(random, worker, person, now)


def report(random: Random, worker: Worker, subject: Document, home: str, now: int, form: str | None = None) -> Document:
    """One form about a person, after the registration and within the last years."""
    form = form or random.choices(_NAMES, _WEIGHTS)[0]
    first = max(subject["reported_date"], now - YEARS_OF_REPORTS * 365 * DAY)
    sent = random.randrange(first, now)
    questions = FORMS[form][1] if form in FORMS else ("reason", "date_noted")
    return {
        "_id": new_id(random),
        "type": "data_record",
        "form": form,
        "form_version": {"time": now - 300 * DAY, "sha256": f"{random.getrandbits(256):064x}"},
        "content_type": "xml",
        "from": worker.person["phone"],
        "reported_date": sent,
        "contact": worker.contact,
        "fields": {
            "inputs": _inputs(worker, subject),
            "patient_id": str(subject.get("patient_id", "")),
            "patient_uuid": subject["_id"],
            "patient_name": subject["name"],
            "patient_sex": subject["sex"],
            "patient_age_in_years": str(max(0, (sent - _born(subject)) // (365 * DAY))),
            "visited_contact_uuid": home,
            **{group: _answers(random, questions) for group in _GROUPS},
            "meta": {"instanceID": f"uuid:{new_id(random)}"},
        },
        "hidden_fields": ["meta", "data"],
        "geolocation": _geolocation(random),
    }


def _inputs(worker: Worker, subject: Document) -> Document:
    """The inputs that the app gives to an empty form: the user, and the person with the lineage."""
    known = ("_id", "name", "sex", "date_of_birth", "phone", "patient_id", "role", "parent")
    return {
        "meta": {"location": {"lat": "", "long": "", "error": "", "message": ""}, "deprecatedID": ""},
        "source": "contact",
        "source_id": "",
        "user": {"contact_id": worker.person["_id"], "name": worker.login, "facility_id": worker.place.id},
        "contact": {key: subject[key] for key in known if key in subject},
    }


def _born(subject: Document) -> int:
    year, month, _ = (int(part) for part in subject["date_of_birth"].split("-"))
    return ((year - 1970) * 365 + month * 30) * DAY


def _answers(random: Random, questions: tuple[str, ...]) -> Document:
    answers = {question: random.choice(("yes", "no", "no", "not_known", "1", "2", "3")) for question in questions}
    notes = {f"n_{question}": random.choice(("", "", "Explained to the caregiver")) for question in questions}
    return {**answers, **notes, "r_referral_follow_up": random.choice(("true", "false"))}


def _geolocation(random: Random) -> Document:
    if random.random() < 0.15:
        return {"code": 3, "message": "Timeout expired"}
    return {
        "latitude": round(random.uniform(-1.5, 0.9), 6),
        "longitude": round(random.uniform(34.1, 36.9), 6),
        "altitude": round(random.uniform(900, 2200), 1),
        "accuracy": round(random.uniform(3, 40), 2),
        "altitudeAccuracy": None,
        "heading": None,
        "speed": None,
    }


def info(random: Random, document: Document) -> Document:
    """The server's note about a document, in medic-sentinel."""
    sent = document["reported_date"]
    return {
        "_id": f"{document['_id']}-info",
        "type": "info",
        "doc_id": document["_id"],
        "initial_replication_date": iso(sent + random.randrange(DAY)),
        "latest_replication_date": iso(sent + random.randrange(DAY, 3 * DAY)),
        "transitions": {
            name: {
                "last_rev": f"1-{random.getrandbits(128):032x}",
                "seq": f"{random.randrange(10**6)}-g1AAAA",
                "ok": True,
            }
            for name in ("update_clinics", "generate_patient_id_on_people", "muting")
        },
    }


def task(random: Random, worker: Worker, subject: Document, now: int) -> Document:
    due = now + random.randrange(-300, 20) * DAY
    state = "Ready" if due > now else random.choice(("Completed", "Completed", "Failed", "Cancelled"))
    emission = f"{subject['_id']}~home_visit~{iso(due)[:10]}"
    return {
        "_id": f"task~org.couchdb.user:{worker.login}~{emission}~{due}",
        "type": "task",
        "authoredOn": due - 3 * DAY,
        "user": f"org.couchdb.user:{worker.login}",
        "requester": subject["_id"],
        "owner": subject["_id"],
        "state": state,
        "emission": {
            "_id": emission,
            "title": "task.home_visit.title",
            "icon": "icon-visit",
            "forId": subject["_id"],
            "deleted": False,
            "resolved": state != "Ready",
            "dueDate": iso(due)[:10],
            "startDate": iso(due - 3 * DAY)[:10],
            "endDate": iso(due + 7 * DAY)[:10],
            "contact": {"name": subject["name"]},
            "actions": [{"type": "report", "form": "household_visit", "label": "Follow up"}],
        },
        "stateHistory": [{"state": "Ready", "timestamp": due - 3 * DAY}, {"state": state, "timestamp": due}],
    }
