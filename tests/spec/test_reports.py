"""Reports and the persons that they are about, whichever comes first."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.spec.staged import Staged
from tests.spec.test_random import content, forget


def report(_id: str, *, code: Any = None, uuid: Any = None, **rest: Any) -> dict[str, Any]:
    """About whom `patient_id` and `fields.patient_uuid` say."""
    fields = {"patient_uuid": uuid} if uuid else {}
    return {"_id": _id, "type": "data_record", "form": "f", "patient_id": code, "fields": fields, **rest}


def person(_id: str, code: Any = None) -> dict[str, Any]:
    return {"_id": _id, "type": "person", **({"patient_id": code} if code else {})}


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


def test_messages_are_no_reports(staged: Staged) -> None:
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


def test_of_two_with_one_code_the_smallest_counts(staged: Staged) -> None:
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


def test_what_else_a_report_says(staged: Staged) -> None:
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


#: Few ids and codes, so that they meet.
EVENTS = st.one_of(
    st.builds(person, st.sampled_from("pqrs"), st.sampled_from([None, "1", "2", "p"])),
    st.builds(lambda _id, code, uuid: report(_id, code=code, uuid=uuid), st.sampled_from("rstu"),
              st.sampled_from([None, "1", "2", "p", "q"]), st.sampled_from([None, "p", "q", "r"])),
    st.builds(lambda _id: {"_id": _id, "type": "clinic"}, st.sampled_from("pqr")),
    st.sampled_from("pqrstu"),
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(EVENTS, max_size=6), min_size=1, max_size=6))
def test_after_any_history_as_if_made_anew(staged: Staged, history: list[list[dict[str, Any] | str]]) -> None:
    forget(staged)
    known: set[str] = set()
    for page in history:
        last = {event if isinstance(event, str) else event["_id"]: event for event in page}
        written = [event for event in last.values() if isinstance(event, dict)]
        known |= {event["_id"] for event in written}
        staged.page(written, deleted=[uuid for uuid, event in last.items() if event == uuid and uuid in known])
        staged.update()
    kept = content(staged)
    staged.connection.execute("delete from ops.relation")
    staged.update()
    assert content(staged) == kept
