"""Marts: they are refreshed when what they read has changed, and `as_of` is the time that they show."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cht_sync import sql
from cht_sync.errors import ConfigurationInvalid, ModelFailed
from cht_sync.models import runner
from cht_sync.models.files import definition
from cht_sync.reports import marts

from tests.lib import tables
from tests.lib.spec import Spec
from tests.lib.staged import CAUGHT_UP, SOURCE, Staged

COUNTY = tables.documents("""
    _id | type     | parent | name   | patient_id
    d   | district |        | Kisumu |
    c   | centre   | d      | Area   |
    h   | clinic   | c d    | House  |
    p   | person   | h c d  | A      | 1
    q   | person   |        | B      |
""")
LATER = CAUGHT_UP + timedelta(hours=1)


#: The marts that are refreshed with every run.
EACH_RUN = ["patients_by_area"]


def refresh(staged: Staged) -> list[str]:
    """Refreshes the marts; returns the refreshed ones among those of every run."""
    staged.update()
    return [name for name in marts.refresh(staged.connection) if name in EACH_RUN]


def as_of(staged: Staged, source: str = SOURCE) -> tuple[datetime | None, bool, bool]:
    """(as_of, complete, current) of patients_by_area."""
    freshness = (
        "select as_of, complete, is_current from marts.freshness where (mart, source) = ('patients_by_area', %s)"
    )
    moment, complete, current = staged.row(freshness, [source])
    return moment, complete, current


def test_patients_by_area_has_every_level_above_the_household(spec: Spec) -> None:
    spec.stage("", *COUNTY)
    marts.refresh(spec.staged.connection)
    columns = "source, area_uuid, name, contact_type, level, parent_uuid, parent_name, total_persons, total_patients"
    assert spec.staged.rows(f"select {columns}, complete from marts.patients_by_area order by level") == [
        (SOURCE, "", "unplaced", None, 0, None, None, 1, 0, True),
        (SOURCE, "d", "Kisumu", "district_hospital", 1, None, None, 1, 1, True),
        (SOURCE, "c", "Area", "health_center", 2, "d", "Kisumu", 1, 1, True),
    ]


#: A household with nothing above it, a household and an area below it, and a muted household that never had a parent.
OUTSIDE = """
    _id | type     | parent   | patient_id | date_of_death | muted
    h   | clinic   | gone     |            |               |
    i   | clinic   | h gone   |            |               |
    c   | centre   | i h gone |            |               |
    j   | clinic   | c i h    |            |               |
    e   | centre   | c i h    |            |               |
    m   | clinic   |          |            |               | true
    g   | centre   | m        |            |               |
    p   | person   | h gone   | 1          |               |
    q   | person   | i h gone |            | 2024-03-10    |
    r   | person   | c i h    | 2          |               |
    s   | person   | j c i h  |            |               |
    t   | person   | e c i h  |            |               |
    u   | person   | m        | 3          |               |
    v   | person   | g m      | 4          |               |
    w   | person   |          |            |               |
    x   | person   | lost h   | 5          |               |
"""


def test_persons_of_a_household_in_no_area_are_in_the_totals_of_unplaced(spec: Spec) -> None:
    spec.stage(OUTSIDE, COUNTY[0])
    spec.stage("", {"_id": "m", "type": "clinic", "name": "Household of Otieno", "muted": True})
    marts.refresh(spec.staged.connection)
    states = ("persons", "persons_active", "persons_muted", "persons_deceased")
    columns = [f"total_{state}" for state in (*states, *(state.replace("persons", "patients") for state in states))]
    shown = f"select area_uuid, direct_persons, {', '.join(columns)} from marts.patients_by_area order by 1"
    assert spec.staged.rows(shown) == [
        ("", 1, 5, 3, 1, 1, 3, 2, 1, 0),
        ("c", 1, 3, 3, 0, 0, 1, 1, 0, 0),
        ("d", 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ("e", 1, 1, 1, 0, 0, 0, 0, 0, 0),
        ("g", 1, 1, 0, 1, 0, 1, 0, 1, 0),
    ]
    top = "select sum(total_persons), sum(total_patients) from marts.patients_by_area where parent_uuid is null"
    assert spec.staged.rows(top) == [(9, 5)]


def test_the_parent_of_an_area_in_a_household_is_the_area_of_the_household(spec: Spec) -> None:
    spec.stage(
        """
        _id | type     | parent
        d   | district |
        h   | clinic   | d
        i   | clinic   | h d
        c   | centre   | i h d
        p   | person   | c i h d
        m   | clinic   |
        g   | centre   | m
    """,
        {"_id": "d", "type": "district_hospital", "name": "Kisumu"},
    )
    marts.refresh(spec.staged.connection)
    for mart in ("patients_by_area", "data_quality"):
        above = spec.staged.rows(f"select area_uuid, parent_uuid, level from marts.{mart} order by 1")
        assert above == [("", None, 0), ("c", "d", 4), ("d", None, 1), ("g", None, 2)]
    named = "select area_uuid, parent_uuid, parent_name from marts.{} where parent_name is not null"
    for mart in ("patients_by_area", "patients_by_age_and_sex"):
        assert spec.staged.rows(named.format(mart)) == [("c", "d", "Kisumu")]


def test_persons_of_a_household_in_no_area_are_unplaced_in_their_source(staged: Staged) -> None:
    staged.source("other/medic")
    staged.page(tables.documents(OUTSIDE))
    staged.page(tables.documents("_id | type | parent\nh | clinic |\np | person | h"), source="other/medic")
    refresh(staged)
    unplaced = "select source, total_persons from marts.patients_by_area where area_uuid = '' order by 1"
    assert staged.rows(unplaced) == [(SOURCE, 5), ("other/medic", 1)]


def test_no_mart_reads_a_table_that_a_rebuild_replaces() -> None:
    """That table could not be dropped."""
    assert [file.name for file in definition.folder("reports/marts") if "model_data." in file.text] == []


@pytest.mark.unmodelled
def test_before_the_models_there_is_nothing_to_refresh(staged: Staged) -> None:
    assert marts.refresh(staged.connection) == []


def test_refreshed_only_when_counts_changed(staged: Staged) -> None:
    staged.page(COUNTY)
    assert refresh(staged) == ["patients_by_area"]
    assert refresh(staged) == []
    staged.page([{"_id": "r", "type": "data_record", "form": "f"}, {**COUNTY[3], "phone": "1"}])
    assert refresh(staged) == []
    staged.page(deleted=["q"])
    assert refresh(staged) == ["patients_by_area"]
    assert staged.values("select total_persons from marts.patients_by_area where area_uuid = ''") == [0]


def test_refreshed_when_two_persons_swap_places(staged: Staged, include: sql.Include) -> None:
    mart = "-- One row per person\n-- key: source, uuid\n-- reads: place_count\nselect * from models.person_area\n"
    (include.sql / "reports/marts" / "placed.sql").write_text(mart, encoding="utf-8")
    placed = "select uuid, place_uuid from marts.placed order by 1"
    staged.page([*COUNTY, *tables.documents("_id | type | parent\ni | clinic | c d\nr | person | i c d")])
    staged.update()
    marts.refresh(staged.connection, include)
    assert staged.rows(placed) == [("p", "h"), ("q", ""), ("r", "i")]
    swapped = tables.documents("_id | type | parent | patient_id\np | person | i c d |\nr | person | h c d | 1")
    staged.page(swapped)
    staged.update()
    assert "placed" in marts.refresh(staged.connection, include)
    assert staged.rows(placed) == [("p", "i"), ("q", ""), ("r", "h")]


def test_incomplete_until_the_source_was_caught_up(staged: Staged) -> None:
    complete = "select distinct complete from models.area_count"
    staged.page(COUNTY, caught_up=None)
    refresh(staged)
    assert staged.values(complete) == staged.values(complete.replace("models.area_count", "marts.patients_by_area"))
    assert staged.values(complete) == [False]
    assert as_of(staged) == (None, False, True)
    staged.page()
    assert refresh(staged) == ["patients_by_area"]
    assert staged.values(complete.replace("models.area_count", "marts.patients_by_area")) == [True]
    assert as_of(staged) == (CAUGHT_UP, True, True)


def test_as_of_advances_while_nothing_changes(staged: Staged) -> None:
    staged.page(COUNTY)
    refresh(staged)
    staged.page(caught_up=LATER)
    assert as_of(staged) == (LATER, True, True)


def test_as_of_stays_while_the_models_are_late(staged: Staged) -> None:
    staged.page(COUNTY)
    refresh(staged)
    staged.page(deleted=["p"], caught_up=LATER)
    assert as_of(staged) == (CAUGHT_UP, True, True)


def test_as_of_stays_while_the_refresh_is_late(staged: Staged) -> None:
    staged.page(COUNTY)
    refresh(staged)
    staged.page(deleted=["p"], caught_up=LATER)
    staged.update()
    assert as_of(staged) == (CAUGHT_UP, True, False)
    marts.refresh(staged.connection)
    assert as_of(staged) == (LATER, True, True)


def test_as_of_advances_if_a_change_affects_no_count(staged: Staged) -> None:
    staged.page(COUNTY)
    refresh(staged)
    staged.page([{"_id": "r", "type": "data_record"}], caught_up=LATER)
    assert refresh(staged) == []
    assert as_of(staged) == (LATER, True, True)


def test_each_source_has_its_own_as_of(staged: Staged) -> None:
    staged.source("other/medic")
    staged.source("demo/medic-sentinel")
    staged.page(COUNTY)
    staged.page(COUNTY, source="other/medic", caught_up=None)
    refresh(staged)
    freshness = "select source, as_of, complete from marts.freshness where mart = 'patients_by_area' order by source"
    assert staged.rows(freshness) == [
        ("demo/medic", CAUGHT_UP, True),
        ("other/medic", None, False),
    ]
    staged.page(source="other/medic", caught_up=LATER)
    refresh(staged)
    assert [as_of for _, as_of, _ in staged.rows(freshness)] == [CAUGHT_UP, LATER]


@pytest.fixture
def include(tmp_path: Path) -> sql.Include:
    shutil.copytree(sql.INCLUDE.sql, tmp_path / "sql")
    return sql.Include(tmp_path / "sql", tmp_path / "deployment")


def test_a_changed_file_is_made_again(staged: Staged, include: sql.Include) -> None:
    staged.page(COUNTY)
    refresh(staged)
    file = include.sql / "reports/marts" / "patients_by_area.sql"
    text = "".join(line for line in file.read_text().splitlines(True) if "level" not in line)
    file.write_text(text, encoding="utf-8")
    assert marts.refresh(staged.connection, include) == ["patients_by_area"]
    with pytest.raises(Exception, match="level"):
        staged.rows("select level from marts.patients_by_area")
    assert marts.refresh(staged.connection, include) == []


def test_a_changed_mart_is_reported_with_its_readers(staged: Staged, include: sql.Include) -> None:
    staged.page(COUNTY)
    refresh(staged)
    staged.connection.execute("create view public.mine as select area_uuid from marts.patients_by_area")
    file = include.sql / "reports/marts" / "patients_by_area.sql"
    file.write_text(file.read_text().replace("    area.level,\n", ""), encoding="utf-8")
    with pytest.raises(ModelFailed, match=r"marts\.patients_by_area.*public\.mine"):
        marts.refresh(staged.connection, include)


@pytest.mark.parametrize("reads", ["", "-- reads: area_count"])
def test_a_mart_must_name_models_that_have_a_version(staged: Staged, include: sql.Include, reads: str) -> None:
    text = f"-- key: source\n{reads}\nselect source from models.area_count"
    (include.sql / "reports/marts" / "mine.sql").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match="mine"):
        marts.refresh(staged.connection, include)


def test_a_missing_mart_is_made(staged: Staged) -> None:
    staged.page(COUNTY)
    refresh(staged)
    staged.connection.execute("drop materialized view marts.patients_by_area")
    assert marts.refresh(staged.connection) == ["patients_by_area"]


def test_a_failing_mart_reports_nothing_of_its_rows(staged: Staged, include: sql.Include) -> None:
    staged.page(COUNTY)
    staged.update()
    (include.sql / "reports/marts" / "wrong.sql").write_text(
        "-- key: source, name\n-- reads: contact\nselect source, name::int from models.contact", encoding="utf-8"
    )
    with pytest.raises(ModelFailed) as failure:
        marts.refresh(staged.connection, include)
    assert "Kisumu" not in str(failure.value)
    assert "patients_by_area" in staged.values("select mart from ops.mart_state")


def test_an_hourly_mart_is_made_at_once_and_refreshed_in_the_next_hour(staged: Staged) -> None:
    staged.page(COUNTY)
    staged.update()
    assert "data_quality" in marts.refresh(staged.connection)
    staged.page(deleted=["c"], caught_up=LATER)
    staged.update()
    assert marts.refresh(staged.connection) == ["patients_by_area"]
    freshness = "select as_of, is_current from marts.freshness where mart = 'data_quality'"
    assert staged.rows(freshness) == [(CAUGHT_UP, False)]
    an_hour_passes(staged)
    assert "data_quality" in marts.refresh(staged.connection)
    assert staged.rows(freshness) == [(LATER, True)]
    an_hour_passes(staged)
    assert marts.refresh(staged.connection) == []


def test_an_hourly_mart_is_refreshed_when_a_source_is_complete(staged: Staged) -> None:
    staged.page(COUNTY, caught_up=None)
    staged.update()
    assert "data_quality" in marts.refresh(staged.connection)
    staged.page(deleted=["c"], caught_up=None)
    staged.update()
    assert "data_quality" not in marts.refresh(staged.connection)
    staged.page()
    staged.update()
    assert "data_quality" in marts.refresh(staged.connection)
    assert marts.refresh(staged.connection) == []


def an_hour_passes(staged: Staged) -> None:
    staged.connection.execute("update ops.mart_state set refreshed_at = refreshed_at - interval '1 hour'")


def test_every_is_run_or_hour(staged: Staged, include: sql.Include) -> None:
    text = "-- key: source\n-- reads: contact\n-- every: day\nselect source from models.contact"
    (include.sql / "reports/marts" / "mine.sql").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match="mine"):
        marts.refresh(staged.connection, include)


def test_readers_see_the_mart_while_it_is_refreshed(staged: Staged) -> None:
    staged.page(COUNTY)
    refresh(staged)
    oid: Any = staged.values("select 'marts.patients_by_area'::regclass::oid")
    staged.page(deleted=["p"])
    refresh(staged)
    assert staged.values("select 'marts.patients_by_area'::regclass::oid") == oid


#: Fails if a document's weight is not a number.
WEIGHT = """-- One row per person who was weighed.
-- key: source, _id
select document.source, document._id, (document.doc ->> 'weight')::int as weight from document
where document.doc ? 'weight'
"""
LIGHT = """-- One row per light person.
-- key: source, _id
-- after: weight
select weight.source, weight._id
from document
join models.weight as weight on weight.source = document.source and weight._id = document._id
where weight.weight < 6
"""
OF_LIGHT = """-- One row per source.
-- key: source
-- reads: light, contact
select contact.source, count(*) as contacts from models.contact as contact group by contact.source
"""


@pytest.mark.parametrize("weight", ["7", "1"])
def test_as_of_stays_while_a_model_of_the_mart_fails(staged: Staged, include: sql.Include, weight: str) -> None:
    for name, text in {"models/weight": WEIGHT, "models/light": LIGHT, "marts/of_light": OF_LIGHT}.items():
        file = include.deployment / f"{name}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    freshness = "select as_of, is_current from marts.freshness where mart = 'of_light' and source = %s"

    def run() -> list[tuple[Any, ...]]:
        runner.update(staged.connection, include)
        marts.refresh(staged.connection, include)
        return staged.rows(freshness, [SOURCE])

    staged.source("other/medic")
    staged.page(COUNTY, source="other/medic")
    staged.page([*COUNTY[:3], {**COUNTY[3], "weight": 7}])
    assert run() == [(CAUGHT_UP, True)]
    # a change of another model refreshes it, but its as_of stays
    staged.page([{**COUNTY[3], "weight": "heavy"}, {"_id": "r", "type": "person"}], caught_up=LATER)
    assert run() == [(CAUGHT_UP, False)]
    assert staged.values("select contacts from marts.of_light where source = %s", [SOURCE]) == [5]
    assert as_of(staged) == (LATER, True, True)
    staged.page(caught_up=LATER, source="other/medic")
    assert staged.rows(freshness, ["other/medic"]) == [(LATER, True)]
    staged.page(caught_up=LATER + timedelta(hours=1))
    assert run() == [(CAUGHT_UP, False)]
    staged.page([{**COUNTY[3], "weight": weight}], caught_up=LATER + timedelta(hours=2))
    assert run() == [(LATER + timedelta(hours=2), True)]
