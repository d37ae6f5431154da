"""The settings decide which contacts are persons, which places are households, and who is staff, whenever they come."""

import pytest

from tests.lib.spec import Spec
from tests.lib.tables import settings

ECHIS = """
    _id | type        | parent
    s   | sub_county  |
    a   | area        | s
    h   | e_household | a s
    p   | f_client    | h a s
    w   | d_chw       | a s
"""
TYPES = settings("sub_county", "area < sub_county", "e_household < area", "f_client! < e_household", "d_chw! < area")


def households(spec: Spec) -> list[str]:
    return spec.staged.values("select uuid from models.place where household order by uuid")


def test_the_settings_say_which_types_are_persons(spec: Spec) -> None:
    spec.stage(ECHIS, TYPES)
    spec.shows("""
        area | direct_persons | total_persons
        s    | 0              | 2
        a    | 1              | 2
        h    | 1              | 1
    """)


def test_settings_that_come_late(spec: Spec) -> None:
    spec.stage(ECHIS)
    assert spec.staged.values("select uuid from models.person") == []
    assert households(spec) == []
    spec.stage("", TYPES)
    spec.shows("""
        area | direct_persons | total_persons
        s    | 0              | 2
        a    | 1              | 2
        h    | 1              | 1
    """)
    assert households(spec) == ["h"]
    assert spec.staged.values("select uuid from models.patient") == []


def test_settings_that_change(spec: Spec) -> None:
    spec.stage(ECHIS, TYPES)
    spec.stage("", settings("sub_county", "area < sub_county", "e_household < area", "f_client! < e_household"))
    assert spec.staged.values("select uuid from models.person") == ["p"]
    assert spec.staged.rows("select uuid, configured from models.contact where uuid in ('p', 'w') order by 1") == [
        ("p", True),
        ("w", False),
    ]


def test_settings_that_are_deleted(spec: Spec) -> None:
    spec.stage(ECHIS, TYPES)
    spec.stage(deleted="settings")
    assert spec.staged.values("select uuid from models.person") == []
    assert households(spec) == []


def test_a_patient_whose_type_becomes_one_of_persons(spec: Spec) -> None:
    spec.stage("_id | type | patient_id\np | f_client | 7")
    assert spec.staged.values("select uuid from models.patient") == []
    spec.stage("", TYPES)
    assert spec.staged.values("select uuid from models.patient") == ["p"]


def test_the_hard_coded_type_wins(spec: Spec) -> None:
    document = {"_id": "p", "type": "person", "contact_type": "area"}
    spec.stage("", document, TYPES)
    assert spec.staged.rows("select uuid, contact_type from models.person") == [("p", "person")]


@pytest.mark.parametrize("contact_type", [None, 5, {"id": "f_client"}])
def test_a_type_that_is_not_a_text_is_an_unconfigured_place(spec: Spec, contact_type: object) -> None:
    spec.stage("", {"_id": "x", "type": "contact", "contact_type": contact_type}, TYPES)
    assert spec.staged.rows("select contact_type, is_person, configured from models.contact") == [(None, False, False)]
    assert households(spec) == []


def test_a_household_is_no_other_place_types_parent(spec: Spec) -> None:
    spec.stage(ECHIS + "    u   | unheard_of  | a s\n", TYPES)
    assert households(spec) == ["h"]


def test_a_type_may_have_itself_as_parent_and_be_a_household(spec: Spec) -> None:
    spec.stage(ECHIS, settings("sub_county", "area < sub_county", "e_household < area e_household"))
    assert households(spec) == ["h"]


def test_without_types_the_clinic_is_the_household(spec: Spec) -> None:
    spec.stage("_id | type | parent\nc | centre |\nh | clinic | c")
    assert households(spec) == ["h"]
    spec.stage("", {"_id": "settings", "settings": {"contact_types": []}})
    assert households(spec) == ["h"]
    spec.stage("", settings("health_center", "clinic < health_center", "room < clinic"))
    assert households(spec) == []
    spec.stage(deleted="settings")
    assert households(spec) == ["h"]


@pytest.mark.parametrize("body", [None, [], "x", {"contact_types": "x"}, {"contact_types": {"id": "x"}}])
def test_settings_without_types_that_can_be_read(spec: Spec, body: object) -> None:
    spec.stage("_id | type\nh | clinic", {"_id": "settings", "settings": body})
    assert households(spec) == ["h"]


def test_entries_that_are_not_types_are_skipped(spec: Spec) -> None:
    types: list[object] = [None, 5, {"id": 5}, {"person": True}, {"id": "f", "person": True, "parents": None}]
    spec.stage("_id | type\np | f", {"_id": "settings", "settings": {"contact_types": types}})
    assert spec.staged.values("select uuid from models.person") == ["p"]


def test_one_sources_settings_are_not_anothers(spec: Spec) -> None:
    spec.staged.source("other/medic")
    spec.staged.page([{"_id": "p", "type": "contact", "contact_type": "f_client"}], source="other/medic")
    spec.stage(ECHIS, TYPES)
    assert spec.staged.rows("select source, uuid from models.person where uuid = 'p'") == [("demo/medic", "p")]


def test_in_household_follows_the_place(spec: Spec) -> None:
    spec.stage("_id | type | parent\nh | clinic |\np | person | h\nq | person |")
    query = "select uuid from models.person where in_household"
    assert spec.staged.values(query) == ["p"]
    spec.stage("_id | type\nh | centre")
    assert spec.staged.values(query) == []
    spec.stage("_id | type\nh | clinic")
    assert spec.staged.values(query) == ["p"]
    spec.stage("", settings("clinic", "room < clinic"))
    assert spec.staged.values(query) == []
    spec.stage(deleted="settings")
    assert spec.staged.values(query) == ["p"]
    spec.stage(deleted="h")
    assert spec.staged.values(query) == []


def test_staff_are_persons_whom_users_settings_name(spec: Spec) -> None:
    query = "select uuid from models.person where is_staff order by uuid"
    spec.stage("_id | type | contact_id\nu | user-settings | p\nv | user-settings | p\np | person |\nq | person |")
    assert spec.staged.values(query) == ["p"]
    spec.stage("_id | type | contact_id\nu | user-settings | q")
    assert spec.staged.values(query) == ["p", "q"]
    spec.stage(deleted="v")
    assert spec.staged.values(query) == ["q"]
    spec.stage("_id | type | contact_id\nu | data_record | q")
    assert spec.staged.values(query) == []


def test_patient_has_the_same_household_and_staff_columns(spec: Spec) -> None:
    spec.stage("_id | type | parent | patient_id\nh | clinic | |\np | person | h | 1")
    spec.stage("_id | type | contact_id\nu | user-settings | p")
    assert spec.staged.rows("select in_household, is_staff from models.patient") == [(True, True)]
    spec.stage(deleted="u h")
    assert spec.staged.rows("select in_household, is_staff from models.patient") == [(False, False)]


def test_contact_type_lists_configured_and_used_types(spec: Spec) -> None:
    spec.stage("_id | type\na | area\nx | unheard_of\ny | unheard_of", settings("area", "f_client! < area"))
    assert spec.staged.rows("select id, person, configured, household from models.contact_type order by id") == [
        ("area", False, True, True),
        ("f_client", True, True, False),
        ("unheard_of", False, False, False),
    ]
