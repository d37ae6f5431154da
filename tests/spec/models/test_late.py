"""Late documents: a daily run counts again all days from the earliest one that they affect."""

from datetime import date
from functools import partial
from typing import Any

import pytest
from cht_sync import warehouse as warehouses
from cht_sync.errors import AnotherRun
from cht_sync.reports import history

from tests.lib.past import PLACES, Past, person, rebuilt, remodelled
from tests.lib.recording import recording
from tests.lib.staged import Staged, opened

#: The day that has ended, unless a test names another.
LAST = date(2024, 3, 20)


@pytest.fixture
def past(staged: Staged) -> Past:
    """Places, a person and a report of 1 February; all days from then to 19 March are counted."""
    past = Past(staged)
    past.at("2024-03-01 13:00", PLACES, person(registered="2024-02-01 12:00"), report(registered="2024-02-01 12:00"))
    assert run(past, date(2024, 3, 19)) == ("2024-02-01",)
    return past


def report(uuid: str = "r", **fields: Any) -> dict[str, Any]:
    return {"_id": uuid, "type": "data_record", "form": "f", "contact": {"_id": "p"}, **fields}


def run(past: Past, last: date = LAST, longest: int = history.LONGEST) -> tuple[str, ...]:
    """The first day that a daily run counts, and the older days that it names."""
    found = history.catch_up(past.staged.connection, last, past.timezone, longest)
    assert found.last == last
    return tuple(day.isoformat() for day in (found.first, *(found.older or ())))


def test_with_nothing_late_only_the_day_itself_is_counted(past: Past) -> None:
    past.at(
        "2024-03-20 12:00", "", person("q", registered="2024-03-20 08:00"), report("s", registered="2024-03-20 08:00")
    )
    assert run(past) == ("2024-03-20",)


LATE = {
    "a person": ("2024-03-05", person("q", registered="2024-03-05 00:00"), ""),
    "a report": ("2024-03-05", report("s", registered="2024-03-05 23:59"), ""),
    "a death, as a moment": (
        "2024-03-06",
        person(registered="2024-02-01 12:00", date_of_death="2024-03-06T12:00:00+03:00"),
        "",
    ),
    # somewhere on earth that day may have begun a day earlier
    "a death, as a day": ("2024-03-05", person(registered="2024-02-01 12:00", date_of_death="2024-03-06"), ""),
    "a registration that is later than it was": ("2024-02-01", person(registered="2024-03-07 12:00"), ""),
    "a registration that is earlier than it was": ("2024-01-07", person(registered="2024-01-07 12:00"), ""),
    "a code that was given": ("2024-02-01", person(registered="2024-02-01 12:00", patient_id="1"), ""),
    "a report that is gone": ("2024-02-01", None, "r"),
    "a report of another day": ("2024-02-01", report(registered="2024-03-09 12:00"), ""),
    "a report that is a message now": ("2024-02-01", report(registered="2024-02-01 12:00", form=""), ""),
    "a person who is gone: from then on": ("2024-03-20", None, "p"),
    # a document without a date is late for no day
    "a person without a date": ("2024-03-20", person("q", registered=None), ""),
    "a name, a move, a muting": (
        "2024-03-20",
        person(parent={"_id": "i"}, registered="2024-02-01 12:00", name="N", muted=True),
        "",
    ),
    "a report's content": ("2024-03-20", report(registered="2024-02-01 12:00", fields={"n": 1}), ""),
}


@pytest.mark.parametrize("what", LATE)
def test_the_first_day_that_each_change_affects(past: Past, what: str) -> None:
    first, document, deleted = LATE[what]
    past.at("2024-03-20 12:00", "", *([document] if document else []), deleted=deleted)
    assert run(past) == (first,)


def test_a_daily_run_corrects_all_days_from_the_earliest_on(past: Past) -> None:
    past.at(
        "2024-03-20 12:00", "", person("q", registered="2024-03-05 12:00"), report("s", registered="2024-03-07 12:00")
    )
    assert run(past) == ("2024-03-05",)
    days = [str(date(2024, 3, day)) for day in range(1, 21)]
    kept = past.kept(days)
    assert [kept[day, "c"]["persons"] for day in days] == [1] * 4 + [2] * 16
    assert [kept[day, "c"]["registered"] for day in days] == [0] * 4 + [1] + [0] * 15
    assert [kept[day, "c"]["reports"] for day in days] == [0] * 6 + [1] + [0] * 13
    assert past.count(days) == kept


def test_a_removal_that_is_seen_days_later(past: Past) -> None:
    past.at("2024-03-15 12:00", deleted="p", run=False)
    past.at("2024-03-20 12:00", "", report("s", registered="2024-03-20 12:00"))
    assert run(past) == ("2024-03-15",)
    kept = past.kept(["2024-03-14", "2024-03-15", "2024-03-16"])
    assert [kept[day, "c"]["persons"] for day in ("2024-03-14", "2024-03-15", "2024-03-16")] == [1, 0, 0]


def test_a_returning_person_affects_the_days_since_the_removal(past: Past) -> None:
    past.at("2024-03-15 12:00", deleted="p")
    assert run(past, date(2024, 3, 19)) == ("2024-03-15",)
    past.at("2024-03-20 12:00", "", person(registered="2024-02-01 12:00"))
    assert run(past) == ("2024-03-15",)
    past.at("2024-03-20 13:00", deleted="p")
    past.at("2024-03-20 14:00", "", person(registered="2024-03-03 12:00"))
    assert run(past) == ("2024-02-01",)
    past.at("2024-03-20 15:00", deleted="p")
    past.at("2024-03-20 16:00", "", person(registered="2024-03-05 12:00"))
    assert run(past) == ("2024-03-03",)


@pytest.mark.parametrize("how", ["replaced", "erased"])
def test_a_person_who_leaves_history_affects_all_of_it(past: Past, how: str) -> None:
    if how == "erased":
        past.staged.connection.execute("select * from cht.erase('demo', 'p')")
        past.staged.update()
    else:
        past.vanish("2024-03-20 12:00", "p", how)
    assert run(past) == ("2024-02-01",)


def test_a_daily_run_reaches_back_to_its_limit_and_names_older_days_until_they_are_counted(past: Past) -> None:
    past.at("2024-03-20 12:00", "", person("q", registered="2024-03-05 12:00"))
    assert run(past, longest=10) == ("2024-03-11", "2024-03-05", "2024-03-10")
    assert run(past, date(2024, 3, 21), longest=10) == ("2024-03-21", "2024-03-05", "2024-03-10")
    for day in (5, 6, 10):
        history.count_day(past.staged.connection, date(2024, 3, day), past.timezone)
    assert run(past, date(2024, 3, 21), longest=10) == ("2024-03-21", "2024-03-07", "2024-03-09")
    for day in (7, 8, 9):
        history.count_day(past.staged.connection, date(2024, 3, day), past.timezone)
    assert run(past, date(2024, 3, 21), longest=10) == ("2024-03-21",)


def test_nothing_is_late_for_days_that_were_never_counted(past: Past) -> None:
    past.at("2024-03-20 12:00", "", person("q", registered="2019-03-05 12:00"))
    assert run(past, longest=10) == ("2024-03-11", "2024-02-01", "2024-03-10")


def test_the_first_run_of_a_new_deployment_counts_its_last_days(staged: Staged) -> None:
    past = Past(staged)
    past.at("2024-03-20 12:00", PLACES, person(registered="2015-01-01 12:00"))
    assert run(past) == ("2023-12-22",)
    assert staged.values("select count(distinct day) from history.area_day") == [90]


def test_days_on_which_nothing_ran_are_counted_by_the_next_run(past: Past) -> None:
    assert run(past, date(2024, 3, 22)) == ("2024-03-20",)
    assert run(past, date(2024, 3, 23)) == ("2024-03-23",)


def test_a_rebuild_from_nothing_makes_no_day_late(past: Past) -> None:
    for make in (rebuilt, remodelled):
        make(past.staged)
        assert run(past) == ("2024-03-20",)


def test_a_range_of_days_is_one_statement_and_writes_nothing_twice(past: Past) -> None:
    past.at("2024-03-20 12:00", "", person("q", registered="2024-03-05 12:00"))
    with recording(past.staged.connection) as statements:
        run(past)
    assert len([text for text in statements if "insert into history.area_day" in text]) == 1
    rows = "select xmin::text, xmax::text, ctid::text from history.area_day order by 3"
    before = past.staged.rows(rows)
    past.at("2024-03-20 13:00", deleted="q")
    past.at("2024-03-20 14:00", "", person("q", registered="2024-03-05 12:00"))
    assert run(past) == ("2024-03-20",)
    past.staged.connection.execute("insert into ops.touched (since) values ('2024-02-01 06:00Z')")
    assert run(past) == ("2024-02-01",)
    assert past.staged.rows(rows) == before


def test_a_run_of_the_models_that_ends_during_a_count_is_not_lost(past: Past, warehouse: str) -> None:
    """The count saw the state before the run, so its days have to be counted again."""
    past.at("2024-03-20 12:00", "", person("q", registered="2024-03-05 12:00"), run=False)
    counts = "insert into history.area_day"

    def before(_number: int) -> None:
        if counts in statements[-1]:
            with opened(warehouse) as other:
                other.update()

    with recording(past.staged.connection, before) as statements:
        history.catch_up(past.staged.connection, LAST, past.timezone)
    assert len([text for text in statements if counts in text]) == 1
    assert run(past) == ("2024-03-05",)


def test_days_are_counted_by_one_run_at_a_time(past: Past, warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouses, "lock", partial(warehouses.lock, seconds=0.1))
    with (
        opened(warehouse) as other,
        warehouses.lock(other.connection, "cht-sync history"),
        pytest.raises(AnotherRun),
    ):
        history.catch_up(past.staged.connection, LAST, past.timezone)


def test_the_notes_stay_few(past: Past) -> None:
    for n, day in enumerate([18, 19, 17, 17, 19, 20, 20, 16]):
        past.at("2024-03-20 12:00", "", report(f"n{n}", registered=f"2024-03-{day} 12:00"))
    days = "select (since at time zone 'Africa/Nairobi')::date::text from ops.touched order by 1"
    assert past.staged.values(days) == ["2024-03-16"]
    for n, day in enumerate([17, 18, 19]):
        past.at("2024-03-20 12:00", "", report(f"m{n}", registered=f"2024-03-{day} 12:00"))
    assert past.staged.values(days) == ["2024-03-16", "2024-03-17", "2024-03-18", "2024-03-19"]
    assert run(past) == ("2024-03-16",)
    past.at("2024-03-21 12:00", "", report("l", registered="2024-03-21 12:00"))
    assert past.staged.values(days) == ["2024-03-21"]
    assert run(past) == ("2024-03-20",)


def test_changes_after_the_last_counted_day_stay_noted(past: Past) -> None:
    """Such a day may be being counted right now, from the state before the run."""
    for day in (21, 22):
        past.at("2024-03-22 13:00", "", report(f"n{day}", registered=f"2024-03-{day} 12:00"))
    days = "select (since at time zone 'Africa/Nairobi')::date::text from ops.touched order by 1"
    assert past.staged.values(days) == ["2024-03-21", "2024-03-22"]


def test_a_day_on_which_the_clock_changes_has_its_own_hours(staged: Staged) -> None:
    past = Past(staged, "America/New_York")
    past.at(
        "2024-03-09 10:00",
        PLACES,
        *(
            person(f"p{n}", registered=moment)
            for n, moment in enumerate(["2024-03-09 23:59", "2024-03-10 00:00", "2024-03-10 23:59", "2024-03-11 00:00"])
        ),
        *(
            report(f"r{n}", registered=moment, contact={"_id": "p0"})
            for n, moment in enumerate(["2024-03-10 23:30", "2024-03-11 00:30"])
        ),
    )
    past.shows(
        """
        day        | area | persons | registered | reports
        2024-03-09 | c    | 1       | 1          | 0
        2024-03-10 | c    | 3       | 2          | 1
        2024-03-11 | c    | 4       | 1          | 1
        """
    )
    history.catch_up(staged.connection, date(2024, 3, 12), past.timezone)
    kept = past.kept(["2024-03-10", "2024-03-11"])
    assert [kept[day, "c"]["registered"] for day in ("2024-03-10", "2024-03-11")] == [2, 1]


def test_the_command_has_the_offset_of_each_end() -> None:
    assert history.backfill_command(date(2024, 3, 9), date(2024, 3, 12), "America/New_York") == (
        "airflow backfill create --dag-id cht_history --from-date 2024-03-09T00:00:00-05:00 "
        "--to-date 2024-03-12T00:00:00-04:00 --reprocess-behavior completed"
    )
