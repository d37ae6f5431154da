"""Documents that need a look, by area: documents in, rows of marts.data_quality out."""

import time
from typing import Any

import pytest
from cht_sync.reports import marts

from tests.lib import tables
from tests.lib.spec import Spec

TREE = tables.documents("""
    _id | type     | parent | patient_id
    d   | district |        |
    e   | district |        |
    c   | centre   | d      |
    h   | clinic   | c d    |
    i   | clinic   | e      |
    p   | person   | h c d  | 1
    q   | person   | i e    | 2
    n   | person   | d      | 3
    z   | person   |        | 4
""")
NONE = {
    "duplicates": 0,
    "orphans": 0,
    "in_cycle": 0,
    "mismatching_lineages": 0,
    "impossible_dates": 0,
    "unreadable_dates": 0,
    "rejected": 0,
    "older_revisions": 0,
}
AREAS = {"d", "c", "e", ""}


@pytest.fixture
def quality(spec: Spec) -> Spec:
    spec.stage("", *TREE)
    return spec


def found(spec: Spec, column: str) -> dict[str, int]:
    """{area: number}, without areas that have none."""
    rows = refreshed(spec)
    others = NONE.keys() - {column, "rejected", "older_revisions"}
    assert [area for area, row in rows.items() if any(row[other] for other in others)] == []
    return {area: row[column] for area, row in rows.items() if row[column]}


def refreshed(spec: Spec) -> dict[str, dict[str, Any]]:
    spec.staged.connection.execute("update ops.mart_state set refreshed_at = refreshed_at - interval '1 hour'")
    marts.refresh(spec.staged.connection)
    rows = spec.staged.rows(f"select area_uuid, {', '.join(NONE)} from marts.data_quality")
    return {area: dict(zip(NONE, numbers, strict=True)) for area, *numbers in rows}


def test_every_area_above_the_household_has_a_row(quality: Spec) -> None:
    assert refreshed(quality) == dict.fromkeys(AREAS, NONE)
    columns = "source, name, contact_type, level, parent_uuid, complete"
    quality.stage("_id | type | parent | name\nc | centre | d | Area")
    refreshed(quality)
    assert quality.staged.rows(f"select {columns} from marts.data_quality where area_uuid = 'c'") == [
        ("demo/medic", "Area", "health_center", 2, "d", True)
    ]


def test_all_persons_with_a_shared_code_are_duplicates(quality: Spec) -> None:
    quality.stage("_id | type | parent | patient_id\nq | person | i e | 1\nz | person | | 1")
    assert found(quality, "duplicates") == {"c": 1, "d": 1, "e": 1, "": 1}
    quality.stage("_id | type | parent | patient_id\nq | person | i e | 9")
    assert found(quality, "duplicates") == {"c": 1, "d": 1, "": 1}
    quality.stage(deleted="z")
    assert found(quality, "duplicates") == {}


def test_duplicates_that_change_together(quality: Spec) -> None:
    quality.stage("_id | type | parent | patient_id\nq | person | i e | 1\nz | person | | 1\nn | person | d | 1")
    assert found(quality, "duplicates") == {"c": 1, "d": 2, "e": 1, "": 1}
    quality.stage("_id | type | parent | patient_id\nq | person | i e | 5\nz | person | | 5\nn | person | d | 6")
    assert found(quality, "duplicates") == {"e": 1, "": 1}


def test_persons_without_a_code_are_not_duplicates(quality: Spec) -> None:
    quality.stage("_id | type | parent | patient_id\nq | person | i e | \nz | person | | ")
    assert found(quality, "duplicates") == {}


def test_orphans_count_where_they_are_counted(quality: Spec) -> None:
    quality.stage("""
        _id | type   | parent
        p   | person | gone c d
        q   | person | gone
        i   | clinic | lost e
    """)
    assert found(quality, "orphans") == {"c": 1, "d": 1, "e": 1, "": 1}


def test_an_orphaned_area_counts_in_itself(quality: Spec) -> None:
    quality.stage("_id | type | parent\nc | centre | gone e\nh | clinic | c gone e\np | person | h c gone e")
    assert found(quality, "orphans") == {"c": 1, "e": 1}


def test_places_in_a_cycle(quality: Spec) -> None:
    quality.stage("_id | type | parent\nx | centre | y\ny | centre | x\nw | clinic | x y\n")
    assert found(quality, "in_cycle") == {"x": 2, "y": 1}


def test_lineages_that_a_move_did_not_update(quality: Spec) -> None:
    quality.stage("_id | type | parent\nc | centre | e")
    assert found(quality, "mismatching_lineages") == {"c": 2, "e": 2}
    quality.stage("_id | type | parent\nh | clinic | c e")
    assert found(quality, "mismatching_lineages") == {"c": 1, "e": 1}
    quality.stage("_id | type | parent\np | person | h c e")
    assert found(quality, "mismatching_lineages") == {}


def test_a_lineage_that_is_too_short_or_too_long_is_a_mismatch(quality: Spec) -> None:
    quality.stage("_id | type | parent\np | person | h c\nq | person | i e d\n")
    assert found(quality, "mismatching_lineages") == {"c": 1, "d": 1, "e": 1}


def test_below_an_orphan_its_own_lineage_is_the_right_one(quality: Spec) -> None:
    quality.stage("_id | type | parent\nh | clinic | gone d\np | person | h gone d")
    assert found(quality, "orphans") == {"d": 1}
    quality.stage("_id | type | parent\nh | clinic | gone d\np | person | h c d")
    assert refreshed(quality)["d"]["mismatching_lineages"] == 1


BEFORE, EARLY, LATE = -2208988800001, -2208988800000, 4102444800000
#: A clock may be wrong by a day.
NOW, HOUR = int(time.time() * 1000), 3_600_000


@pytest.mark.parametrize(
    ("dates", "number"),
    [
        ({"reported_date": BEFORE}, 1),
        ({"reported_date": EARLY}, 0),
        ({"reported_date": LATE}, 1),
        ({"reported_date": NOW + 20 * HOUR}, 0),
        ({"reported_date": NOW + 48 * HOUR}, 1),
        ({"date_of_birth": "1899-12-31"}, 1),
        ({"date_of_birth": "1900-01-01"}, 0),
        ({"date_of_birth": "2100-01-01"}, 1),
        ({"date_of_death": "2100-01-01"}, 1),
        ({"date_of_death": LATE}, 1),
        ({"date_of_birth": "2020-01-03", "date_of_death": "2020-01-01"}, 1),
        ({"date_of_birth": "2020-01-02", "date_of_death": "2020-01-01"}, 0),
        ({"date_of_birth": "2020-01-03", "date_of_death": 0}, 0),
        ({"date_of_birth": "2100-01-01", "reported_date": LATE}, 1),
    ],
)
def test_impossible_dates_of_a_person(quality: Spec, dates: dict[str, Any], number: int) -> None:
    quality.stage("", {**TREE[5], **dates})
    assert found(quality, "impossible_dates") == ({"c": 1, "d": 1} if number else {})


def test_impossible_dates_of_a_place_and_of_reports(quality: Spec) -> None:
    quality.stage("", {**TREE[2], "reported_date": LATE, "date_of_birth": "1800-01-01"})
    assert found(quality, "impossible_dates") == {"c": 1, "d": 1}
    report = {"type": "data_record", "form": "f", "reported_date": LATE, "contact": {"_id": "q"}}
    quality.stage("", {**report, "_id": "r", "fields": {"patient_id": "3"}}, {**report, "_id": "s"})
    assert found(quality, "impossible_dates") == {"c": 1, "d": 2, "e": 1}
    quality.stage("", {**report, "_id": "t", "contact": None}, {**report, "_id": "u", "form": None}, deleted="s")
    assert found(quality, "impossible_dates") == {"c": 1, "d": 2, "e": 1, "": 1}


@pytest.mark.parametrize(
    ("dates", "number"),
    [
        ({"reported_date": "nonsense"}, 1),
        ({"reported_date": [1]}, 1),
        ({"reported_date": ""}, 0),
        ({"reported_date": None}, 0),
        ({"date_of_birth": "someday"}, 1),
        ({"date_of_birth": "someday", "dob_iso": "2020-01-01"}, 0),
        ({"dob_iso": "someday"}, 1),
        ({"ephemeral_dob": {"dob_iso": {"day": 1}}}, 1),
        ({"ephemeral_dob": {"dob_iso": ""}}, 0),
        ({"date_of_death": "yes"}, 1),
        ({"date_of_death": 0}, 0),
        ({"date_of_death": "2020-01-01"}, 0),
        ({"date_of_death": 1577836800000}, 0),
        ({"date_of_birth": "someday", "date_of_death": "yes", "reported_date": "nonsense"}, 1),
    ],
)
def test_unreadable_dates_of_a_person(quality: Spec, dates: dict[str, Any], number: int) -> None:
    quality.stage("", {**TREE[5], **dates})
    assert found(quality, "unreadable_dates") == ({"c": 1, "d": 1} if number else {})


def test_unreadable_dates_of_a_place_and_of_reports(quality: Spec) -> None:
    quality.stage("", {**TREE[2], "reported_date": "nonsense", "date_of_birth": "someday"})
    assert found(quality, "unreadable_dates") == {"c": 1, "d": 1}
    report = {"_id": "r", "type": "data_record", "form": "f", "contact": {"_id": "q"}}
    quality.stage("", {**report, "reported_date": {}}, {**report, "_id": "s"})
    assert found(quality, "unreadable_dates") == {"c": 1, "d": 1, "e": 1}
    quality.stage("", {**report, "reported_date": EARLY}, TREE[2])
    assert found(quality, "unreadable_dates") == {}


def test_a_document_with_both_kinds_of_dates_counts_in_both(quality: Spec) -> None:
    quality.stage("", {**TREE[5], "date_of_birth": "1800-01-01", "date_of_death": "yes"})
    row = refreshed(quality)["d"]
    assert (row["impossible_dates"], row["unreadable_dates"]) == (1, 1)


def test_rejected_documents_and_older_revisions(quality: Spec) -> None:
    report = {"_id": "r", "type": "data_record", "form": "f", "fields": {"patient_id": "3"}}
    quality.stage("", report)
    assert found(quality, "rejected") == {}
    for uuid in ("p", "r", "new"):
        reject(quality, uuid)
    assert found(quality, "rejected") == {"c": 1, "d": 2, "": 1}
    assert found(quality, "older_revisions") == {"c": 1, "d": 2}
    quality.staged.connection.execute("delete from ops.rejected_document where id = 'p'")
    quality.stage("", report)
    assert found(quality, "older_revisions") == {"d": 1}


def reject(spec: Spec, uuid: str) -> None:
    """Copies a page with one document that cannot be staged."""
    spec.staged.connection.execute(
        "insert into ops.rejected_document (source, id, _rev, reason, batch, rejected_at, redaction_version) "
        "values ('demo/medic', convert_to(%s, 'UTF8'), '2-b', 'why', 1, now(), 1)",
        [uuid],
    )
    spec.staged.connection.execute("update ops.checkpoint set batch = batch + 1")
    spec.staged.update()
