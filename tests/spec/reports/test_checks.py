"""Checks: each finds its damage, and finds nothing if nothing is wrong."""

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cht_sync import sql
from cht_sync.errors import CheckFailed, ConfigurationInvalid, ModelFailed
from cht_sync.models import runner
from cht_sync.models.files import definition
from cht_sync.operate import recompute
from cht_sync.reports import checks, marts

from tests.lib import tables
from tests.lib.recording import recording
from tests.lib.spec import Spec
from tests.lib.staged import CAUGHT_UP, SOURCE, Staged
from tests.lib.tree import OTHERS, TODAY, TREE, USER

TOMORROW = TODAY + datetime.timedelta(days=1)
HEADER = "-- level: fail\n-- every: run\n-- reads: contact\n-- repair: x\n"


@pytest.fixture
def filled(staged: Staged) -> Staged:
    staged.page([*tables.documents(TREE), *OTHERS])
    staged.update()
    return staged


def failing(staged: Staged, today: datetime.date = TODAY, **given: Any) -> dict[str, str]:
    """The findings of the due checks that fail: {name: problems}."""
    try:
        found = checks.run(staged.connection, today, **given)
    except CheckFailed:
        found = []
    return dict(staged.rows("select name, array_to_string(problems, ', ') from ops.check_result")) | {
        finding.name: ", ".join(finding.problems) for finding in found
    }


def test_nothing_is_found_if_nothing_is_wrong(filled: Staged) -> None:
    assert checks.run(filled.connection, TODAY) == []
    names = {file.name for file in definition.folder("reports/checks")}
    assert set(filled.values("select name from ops.check_state where found = 0")) == names


def test_nothing_is_found_after_changes(spec: Spec) -> None:
    spec.stage(TREE)
    assert checks.run(spec.staged.connection, TODAY) == []
    spec.stage("_id | type | parent | muted\nc | centre | d | \nh | clinic | i c d | true", USER, deleted="q y")
    assert checks.run(spec.staged.connection, TODAY) == []
    spec.stage("_id | type | parent\nd | person | i\ni | district |")
    assert checks.run(spec.staged.connection, TODAY) == []
    assert checks.run(spec.staged.connection, TOMORROW) == []


DAMAGES = [
    ("update model_data.place_count set total_persons = total_persons + 1 where area_uuid = 'c'", "kept_counts"),
    ("update model_data.place_count set direct_patients = 7 where area_uuid = 'h'", "kept_counts"),
    ("update model_data.place_count set total_persons_muted = 0 where area_uuid in ('d', 'c')", "kept_counts"),
    ("update model_data.place_count set total_persons_deceased = 0 where area_uuid = 'd'", "kept_counts"),
    ("update model_data.place_count set direct_households = 1 where area_uuid = 'c'", "kept_counts"),
    ("update model_data.place_count set total_households = 1 where area_uuid = 'd'", "kept_counts"),
    ("update model_data.place_count set total_staff = 0 where area_uuid = 'h'", "kept_counts"),
    ("update model_data.place_count set direct_in_household = 0 where area_uuid = 'i'", "kept_counts"),
    ("update model_data.place_count set direct_persons = 2 where area_uuid = ''", "kept_counts"),
    ("update model_data.place_count set total_persons = 8, direct_persons = 8 where area_uuid = ''", "totals"),
    ("update model_data.place_count set total_patients = 0 where area_uuid = 'd'", "totals"),
    ("update model_data.place_band_count set total_persons = total_persons + 1 where area_uuid = 'd'", "kept_bands"),
    ("update model_data.place_band_count set total_patients = 7 where area_uuid = 'h'", "kept_bands"),
    ("update model_data.place_band_count set direct_persons = 0 where area_uuid = 'h'", "kept_bands"),
    ("update model_data.place_band_count set direct_patients = 0 where area_uuid = ''", "kept_bands"),
    ("update model_data.place_band_count set sex = 'male' where area_uuid = 'h'", "kept_bands"),
    ("delete from model_data.place_band_count where area_uuid = ''", "kept_bands"),
    ("update ops.band_day set as_of = as_of + 40000", "kept_bands"),
    ("update model_data.place_count set effective_parent = 'i' where area_uuid = 'c'", "counted_once"),
    ("update model_data.place_count set effective_parent = 'z' where area_uuid = 'c'", "counted_once"),
    ("update model_data.counted_person set place = 'd' where uuid = 'p'", "counted_once"),
    ("delete from model_data.counted_person where uuid = 's'", "counted_once"),
    ("delete from model_data.place_count where area_uuid = 'i'", "areas_are_places"),
    ("delete from model_data.place where _id = 'i'", "areas_are_places"),
    ("update staging.document set saved_timestamp = now() + interval '1 second' where _id = 'p'", "models_as_staged"),
    ("update staging.document set _deleted = true where _id = 'p'", "models_as_staged"),
    ("update staging.document set gone = 'purged' where _id = 'm'", "models_as_staged"),
    ("update staging.document set type = 'form' where _id = 'k'", "models_as_staged"),
    ("update staging.document set _deleted = true where _id = 'target~2024-05~p'", "models_as_staged"),
    ("update model_data.target set saved_timestamp = now() + interval '1 second'", "models_as_staged"),
    ("update model_data.report_month set reports = 2", "kept_months"),
    ("update model_data.report_month set area_uuid = 'd'", "kept_months"),
    ("delete from model_data.report_month", "kept_months"),
    ("update model_data.submission_month set reports = 2", "kept_months"),
    ("update model_data.registration_month set persons = 3 where area_uuid = 'd'", "kept_months"),
    ("update model_data.registration_month set patients = patients + 3 where area_uuid = 'd'", "kept_months"),
    ("update model_data.registration_month set persons = 3 where area_uuid = ''", "kept_visits"),
    ("update model_data.registration_month set patients = patients + 3 where area_uuid = ''", "kept_visits"),
    ("update model_data.visit_month set reports = 2", "kept_visits"),
    ("delete from model_data.visit_month", "kept_visits"),
    ("update model_data.report_month set reports = 2", "kept_visits"),
    *((f"delete from model_data.{model} where _id = '{row}'", "models_as_staged") for model, row in [
        ("contact", "r"), ("person", "r"), ("place", "x"), ("patient", "p"), ("data_record", "n"), ("report", "m"),
        ('"user"', "u"), ("task", "k"), ("telemetry", "e"), ("telemetry_devices", "e"), ("feedback", "b"),
        ("target", "target~2024-05~p"),
    ]),
    *((f"delete from staging.document where _id = '{row}'", "rows_of_documents") for row in (
        "r", "d", "m", "u", "k", "target~2024-05~p", "e", "b"
    )),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "name"), DAMAGES)
def test_each_check_finds_its_damage(filled: Staged, damage: str, name: str) -> None:
    assert filled.connection.execute(damage.encode()).rowcount > 0
    assert name in failing(filled)


def test_every_check_has_a_damage_that_it_finds() -> None:
    assert {name for _, name in DAMAGES} | {"figures_old"} == {
        file.name for file in definition.folder("reports/checks")
    }


def test_a_failure_names_the_check_the_source_and_the_repair(filled: Staged) -> None:
    filled.connection.execute("update model_data.place_count set total_staff = 0 where area_uuid = 'h'")
    with pytest.raises(CheckFailed) as failure:
        checks.run(filled.connection, TODAY)
    assert str(failure.value) == (
        "kept_counts finds 2 in demo/medic (a count that differs from the models). "
        "Trigger cht_marts with the source under Recount; see docs/operating.md"
    )
    assert filled.rows("select source, found, areas from ops.check_result") == [(SOURCE, 2, ["c", "h"])]
    shown = "select name, level, source, found from marts.checked where found > 0"
    assert filled.rows(shown) == [("kept_counts", "fail", SOURCE, 2)]


def test_a_check_fails_until_the_damage_is_repaired(filled: Staged) -> None:
    filled.connection.execute("update model_data.place_count set total_staff = 7 where area_uuid = 'i'")
    assert set(failing(filled)) == {"kept_counts"}
    since = filled.values("select since from ops.check_result")
    with recording(filled.connection) as statements, pytest.raises(CheckFailed) as failure:
        checks.run(filled.connection, TODAY)
    assert len(statements) < 5
    assert failure.value.is_notified
    filled.page([{"_id": "z", "type": "person", "parent": {"_id": "d"}}])
    filled.update()
    assert set(failing(filled)) == {"kept_counts"}
    assert filled.values("select since from ops.check_result") == since
    recompute.order(filled.connection, recount=[SOURCE])
    assert filled.update().models["place_count"] > 0
    assert failing(filled) == {}
    assert filled.values("select count(*) from ops.to_recount") == [0]


def test_a_finding_is_notified_once_a_day(filled: Staged) -> None:
    filled.connection.execute("update model_data.place_count set total_staff = 7 where area_uuid = 'i'")
    notified = []
    for _ in range(3):
        with pytest.raises(CheckFailed) as failure:
            checks.run(filled.connection, TODAY)
        notified.append(failure.value.is_notified)
    for hours in (23, 2):
        # a run after 23 hours does not begin another day
        filled.connection.execute("update ops.check_result set notified_at = notified_at - %s * interval '1h'", [hours])
        with pytest.raises(CheckFailed) as failure:
            checks.run(filled.connection, TODAY)
        notified.append(failure.value.is_notified)
    assert notified == [False, True, True, True, False]


def test_a_lost_row_of_a_model_is_rebuilt(filled: Staged) -> None:
    filled.connection.execute("delete from model_data.report")
    assert set(failing(filled)) == {"models_as_staged", "kept_months", "kept_visits"}
    recompute.order(filled.connection, remodel=[SOURCE])
    filled.update()
    assert failing(filled) == {}
    assert filled.values("select uuid from models.report") == ["m"]


def test_a_request_must_name_an_existing_source(filled: Staged) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"no source other/medic .* There are demo/medic"):
        recompute.order(filled.connection, recount=["other/medic"])
    assert filled.values("select count(*) from ops.to_recount") == [0]


def test_nothing_new_costs_one_statement(filled: Staged) -> None:
    checks.run(filled.connection, TODAY)
    with recording(filled.connection) as statements:
        assert checks.run(filled.connection, TODAY) == []
    assert len(statements) == 1


@pytest.mark.unmodelled
def test_before_the_models_there_is_nothing_to_check(staged: Staged) -> None:
    assert checks.run(staged.connection, TODAY) == []
    assert staged.values("select count(*) from ops.check_state") == [0]


def looked_at(staged: Staged, today: datetime.date = TODAY) -> str:
    """What the checks look at: change, whole, or nothing."""
    with recording(staged.connection) as statements:
        checks.run(staged.connection, today)
    text = " ".join(statements)
    kinds = {"temporary table document": "change", "temporary view document": "whole"}
    return ", ".join(kind for start, kind in kinds.items() if start in text) or "none"


def test_checks_look_at_everything_once_a_day_else_at_changes(filled: Staged) -> None:
    assert [looked_at(filled) for _ in range(2)] == ["whole", "none"]
    filled.page([{"_id": "z", "type": "person", "parent": {"_id": "h"}}])
    filled.update()
    assert [looked_at(filled) for _ in range(2)] == ["change", "none"]
    assert [looked_at(filled, TOMORROW) for _ in range(2)] == ["whole", "none"]


def many(staged: Staged) -> None:
    """So many areas that a sample leaves some of them out."""
    made = [{"_id": f"{n:05}", "type": "clinic", "parent": {"_id": "c"}} for n in range(2000)]
    staged.page(made)
    staged.update()
    staged.connection.execute("analyze model_data.place_count")


def test_written_areas_and_a_sample_are_checked(filled: Staged) -> None:
    many(filled)
    checks.run(filled.connection, TODAY)
    filled.page([{"_id": "z", "type": "person", "parent": {"_id": "h"}}])
    filled.update()
    with filled.connection.transaction():
        filled.connection.execute(sql.read("reports/check_run/change").encode())
        areas = set(filled.values("select area_uuid from pg_temp.area"))
        assert filled.values("select _id from pg_temp.document") == ["z"]
    assert {"h", "c", "d"} <= areas
    assert len(areas) < 500


def test_a_wrong_change_is_found_at_once(filled: Staged) -> None:
    many(filled)
    checks.run(filled.connection, TODAY)
    filled.page([{"_id": "z", "type": "person", "parent": {"_id": "h"}}])
    filled.update()
    filled.connection.execute("update model_data.place_count set total_persons = 9 where area_uuid = 'h'")
    with recording(filled.connection) as statements, pytest.raises(CheckFailed, match="kept_counts"):
        checks.run(filled.connection, TODAY)
    assert "temporary view document" not in " ".join(statements)


def test_a_place_that_came_and_went_between_two_checks_is_not_wrong(filled: Staged) -> None:
    checks.run(filled.connection, TODAY)
    filled.page([{"_id": "z", "type": "clinic", "parent": {"_id": "c"}}])
    filled.update()
    filled.page(deleted=["z"])
    filled.update()
    assert checks.run(filled.connection, TODAY) == []


def test_a_place_without_counts_is_found_at_once(filled: Staged) -> None:
    checks.run(filled.connection, TODAY)
    filled.page([{"_id": "z", "type": "clinic", "parent": {"_id": "c"}}])
    filled.update()
    filled.connection.execute("delete from model_data.place_count where area_uuid = 'z'")
    assert "counted_once" in failing(filled)


def test_a_page_that_the_models_have_not_taken_in_is_not_wrong(filled: Staged) -> None:
    filled.page([{"_id": "z", "type": "person", "parent": {"_id": "h"}}])
    assert checks.run(filled.connection, TODAY) == []
    assert checks.run(filled.connection, TOMORROW) == []


def test_old_figures_only_warn(filled: Staged) -> None:
    marts.refresh(filled.connection)
    (found,) = checks.run(filled.connection, TODAY, {SOURCE: 3600.0})
    assert (found.name, found.level, found.source) == ("figures_old", "warn", SOURCE)
    assert {"patients_by_area is older than its limit", "the copy is older than its limit"} <= set(found.problems)
    assert str(found).startswith(f"figures_old finds {found.found} in demo/medic (")
    year = (datetime.datetime.now(datetime.UTC) - CAUGHT_UP).total_seconds() + 3600
    filled.connection.execute("update ops.check_state set checked_at = now() - interval '2 hours'")
    assert checks.run(filled.connection, TOMORROW, {SOURCE: year}) == []


@pytest.fixture
def include(tmp_path: Path) -> sql.Include:
    shutil.copytree(sql.INCLUDE.sql, tmp_path / "sql")
    return sql.Include(tmp_path / "sql", tmp_path / "deployment")


def write(include: sql.Include, name: str, text: str) -> None:
    (include.sql / "reports/checks" / f"{name}.sql").write_text(text, encoding="utf-8")


def test_a_check_whose_sql_fails_does_not_stop_the_others(filled: Staged, include: sql.Include) -> None:
    write(include, "a_wrong", f"{HEADER}select source, name::int, '' from models.contact")
    filled.connection.execute("update staging.document set doc = doc || %s", [json.dumps({"name": "Ana"})])
    filled.connection.execute("update model_data.contact set name = 'Ana'")
    with pytest.raises(ModelFailed, match=r"a_wrong failed") as failure:
        checks.run(filled.connection, TODAY, include=include)
    assert "Ana" not in str(failure.value)
    assert filled.values("select count(*) from ops.check_state") == [len(definition.folder("reports/checks"))]
    filled.connection.execute("update model_data.place_count set total_staff = 7 where area_uuid = 'i'")
    with pytest.raises(CheckFailed, match=r"kept_counts.*a_wrong failed"):
        checks.run(filled.connection, TOMORROW, include=include)


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("-- repair: x\n", ""),
        ("-- level: fail", "-- level: bad"),
        ("-- reads: contact\n", ""),
        ("reads: contact", "reads: contact, area_count"),
        ("reads: contact", "raeds: contact"),
        ("-- repair", "-- about: contact\n-- repair"),
    ],
)
def test_a_header_must_be_complete(filled: Staged, include: sql.Include, line: str, instead: str) -> None:
    assert line in HEADER
    write(include, "mine", f"{HEADER.replace(line, instead)}select source, '', '' from models.contact")
    with pytest.raises(ConfigurationInvalid, match="mine"):
        checks.run(filled.connection, TODAY, include=include)


@pytest.mark.parametrize("every", ["hour", "day"])
def test_a_check_that_is_due_by_the_clock_may_read_anything(filled: Staged, include: sql.Include, every: str) -> None:
    header = HEADER.replace("-- reads: contact\n", "").replace("run", every)
    write(include, "mine", f"{header}select source, '', 'x' from models.contact")
    with pytest.raises(CheckFailed, match="mine finds"):
        checks.run(filled.connection, TODAY, include=include)


def put(include: sql.Include, name: str, text: str) -> None:
    file = include.deployment / f"{name}.sql"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


#: Fails if a document's weight is not a number.
WEIGHT = """-- One row per person who was weighed.
-- key: source, _id
select document.source, document._id, (document.doc ->> 'weight')::int as weight from document
where document.doc ? 'weight'
"""
#: Finds a person who weighs nothing, and fails if a person weighs 13.
WEIGHED = """-- Nobody weighs nothing.
-- level: warn
-- every: run
-- reads: weight
-- repair: Correct the document
select document.source, null, 'weighs nothing'
from document
join models.weight as weight on weight.source = document.source and weight._id = document._id
where weight.weight / (weight.weight - 13.0) = 0
"""


def weigh(staged: Staged, include: sql.Include, **weights: object) -> dict[str, int]:
    """Takes in persons with these weights, if any; returns the findings of the checks, by source."""
    staged.page([{"_id": uuid, "type": "person", "weight": weight} for uuid, weight in weights.items()])
    return look(staged, include)


def look(staged: Staged, include: sql.Include) -> dict[str, int]:
    runner.update(staged.connection, include)
    return {finding.source: finding.found for finding in checks.run(staged.connection, TODAY, include=include)}


@pytest.fixture
def weighed(filled: Staged, include: sql.Include) -> Staged:
    put(include, "models/weight", WEIGHT)
    put(include, "checks/weighed", WEIGHED)
    assert weigh(filled, include, p=5) == {}
    return filled


def test_a_repaired_check_has_missed_nothing(weighed: Staged, include: sql.Include) -> None:
    for weights in ({"q": 13}, {"r": 0}):
        with pytest.raises(ModelFailed, match="weighed failed"):
            weigh(weighed, include, **weights)
    assert weigh(weighed, include, q=1) == {SOURCE: 1}


def test_a_check_with_a_repaired_header_has_missed_nothing(weighed: Staged, include: sql.Include) -> None:
    put(include, "checks/weighed", WEIGHED.replace("warn", "wrong"))
    with pytest.raises(ModelFailed, match="weighed lacks a level"):
        weigh(weighed, include, q=0)
    put(include, "checks/weighed", WEIGHED)
    assert weigh(weighed, include, s=1) == {SOURCE: 1}


def test_documents_that_a_repaired_model_takes_in_are_checked(weighed: Staged, include: sql.Include) -> None:
    assert weigh(weighed, include, p="heavy", q=0) == {}
    assert weigh(weighed, include, r=4) == {}
    assert weigh(weighed, include, p=1) == {SOURCE: 1}


def test_a_rebuilt_model_is_checked(weighed: Staged, include: sql.Include) -> None:
    put(include, "models/weight", WEIGHT.replace("::int as", "::int - 5 as"))
    assert look(weighed, include) == {SOURCE: 1}


def test_a_new_source_is_checked(weighed: Staged, include: sql.Include) -> None:
    weighed.source("other/medic")
    weighed.page([{"_id": "p", "type": "person", "weight": 0}], source="other/medic")
    assert look(weighed, include) == {"other/medic": 1}


def test_an_hourly_check_runs_once_an_hour_and_misses_nothing(weighed: Staged, include: sql.Include) -> None:
    put(include, "checks/weighed", WEIGHED.replace("every: run", "every: hour"))
    weighed.connection.execute("update ops.check_state set checked_at = now()")
    assert weigh(weighed, include, q=0) == {}
    an_hour_passes(weighed)
    assert weigh(weighed, include, r=1) == {SOURCE: 1}
    assert weigh(weighed, include, q=2) == {}
    made = "select checked_at from ops.check_state where name = 'weighed'"
    an_hour_passes(weighed)
    before = weighed.values(made)
    look(weighed, include)
    assert weighed.values(made) == before


def an_hour_passes(staged: Staged) -> None:
    staged.connection.execute("update ops.check_state set checked_at = checked_at - interval '1 hour'")


def test_a_deleted_check_is_not_shown_any_more(weighed: Staged, include: sql.Include) -> None:
    shown = "select name from marts.checked where name = 'weighed'"
    assert weigh(weighed, include, q=0) == {SOURCE: 1}
    put(include, "checks/weighed", WEIGHED.replace("warn", "wrong"))
    with pytest.raises(ModelFailed):
        weigh(weighed, include, r=1)
    assert weighed.values(shown) == ["weighed"]
    (include.deployment / "checks" / "weighed.sql").unlink()
    assert weigh(weighed, include, r=2) == {}
    assert weighed.values(shown) == []
    assert weighed.values("select count(*) from ops.check_result") == [0]
