"""marts.patients_by_age_and_sex: documents in, rows of areas above the household out."""

from datetime import date
from typing import Any

from cht_sync.reports import marts

from tests.lib import tables
from tests.lib.spec import Spec
from tests.lib.staged import SOURCE, TODAY

COUNTY = tables.documents("""
    _id | type     | parent | name   | sex    | date_of_birth | patient_id | muted
    d   | district |        | Kisumu |        |               |            |
    c   | centre   | d      | Area   |        |               |            |
    e   | centre   | d      | Empty  |        |               |            |
    h   | clinic   | c d    | House  |        |               |            |
    p   | person   | h c d  | A      | female | 2021-11-25    | 1          |
    q   | person   | h c d  | B      | F      | 2022-01-01    |            | true
    w   | person   | c d    | C      | male   | 1985-05-05    | 2          |
    u   | person   |        | D      |        |               |            |
""")


def refresh(spec: Spec, today: date = TODAY) -> list[str]:
    """Refreshes the marts, an hour after the refresh before."""
    spec.staged.update(today)
    spec.staged.connection.execute("update ops.mart_state set refreshed_at = refreshed_at - interval '1 hour'")
    return [name for name in marts.refresh(spec.staged.connection) if name == "patients_by_age_and_sex"]


def rows(spec: Spec, columns: str) -> list[Any]:
    return spec.staged.rows(
        f"select {columns} from marts.patients_by_age_and_sex order by level, area_uuid, sex, age_from"
    )


def test_areas_above_the_household_by_sex_and_band(spec: Spec) -> None:
    spec.stage("", *COUNTY)
    refresh(spec)
    numbers = "direct_persons, direct_patients, total_persons, total_patients"
    assert rows(spec, f"area_uuid, sex, band, age_from, {numbers}") == [
        ("", "unknown", "unknown", None, 1, 0, 1, 0),
        ("d", "female", "1 to 4", 1, 0, 0, 2, 1),
        ("d", "male", "15 to 49", 15, 0, 0, 1, 1),
        ("c", "female", "1 to 4", 1, 0, 0, 2, 1),
        ("c", "male", "15 to 49", 15, 1, 1, 1, 1),
    ]
    described = "distinct level, area_uuid, source, name, contact_type, parent_uuid, parent_name, as_of, complete"
    assert sorted(spec.staged.rows(f"select {described} from marts.patients_by_age_and_sex")) == [
        (0, "", SOURCE, "unplaced", None, None, None, TODAY, True),
        (1, "d", SOURCE, "Kisumu", "district_hospital", None, None, TODAY, True),
        (2, "c", SOURCE, "Area", "health_center", "d", "Kisumu", TODAY, True),
    ]


OUTSIDE = """
    _id | type     | parent   | sex    | date_of_birth | patient_id | date_of_death
    h   | clinic   | gone     |        |               |            |
    i   | clinic   | h gone   |        |               |            |
    c   | centre   | i h gone |        |               |            |
    j   | clinic   | c i h    |        |               |            |
    p   | person   | h gone   | male   | 1985-05-05    | 1          |
    q   | person   | i h gone | male   | 1985-05-05    |            |
    r   | person   | i h gone | female | 1985-05-05    |            |
    s   | person   | j c i h  | male   | 1985-05-05    | 2          |
    t   | person   | c i h    | male   | 2022-01-01    |            |
    u   | person   |          | male   | 1985-05-05    | 3          |
    v   | person   |          |        |               |            |
    w   | person   | h gone   | other  | 1985-05-05    |            | 2024-03-10
"""


def test_persons_of_a_household_in_no_area_are_in_the_totals_of_unplaced(spec: Spec) -> None:
    spec.stage(OUTSIDE)
    refresh(spec)
    numbers = "direct_persons, direct_patients, total_persons, total_patients"
    assert rows(spec, f"area_uuid, sex, band, {numbers}") == [
        ("", "female", "15 to 49", 0, 0, 1, 0),
        ("", "male", "15 to 49", 1, 1, 3, 2),
        ("", "unknown", "unknown", 1, 0, 1, 0),
        ("c", "male", "1 to 4", 1, 0, 1, 0),
        ("c", "male", "15 to 49", 0, 0, 1, 1),
    ]
    described = "distinct level, source, name, age_from, as_of, complete"
    assert rows_of_unplaced(spec, described) == [
        (0, SOURCE, "unplaced", 15, TODAY, True),
        (0, SOURCE, "unplaced", None, TODAY, True),
    ]


def rows_of_unplaced(spec: Spec, columns: str) -> list[Any]:
    return spec.staged.rows(
        f"select {columns} from marts.patients_by_age_and_sex where area_uuid = '' order by age_from"
    )


def test_its_totals_count_the_living(spec: Spec) -> None:
    spec.stage("", *COUNTY)
    spec.stage("_id | type | parent | date_of_death\nw | person | c d | 2026-01-01")
    spec.stage("_id | type | parent\ni | clinic |\nx | person | i\nb | centre | i\ny | person | b i")
    refresh(spec)
    marts.refresh(spec.staged.connection)
    different = """
        select area.area_uuid
        from marts.patients_by_area as area
        left join marts.patients_by_age_and_sex as band on band.area_uuid = area.area_uuid
        group by area.area_uuid, area.total_persons, area.total_persons_deceased, area.total_patients,
            area.total_patients_deceased
        having coalesce(sum(band.total_persons), 0) <> area.total_persons - area.total_persons_deceased
            or coalesce(sum(band.total_patients), 0) <> area.total_patients - area.total_patients_deceased
    """
    assert spec.staged.rows(different) == []
    assert spec.staged.values("select count(*) from marts.patients_by_area") == [5]


def test_it_is_refreshed_on_another_day_and_says_which(spec: Spec) -> None:
    spec.stage("", *COUNTY)
    assert refresh(spec) == ["patients_by_age_and_sex"]
    assert refresh(spec) == []
    assert refresh(spec, date(2026, 11, 25)) == ["patients_by_age_and_sex"]
    assert [row for row in rows(spec, "area_uuid, band, total_persons, as_of") if row[0] == "d"] == [
        ("d", "1 to 4", 1, date(2026, 11, 25)),
        ("d", "5 to 9", 1, date(2026, 11, 25)),
        ("d", "15 to 49", 1, date(2026, 11, 25)),
    ]
    assert refresh(spec, date(2026, 11, 26)) == ["patients_by_age_and_sex"]
    assert {row[0] for row in rows(spec, "as_of")} == {date(2026, 11, 26)}
    assert refresh(spec, date(2026, 11, 26)) == []


def test_it_is_refreshed_when_a_persons_group_changes(spec: Spec) -> None:
    spec.stage("", *COUNTY)
    refresh(spec)
    spec.staged.page([{**COUNTY[4], "phone": "1"}])
    assert refresh(spec) == []
    spec.staged.page([{**COUNTY[4], "sex": "male"}])
    assert refresh(spec) == ["patients_by_age_and_sex"]
    assert rows(spec, "area_uuid, sex, band, total_persons")[1:4] == [
        ("d", "female", "1 to 4", 1),
        ("d", "male", "1 to 4", 1),
        ("d", "male", "15 to 49", 1),
    ]
