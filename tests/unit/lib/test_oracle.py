"""The definitions of the counts, each by a few contacts that are counted by hand."""

from typing import Any

import pytest

from tests.lib import expected

Document = dict[str, Any]

#: A district d, a health centre h in it, a household c in that.
D: Document = {"_id": "d", "type": "district_hospital", "name": "District"}
H: Document = {"_id": "h", "type": "health_center", "parent": {"_id": "d"}}
C: Document = {"_id": "c", "type": "clinic", "parent": {"_id": "h", "parent": {"_id": "d"}}}

SETTINGS: Document = {
    "_id": "settings",
    "settings": {
        "contact_types": [
            {"id": "area"},
            {"id": "home", "parents": ["area", "home"]},
            {"id": "client", "person": True, "parents": ["home"]},
        ]
    },
}


def chain(*ids: str) -> Document:
    above = chain(*ids[1:]) if ids[1:] else None
    return {"_id": ids[0], "parent": above} if above else {"_id": ids[0]}


def person(id_: str = "p", *above: str, **more: Any) -> Document:
    parent = {"parent": chain(*above)} if above else {}
    return {"_id": id_, "type": "person", "patient_id": "1", **parent, **more}


def place(id_: str, *above: str, **more: Any) -> Document:
    parent = {"parent": chain(*above)} if above else {}
    return {"_id": id_, "type": "health_center", **parent, **more}


def contact(id_: str, contact_type: object, *above: str, **more: Any) -> Document:
    return person(id_, *above, type="contact", contact_type=contact_type, **more)


def totals(*documents: Document, column: str = "persons") -> dict[str, int]:
    """The total of each place that is not 0."""
    found = {uuid: row.total[column] for uuid, row in expected.counts(documents).items()}
    return {uuid: count for uuid, count in found.items() if count}


def directs(*documents: Document, column: str = "persons") -> dict[str, int]:
    found = {uuid: row.direct[column] for uuid, row in expected.counts(documents).items()}
    return {uuid: count for uuid, count in found.items() if count}


def state(document: Document) -> str:
    """What the one person is: active, muted or deceased."""
    row = expected.counts([document])[expected.UNPLACED].total
    (found,) = [column for column in ("active", "muted", "deceased") if row[f"persons_{column}"]]
    return found


def test_a_person_counts_once_in_every_place_above() -> None:
    documents = [D, H, C, person("p", "c", "h", "d"), person("q", "h", "d")]
    assert totals(*documents) == {"d": 2, "h": 2, "c": 1}
    assert directs(*documents) == {"h": 1, "c": 1}


def test_the_order_of_the_documents_does_not_matter() -> None:
    documents = [SETTINGS, D, H, C, person("p", "c"), contact("x", "client", "c")]
    assert expected.counts(documents[::-1]) == expected.counts(documents)


def test_every_place_has_a_row_and_the_unplaced_too() -> None:
    rows = expected.counts([D, H])
    assert set(rows) == {"d", "h", ""}
    assert rows["d"].total == dict.fromkeys(expected.COLUMNS, 0)
    assert (rows["d"].name, rows["d"].contact_type, rows["d"].parent_uuid) == ("District", "district_hospital", None)
    assert rows["h"].parent_uuid == "d"


@pytest.mark.parametrize("type_", ["data_record", "tombstone", "Person", None, 5, [], {}])
def test_other_documents_are_no_contacts(type_: object) -> None:
    assert totals(D, person("p", "d", type=type_)) == {}


def test_deleted_documents_do_not_count() -> None:
    assert totals(D, person("p", "d", _deleted=True)) == {}


@pytest.mark.parametrize("id_", ["a\0b", "é" * 501])
def test_documents_that_the_copy_cannot_hold_do_not_count(id_: str) -> None:
    assert totals(D, person(id_, "d")) == {}


def test_a_configured_type_is_a_person_where_it_says_so() -> None:
    documents = [contact("a", "area"), contact("b", "home", "a"), contact("p", "client", "b")]
    assert totals(SETTINGS, *documents) == {"a": 1, "b": 1}
    assert set(expected.counts([SETTINGS, *documents])) == {"a", "b", ""}


def test_until_the_settings_have_come_such_a_person_is_a_place() -> None:
    assert set(expected.counts([contact("p", "client", "b")])) == {"p", ""}


@pytest.mark.parametrize("contact_type", ["unheard of", None, 5, ""])
def test_a_contact_of_no_configured_type_is_a_place(contact_type: object) -> None:
    assert set(expected.counts([SETTINGS, contact("x", contact_type)])) == {"x", ""}


def test_person_is_a_person_without_settings() -> None:
    assert totals(D, person("p", "d"), contact("q", "person", "d")) == {"d": 2}


def test_a_hardcoded_type_wins_over_a_contact_type() -> None:
    assert totals(SETTINGS, D, person("p", "d", contact_type="area")) == {"d": 1}


@pytest.mark.parametrize("patient_id", ["00012", "0", 0, 7, 1.5])
def test_a_patient_has_a_patient_id(patient_id: object) -> None:
    assert totals(D, person("p", "d", patient_id=patient_id), column="patients") == {"d": 1}


@pytest.mark.parametrize("patient_id", ["", None, True, False, {}, [], ["1"]])
def test_nobody_else_is_a_patient(patient_id: object) -> None:
    documents = [D, person("p", "d", patient_id=patient_id)]
    assert (totals(*documents), totals(*documents, column="patients")) == ({"d": 1}, {})


@pytest.mark.parametrize("value", ["2000-04-25", 1700000000000, True, "Invalid date", "false", {}])
def test_deceased(value: object) -> None:
    assert state(person(date_of_death=value, muted=True)) == "deceased"


@pytest.mark.parametrize("value", [None, False, 0, ""])
def test_not_deceased(value: object) -> None:
    assert state(person(date_of_death=value)) == "active"


@pytest.mark.parametrize("value", ["2021-04-07T13:41:09.769Z", 1617802869769, True, "true", {}])
def test_muted(value: object) -> None:
    assert state(person(muted=value)) == "muted"


@pytest.mark.parametrize("value", [None, False, 0, "", "false"])
def test_not_muted(value: object) -> None:
    assert state(person(muted=value)) == "active"


def test_everybody_below_a_muted_place_is_muted() -> None:
    muted, dead = D | {"muted": True}, person("q", "c", date_of_death="2020-01-01")
    documents = [muted, H, C, person("p", "c"), dead, place("d2"), person("r", "d2")]
    assert totals(*documents, column="persons_muted") == {"d": 1, "h": 1, "c": 1}
    assert totals(*documents, column="persons_deceased") == {"d": 1, "h": 1, "c": 1}
    assert totals(*documents, column="patients_active") == {"d2": 1}


def test_places_are_looked_up_in_the_current_documents() -> None:
    """The household has moved from h to h2; the person's own document still says h."""
    moved = C | {"parent": {"_id": "h2"}}
    assert totals(D, H, place("h2"), moved, person("p", "c", "h", "d")) == {"c": 1, "h2": 1}


@pytest.mark.parametrize("parent", ["", "{}", {}, {"_id": ""}, {"_id": 5}, [], None, True])
def test_no_parent_is_the_top(parent: object) -> None:
    documents = [person("p", parent=parent)]
    assert (totals(*documents), directs(*documents)) == ({"": 1}, {"": 1})
    assert expected.orphans(documents) == []


def test_an_orphan_counts_where_its_own_chain_leads_and_is_direct_in_none() -> None:
    """Its household was deleted; h is the first place of the chain that is there, and has moved to d2 since."""
    documents = [D, place("d2"), H | {"parent": {"_id": "d2"}}, person("p", "gone", "h", "d")]
    assert (totals(*documents), directs(*documents)) == ({"h": 1, "d2": 1}, {})
    assert expected.orphans(documents) == ["p"]


def test_below_an_orphaned_place_the_persons_are_direct_in_it() -> None:
    documents = [D, C | {"parent": chain("gone", "d")}, person("p", "c", "gone", "d")]
    assert (totals(*documents), directs(*documents)) == ({"c": 1, "d": 1}, {"c": 1})
    assert expected.orphans(documents) == ["c"]


def test_the_chain_of_the_last_live_contact_counts_and_no_other() -> None:
    """The person's own document still knows a way to d, but its household is there and says otherwise."""
    documents = [D, C | {"parent": chain("gone", "lost")}, person("p", "c", "gone", "d")]
    assert totals(*documents) == {"c": 1}


def test_a_person_is_nobody_s_place() -> None:
    documents = [D, person("mother", "d"), person("child", "mother", "d")]
    assert (totals(*documents), directs(*documents)) == ({"d": 2}, {"d": 1})
    assert expected.orphans(documents) == ["child"]


def test_an_orphan_with_no_place_above_is_unplaced() -> None:
    documents = [D, person("p", "gone", "lost")]
    assert (totals(*documents), directs(*documents)) == ({"": 1}, {"": 1})
    assert expected.orphans(documents) == ["p"]


def test_the_smallest_of_a_cycle_is_a_top() -> None:
    documents = [place("b", "c"), place("c", "a"), place("a", "b"), place("x", "c"), person("p", "x"), person("q", "a")]
    assert totals(*documents) == {"x": 1, "c": 1, "a": 2}
    assert expected.cycles(documents) == [["a", "b", "c"]]


def test_a_place_can_be_its_own_parent() -> None:
    documents = [place("a", "a"), person("p", "a")]
    assert totals(*documents) == {"a": 1}
    assert expected.cycles(documents) == [["a"]]


def test_muting_does_not_pass_the_cut_of_a_cycle() -> None:
    documents = [place("a", "b"), place("b", "a", muted=True), person("p", "a"), person("q", "b")]
    assert totals(*documents, column="persons_muted") == {"a": 1, "b": 1}
    assert totals(*documents, column="persons_active") == {"a": 1}


def test_an_orphan_s_chain_can_close_a_cycle() -> None:
    """a's parent is gone and its chain leads on to b, which is below a."""
    documents = [place("a", "gone", "b"), place("b", "a"), person("p", "b")]
    assert totals(*documents) == {"a": 1, "b": 1}
    assert expected.cycles(documents) == [["a", "b"]]


def test_the_smallest_id_is_that_of_the_smallest_bytes() -> None:
    """U+FFFD comes before U+1F600 in UTF-8, and after it in UTF-16."""
    low, high = "\ufffd", "\U0001f600"
    assert expected.cycles([place(low, high), place(high, low)]) == [[low, high]]


def test_a_household_is_a_place_type_that_is_no_other_place_type_s_parent() -> None:
    rows = expected.counts([SETTINGS, contact("a", "area"), contact("b", "home", "a"), contact("x", "other"), C])
    assert {uuid for uuid, row in rows.items() if row.in_household} == {"b"}


def test_without_configured_types_a_clinic_is_a_household() -> None:
    rows = expected.counts([D, H, C])
    assert {uuid for uuid, row in rows.items() if row.in_household} == {"c"}


def test_the_states_add_up_and_so_do_the_tops() -> None:
    documents = [D, H, C, place("d2"), person("p", "c"), person("q", "d2", muted=1), person("r", date_of_death=1)]
    rows = expected.counts(documents)
    for row in rows.values():
        states = sum(row.total[f"persons_{column}"] for column in ("active", "muted", "deceased"))
        assert row.total["persons"] == states
    assert sum(rows[uuid].total["persons"] for uuid in ("d", "d2", "")) == 3


def test_a_lineage_of_any_depth() -> None:
    documents = [place(f"l{n}", f"l{n + 1}") for n in range(3000)] + [place("l3000"), person("p", "l0")]
    assert len(totals(*documents)) == 3001
