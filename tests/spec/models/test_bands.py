"""The age band and the sex in which a person counts, and the day on which a person changes the band."""

from datetime import date
from typing import Any

import pytest
from cht_sync.models import runner
from cht_sync.models.counts import areas
from cht_sync.reports import checks

from tests.lib import expected_bands, tables
from tests.lib.recording import recording
from tests.lib.spec import Spec
from tests.lib.staged import SOURCE, TODAY, Staged
from tests.lib.ways import CHANGE, WHOLE, change

COUNTY = """
    _id | type     | parent | sex    | date_of_birth | patient_id | date_of_death
    d   | district |        |        |               |            |
    c   | centre   | d      |        |               |            |
    h   | clinic   | c d    |        |               |            |
    p   | person   | h c d  | female | 2021-11-25    | 1          |
    q   | person   | h c d  | male   | 1990-01-01    |            |
    w   | person   | c d    | female | 1985-05-05    | 2          |
    x   | person   | h c d  | male   | 2021-11-25    | 3          | 2025-01-01
"""


def shows(spec: Spec, table: str) -> None:
    """Requires that models.area_band has exactly the table's rows, in the table's columns."""
    rows = tables.rows(table)
    found = {
        (area or "unplaced", sex, band): numbers
        for area, bands in spec.staged.bands().items()
        for (sex, band), numbers in bands.items()
    }
    keys = [(row.pop("area"), row.pop("sex"), row.pop("band")) for row in rows]
    assert {key: {column: numbers[column] for column in rows[0]} for key, numbers in found.items()} == {
        key: {column: int(number) for column, number in row.items()} for key, row in zip(keys, rows, strict=True)
    }


def bands(spec: Spec, area: str = "h") -> dict[str, int]:
    """The total of persons of any sex, by band."""
    found: dict[str, int] = {}
    for (_, band), numbers in spec.staged.bands().get(area, {}).items():
        found[band] = found.get(band, 0) + numbers["total_persons"]
    return found


def test_direct_and_total_by_sex_and_age(spec: Spec) -> None:
    spec.stage(COUNTY)
    shows(spec, """
        area | sex    | band     | direct_persons | direct_patients | total_persons | total_patients
        d    | female | 1 to 4   | 0              | 0               | 1             | 1
        d    | female | 15 to 49 | 0              | 0               | 1             | 1
        d    | male   | 15 to 49 | 0              | 0               | 1             | 0
        c    | female | 1 to 4   | 0              | 0               | 1             | 1
        c    | female | 15 to 49 | 1              | 1               | 1             | 1
        c    | male   | 15 to 49 | 0              | 0               | 1             | 0
        h    | female | 1 to 4   | 1              | 1               | 1             | 1
        h    | male   | 15 to 49 | 1              | 0               | 1             | 0
    """)  # fmt: skip


#: A date_of_birth, and its band on 24 November 2026.
BIRTHS: list[tuple[Any, str]] = [
    ("2026-11-24", "0"),
    ("2025-11-25", "0"),
    ("2025-11-24", "1 to 4"),
    ("2021-11-25", "1 to 4"),
    ("2021-11-24", "5 to 9"),
    ("2016-11-25", "5 to 9"),
    ("2016-11-24", "10 to 14"),
    ("2011-11-25", "10 to 14"),
    ("2011-11-24", "15 to 49"),
    ("1976-11-25", "15 to 49"),
    ("1976-11-24", "50 and over"),
    ("1900-01-01", "50 and over"),
    ("2026-11-25", "unknown"),
    ("2999-01-01", "unknown"),
    ("2021-02-31", "unknown"),
    ("1990-0-0", "unknown"),
    ("2000/02/01", "unknown"),
    ("01/02/2000", "unknown"),
    ("Invalid date", "unknown"),
    ("NaN", "unknown"),
    ("", "unknown"),
    (None, "unknown"),
    (False, "unknown"),
    (0, "unknown"),
    ({"a": 1}, "unknown"),
    ("2018-01-21T00:00:00.000Z", "5 to 9"),
    ("2021-11-24T23:30:00.000Z", "5 to 9"),
    ("2021-11-24T23:30:00-01:00", "1 to 4"),
    (1637798399999, "5 to 9"),
    (1637798400000, "1 to 4"),
    ("1637798399999", "5 to 9"),
    (10200, "50 and over"),
]

#: Other fields that may hold a birth.
FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"dob_iso": "2020-01-01"}, "5 to 9"),
    ({"ephemeral_dob": {"dob_iso": "2020-01-01"}}, "5 to 9"),
    ({"date_of_birth": "Invalid date", "dob_iso": "2020-01-01"}, "5 to 9"),
    ({"date_of_birth": "2025-06-01", "dob_iso": "2020-01-01"}, "1 to 4"),
    ({"date_of_birth": "2999-01-01", "dob_iso": "2020-01-01"}, "unknown"),
    ({"dob_iso": "2025-06-01", "ephemeral_dob": {"dob_iso": "2020-01-01"}}, "1 to 4"),
    ({"ephemeral_dob": "2020-01-01"}, "unknown"),
]

#: A sex as written, and as counted.
SEXES: list[tuple[Any, str]] = [
    *((text, "female") for text in ("female", "Female", "FEMALE", "f", "F", " female ", "woman", "girl")),
    *((text, "male") for text in ("male", "Male", "m", "M", "man", "boy")),
    *((text, "other") for text in ("other", "intersex", "x", "5", ["f"])),
    *((text, "unknown") for text in ("", " ", "unknown", "U", None)),
]


def one_a_household(spec: Spec, persons: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Stages each person in a household of its own; returns the sex and band of the person in it."""
    homes = [{"_id": f"h{number}", "type": "clinic"} for number, _ in enumerate(persons)]
    spec.stage("", *homes, *(
        {"_id": f"p{number}", "type": "person", "parent": {"_id": f"h{number}"}, **person}
        for number, person in enumerate(persons)
    ))  # fmt: skip
    counted = spec.staged.bands()
    return [key for home in homes for key in counted[home["_id"]]]


def test_the_band_of_a_birth(spec: Spec) -> None:
    found = one_a_household(spec, [{"date_of_birth": born} for born, _ in BIRTHS])
    assert [band for _, band in found] == [band for _, band in BIRTHS]


def test_the_first_field_that_can_be_read_counts(spec: Spec) -> None:
    found = one_a_household(spec, [fields for fields, _ in FIELDS])
    assert [band for _, band in found] == [band for _, band in FIELDS]


def test_the_sex_of_each_written_value(spec: Spec) -> None:
    found = one_a_household(spec, [{"sex": written} for written, _ in SEXES])
    assert [sex for sex, _ in found] == [sex for _, sex in SEXES]


def test_the_deceased_are_in_no_band_and_the_muted_are(spec: Spec) -> None:
    spec.stage(COUNTY)
    spec.stage("_id | type | parent | muted\nh | clinic | c d | true")
    assert bands(spec) == {"1 to 4": 1, "15 to 49": 1}
    spec.stage("_id | type | parent | sex | date_of_death\nq | person | h c d | male | 2026-01-01")
    assert bands(spec) == {"1 to 4": 1}
    spec.stage("_id | type | parent | sex | date_of_birth\nq | person | h c d | male | 1990-01-01")
    assert bands(spec) == {"1 to 4": 1, "15 to 49": 1}


def test_a_child_turns_five_and_no_document_changes(spec: Spec) -> None:
    spec.stage(COUNTY)
    assert bands(spec, "d") == {"1 to 4": 1, "15 to 49": 2}
    spec.on("2026-11-25")
    assert bands(spec, "d") == {"5 to 9": 1, "15 to 49": 2}
    assert bands(spec, "h") == {"5 to 9": 1, "15 to 49": 1}


def test_each_band_begins_on_its_day(spec: Spec) -> None:
    spec.stage("_id | type | parent | date_of_birth\nh | clinic | |\np | person | h | 2026-11-24")
    for day, band in (
        ("2027-11-23", "0"),
        ("2027-11-24", "1 to 4"),
        ("2031-11-23", "1 to 4"),
        ("2031-11-24", "5 to 9"),
        ("2036-11-23", "5 to 9"),
        ("2036-11-24", "10 to 14"),
        ("2041-11-23", "10 to 14"),
        ("2041-11-24", "15 to 49"),
        ("2076-11-23", "15 to 49"),
        ("2076-11-24", "50 and over"),
        ("2126-11-24", "50 and over"),
    ):
        spec.on(day)
        assert bands(spec) == {band: 1}


def test_bands_between_two_runs_are_skipped(spec: Spec) -> None:
    spec.stage("_id | type | parent | date_of_birth\nh | clinic | |\np | person | h | 2026-11-24")
    spec.on("2038-01-01")
    assert bands(spec) == {"10 to 14": 1}


def test_a_birth_in_the_future_is_unknown_until_its_day(spec: Spec) -> None:
    spec.stage("_id | type | parent | date_of_birth\nh | clinic | |\np | person | h | 2026-11-26")
    spec.on("2026-11-25")
    assert bands(spec) == {"unknown": 1}
    spec.on("2026-11-26")
    assert bands(spec) == {"0": 1}


def test_a_birthday_on_29_february_is_on_the_28th_in_other_years(spec: Spec) -> None:
    spec.today = date(2028, 2, 29)
    spec.stage("""
        _id | type   | parent | date_of_birth
        h   | clinic |        |
        p   | person | h      | 2028-02-29
        q   | person | h      | 2024-02-29
    """)
    for day, found in (
        ("2029-02-27", {"0": 1, "1 to 4": 1}),
        ("2029-02-28", {"1 to 4": 1, "5 to 9": 1}),
        ("2033-02-27", {"1 to 4": 1, "5 to 9": 1}),
        ("2033-02-28", {"5 to 9": 2}),
    ):
        spec.on(day)
        assert bands(spec) == found


def test_a_birth_that_is_corrected_and_a_person_who_is_deleted(spec: Spec) -> None:
    spec.stage(COUNTY)
    spec.stage("_id | type | parent | sex | date_of_birth\np | person | h c d | m | 1950-01-01")
    shows(spec, """
        area | sex    | band        | total_persons | total_patients
        d    | female | 15 to 49    | 1             | 1
        d    | male   | 15 to 49    | 1             | 0
        d    | male   | 50 and over | 1             | 0
        c    | female | 15 to 49    | 1             | 1
        c    | male   | 15 to 49    | 1             | 0
        c    | male   | 50 and over | 1             | 0
        h    | male   | 15 to 49    | 1             | 0
        h    | male   | 50 and over | 1             | 0
    """)  # fmt: skip
    spec.stage(deleted="p w")
    assert bands(spec, "d") == bands(spec, "h") == {"15 to 49": 1}


def test_a_sex_that_is_corrected(spec: Spec) -> None:
    spec.stage(COUNTY)
    for sex in ("other", "male"):
        spec.stage(
            f"_id | type | parent | sex | date_of_birth | patient_id\np | person | h c d | {sex} | 2021-11-25 | 1"
        )
        assert set(spec.staged.bands()["h"]) == {(sex, "1 to 4"), ("male", "15 to 49")}
    spec.stage(deleted="p")
    assert set(spec.staged.bands()["h"]) == {("male", "15 to 49")}


def test_a_place_moves_with_everything_in_it(spec: Spec) -> None:
    spec.stage(COUNTY)
    spec.stage("_id | type | parent\ne | district |\nc | centre | e")
    assert bands(spec, "d") == {}
    assert bands(spec, "e") == bands(spec, "c") == {"1 to 4": 1, "15 to 49": 2}


def test_on_the_day_of_a_move_and_of_a_birthday(spec: Spec) -> None:
    """One run takes in both changes."""
    spec.stage(COUNTY)
    spec.today = date(2026, 11, 25)
    spec.stage("_id | type | parent\ne | district |\nh | clinic | e")
    assert bands(spec, "e") == {"5 to 9": 1, "15 to 49": 1}
    assert bands(spec, "d") == {"15 to 49": 1}


def test_orphans_unplaced_and_cycles(spec: Spec) -> None:
    spec.stage(COUNTY, {"_id": "u", "type": "person", "sex": "f", "date_of_birth": "2026-01-01"})
    spec.stage(deleted="h")
    shows(spec, """
        area     | sex    | band     | direct_persons | total_persons
        d        | female | 1 to 4   | 0              | 1
        d        | female | 15 to 49 | 0              | 1
        d        | male   | 15 to 49 | 0              | 1
        c        | female | 1 to 4   | 0              | 1
        c        | female | 15 to 49 | 1              | 1
        c        | male   | 15 to 49 | 0              | 1
        unplaced | female | 0        | 1              | 1
    """)  # fmt: skip
    spec.on("2026-11-25")
    assert bands(spec, "c") == {"5 to 9": 1, "15 to 49": 2}
    spec.stage("_id | type | parent\nd | district | c")
    assert (bands(spec, "c"), bands(spec, "d")) == ({"5 to 9": 1, "15 to 49": 2}, {})
    spec.stage("_id | type | parent\nc | person | d")
    assert bands(spec, "d") == {"5 to 9": 1, "15 to 49": 2, "unknown": 1}
    assert bands(spec, "") == {"0": 1}


def test_a_new_day_updates_only_the_changed_rows_and_only_once(spec: Spec) -> None:
    spec.stage(COUNTY)
    with recording(spec.staged.connection) as statements:
        update = spec.staged.update(date(2026, 11, 25))
    text = " ".join(statements)
    assert CHANGE in text
    assert WHOLE not in text
    # two rows in each of the places above the child, and the day
    assert (update.models[areas.BANDS], update.models[areas.FOLD]) == (7, 0)
    with recording(spec.staged.connection) as statements:
        assert spec.staged.update(date(2026, 11, 25)) == runner.Update()
    assert len(statements) == 1


def test_a_day_without_a_change_of_band_only_moves_the_day(spec: Spec) -> None:
    spec.stage(COUNTY)
    assert spec.staged.update(date(2026, 11, 24)) == runner.Update()
    spec.on("2026-11-25")
    assert spec.staged.update(date(2026, 11, 26)).models[areas.BANDS] == 1
    assert spec.staged.values("select distinct as_of from models.area_band") == [date(2026, 11, 26)]


def test_each_source_has_its_day(spec: Spec) -> None:
    spec.stage(COUNTY)
    spec.staged.source("other/medic")
    spec.staged.page(tables.documents(COUNTY), source="other/medic")
    spec.staged.connection.execute("update ops.checkpoint set mode = 'copying' where source = %s", [SOURCE])
    spec.staged.update(date(2026, 11, 25))
    as_of = "select source, as_of from ops.band_day order by 1"
    assert spec.staged.rows(as_of) == [(SOURCE, TODAY), ("other/medic", date(2026, 11, 25))]
    assert spec.staged.update(date(2026, 11, 25)) == runner.Update()
    spec.staged.connection.execute("update ops.checkpoint set mode = 'incremental' where source = %s", [SOURCE])
    spec.on("2026-11-25")
    assert bands(spec, "h") == {"5 to 9": 1, "15 to 49": 1}


def test_a_run_that_began_before_midnight_does_not_turn_the_day_back(spec: Spec) -> None:
    spec.stage(COUNTY)
    spec.on("2026-11-25")
    spec.staged.page(tables.documents("_id | type | parent | date_of_birth\nr | person | h c d | 2021-11-25"))
    spec.staged.update(date(2026, 11, 24))
    assert bands(spec) == {"5 to 9": 2, "15 to 49": 1}


def test_a_clock_that_went_wrong_is_set_right(spec: Spec) -> None:
    spec.stage(COUNTY)
    spec.on("2036-11-24")
    spec.on("2026-11-24")
    assert bands(spec) == {"1 to 4": 1, "15 to 49": 1}
    assert spec.staged.update(TODAY) == runner.Update()


def test_without_a_given_day_ages_stay(spec: Spec) -> None:
    spec.stage(COUNTY)
    spec.staged.page(tables.documents("_id | type | parent | date_of_birth\nr | person | h c d | 2021-11-25"))
    runner.update(spec.staged.connection)
    assert bands(spec) == {"1 to 4": 2, "15 to 49": 1}


def test_rebuilt_counts_have_the_ages_of_the_day(staged: Staged, include: Any) -> None:
    """An upgrade does this: the definition is another one, and no page is new."""
    staged.page(tables.documents(COUNTY))
    runner.update(staged.connection, include, today=TODAY)
    change(
        include,
        "models/counts/tables/cycle",
        "comment on table model_data.cycle",
        "--\ncomment on table model_data.cycle",
    )
    runner.update(staged.connection, include, today=date(2026, 11, 25))
    live = {document["_id"]: document for document in tables.documents(COUNTY)}
    wanted = expected_bands.counts(live.values(), date(2026, 11, 25))
    assert staged.bands() == {area: found for area, found in wanted.items() if found}


@pytest.mark.parametrize(
    "damage",
    [
        "update model_data.place_band_count set total_patients = 0 where area_uuid = 'd' and band = '1 to 4'",
        "update model_data.place_band_count set direct_persons = 0 where area_uuid = 'h' and band = '1 to 4'",
        "delete from model_data.place_band_count where area_uuid = 'c' and sex = 'male'",
        "insert into model_data.place_band_count values ('demo/medic', 'h', 'other', '0', 1, 1, 1, 1)",
        "update model_data.counted_person set turns_on = null where uuid = 'p'",
    ],
)
def test_checking_names_a_source_that_differs(spec: Spec, damage: str) -> None:
    spec.stage(COUNTY)
    spec.on("2026-11-24")
    assert areas.check(spec.staged.connection) == {}
    spec.staged.connection.execute(damage.encode())
    assert areas.check(spec.staged.connection) == {SOURCE: 1}


def test_the_checks_know_the_day(spec: Spec) -> None:
    spec.stage(COUNTY)
    assert checks.run(spec.staged.connection, TODAY) == []
    assert checks.run(spec.staged.connection, date(2026, 11, 25)) == []
    spec.on("2026-11-25")
    assert checks.run(spec.staged.connection, date(2026, 11, 25)) == []
