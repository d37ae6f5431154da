"""The counts of a past day: by the dates in the documents, in the current places, in the deployment's time zone."""

import datetime
from typing import Any

import pytest
from cht_sync.errors import ModelFailed
from cht_sync.reports import history

from tests.lib import tables
from tests.lib.spec import Spec
from tests.lib.staged import SOURCE

NAIROBI = "Africa/Nairobi"
DAY = datetime.date(2024, 3, 10)
COLUMNS = ("persons", "patients", "deceased", "registered", "died", "removed", "reports")
PLACES = """
    _id | type     | parent
    d   | district |
    c   | centre   | d
    h   | clinic   | c d
"""


def at(text: str) -> int:
    """The milliseconds of a time in Nairobi, such as 2024-03-10T12:00."""
    return int(datetime.datetime.fromisoformat(f"{text}+03:00").timestamp() * 1000)


def person(uuid: str, parent: str | None = "h", **fields: Any) -> dict[str, Any]:
    return {"_id": uuid, "type": "person", "parent": {"_id": parent} if parent else None, **fields}


def report(uuid: str, when: str = "2024-03-10T12:00", **fields: Any) -> dict[str, Any]:
    return {"_id": uuid, "type": "data_record", "form": "f", "reported_date": at(when), **fields}


def day(spec: Spec, when: datetime.date = DAY) -> dict[str, dict[str, int]]:
    history.count_day(spec.staged.connection, when, NAIROBI)
    found = spec.staged.rows(f"select area_uuid, {', '.join(COLUMNS)} from history.area_day where day = %s", [when])
    return {area: dict(zip(COLUMNS, numbers, strict=True)) for area, *numbers in found}


def shows(spec: Spec, table: str, when: datetime.date = DAY) -> None:
    found = day(spec, when)
    found["unplaced"] = found.pop("")
    rows = {row.pop("area"): {column: int(cell) for column, cell in row.items()} for row in tables.rows(table)}
    assert {area: {column: found[area][column] for column in row} for area, row in rows.items()} == rows


def test_areas_above_the_household_and_unplaced(spec: Spec) -> None:
    spec.stage(PLACES)
    assert set(day(spec)) == {"d", "c", ""}


OUTSIDE = """
    _id | type     | parent
    h   | clinic   | gone
    i   | clinic   | h gone
    j   | clinic   | i h gone
    c   | centre   | j i h
    k   | clinic   | c j i h
    t   | clinic   |
"""


def test_persons_of_a_household_in_no_area_are_unplaced(spec: Spec) -> None:
    spec.stage(
        OUTSIDE,
        person("p", reported_date=at("2024-03-01T12:00")),
        person("q", "i", reported_date=at("2024-03-10T12:00"), patient_id="1"),
        person("r", "j", reported_date=at("2024-03-01T12:00"), date_of_death="2024-03-10"),
        person("s", "t", reported_date=at("2024-03-01T12:00")),
        person("u", "k", reported_date=at("2024-03-01T12:00")),
        person("v", None, reported_date=at("2024-03-01T12:00")),
        report("x", fields={"patient_uuid": "p"}),
        report("y", patient_id="1"),
        report("z", contact={"_id": "r"}),
        report("a", contact={"_id": "u"}),
    )
    shows(
        spec,
        """
        area     | persons | patients | deceased | registered | died | reports
        c        | 1       | 0        | 0        | 0          | 0    | 1
        unplaced | 5       | 1        | 1        | 1          | 1    | 3
        """,
    )


def test_the_stock_counts_persons_registered_by_the_end_of_the_day(spec: Spec) -> None:
    spec.stage(
        PLACES,
        person("before", reported_date=at("2024-03-09T23:59")),
        person("first", reported_date=at("2024-03-10T00:00"), patient_id="1"),
        person("last", reported_date=str(at("2024-03-10T23:59"))),
        person("after", reported_date="2024-03-11T00:00:00+03:00", patient_id="2"),
    )
    shows(
        spec,
        """
        area | persons | patients | registered
        d    | 3       | 1        | 2
        c    | 3       | 1        | 2
        """,
    )


def test_a_person_without_a_readable_date_was_always_there(spec: Spec) -> None:
    spec.stage(PLACES, person("p", reported_date="yesterday"), person("q"), person("r", reported_date=None))
    shows(
        spec,
        """
        area | persons | registered
        d    | 3       | 0
        """,
    )


def test_a_date_in_the_future_counts_from_that_day_on(spec: Spec) -> None:
    spec.stage(PLACES, person("p", reported_date=at("2090-01-01T12:00")))
    shows(spec, "area | persons | registered\nd | 0 | 0")
    shows(spec, "area | persons | registered\nd | 1 | 1", datetime.date(2090, 1, 1))


def test_the_deceased_stay_in_the_stock_and_are_counted_apart(spec: Spec) -> None:
    spec.stage(
        PLACES,
        person("day", date_of_death="2024-03-10"),
        person("moment", date_of_death="2024-03-09T22:00:00Z"),
        person("number", date_of_death=at("2024-03-10T23:00")),
        person("before", date_of_death="2024-03-09"),
        person("after", date_of_death="2024-03-11"),
        person("unknown", date_of_death="Invalid date"),
        person("alive", date_of_death=""),
        person("later", date_of_death="2024-03-01", reported_date=at("2024-03-12T00:00")),
    )
    shows(
        spec,
        """
        area | persons | deceased | died
        d    | 7       | 5        | 3
        """,
    )


def test_people_are_counted_where_they_are_now(spec: Spec) -> None:
    spec.stage(PLACES, person("p", reported_date=at("2024-03-10T12:00")))
    day(spec)
    spec.stage("_id | type | parent\ne | district |\nc | centre | e")
    shows(
        spec,
        """
        area | persons | registered
        d    | 0       | 0
        e    | 1       | 1
        c    | 1       | 1
        """,
    )


def test_orphans_and_unplaced(spec: Spec) -> None:
    spec.stage(PLACES, person("p", None), {**person("q"), "parent": {"_id": "gone", "parent": {"_id": "c"}}})
    shows(
        spec,
        """
        area     | persons
        d        | 1
        c        | 1
        unplaced | 1
        """,
    )


def test_reports_by_the_subjects_place_else_the_submitters(spec: Spec) -> None:
    spec.stage(
        PLACES + "    e   | district |\n",
        person("p", "h", patient_id="12"),
        person("w", "e"),
        report("code", patient_id="12"),
        report("uuid", fields={"patient_id": "p"}),
        report("both", fields={"patient_id": "unknown", "patient_uuid": "p"}),
        report("none", contact={"_id": "w"}),
        report("unknown", patient_id="999", contact={"_id": "w"}),
        report("nobody"),
    )
    shows(
        spec,
        """
        area     | reports
        d        | 3
        c        | 3
        e        | 2
        unplaced | 1
        """,
    )


def test_reports_of_the_day_that_have_a_form(spec: Spec) -> None:
    spec.stage(
        PLACES,
        person("p", "c"),
        report("first", "2024-03-10T00:00", fields={"patient_uuid": "p"}),
        report("before", "2024-03-09T23:59", fields={"patient_uuid": "p"}),
        report("after", "2024-03-11T00:00", fields={"patient_uuid": "p"}),
        {**report("message", fields={"patient_uuid": "p"}), "form": None},
    )
    shows(spec, "area | reports\nd | 1")


def test_of_two_persons_with_one_code_the_smallest_id_is_the_subject(spec: Spec) -> None:
    spec.stage(PLACES, person("q", "c", patient_id="12"), person("P", "d", patient_id="12"), report("r", patient_id=12))
    shows(spec, "area | reports\nd | 1\nc | 0")


def test_a_day_counted_again_writes_nothing(spec: Spec) -> None:
    spec.stage(PLACES, person("p", reported_date=at("2024-03-10T12:00")), report("r"))
    assert history.count_day(spec.staged.connection, DAY, NAIROBI) == 3
    rows = "select xmin::text, xmax::text, ctid::text, kept from {} as kept order by kept"
    tables = [rows.format(table) for table in ("history.area_day", "ops.counted_day")]
    before = [spec.staged.rows(table) for table in tables]
    assert history.count_day(spec.staged.connection, DAY, NAIROBI) == 3
    assert [spec.staged.rows(table) for table in tables] == before


def test_a_day_is_replaced_as_a_whole(spec: Spec) -> None:
    spec.stage(PLACES, person("p"))
    day(spec)
    day(spec, DAY + datetime.timedelta(days=1))
    spec.stage(deleted="c p")
    assert day(spec) == {"d": dict.fromkeys(COLUMNS, 0) | {"persons": 1}, "": dict.fromkeys(COLUMNS, 0)}
    query = "select count(*) from history.area_day where day > %s"
    assert spec.staged.values(query, [DAY]) == [3]


def test_the_end_of_a_day_on_which_the_clock_changes(spec: Spec) -> None:
    spec.stage(
        PLACES, person("p", reported_date="2024-03-10T03:30:00Z"), person("q", reported_date="2024-03-11T03:30:00Z")
    )
    history.count_day(spec.staged.connection, DAY, "America/New_York")
    counted = spec.staged.values(
        "select registered from history.area_day where area_uuid = 'd' and source = %s", [SOURCE]
    )
    assert counted == [1]


@pytest.mark.unmodelled
def test_a_missing_model_is_reported(spec: Spec) -> None:
    with pytest.raises(ModelFailed, match="no models yet"):
        history.count_day(spec.staged.connection, DAY, NAIROBI)
