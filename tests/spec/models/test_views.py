"""Households and community health workers."""

from datetime import UTC, datetime

from tests.lib.spec import Spec
from tests.lib.tables import documents

COUNTY = documents("""
    _id | type     | parent | name     | contact_id | patient_id | muted | phone
    d   | district |        | District |            |            |       |
    c   | centre   | d      | Area     |            |            |       |
    h   | clinic   | c d    | House    | p          |            |       |
    i   | clinic   | c d    | Empty    |            |            |       |
    p   | person   | h c d  | Mutua    |            | 1          |       |
    q   | person   | h c d  | Wanjiru  |            |            | true  |
    w   | person   | c d    | Akinyi   |            | 2          |       | +254
    n   | person   | d      | Nurse    |            |            |       |
""")
USERS = documents("""
    _id | type          | contact_id | roles
    u   | user-settings | w          | ["chw"]
    v   | user-settings | n          | ["nurse"]
    x   | user-settings | missing    |
""")


def test_a_household_counts_the_persons_in_it(spec: Spec) -> None:
    spec.stage("", *COUNTY)
    columns = "uuid, name, area_uuid, area_name, head_uuid, head_name, persons, persons_active, persons_muted, patients"
    assert spec.staged.rows(f"select {columns} from models.household order by uuid") == [
        ("h", "House", "c", "Area", "p", "Mutua", 2, 1, 1, 1),
        ("i", "Empty", "c", "Area", None, None, 0, 0, 0, 0),
    ]


def test_a_health_worker_is_a_user_in_a_place_with_households(spec: Spec) -> None:
    spec.stage("", *COUNTY, *USERS)
    who = "user_id, uuid, name, phone, area_uuid, area_name, area_type, roles, households, last_reported"
    akinyi = ("u", "w", "Akinyi", "+254", "c", "Area", "health_center", '["chw"]', 2)
    assert spec.staged.rows(f"select {who} from models.chw") == [(*akinyi, None)]
    for number, day in enumerate((1700000000000, 1600000000000)):
        report = {"_id": f"r{number}", "type": "data_record", "form": "f", "contact": {"_id": "w"}}
        spec.stage("", {**report, "reported_date": day})
    moment = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert spec.staged.rows(f"select {who} from models.chw") == [(*akinyi, moment)]
    spec.stage(deleted="h i")
    assert spec.staged.rows(f"select {who} from models.chw") == []
