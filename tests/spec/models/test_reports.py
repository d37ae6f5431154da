"""Reports and their subjects, whichever comes first."""

from tests.lib.reported import person, report
from tests.lib.staged import Staged


def subjects(staged: Staged) -> dict[str, str | None]:
    staged.update()
    return dict(staged.rows("select _id, subject_uuid from models.report"))


def test_by_uuid_or_by_short_code(staged: Staged) -> None:
    staged.page(
        [
            person("p", "1"),
            person("q", 2),
            report("by code", code="1"),
            report("by a number", code=2),
            report("by uuid", uuid="p"),
            report("by uuid where a code is expected", code="q"),
            report("by both", code="1", uuid="q"),
            report("by a uuid that is nobody's", code="1", uuid="nobody"),
            report("by nothing"),
            report("by a code that is nobody's", code="3"),
        ]
    )
    assert subjects(staged) == {
        "by code": "p",
        "by a number": "q",
        "by uuid": "p",
        "by uuid where a code is expected": "q",
        "by both": "q",
        "by a uuid that is nobody's": "p",
        "by nothing": None,
        "by a code that is nobody's": None,
    }


def test_messages_are_not_reports(staged: Staged) -> None:
    staged.page([{**report("r"), "form": None}, {**report("s"), "form": ""}, report("t")])
    assert list(subjects(staged)) == ["t"]


def test_the_person_comes_later(staged: Staged) -> None:
    staged.page([report("r", code="1"), report("s", uuid="p")])
    assert subjects(staged) == {"r": None, "s": None}
    staged.page([person("p")])
    assert subjects(staged) == {"r": None, "s": "p"}
    staged.page([person("p", "1")])
    assert subjects(staged) == {"r": "p", "s": "p"}


def test_the_person_goes(staged: Staged) -> None:
    staged.page([person("p", "1"), report("r", code="1"), report("s", uuid="p"), report("t", code="p")])
    assert set(subjects(staged).values()) == {"p"}
    staged.page([{"_id": "p", "type": "clinic"}])
    assert set(subjects(staged).values()) == {None}
    staged.page([person("p", "1")])
    assert set(subjects(staged).values()) == {"p"}
    staged.page(deleted=["p"])
    assert set(subjects(staged).values()) == {None}


def test_a_code_that_changes_hands(staged: Staged) -> None:
    staged.page([person("p", "1"), person("q", "2"), report("r", code="1"), report("s", code="2")])
    assert subjects(staged) == {"r": "p", "s": "q"}
    staged.page([person("p", "2"), person("q", "1")])
    assert subjects(staged) == {"r": "q", "s": "p"}


def test_of_two_persons_with_one_code_the_smallest_id_counts(staged: Staged) -> None:
    staged.page([person("q", "1"), report("r", code="1")])
    assert subjects(staged) == {"r": "q"}
    staged.page([person("p", "1")])
    assert subjects(staged) == {"r": "p"}
    staged.page([person("p", "2")])
    assert subjects(staged) == {"r": "q"}


def test_the_settings_make_the_subject_a_person(staged: Staged) -> None:
    staged.page([{"_id": "p", "type": "contact", "contact_type": "client", "patient_id": "1"}, report("r", code="1")])
    assert subjects(staged) == {"r": None}
    staged.page([{"_id": "settings", "settings": {"contact_types": [{"id": "client", "person": True}]}}])
    assert subjects(staged) == {"r": "p"}


def test_another_sources_person_is_not_the_subject(staged: Staged) -> None:
    staged.source("other/medic")
    staged.page([person("p", "1")], source="other/medic")
    staged.page([report("r", code="1", uuid="p")])
    assert subjects(staged) == {"r": None}


def test_the_other_columns_of_a_report(staged: Staged) -> None:
    where = {"latitude": -0.99, "longitude": 35.15}
    staged.page(
        [
            report("a", errors=[], geolocation=where, contact={"_id": "w", "parent": {"_id": "h"}}),
            report("b", errors=[{"code": "registration_not_found"}], geolocation={"code": 3, "message": "no"}),
            {**report("c", errors=None, geolocation=""), "fields": {"visited_contact_uuid": "h"}},
            report("d", errors={}, geolocation={"latitude": {}, "longitude": "x"}),
        ]
    )
    staged.update()
    columns = "contact_uuid, parent_uuid, visited_uuid, is_valid, latitude::text, longitude::text"
    assert staged.rows(f"select {columns} from models.report order by _id") == [
        ("w", "h", None, True, "-0.99", "35.15"),
        (None, None, None, False, None, None),
        (None, None, "h", True, None, None),
        (None, None, None, False, None, None),
    ]
