"""A removed person counts on the days before the removal, in the place of that time. Archived reports stay."""

from collections.abc import Callable

import pytest

from tests.lib.past import BEFORE_AND_AFTER, PERSON, PLACES, Past, person, rebuilt, remodelled
from tests.lib.recording import Killed, recording
from tests.lib.staged import SOURCE, Staged


@pytest.fixture
def past(staged: Staged) -> Past:
    past = Past(staged)
    past.at("2024-03-05 13:00", PLACES)
    return past


def deleted(past: Past) -> None:
    past.at("2024-03-10 12:00", deleted="p")


def purged(past: Past) -> None:
    past.vanish("2024-03-10 12:00", "p", "purged")


def archived(past: Past) -> None:
    past.vanish("2024-03-10 12:00", "p", "archived")


def another_type(past: Past) -> None:
    past.at("2024-03-10 12:00", "", {"_id": "p", "type": "tombstone"})


def a_place(past: Past) -> None:
    past.at("2024-03-10 12:00", "_id | type | parent\np | clinic | c d")


GOING = [deleted, purged, archived, another_type, a_place]


@pytest.mark.parametrize("go", GOING)
def test_a_removed_person_counts_on_the_days_before(past: Past, go: Callable[[Past], None]) -> None:
    past.at("2024-03-05 13:00", PERSON)
    go(past)
    past.shows(BEFORE_AND_AFTER)


def test_no_name_is_kept(past: Past) -> None:
    past.at("2024-03-05 13:00", "", person(name="Wanjiru", phone="+254700000000", patient_id="12345"))
    deleted(past)
    kept = past.staged.values("select to_jsonb(removed_person) from history.removed_person")[0]
    assert set(kept) == {
        *("source", "uuid", "lineage", "registered", "died_on", "died_at", "is_patient", "is_deceased", "removed_at")
    }
    assert kept["lineage"] == ["h", "c", "d"]
    assert "Wanjiru" not in str(kept)


@pytest.mark.parametrize(
    ("when", "on", "after"), [("2024-03-10 23:59", "2024-03-10", "2024-03-11"), ("2024-03-11 00:00", "2024-03-11", "")]
)
def test_the_day_of_a_removal_is_the_local_day_of_its_copy(past: Past, when: str, on: str, after: str) -> None:
    past.at("2024-03-05 13:00", PERSON)
    past.at(when, deleted="p")
    found = past.count(["2024-03-10", "2024-03-11"])
    assert [day for (day, area), row in sorted(found.items()) if area == "c" and row["removed"]] == [on]
    assert [day for (day, area), row in sorted(found.items()) if area == "c" and row["persons"]] == (
        [] if after else ["2024-03-10"]
    )


def test_a_deletion_counts_from_its_copy_even_if_modelled_later(past: Past) -> None:
    past.at("2024-03-05 13:00", PERSON)
    past.at("2024-03-10 12:00", deleted="p", run=False)
    past.at("2024-03-12 12:00", "_id | type | parent\nf | centre | d")
    past.shows(BEFORE_AND_AFTER)


@pytest.mark.parametrize("outside", ["h | clinic |", "h | clinic | i\ni | clinic |"])
def test_a_removed_person_of_a_household_in_no_area_counts_in_unplaced(past: Past, outside: str) -> None:
    past.at("2024-03-05 13:00", PERSON)
    past.at("2024-03-08 12:00", f"_id | type | parent\n{outside}")
    deleted(past)
    past.shows(BEFORE_AND_AFTER.replace("| c   ", "| unplaced").replace("| d   ", "| unplaced"))


def test_the_stock_is_that_of_the_day_before_plus_arrivals_minus_removals(past: Past) -> None:
    past.at(
        "2024-03-05 13:00",
        """
        _id | type   | parent | registered       | date_of_death
        p   | person | h c d  | 2024-03-09 12:00 |
        q   | person | h c d  | 2024-03-10 09:00 |
        r   | person | h c d  | 2024-03-11 09:00 |
        s   | person | h c d  |                  | 2024-03-09
        t   | person | h c d  | 2024-03-01 09:00 | 2024-03-11
        """,
    )
    past.at("2024-03-10 12:00", deleted="p q r s t")
    past.shows(
        """
        day        | area | persons | deceased | registered | died | removed
        2024-03-08 | c    | 2       | 0        | 0          | 0    | 0
        2024-03-09 | c    | 3       | 1        | 1          | 1    | 0
        2024-03-10 | c    | 0       | 0        | 1          | 0    | 4
        2024-03-11 | c    | 0       | 0        | 0          | 0    | 0
        """
    )


def test_a_person_who_is_written_again_was_never_removed(past: Past) -> None:
    past.at("2024-03-05 13:00", PERSON)
    deleted(past)
    past.at("2024-03-12 12:00", PERSON)
    assert past.removed() == []
    past.shows(
        """
        day        | area | persons | removed
        2024-03-09 | c    | 1       | 0
        2024-03-10 | c    | 1       | 0
        2024-03-13 | c    | 1       | 0
        """
    )


def test_of_two_removals_the_later_day_counts(past: Past) -> None:
    past.at("2024-03-05 13:00", PERSON)
    past.at("2024-03-07 12:00", deleted="p")
    past.at("2024-03-08 12:00", PERSON)
    deleted(past)
    past.shows(BEFORE_AND_AFTER)


def test_a_return_and_removal_between_two_runs_keep_the_first_day(past: Past) -> None:
    past.at("2024-03-05 13:00", PERSON)
    deleted(past)
    past.at("2024-03-12 12:00", PERSON, run=False)
    past.at("2024-03-13 12:00", deleted="p")
    past.shows(BEFORE_AND_AFTER)


def test_a_person_who_was_never_counted_is_not_kept(past: Past) -> None:
    past.at("2024-03-05 13:00", PERSON, run=False)
    deleted(past)
    assert past.removed() == []


def test_a_removed_person_with_a_death_before_the_registration_counts_as_died(past: Past) -> None:
    """The removal is before the date of registration. The counts of earlier days stay as they were."""
    dirty = person(registered="2024-03-12 12:00", date_of_death="2024-03-08")
    past.at("2024-03-09 12:00", "", dirty)
    shown = """
        day        | area | persons | deceased | registered | died | removed
        2024-03-08 | c    | 0       | 0        | 0          | 1    | 0
    """
    past.shows(shown)
    deleted(past)
    past.shows(shown)
    past.shows("""
        day        | area | persons | deceased | registered | died | removed
        2024-03-10 | c    | 0       | 0        | 0          | 0    | 0
        2024-03-12 | c    | 0       | 0        | 0          | 0    | 0
    """)


def test_a_removed_person_moves_with_the_place(past: Past) -> None:
    past.at("2024-03-05 13:00", PERSON)
    deleted(past)
    past.at("2024-03-12 12:00", "_id | type | parent\nh | clinic | e d")
    past.shows("day | area | persons\n2024-03-09 | c | 0\n2024-03-09 | e | 1")


def test_a_removed_person_of_a_removed_place_counts_in_the_nearest_one_above(past: Past) -> None:
    past.at("2024-03-05 13:00", PERSON)
    past.at("2024-03-10 12:00", deleted="p h")
    past.shows("day | area | persons\n2024-03-09 | c | 1\n2024-03-09 | d | 1")
    past.at("2024-03-12 12:00", deleted="c")
    past.shows("day | area | persons\n2024-03-09 | d | 1\n2024-03-09 | unplaced | 0")
    past.at("2024-03-13 12:00", deleted="d")
    past.shows("day | area | persons\n2024-03-09 | unplaced | 1")
    past.at("2024-03-14 12:00", "_id | type | parent\nc | centre |")
    past.shows("day | area | persons\n2024-03-09 | c | 1\n2024-03-09 | unplaced | 0")


def test_a_removed_orphan_counts_where_it_was_counted(past: Past) -> None:
    past.at("2024-03-05 13:00", "", person(parent={"_id": "gone", "parent": {"_id": "e"}}))
    deleted(past)
    past.shows("day | area | persons\n2024-03-09 | e | 1\n2024-03-09 | d | 1\n2024-03-09 | c | 0")


def test_reports_of_a_removed_person_stay_in_the_area(past: Past) -> None:
    past.at("2024-03-05 13:00", PERSON)
    past.at(
        "2024-03-06 12:00",
        """
        _id  | type        | form | registered       | patient_id | fields                  | contact
        uuid | data_record | f    | 2024-03-06 09:00 | 12345      | {"patient_uuid": "p"}   | {"_id": "w"}
        also | data_record | f    | 2024-03-06 09:00 |            | {"patient_id": "p"}     | {"_id": "w"}
        code | data_record | f    | 2024-03-06 09:00 | 12345      |                         | {"_id": "w"}
        own  | data_record | f    | 2024-03-06 09:00 |            |                         | {"_id": "p"}
        """,
        person("w", {"_id": "e", "parent": {"_id": "d"}}),
    )
    past.shows("day | area | reports\n2024-03-06 | c | 4\n2024-03-06 | e | 0")
    deleted(past)
    past.shows("day | area | reports\n2024-03-06 | c | 3\n2024-03-06 | e | 1")


def test_archived_reports_stay_in_models_and_history_but_contacts_do_not(past: Past) -> None:
    past.at(
        "2024-03-05 13:00",
        PERSON,
        *(
            {"_id": uuid, "type": "data_record", "form": "f", "registered": "2024-03-06 09:00", "contact": {"_id": "p"}}
            for uuid in ("r", "s", "t")
        ),
    )
    archived(past)
    past.vanish("2024-03-10 12:00", "r", "archived")
    past.vanish("2024-03-10 12:00", "s", "purged")
    assert past.staged.values("select uuid from models.report order by 1") == ["r", "t"]
    assert past.staged.values("select uuid from models.data_record order by 1") == ["r", "t"]
    assert past.staged.values("select uuid from models.contact where is_person") == []
    past.shows("day | area | persons | reports\n2024-03-06 | c | 1 | 2\n2024-03-10 | c | 0 | 0")
    rebuilt(past.staged)
    assert past.staged.values("select uuid from models.report order by 1") == ["r", "t"]
    past.at("2024-03-12 12:00", deleted="r")
    assert past.staged.values("select uuid from models.report order by 1") == ["t"]


def test_settings_that_make_persons_places(past: Past) -> None:
    persons = {"_id": "settings", "settings": {"contact_types": [{"id": "client", "person": True}]}}
    past.at("2024-03-05 13:00", "_id | type | parent | registered\np | client | c d | 2024-03-05 12:00", persons)
    past.at("2024-03-10 12:00", "", {"_id": "settings", "settings": {"contact_types": [{"id": "client"}]}})
    assert past.removed() == ["p"]
    today = past.staged.row("select (removed_at at time zone 'Africa/Nairobi')::date::text from history.removed_person")
    past.shows(f"day | area | persons | removed\n2024-03-11 | c | 1 | 0\n{today[0]} | c | 0 | 1")
    past.at("2024-03-12 12:00", "", persons)
    assert past.removed() == []


def test_persons_of_a_replaced_database_are_not_kept(past: Past) -> None:
    past.at("2024-03-05 13:00", PERSON)
    past.vanish("2024-03-10 12:00", "p", "replaced")
    assert past.removed() == []
    past.shows("day | area | persons | removed\n2024-03-09 | c | 0 | 0\n2024-03-10 | c | 0 | 0")


def test_an_erased_person_is_erased_from_history(past: Past) -> None:
    past.at("2024-03-05 13:00", PERSON, person("q"), person("r"))
    deleted(past)
    past.staged.connection.execute("select * from cht.erase('demo', 'p')")  # gone already
    past.staged.connection.execute("select * from cht.erase('demo', 'q')")  # still there
    past.staged.update()
    assert past.removed() == []
    assert past.staged.values("select uuid from models.person") == ["r"]
    past.shows("day | area | persons | removed\n2024-03-09 | c | 1 | 0\n2024-03-10 | c | 1 | 0")


def test_an_erasure_during_a_run_of_the_models_leaves_nothing(past: Past) -> None:
    """The run does not see the request yet, and keeps the removed person; the next run deletes that row."""
    past.at("2024-03-05 13:00", PERSON)
    past.at("2024-03-10 12:00", deleted="p")
    past.staged.connection.execute(
        "insert into ops.erased (instance, digest) values ('demo', cht.erasure_digest('demo', 'p'))"
    )
    past.at("2024-03-11 12:00", "", person("q"))
    assert past.removed() == []


@pytest.mark.parametrize("make", [rebuilt, remodelled])
def test_a_rebuild_neither_loses_nor_invents_removed_persons(past: Past, make: Callable[[Staged], None]) -> None:
    past.at("2024-03-05 13:00", PERSON, person("q"), person("r"))
    past.at("2024-03-07 12:00", deleted="q")
    past.at("2024-03-10 12:00", deleted="p", run=False)
    make(past.staged)
    assert past.removed() == ["p", "q"]
    past.shows(
        """
        day        | area | persons | removed
        2024-03-06 | c    | 3       | 0
        2024-03-07 | c    | 2       | 1
        2024-03-10 | c    | 1       | 1
        """
    )
    make(past.staged)
    assert past.removed() == ["p", "q"]


@pytest.mark.parametrize("make", [rebuilt, remodelled])
def test_a_rebuild_forgets_removed_persons_who_are_back(past: Past, make: Callable[[Staged], None]) -> None:
    past.at("2024-03-05 13:00", PERSON)
    deleted(past)
    past.at("2024-03-12 12:00", PERSON, run=False)
    make(past.staged)
    assert past.removed() == []


def test_a_person_who_is_removed_between_the_chunks_of_a_rebuild_and_its_end(past: Past) -> None:
    past.at("2024-03-05 13:00", PERSON, person("q"))
    past.staged.connection.execute("delete from ops.relation")
    with recording(past.staged.connection) as statements:
        past.staged.update()
    last = max(n for n, text in enumerate(statements) if text.startswith("update ops.rebuild set is_made"))
    past.staged.connection.execute("delete from ops.relation")

    def before(number: int) -> None:
        if number == last + 1:
            raise Killed

    with pytest.raises(Killed), recording(past.staged.connection, before):
        past.staged.update()
    past.at("2024-03-10 12:00", deleted="p")
    assert past.removed() == ["p"]
    past.shows("day | area | persons\n2024-03-09 | c | 2\n2024-03-10 | c | 1")


def test_the_same_id_in_two_instances(past: Past) -> None:
    past.staged.source("other/medic")
    past.at("2024-03-05 13:00", PERSON)
    past.staged.page([{"_id": "p", "type": "person"}], source="other/medic")
    past.staged.update()
    deleted(past)
    assert past.staged.rows("select source, uuid from history.removed_person") == [(SOURCE, "p")]
