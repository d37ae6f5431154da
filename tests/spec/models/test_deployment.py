"""A deployment's own models, views and marts, in include/deployment: each fails alone, and later catches up."""

import datetime
import shutil
from pathlib import Path
from typing import Any

import pytest
from cht_sync import sql
from cht_sync.errors import CheckFailed, ModelFailed
from cht_sync.models import runner
from cht_sync.models.files import comments, definition, deployment
from cht_sync.reports import checks, marts

from tests.lib import tables
from tests.lib.contents import content
from tests.lib.paths import ROOT
from tests.lib.recording import recording
from tests.lib.staged import Staged, opened

EXAMPLE = ROOT / "include" / "deployment.example"
COUNTY = tables.documents("""
    _id | type     | parent | weight
    d   | district |        |
    h   | clinic   | d      |
    p   | person   | h d    | 5
    q   | person   | h d    | 7
""")

#: Fails if a document's weight is not a number.
WEIGHT = """-- One row per person who was weighed.
-- weight: In kilograms
-- key: source, _id
-- after: person
select person.source, person._id, person.uuid, (document.doc ->> 'weight')::int as weight
from document
join models.person as person on person.source = document.source and person._id = document._id
where document.doc ? 'weight'
"""
#: The same, with another column.
KILOGRAMS = WEIGHT.replace("as weight", "as kilograms").replace("-- weight:", "-- kilograms:")
#: Reads other documents: the persons with the same account.
STAFF = """-- One row per person whom a user's settings name.
-- key: source, _id
-- after: user, weight
-- affected:
--   select staff.source, staff.contact_id
--   from changed
--   join models."user" as staff on staff.source = changed.source and staff._id = changed._id
--   where staff.contact_id is not null
--   union all
--   select was.source, was.contact_id from was_user as was where was.contact_id is not null
select document.source, document._id, min(staff._id) as account, 1 / min(length(staff.language)) as odd
from document
join models."user" as staff on staff.source = document.source and staff.contact_id = document._id
group by document.source, document._id
"""
HEAVY = """-- One row per source.
-- key: source
-- reads: weight
select weight.source, max(weight.weight) as weight from models.weight as weight group by weight.source
"""
#: Both follow documents that did not change themselves: a report whose person comes later, and its submitter.
ABOUT = """-- One row per report.
-- key: source, _id
-- after: report, weight
select report.source, report._id, report.subject_uuid
from document
join models.report as report on report.source = document.source and report._id = document._id
"""
SUBMITTER = """-- One row per submitter.
-- key: source, _id
-- after: report, weight
-- affected:
--   select report.source, report.contact_uuid
--   from changed
--   join models.report as report on report.source = changed.source and report._id = changed._id
--   where report.contact_uuid is not null
select document.source, document._id, count(report.subject_uuid) as known
from document
join models.report as report on report.source = document.source and report.contact_uuid = document._id
group by document.source, document._id
"""


@pytest.fixture
def include(tmp_path: Path) -> sql.Include:
    shutil.copytree(sql.INCLUDE.sql, tmp_path / "sql")
    return sql.Include(tmp_path / "sql", tmp_path / "deployment")


def put(include: sql.Include, name: str, text: str) -> None:
    file = include.deployment / f"{name}.sql"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def run(staged: Staged, include: sql.Include) -> runner.Update:
    done = runner.update(staged.connection, include)
    marts.refresh(staged.connection, include)
    return done


def failing(staged: Staged) -> dict[str, str]:
    return dict(staged.rows("select folder || '/' || name, what || '. ' || advice from ops.failing order by 1"))


def weights(staged: Staged) -> dict[str, int]:
    return dict(staged.rows("select uuid, weight from models.weight"))


def test_the_next_run_uses_a_new_file(staged: Staged, include: sql.Include) -> None:
    staged.page(COUNTY)
    run(staged, include)
    put(include, "models/weight", WEIGHT)
    put(include, "views/light", "-- One row per light person.\nselect uuid from models.weight where weight < 6")
    put(include, "marts/heavy", HEAVY)
    run(staged, include)
    assert weights(staged) == {"p": 5, "q": 7}
    assert staged.values("select uuid from models.light") == ["p"]
    assert staged.values("select weight from marts.heavy") == [7]
    assert staged.values("select col_description('models.weight'::regclass, 4)") == ["In kilograms"]
    staged.page([{**COUNTY[2], "weight": 9}])
    run(staged, include)
    assert weights(staged) == {"p": 9, "q": 7}
    assert staged.values("select weight from marts.heavy") == [9]
    assert runner.update(staged.connection, include) == runner.Update()
    deployment.require_working(staged.connection)


def test_an_unreadable_value_stops_only_the_model_that_reads_it(staged: Staged, include: sql.Include) -> None:
    put(include, "models/weight", WEIGHT)
    staged.page(COUNTY)
    run(staged, include)
    staged.page([{**COUNTY[2], "weight": "heavy", "name": "Adriana"}, {**COUNTY[3], "weight": 8}])
    assert run(staged, include).failed == ["weight"]
    assert staged.values("select name from models.person where uuid = 'p'") == ["Adriana"]
    assert weights(staged) == {"p": 5, "q": 7}
    assert staged.rows("select model, batch from ops.model_state where model in ('weight', 'person') order by 1") == [
        ("person", 2),
        ("weight", 1),
    ]
    with pytest.raises(ModelFailed) as failure:
        deployment.require_working(staged.connection)
    assert "include/deployment/models/weight.sql" in str(failure.value)
    assert "22P02 (InvalidTextRepresentation)" in str(failure.value)
    assert "heavy" not in str(failure.value)
    staged.page([{**COUNTY[2], "weight": 6}])
    assert run(staged, include).failed == []
    assert weights(staged) == {"p": 6, "q": 8}
    deployment.require_working(staged.connection)


def test_a_mistake_is_named_by_its_line_and_a_repaired_model_catches_up(staged: Staged, include: sql.Include) -> None:
    put(include, "models/weight", WEIGHT)
    staged.page(COUNTY)
    run(staged, include)
    put(include, "models/weight", WEIGHT.replace("document.doc ?", "document.dok ?"))
    staged.page([{**COUNTY[3], "weight": 8}])
    run(staged, include)
    assert "failed in line 8 with 42703 (UndefinedColumn)" in failing(staged)["models/weight"]
    assert weights(staged) == {"p": 5, "q": 7}
    put(include, "models/weight", WEIGHT)
    run(staged, include)
    assert weights(staged) == {"p": 5, "q": 8}
    assert failing(staged) == {}


def test_models_that_read_a_failed_one_are_not_run(staged: Staged, include: sql.Include) -> None:
    put(include, "models/weight", WEIGHT)
    put(include, "models/staff", STAFF)
    put(include, "marts/heavy", HEAVY)
    staged.page([*COUNTY, {"_id": "u", "type": "user-settings", "contact_id": "p", "language": "s"}])
    run(staged, include)
    assert staged.values("select _id from models.staff") == ["p"]
    # the document that names p now will name it no more when the model works again
    staged.page([{**COUNTY[3], "weight": "heavy"}, {"_id": "u", "type": "user-settings", "contact_id": "q"}])
    assert run(staged, include).failed == ["weight"]
    assert staged.values("select _id from models.staff") == ["p"]
    assert staged.values("select weight from marts.heavy") == [7]
    staged.page([{**COUNTY[3], "weight": 1}])
    assert run(staged, include).failed == []
    assert staged.values("select _id from models.staff") == ["q"]
    assert staged.values("select weight from marts.heavy") == [5]
    assert staged.values("select count(*) from ops.model_todo") == [0]


def test_a_failed_model_knows_the_documents_that_named_its_rows(staged: Staged, include: sql.Include) -> None:
    put(include, "models/weight", WEIGHT)
    put(include, "models/staff", STAFF)
    user = {"_id": "u", "type": "user-settings", "contact_id": "p", "language": "s"}
    staged.page([*COUNTY, user])
    run(staged, include)
    staged.page([{**user, "contact_id": "q", "language": ""}])
    assert run(staged, include).failed == ["staff"]
    staged.page([{**user, "contact_id": "d", "language": "sw"}])
    assert run(staged, include).failed == []
    assert staged.rows("select _id, account from models.staff") == [("d", "u")]


def followed(staged: Staged) -> list[tuple[str, Any]]:
    both = "select _id, subject_uuid from models.about union all select _id, known::text from models.submitter"
    return staged.rows(both)


def reported(staged: Staged, include: sql.Include) -> None:
    """A report by p about a person who has not come yet."""
    for name, text in {"weight": WEIGHT, "about": ABOUT, "submitter": SUBMITTER}.items():
        put(include, f"models/{name}", text)
    report = {"_id": "r", "type": "data_record", "form": "f", "patient_id": "7", "contact": {"_id": "p"}}
    staged.page([*COUNTY, report])
    assert run(staged, include).failed == []
    assert followed(staged) == [("r", None), ("p", "0")]


def test_a_stopped_model_misses_no_rows_that_others_have_named(staged: Staged, include: sql.Include) -> None:
    reported(staged, include)
    staged.page([{**COUNTY[3], "weight": "heavy"}, {"_id": "s", "type": "person", "patient_id": "7"}])
    assert run(staged, include).failed == ["weight"]
    staged.page([{**COUNTY[3], "weight": 1}])
    assert run(staged, include).failed == []
    assert followed(staged) == [("r", "s"), ("p", "1")]
    assert staged.values("select count(*) from ops.model_todo") == [0]


def test_a_failing_model_misses_no_rows_that_others_have_named(staged: Staged, include: sql.Include) -> None:
    reported(staged, include)
    put(include, "models/about", ABOUT.replace("-- after", "-- afer: person\n-- after"))
    put(include, "models/submitter", SUBMITTER.replace("-- after", "-- afer: person\n-- after"))
    staged.page([{"_id": "s", "type": "person", "patient_id": "7"}])
    assert run(staged, include).failed == ["about", "submitter"]
    put(include, "models/about", ABOUT)
    put(include, "models/submitter", SUBMITTER)
    assert run(staged, include).failed == []
    assert followed(staged) == [("r", "s"), ("p", "1")]


def test_a_restored_file_has_missed_nothing(staged: Staged, include: sql.Include) -> None:
    reported(staged, include)
    shutil.rmtree(include.deployment)
    staged.page([{"_id": "s", "type": "person", "patient_id": "7"}])
    assert run(staged, include).left_over == ["about", "submitter", "weight"]
    for name, text in {"weight": WEIGHT, "about": ABOUT, "submitter": SUBMITTER}.items():
        put(include, f"models/{name}", text)
    assert run(staged, include).left_over == []
    assert followed(staged) == [("r", "s"), ("p", "1")]


WRONG: dict[str, tuple[str, str]] = {
    "a column that is not there": (WEIGHT.replace("document.doc ?", "document.dok ?"), "in line 8"),
    "a value": (WEIGHT.replace("5", "5").replace("(document.doc ->> 'weight')", "('x' || document._id)"), "22P02"),
    "no key": (WEIGHT.replace("-- key: source, _id\n", ""), "no `key`"),
    "a key without the document": (WEIGHT.replace("-- key: source, _id", "-- key: source, uuid"), "no `key`"),
    "a key that is no column": (WEIGHT.replace("-- key: source, _id", "-- key: source, _id, x"), "no column x"),
    "a key that is not unique": (WEIGHT.replace("where", "cross join generate_series(1, 2) where"), "23505"),
    "an index of nothing": (WEIGHT.replace("-- after", "-- index: nothing\n-- after"), "42703"),
    "an unknown model": (WEIGHT.replace("-- after: person", "-- after: nobody"), "names nobody"),
    "itself": (WEIGHT.replace("-- after: person", "-- after: weight"), "is in a cycle of `after`"),
    "a header": (WEIGHT.replace("-- after: person", "-- after: per son"), "where a name is expected"),
    "a field that is misspelt": (WEIGHT.replace("-- after", "-- afected: select 1\n-- after"), "has `afected:`"),
    "a field alone in its line": (WEIGHT.replace("-- after", "-- afected:\n--   select 1\n-- after"), "has `afected:`"),
    "a field in capitals": (WEIGHT.replace("-- after", "-- After"), "has `After:`"),
    "what names its documents": (WEIGHT.replace("select", "-- affected:\n--   select nothing\nselect", 1), "affected"),
    "what had named them": (
        WEIGHT.replace("select", "-- affected:\n--   select source, nobody from was_person\nselect", 1),
        "affected",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_with_any_mistake_fails_alone(staged: Staged, include: sql.Include, case: str) -> None:
    text, said = WRONG[case]
    staged.page(COUNTY)
    run(staged, include)
    put(include, "models/weight", text)
    staged.page(tables.documents("_id | type | parent\nr | person | h d"))
    for _ in range(2):
        assert run(staged, include).failed == ["weight"]
        assert said in failing(staged)["models/weight"]
    assert staged.values("select count(*) from models.person") == [3]
    put(include, "models/weight", WEIGHT)
    assert run(staged, include).failed == []
    assert weights(staged) == {"p": 5, "q": 7}
    assert failing(staged) == {}


@pytest.mark.parametrize("case", WRONG)
def test_a_spoilt_and_repaired_file_has_missed_nothing(staged: Staged, include: sql.Include, case: str) -> None:
    user = {"_id": "u", "type": "user-settings", "contact_id": "p", "language": "s"}
    put(include, "models/weight", WEIGHT)
    put(include, "models/staff", STAFF)
    staged.page([*COUNTY, user])
    run(staged, include)
    put(include, "models/weight", WRONG[case][0])
    staged.page([{**COUNTY[2], "weight": 9}, {**user, "contact_id": "q"}])
    assert "weight" in run(staged, include).failed
    put(include, "models/weight", WEIGHT)
    assert run(staged, include).failed == []
    kept = content(staged)
    staged.connection.execute("delete from ops.relation")
    run(staged, include)
    assert content(staged) == kept
    assert staged.values("select _id from models.staff") == ["q"]


@pytest.mark.unmodelled
def test_a_failed_rebuild_is_not_repeated_with_every_run(staged: Staged, include: sql.Include) -> None:
    """A rebuild may take long. A failed one is tried again once an hour, and when its file changes."""
    staged.page(COUNTY)
    put(include, "models/weight", WRONG["a value"][0])
    run(staged, include)

    def tries() -> int:
        with recording(staged.connection) as statements:
            assert run(staged, include).failed == ["weight"]
        return len([text for text in statements if text.startswith('insert into "model_data"."weight__new"')])

    assert tries() == 0
    staged.connection.execute("update ops.failing set tried_at = tried_at - interval '61 minutes'")
    assert tries() == 1
    assert tries() == 0
    put(include, "models/weight", WRONG["a value"][0] + "-- changed")
    assert tries() == 1


def test_the_time_of_the_first_failure_stays(staged: Staged, include: sql.Include) -> None:
    staged.page(COUNTY)
    put(include, "models/weight", WRONG["no key"][0])
    run(staged, include)
    since = staged.values("select since from ops.failing")
    run(staged, include)
    assert staged.values("select since from ops.failing") == since


def test_a_name_that_is_taken_is_refused(staged: Staged, include: sql.Include) -> None:
    put(include, "models/person", WEIGHT)
    put(include, "models/area_count", WEIGHT)
    put(include, "models/weight", WEIGHT)
    put(include, "views/weight", "select 1 as one")
    put(include, "marts/patients_by_area", HEAVY)
    staged.page(COUNTY)
    run(staged, include)
    assert {file: "taken" in message for file, message in failing(staged).items()} == dict.fromkeys(
        ("marts/patients_by_area", "models/area_count", "models/person", "views/weight"), True
    )
    assert staged.values("select count(*) from models.person") == [2]


def test_a_file_that_is_not_text_fails(staged: Staged, include: sql.Include) -> None:
    put(include, "models/weight", "")
    (include.deployment / "models" / "weight.sql").write_bytes(b"-- \xff")
    staged.page(COUNTY)
    run(staged, include)
    assert "can't be read" in failing(staged)["models/weight"]


def test_a_deleted_file_fails_no_more(staged: Staged, include: sql.Include) -> None:
    put(include, "models/weight", WRONG["no key"][0])
    put(include, "marts/heavy", HEAVY.replace("-- reads: weight\n", ""))
    staged.page(COUNTY)
    run(staged, include)
    assert list(failing(staged)) == ["marts/heavy", "models/weight"]
    shutil.rmtree(include.deployment)
    run(staged, include)
    assert failing(staged) == {}


def test_a_deleted_file_leaves_its_table_and_is_named(staged: Staged, include: sql.Include) -> None:
    put(include, "models/weight", WEIGHT)
    staged.page(COUNTY)
    assert run(staged, include).left_over == []
    shutil.rmtree(include.deployment)
    staged.page(deleted=["q"])
    assert run(staged, include).left_over == ["weight"]
    assert weights(staged) == {"p": 5, "q": 7}
    put(include, "models/weight", WEIGHT)
    assert run(staged, include).left_over == []
    assert weights(staged) == {"p": 5}


def test_a_failing_view_stops_nothing_else(staged: Staged, include: sql.Include) -> None:
    put(include, "views/light", "select nothing from models.person")
    put(include, "views/heavy", "select uuid from models.person")
    staged.page(COUNTY)
    assert run(staged, include).failed == ["light"]
    assert staged.values("select count(*) from models.heavy") == [2]
    put(include, "views/light", "select uuid from models.person")
    assert run(staged, include).failed == []
    assert staged.values("select count(*) from models.light") == [2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAVY.replace("-- reads: weight\n", ""), "`reads`"),
        (HEAVY.replace("-- reads: weight", "-- reads: nothing"), "`reads`"),
        (HEAVY.replace("max(weight.weight)", "max(weight.height)"), "in line 4 with 42703"),
        (HEAVY.replace("max(weight.weight)", "'x'::int"), "22P02"),
        (HEAVY.replace("group by", "cross join generate_series(1, 2) group by weight.weight,"), "23505"),
        (HEAVY.replace("-- key: source\n", ""), "no `key`"),
        (HEAVY.replace("-- reads", "-- evry: hour\n-- reads"), "has `evry:`"),
    ],
)
def test_a_failing_mart_stops_nothing_else(staged: Staged, include: sql.Include, text: str, said: str) -> None:
    put(include, "models/weight", WEIGHT)
    put(include, "marts/heavy", text)
    staged.page(COUNTY)
    runner.update(staged.connection, include)
    assert "heavy" not in marts.refresh(staged.connection, include)
    assert said in failing(staged)["marts/heavy"]
    put(include, "marts/heavy", HEAVY)
    assert marts.refresh(staged.connection, include) == ["heavy"]
    assert failing(staged) == {}


def test_a_change_of_our_model_rebuilds_the_models_that_read_it(staged: Staged, include: sql.Include) -> None:
    put(include, "models/weight", WEIGHT.replace("person.uuid,", "person.uuid, person.name,"))
    staged.page(COUNTY)
    run(staged, include)
    file = include.sql / "models" / "person.sql"
    file.write_text(file.read_text().replace("    contact.name,", "    'x' as name,"), encoding="utf-8")
    run(staged, include)
    assert staged.values("select distinct name from models.weight") == ["x"]


def test_a_model_with_columns_that_others_read_fails_alone(staged: Staged, include: sql.Include) -> None:
    put(include, "models/weight", WEIGHT)
    staged.page(COUNTY)
    run(staged, include)
    staged.connection.execute("create view public.mine as select weight from models.weight")
    put(include, "models/weight", KILOGRAMS)
    staged.page(deleted=["q"])
    assert run(staged, include).failed == ["weight"]
    assert "public.mine" in failing(staged)["models/weight"]
    assert staged.values("select count(*) from models.person") == [1]
    staged.connection.execute("drop view public.mine")
    staged.connection.execute("update ops.failing set tried_at = tried_at - interval '61 minutes'")
    assert run(staged, include).failed == []
    rows: list[Any] = staged.values("select kilograms from models.weight")
    assert rows == [5]


def test_readers_of_a_model_that_could_not_be_replaced_stay(
    staged: Staged, include: sql.Include, warehouse: str
) -> None:
    """Another view has begun to read its column after the rebuild began."""
    put(include, "models/weight", WEIGHT)
    put(include, "models/staff", STAFF)
    staged.page([*COUNTY, {"_id": "u", "type": "user-settings", "contact_id": "p", "language": "s"}])
    run(staged, include)
    put(include, "models/weight", KILOGRAMS)
    staged.page(deleted=["q"])
    with opened(warehouse) as other:

        def read(_: int) -> None:
            if any(text.startswith('insert into "model_data"."weight__new"') for text in statements) and not reads:
                reads.append(other.connection.execute("create view public.mine as select weight from models.weight"))

        reads: list[Any] = []
        with recording(staged.connection, read) as statements:
            assert run(staged, include).failed == ["weight"]
    assert reads
    assert staged.values("select count(*) from models.person") == [1]
    assert staged.values("select _id from models.staff") == ["p"]
    staged.connection.execute("drop view public.mine")
    staged.connection.execute("update ops.failing set tried_at = tried_at - interval '61 minutes'")
    assert run(staged, include).failed == []
    assert staged.values("select kilograms from models.weight") == [5]


CHECK = """-- Nobody weighs nothing.
-- level: fail
-- every: run
-- reads: weight
-- repair: Correct the document
select weight.source, null as area_uuid, 'weighs nothing' as problem from models.weight as weight
where weight.weight = 0
"""
TODAY = datetime.date(2026, 11, 24)


def test_a_check_of_the_deployment(staged: Staged, include: sql.Include) -> None:
    put(include, "models/weight", WEIGHT)
    put(include, "checks/weighed", CHECK)
    staged.page(COUNTY)
    run(staged, include)
    assert checks.run(staged.connection, TODAY, include=include) == []
    staged.page([{**COUNTY[2], "weight": 0}])
    run(staged, include)
    with pytest.raises(CheckFailed, match="weighed finds 1 in demo/medic"):
        checks.run(staged.connection, TODAY, include=include)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CHECK.replace("-- level: fail\n", ""), "lacks a level"),
        (CHECK.replace("weight.weight =", "weight.height ="), "The SQL of weighed failed in line 7 with 42703"),
        ("-- after: nothing\n" + CHECK, "names nothing"),
    ],
)
def test_a_failing_check_stops_nothing_else(staged: Staged, include: sql.Include, text: str, said: str) -> None:
    put(include, "models/weight", WEIGHT)
    put(include, "checks/weighed", text)
    staged.page(COUNTY)
    run(staged, include)
    for _ in range(2):
        with pytest.raises(ModelFailed, match=said):
            checks.run(staged.connection, TODAY, include=include)
    assert "kept_counts" in staged.values("select name from ops.check_state")
    put(include, "checks/weighed", CHECK)
    assert checks.run(staged.connection, TODAY, include=include) == []


def test_the_example_works(staged: Staged, include: sql.Include) -> None:
    shutil.copytree(EXAMPLE, include.deployment)
    fields = {"patient_uuid": "p", "lmp_date_8601": "2023-11-01"}
    submitter = {"_id": "w", "parent": {"_id": "h"}}
    report = {"type": "data_record", "form": "pregnancy", "reported_date": 1700000000000, "contact": submitter}
    staged.page([*COUNTY, {**report, "_id": "r", "fields": fields}, {**report, "_id": "s", "fields": {}}])
    assert run(staged, include).failed == []
    assert staged.rows("select _id, subject_uuid, lmp_on::text from models.pregnancy order by 1") == [
        ("r", "p", "2023-11-01"),
        ("s", None, None),
    ]
    mart = "select area_uuid, month::text, pregnancies, risky from marts.pregnancies_by_area"
    assert staged.rows(mart) == [("h", "2023-11-01", 1, 0)]
    assert checks.run(staged.connection, TODAY, include=include) == []
    staged.page([{**report, "_id": "s", "fields": {**fields, "lmp_date_8601": "2024-11-01"}}])
    run(staged, include)
    (finding,) = checks.run(staged.connection, TODAY, include=include)
    assert str(finding) == "lmp_before_report finds 1 in demo/medic (a last menstruation after the report)"
    for folder in ("models", "marts"):
        for path in sorted((include.deployment / folder).glob("*.sql")):
            file = definition.parse(path.stem, path.read_text(encoding="utf-8"))
            columns = [column for column, _ in comments.columns(staged.connection, f"{folder}.{file.name}")]
            assert [column for column in columns if not file.meaning(column)] == []
