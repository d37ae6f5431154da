"""The lines that `make demo` shows from the marts: documents in, lines out."""

from datetime import UTC, datetime, timedelta

from cht_sync.reports import marts

from demo import report
from tests.lib import tables
from tests.lib.spec import Spec

NOW = datetime.now(UTC)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def shown(spec: Spec) -> str:
    marts.refresh(spec.staged.connection)
    return report.table(spec.staged.connection, "UTC")


def test_persons_by_sex_and_age(spec: Spec) -> None:
    people = tables.documents("""
        _id | type     | parent
        d   | district |
        h   | clinic   | d
        p   | person   | h d
        q   | person   | h d
        r   | person   |
        s   | person   | h d
    """)
    born = (NOW - timedelta(days=400)).date().isoformat()
    for uuid, own in {
        "p": {"sex": "female", "date_of_birth": born},
        "q": {"sex": "male", "date_of_birth": born},
        "r": {"sex": "female", "date_of_birth": born},
        "s": {"date_of_death": born},
    }.items():
        next(person for person in people if person["_id"] == uuid).update(own)
    spec.stage("", *people)
    lines = [line.split() for line in shown(spec).splitlines()]
    head = lines.index(["age", "source", "female", "male", "other", "unknown"])
    assert lines[head + 2 : head + 4] == [["1", "to", "4", "demo/medic", "2", "1", "0", "0"], []]


def test_the_last_month_by_area(spec: Spec) -> None:
    people = tables.documents("_id | type | parent\nd | district |\nh | clinic | d\np | person | d\nq | person | h d")
    people[0]["name"] = "North"
    moment = milliseconds(NOW)
    people[2]["reported_date"] = people[3]["reported_date"] = moment
    account = {"_id": "org.couchdb.user:p", "type": "user-settings", "contact_id": "p", "facility_id": "d"}
    visit = {"_id": "r", "type": "data_record", "form": "f", "reported_date": moment, "contact": {"_id": "p"}}
    spec.stage("", *people, account, visit)
    assert "  North: 2 registered, 1 reports, 1 of 1 CHWs active, 0 households visited" in shown(spec).splitlines()


def test_documents_that_need_a_look(spec: Spec) -> None:
    spec.stage("", {"_id": "p", "type": "person", "date_of_death": "soon", "parent": {"_id": "gone"}})
    assert "Worth looking at (marts.data_quality): 1 orphans, 1 unreadable dates." in shown(spec)
