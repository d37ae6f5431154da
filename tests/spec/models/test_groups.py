"""Households, staff and persons in a household, for every place: one test per rule of docs/counts.md."""

from tests.lib.spec import Spec
from tests.lib.tables import settings

AREA = """
    _id | type     | parent
    d   | district |
    c   | centre   | d
    h   | clinic   | c d
    i   | clinic   | c d
    p   | person   | h c d
    w   | person   | c d
"""


def test_a_household_counts_in_itself_and_in_every_place_above(spec: Spec) -> None:
    spec.stage(AREA)
    spec.shows("""
        area | direct_households | total_households
        d    | 0                 | 2
        c    | 2                 | 2
        h    | 0                 | 1
        i    | 0                 | 1
    """)


def test_an_orphaned_household_is_direct_in_no_place(spec: Spec) -> None:
    spec.stage(AREA, {"_id": "j", "type": "clinic", "parent": {"_id": "gone", "parent": {"_id": "c"}}})
    spec.shows("""
        area | direct_households | total_households
        d    | 0                 | 3
        c    | 2                 | 3
        h    | 0                 | 1
        i    | 0                 | 1
        j    | 0                 | 1
    """)


def test_a_household_without_a_place_above_is_not_unplaced(spec: Spec) -> None:
    spec.stage("""
        _id | type   | parent
        h   | clinic |
    """)
    spec.shows("""
        area     | direct_households | total_households
        h        | 0                 | 1
        unplaced | 0                 | 0
    """)


def test_a_household_moves_with_the_place_that_it_is_in(spec: Spec) -> None:
    spec.stage(AREA)
    spec.stage("_id | type | parent\ne | district |\nc | centre | e")
    spec.shows("""
        area | direct_households | total_households
        d    | 0                 | 0
        e    | 0                 | 2
        c    | 2                 | 2
        h    | 0                 | 1
        i    | 0                 | 1
    """)


def test_households_follow_the_settings(spec: Spec) -> None:
    spec.stage(AREA)
    spec.stage("", settings("district_hospital", "health_center < district_hospital"))
    spec.shows("""
        area | direct_households | total_households | total_in_household
        d    | 1                 | 1                | 1
        c    | 0                 | 1                | 1
        h    | 0                 | 0                | 0
        i    | 0                 | 0                | 0
    """)
    spec.stage(deleted="settings")
    assert spec.staged.counts()["d"]["total_households"] == 2


def test_in_household_counts_persons_whose_parent_is_a_household(spec: Spec) -> None:
    spec.stage(AREA, {"_id": "q", "type": "person", "parent": {"_id": "gone", "parent": {"_id": "h"}}})
    spec.shows("""
        area | total_persons | direct_in_household | total_in_household
        d    | 3             | 0                   | 1
        c    | 3             | 0                   | 1
        h    | 2             | 1                   | 1
        i    | 0             | 0                   | 0
    """)
    spec.stage("_id | type | parent\nh | centre | c d")
    assert spec.staged.counts()["d"]["total_in_household"] == 0


def test_staff_are_persons_whom_users_settings_name_in_any_place(spec: Spec) -> None:
    spec.stage(AREA + "    x   | person   |\n")
    spec.stage("_id | type | contact_id\nu | user-settings | w\nv | user-settings | x\ny | user-settings | nobody")
    spec.shows("""
        area     | direct_staff | total_staff
        d        | 0            | 1
        c        | 1            | 1
        h        | 0            | 0
        i        | 0            | 0
        unplaced | 1            | 1
    """)


def test_staff_follow_the_users_settings(spec: Spec) -> None:
    spec.stage(AREA)
    spec.stage("_id | type | contact_id\nu | user-settings | w\nv | user-settings | w")
    spec.stage("_id | type | contact_id\nu | user-settings | p")
    spec.shows("""
        area | direct_staff | total_staff
        d    | 0            | 2
        c    | 1            | 2
        h    | 1            | 1
        i    | 0            | 0
    """)
    spec.stage(deleted="u v")
    assert spec.staged.counts()["d"]["total_staff"] == 0


def test_a_user_before_the_person(spec: Spec) -> None:
    spec.stage("_id | type | contact_id\nu | user-settings | w")
    spec.stage(AREA)
    assert spec.staged.counts()["c"]["direct_staff"] == 1
