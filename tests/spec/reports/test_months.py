"""Reports, visits and registrations by month: the tallies equal a recount, and the marts the sums of it."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from cht_sync.models import runner
from cht_sync.reports import marts

from demo import report as report_text
from tests.lib import tables
from tests.lib.months import ZONE
from tests.lib.staged import SOURCE, Staged
from tests.lib.tallied import FIRST_OF_APRIL, IN_MAY, LAST_OF_MARCH, TALLIES, update

MARCH, APRIL = date(2024, 3, 1), date(2024, 4, 1)

TREE = tables.documents("""
    _id | type     | parent | patient_id | reported_date
    d   | district |        |            |
    e   | district |        |            |
    c   | centre   | d      |            |
    b   | centre   | e      |            |
    h   | clinic   | c d    |            |
    i   | clinic   | b e    |            |
    p   | person   | h c d  | 1          | 1711918799999
    q   | person   | i b e  | 2          | 1711918800000
    w   | person   | c d    |            | nonsense
""")


def report(uuid: str, **fields: Any) -> dict[str, Any]:
    body = {"_id": uuid, "type": "data_record", "form": "f", "reported_date": IN_MAY, "contact": {"_id": "w"}}
    return {**body, **fields}


def areas(staged: Staged) -> dict[str, int]:
    """{area: reports} of models.report_month, over all months and forms."""
    return dict(staged.rows("select area_uuid, sum(reports)::int from models.report_month group by area_uuid"))


@pytest.fixture
def tree(staged: Staged) -> Staged:
    staged.page(TREE)
    update(staged)
    return staged


def test_a_report_counts_with_its_subject_else_its_submitter(tree: Staged) -> None:
    tree.page(
        [
            report("r1", patient_id="2"),
            report("r2", fields={"patient_uuid": "p"}),
            report("r3"),
            report("r4", contact={"_id": "nobody"}),
            report("r5", contact=None, patient_id="9"),
            report("r6", form=None),
        ]
    )
    update(tree)
    assert areas(tree) == {"b": 1, "c": 2, "": 2}


def test_a_month_is_in_the_time_zone_and_documents_without_a_month_are_kept_apart(tree: Staged) -> None:
    dates = [LAST_OF_MARCH, FIRST_OF_APRIL, "nonsense", None]
    tree.page([report(f"r{number}", reported_date=reported) for number, reported in enumerate(dates)])
    update(tree)
    marts.refresh(tree.connection)
    query = "select month, reports from marts.reports_by_area_and_month where area_uuid = 'd' order by month"
    assert tree.rows(query) == [(MARCH, 1), (APRIL, 1), (None, 2)]
    registered = (
        "select month, persons from marts.registrations_by_area_and_month where area_uuid = '{}' order by month"
    )
    assert tree.rows(registered.format("d")) == [(MARCH, 1), (None, 1)]
    assert tree.rows(registered.format("e")) == [(APRIL, 1)]
    an_hour_passes(tree)
    tree.page([report("r9", reported_date=None)])
    update(tree)
    marts.refresh(tree.connection)
    assert tree.rows(query) == [(MARCH, 1), (APRIL, 1), (None, 3)]


def test_another_time_zone_rebuilds_the_months(tree: Staged) -> None:
    tree.page([report("r", reported_date=LAST_OF_MARCH)])
    update(tree)
    runner.update(tree.connection, timezone="Pacific/Auckland")
    assert tree.values("select month from models.report_month") == [APRIL]
    assert runner.update(tree.connection, timezone="Pacific/Auckland") == runner.Update()


MOVES: dict[str, tuple[Callable[[Staged], None], dict[str, int]]] = {
    "a person moves": (
        lambda staged: staged.page(tables.documents("_id | type | parent\np | person | i b e")),
        {"b": 1},
    ),
    "a household moves": (
        lambda staged: staged.page(tables.documents("_id | type | parent\nh | clinic | b e")),
        {"b": 1},
    ),
    "an area moves": (lambda staged: staged.page(tables.documents("_id | type | parent\nc | centre | e")), {"c": 1}),
    "an area goes": (lambda staged: staged.page(deleted=["c"]), {"d": 1}),
    "a household goes": (lambda staged: staged.page(deleted=["h"]), {"c": 1}),
    "the person goes": (lambda staged: staged.page(deleted=["p"]), {"": 1}),
    "the report goes": (lambda staged: staged.page(deleted=["r"]), {}),
    "a household becomes an area": (
        lambda staged: staged.page(tables.documents("_id | type | parent\nh | centre | c d")),
        {"h": 1},
    ),
    "an area becomes a household": (
        lambda staged: staged.page(tables.documents("_id | type | parent\nc | clinic | d")),
        {"d": 1},
    ),
    "households are configured": (
        lambda staged: staged.page([tables.settings("district_hospital", "health_center < district_hospital")]),
        {"h": 1},
    ),
    "all above goes": (lambda staged: staged.page(deleted=["h", "c", "d"]), {"": 1}),
    "it becomes a person": (lambda staged: staged.page(tables.documents("_id | type\nr | person")), {}),
}


@pytest.mark.parametrize("name", MOVES)
def test_reports_follow_their_subject(tree: Staged, name: str) -> None:
    happen, expected = MOVES[name]
    tree.page([report("r", fields={"patient_uuid": "p"}, contact={"_id": "nobody"})])
    update(tree)
    assert areas(tree) == {"c": 1}
    happen(tree)
    update(tree)
    assert areas(tree) == expected


def test_households_in_a_household_follow(tree: Staged) -> None:
    tree.page(tables.documents("_id | type | parent\nj | clinic | h c d\np | person | j h c d"))
    tree.page([report("r", fields={"patient_uuid": "p"})])
    update(tree)
    assert areas(tree) == {"c": 1}
    tree.page(tables.documents("_id | type | parent\nh | clinic | b e"))
    update(tree)
    assert areas(tree) == {"b": 1}
    tree.page(tables.documents("_id | type | parent\nh | clinic |"))
    update(tree)
    assert areas(tree) == {"": 1}


def test_a_report_that_came_before_its_person_follows_it(tree: Staged) -> None:
    tree.page([report("r", patient_id="7", contact=None)])
    update(tree)
    assert areas(tree) == {"": 1}
    tree.page(tables.documents("_id | type | parent | patient_id\nn | person | i b e | 7"))
    update(tree)
    assert areas(tree) == {"b": 1}


def test_active_workers_and_visited_households(tree: Staged) -> None:
    account = {"_id": "u", "type": "user-settings", "contact_id": "w"}
    tree.page([account, {**account, "_id": "v"}, {**account, "_id": "x", "contact_id": "q"}])
    tree.page(
        [
            report("r1", patient_id="1"),
            report("r2", patient_id="1"),
            report("r3", fields={"visited_contact_uuid": "i"}),
            report("r4", fields={"visited_contact_uuid": "b"}),
            report("r5", reported_date=FIRST_OF_APRIL, contact={"_id": "q"}, patient_id="2"),
        ]
    )
    update(tree)
    marts.refresh(tree.connection)
    query = (
        "select area_uuid, month, chws, active_chws, reports, households_visited from marts.chw_activity order by 1, 2"
    )
    may = date(2024, 5, 1)
    assert tree.rows(query) == [
        ("b", APRIL, 0, 0, 0, 1),
        ("b", may, 0, 0, 0, 1),
        ("c", may, 1, 1, 4, 1),
        ("d", may, 1, 1, 4, 1),
        ("e", APRIL, 0, 0, 0, 1),
        ("e", may, 0, 0, 0, 1),
    ]
    assert report_text.month(tree.connection, ZONE.key).splitlines() == [
        "In May 2024:",
        "  d: 0 registered, 4 reports, 1 of 1 CHWs active, 1 households visited",
        "  e: 0 registered, 0 reports, 0 of 0 CHWs active, 1 households visited",
    ]
    assert report_text.doubts(tree.connection) == "Worth looking at (marts.data_quality): 1 unreadable dates."


def test_a_change_without_effect_on_numbers_writes_nothing(tree: Staged) -> None:
    tree.page([report("r", patient_id="1")])
    update(tree)
    tree.page([report("r", patient_id="1", content_type="xml"), {**TREE[6], "phone": "1"}])
    done = update(tree).models
    assert {name: done[name] for name in TALLIES} == dict.fromkeys(TALLIES, 0)


def test_each_source_has_its_own_months(tree: Staged) -> None:
    tree.source("other/medic")
    tree.page([*TREE, report("r", patient_id="2")], source="other/medic")
    tree.page([report("r", patient_id="1")])
    update(tree)
    assert tree.rows("select source, area_uuid from models.report_month order by 1") == [
        (SOURCE, "c"),
        ("other/medic", "b"),
    ]


@pytest.mark.parametrize("mart", ["reports_by_area_and_month", "registrations_by_area_and_month", "chw_activity"])
def test_complete_says_whether_the_source_was_copied_to_its_end(staged: Staged, mart: str) -> None:
    staged.page([*TREE, report("r", patient_id="1")], caught_up=None)
    update(staged)
    marts.refresh(staged.connection)
    complete = f"select distinct complete from marts.{mart}"
    assert staged.values(complete) == [False]
    staged.page()
    update(staged)
    marts.refresh(staged.connection)
    assert staged.values(complete) == [True]


def an_hour_passes(staged: Staged) -> None:
    staged.connection.execute("update ops.mart_state set refreshed_at = refreshed_at - interval '1 hour'")
