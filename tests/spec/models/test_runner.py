"""The runner of the models: by batch, in one transaction, and with the same result however often it is killed."""

import pytest
from cht_sync import sql
from cht_sync.errors import ConfigurationInvalid, ModelFailed
from cht_sync.models import runner
from cht_sync.models.files import definition
from cht_sync.reports import marts

from tests.lib.recording import recording
from tests.lib.road import COUNTY, run
from tests.lib.staged import SOURCE, Staged, opened
from tests.lib.ways import change

TALLIES = {"report_month", "submission_month", "visit_month", "registration_month"}


def test_nothing_new_costs_one_statement_each(staged: Staged) -> None:
    staged.page(COUNTY)
    run(staged)
    with recording(staged.connection) as statements:
        assert runner.update(staged.connection) == runner.Update()
        assert len(statements) == 1
        assert marts.refresh(staged.connection) == []
        assert len(statements) == 2


def test_a_page_without_rows_changes_nothing(staged: Staged) -> None:
    staged.page(COUNTY)
    run(staged)
    staged.page()
    with recording(staged.connection) as statements:
        runner.update(staged.connection)
    assert len(statements) == 1


def test_the_lock_is_taken_before_the_snapshot(staged: Staged) -> None:
    staged.page(COUNTY)
    with recording(staged.connection) as statements:
        runner.update(staged.connection)
    locked = next(n for n, text in enumerate(statements) if "pg_advisory_lock" in text)
    isolated = next(n for n, text in enumerate(statements) if "repeatable read" in text)
    assert locked < isolated < next(n for n, text in enumerate(statements) if "into pg_temp.todo" in text)


def test_only_changed_rows_are_written(staged: Staged) -> None:
    staged.page(COUNTY)
    staged.update()
    staged.page([{**COUNTY[2], "name": "other"}])
    update = staged.update()
    assert update.changed == 1
    assert {name: rows for name, rows in update.models.items() if rows} == {"contact": 2, "person": 2, "patient": 2}


def test_only_sources_with_changes_are_read(staged: Staged) -> None:
    staged.source("other/medic")
    staged.page(COUNTY, source="other/medic")
    staged.page(COUNTY)
    staged.update()
    staged.page(COUNTY[2:3])
    rows = "select source, xmin::text from model_data.person order by source, _id"
    before = staged.rows(rows)
    staged.update()
    after = staged.rows(rows)
    assert [row for row in after if row[0] == "other/medic"] == [row for row in before if row[0] == "other/medic"]
    assert after != before


def test_documents_that_no_model_reads_change_nothing(staged: Staged) -> None:
    staged.page(COUNTY)
    run(staged)
    staged.page([{"_id": "form:f", "type": "form"}])
    assert sum(staged.update().models.values()) == 0
    assert marts.refresh(staged.connection) == []


def test_a_page_that_comes_during_a_run_waits_for_the_next(staged: Staged, warehouse: str) -> None:
    staged.page(COUNTY)
    staged.update()
    staged.page([{"_id": "r", "type": "person", "parent": {"_id": "h"}}])
    with opened(warehouse) as other:

        def write(number: int) -> None:
            if "from staging.document" in statements[number - 1] and not written:
                written.append(number)
                other.page([{"_id": "s", "type": "person", "parent": {"_id": "h"}}])

        written: list[int] = []
        with recording(staged.connection, write) as statements:
            staged.update()
        assert written
    assert staged.counts()["h"]["total_persons"] == 2
    staged.update()
    assert staged.counts()["h"]["total_persons"] == 3


def test_each_model_catches_up_from_its_own_batch(staged: Staged) -> None:
    staged.page(COUNTY[:2])
    staged.page(COUNTY[2:3])
    staged.page([{"_id": "r", "type": "data_record", "form": "f"}])
    staged.update()
    staged.connection.execute("update ops.model_state set batch = 1 where model in ('person', 'data_record')")
    staged.connection.execute("delete from model_data.person")
    staged.connection.execute("delete from model_data.data_record")
    update = staged.update()
    assert update.changed == 2
    assert {name: rows for name, rows in update.models.items() if rows} == {
        "person": 1,
        "patient": 2,
        "data_record": 1,
        "registration_month": 1,  # of the row that was taken out by hand
        "report": 2,
    }
    assert staged.values("select distinct batch from ops.model_state") == [3]


@pytest.mark.parametrize("step", ["make", "refresh"])
def test_changes_during_a_refresh_are_in_the_next_one(staged: Staged, warehouse: str, step: str) -> None:
    staged.page(COUNTY)
    if step == "refresh":
        run(staged)
        staged.page([{"_id": "r", "type": "person", "parent": {"_id": "h"}}])
    staged.update()
    with opened(warehouse) as other:

        def write(number: int) -> None:
            is_its = any('"marts"."patients_by_area"' in text for text in statements)
            if is_its and "insert into ops.mart_state" in statements[number - 1] and not written:
                written.append(number)
                other.page([{"_id": "s", "type": "person", "parent": {"_id": "h"}}])
                other.update()

        written: list[int] = []
        with recording(staged.connection, write) as statements:
            marts.refresh(staged.connection)
        assert written
    current = "select is_current from marts.freshness where mart = 'patients_by_area'"
    assert staged.values(current) == [False]
    assert "patients_by_area" in marts.refresh(staged.connection)
    totals = "select total_persons from {} where area_uuid = 'd'"
    assert staged.values(totals.format("marts.patients_by_area")) == staged.values(totals.format("models.area_count"))


def test_a_source_that_is_copied_again_is_counted_as_a_whole(staged: Staged) -> None:
    staged.page(COUNTY)
    staged.page(COUNTY[:1])
    staged.update()
    staged.connection.execute("delete from staging.document")
    staged.connection.execute("update ops.checkpoint set batch = 0")
    staged.page(COUNTY[:2])
    staged.update()
    assert staged.values("select uuid from models.contact order by uuid") == ["d", "h"]
    assert staged.counts()["d"]["total_persons"] == 0


def test_a_changed_file_is_rebuilt_with_its_readers(staged: Staged, include: sql.Include) -> None:
    staged.page(COUNTY)
    run(staged)
    staged.connection.execute("create view public.mine as select uuid, name from models.contact")
    tables = "select relname, oid from pg_class where relnamespace = 'model_data'::regnamespace and relkind = 'r'"
    before = set(staged.rows(tables))
    change(include, "models/contact", "doc.name,", "upper(doc.name) as name,")
    change(include, "models/contact", "as lineage", "as lineage,\n    length(doc.name) as letters")
    update = runner.update(staged.connection, include)
    assert {name for name, rows in update.models.items() if rows} == {
        *("contact", "place", "person", "patient", "registration_month")
    }
    rebuilt = {name for name, _ in set(staged.rows(tables)) - before}
    assert rebuilt == {"contact", "place", "person", "patient", "report", "duplicate", "impossible_date"} | TALLIES
    assert staged.values("select count(letters) from public.mine join models.contact using (uuid)") == [0]
    assert runner.update(staged.connection, include) == runner.Update()
    staged.page([{"_id": "d", "type": "clinic", "name": "dee"}])
    runner.update(staged.connection, include)
    assert staged.values("select name from public.mine where uuid = 'd'") == ["DEE"]


def test_a_changed_definition_of_the_counts_counts_again(staged: Staged, include: sql.Include) -> None:
    staged.page(COUNTY)
    staged.update()
    change(include, "models/counts/whole/fold_place", "'unplaced' as name", "'nowhere' as name")
    assert runner.update(staged.connection, include).models["place_count"] == 4
    assert staged.values("select name from models.area_count where area_uuid = ''") == ["nowhere"]


def test_a_run_leaves_nothing_in_the_session(staged: Staged) -> None:
    staged.page(COUNTY)
    run(staged)
    left = "select relname from pg_class where relnamespace = pg_my_temp_schema() and relkind in ('r', 'v')"
    assert staged.values(left) == []


def test_a_new_file_is_used(staged: Staged, include: sql.Include) -> None:
    staged.page(COUNTY)
    staged.update()
    text = "-- One row per thing.\n-- key: source, _id\nselect source, _id, type as kind from document"
    (include.sql / "models" / "thing.sql").write_text(text, encoding="utf-8")
    runner.update(staged.connection, include)
    assert staged.values("select count(*) from models.thing") == [4]
    assert staged.values("select obj_description('models.thing'::regclass)") == ["One row per thing. Key: source, _id."]


def test_a_removed_column_is_reported_with_its_readers(staged: Staged, include: sql.Include) -> None:
    staged.page(COUNTY)
    run(staged)
    staged.connection.execute("create view public.mine as select uuid, notes from models.contact")
    change(include, "models/contact", "-- notes: As written\n", "")
    change(include, "models/contact", "    doc.notes,\n", "")
    with pytest.raises(ModelFailed, match=r"models\.contact.*public\.mine"):
        runner.update(staged.connection, include)
    assert staged.values("select count(*) from public.mine") == [4]
    staged.connection.execute("drop view public.mine")
    runner.update(staged.connection, include)
    marts.refresh(staged.connection, include)
    assert staged.values("select count(*) from marts.patients_by_area") == [2]
    assert staged.values("select count(*) from models.contact_type") == [3]


def test_a_failing_model_is_named_without_contents_of_documents(staged: Staged, include: sql.Include) -> None:
    staged.page([{"_id": "p", "type": "person", "name": "Adriana"}])
    change(include, "models/contact", "doc.name,", "doc.name::int as name,")
    with pytest.raises(ModelFailed) as failure:
        runner.update(staged.connection, include)
    assert str(failure.value).startswith("The SQL of contact failed with 22P02 (InvalidTextRepresentation). ")
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__
    assert staged.values("select count(*) from ops.model_state") == [0]


def test_a_mistake_in_a_file_is_reported_with_its_line(staged: Staged, include: sql.Include) -> None:
    staged.page(COUNTY)
    staged.update()
    change(include, "models/user", "    doc.language,", "    doc.langage,")
    with pytest.raises(ModelFailed, match=r"The SQL of user failed in line 15 with 42703 \(UndefinedColumn\)"):
        runner.update(staged.connection, include)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-- after: nothing\nselect 1", "names nothing in `after`"),
        ("-- after: mine\nselect 1", "is in a cycle of `after`"),
        ("-- key: source; drop\nselect 1", "'source; drop'"),
    ],
)
def test_a_header_that_cannot_be_read(include: sql.Include, text: str, said: str) -> None:
    (include.sql / "models" / "mine.sql").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match=said):
        definition.folder("models", include)


def test_every_table_has_the_source_in_its_key(staged: Staged) -> None:
    staged.update()
    keys = staged.rows("""
        select relation.relname, attribute.attname
        from pg_index
        join pg_class as relation on relation.oid = pg_index.indrelid
        join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum = pg_index.indkey[0]
        where pg_index.indisunique
            and relation.relnamespace in ('model_data'::regnamespace, 'marts'::regnamespace, 'history'::regnamespace)
    """)
    assert {column for _, column in keys} == {"source"}
    assert SOURCE in staged.values("select source from models.area_count")


def test_texts_that_are_keys_are_compared_byte_by_byte(staged: Staged) -> None:
    staged.update()
    others = staged.rows("""
        select format('%I.%I', attribute.attrelid::regclass, attribute.attname)
        from pg_index
        join pg_attribute as attribute
            on attribute.attrelid = pg_index.indrelid and attribute.attnum = any(pg_index.indkey::smallint[])
        join pg_collation on pg_collation.oid = attribute.attcollation
        where pg_index.indrelid in (select oid from pg_class where relnamespace = 'model_data'::regnamespace)
            and pg_collation.collname <> 'C'
    """)
    assert others == []
