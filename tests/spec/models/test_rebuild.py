"""The table of a changed file is rebuilt in chunks, next to the table that is read. A killed rebuild resumes."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cht_sync import sql
from cht_sync.errors import AnotherRun, ModelFailed
from cht_sync.models import runner

from tests.lib import tables
from tests.lib.contents import content
from tests.lib.recording import Killed, recording
from tests.lib.staged import SOURCE, Staged, opened
from tests.lib.ways import change

PLACES = tables.documents("""
    _id | type     | parent
    d   | district |
    h   | clinic   | d
""")


def persons(first: int, last: int, **more: Any) -> list[dict[str, Any]]:
    """Documents so large that a page of a partition holds few of them."""
    parent = {"_id": "h", "parent": {"_id": "d"}}
    return [
        {"_id": f"p{n:03}", "type": "person", "parent": parent, "patient_id": str(n), "notes": "x" * 700, **more}
        for n in range(first, last)
    ]


REPORTS = [
    {"_id": f"r{n:03}", "type": "data_record", "form": "f", "patient_id": str(n), "notes": "x" * 700} for n in range(60)
]
USER = {"_id": "u", "type": "user-settings", "contact_id": "p001"}


@pytest.fixture
def include(tmp_path: Path) -> sql.Include:
    shutil.copytree(sql.INCLUDE.sql, tmp_path / "sql")
    return sql.Include(tmp_path / "sql", tmp_path / "deployment")


@pytest.fixture
def county(staged: Staged) -> Staged:
    """Three pages of documents that the models have taken in."""
    staged.page([*PLACES, USER, *persons(0, 30)])
    staged.page(persons(30, 60))
    staged.page(REPORTS)
    staged.update()
    return staged


def update(staged: Staged, include: sql.Include = sql.INCLUDE) -> runner.Update:
    """A run of the models that rebuilds two pages per chunk."""
    return runner.update(staged.connection, include, blocks=2)


def fills(statements: list[str], model: str) -> list[int]:
    return [n for n, text in enumerate(statements) if text.startswith(f'insert into "model_data"."{model}__new"')]


def between_chunks(statements: list[str]) -> bool:
    return "select kept.model, kept.base, kept.upto" in statements[-1]


def rebuilt(staged: Staged) -> dict[str, list[Any]]:
    """All tables, rebuilt from nothing."""
    staged.connection.execute("delete from ops.relation")
    staged.update()
    return content(staged)


def test_a_rebuild_in_chunks_gives_the_same_tables(county: Staged) -> None:
    before = content(county)
    county.connection.execute("delete from ops.relation")
    with recording(county.connection) as statements:
        done = update(county)
    assert len(fills(statements, "person")) > 4
    assert content(county) == before
    assert (done.models["person"], done.models["report"]) == (60, 60)
    assert update(county) == runner.Update()
    assert county.values("select count(*) from ops.rebuild") == [0]


def test_only_a_changed_model_and_its_readers_are_rebuilt(county: Staged, include: sql.Include) -> None:
    change(include, "models/person", "    doc.sex,", "    upper(doc.sex) as sex,")
    with recording(county.connection) as statements:
        update(county, include)
    assert [bool(fills(statements, name)) for name in ("contact", "person", "patient", "report")] == [
        False,
        True,
        True,
        True,
    ]


def test_a_rebuild_that_is_killed_between_chunks_resumes(county: Staged, warehouse: str, include: sql.Include) -> None:
    change(include, "models/person", "contact.name,", "upper(contact.name) as name,")

    def kill(_: int) -> None:
        if len(fills(statements, "person")) == 4:
            raise Killed

    with opened(warehouse) as other:
        with recording(other.connection, kill) as statements, pytest.raises(Killed):
            update(other, include)
        other.connection.close()
    assert county.values("select count(*) from models.person") == [60]
    (done, pages) = county.row("select upto, blocks from ops.rebuild_source where model = 'person'")
    assert done == 6
    with recording(county.connection) as statements:
        update(county, include)
    assert len(fills(statements, "person")) == -(-(pages - done) // 2)
    kept = content(county)
    county.connection.execute("delete from ops.relation")
    runner.update(county.connection, include)
    assert content(county) == kept


def test_readers_see_the_old_table_during_a_rebuild(county: Staged, warehouse: str, include: sql.Include) -> None:
    change(include, "models/person", "contact.name,", "'another' as name,")
    names = "select distinct name from models.person"
    with opened(warehouse) as other:
        seen: list[Any] = []

        def look(_: int) -> None:
            # from this statement on, the view is locked until the commit
            if not any(text.startswith('create or replace view "models"') for text in statements):
                seen.append(other.values(names))

        with recording(county.connection, look) as statements:
            update(county, include)
    assert len(seen) > 50
    assert [names for names in seen if names != [None]] == []
    assert county.values(names) == ["another"]


Step = Callable[[Staged], None]


def _page(*documents: dict[str, Any], deleted: list[str] | None = None, source: str = SOURCE) -> Step:
    return lambda staged: staged.page(documents, deleted=deleted or [], source=source)


STEPS: dict[str, Step] = {
    "an edit": _page(*persons(5, 50, phone="1")),
    "a deletion": _page(deleted=["p000", "p010", "p059", "r020"]),
    "another type": _page({"_id": "p010", "type": "clinic"}, {"_id": "h", "type": "person"}),
    "another account": _page({**USER, "contact_id": "p059"}),
    "codes that change hands": _page(
        {"_id": "p003", "type": "person", "patient_id": "50"}, {"_id": "p050", "type": "person", "patient_id": "3"}
    ),
    "settings": _page({"_id": "settings", "settings": {"contact_types": [{"id": "clinic", "person": True}]}}),
    "new documents": _page(*persons(60, 90)),
}


@pytest.mark.unmodelled
@pytest.mark.parametrize("begun", [1, 2, 3])
def test_a_page_that_comes_while_a_rebuild_begins_is_taken_in(staged: Staged, warehouse: str, begun: int) -> None:
    """It comes after the size of the partition was read, in a later page; one of the models reads no others."""
    staged.page([*PLACES, *persons(0, 60)])
    with opened(warehouse) as other:

        def write(_: int) -> None:
            if [("pg_relation_size" in text) for text in statements[:-1]].count(True) == begun and not written:
                written.append(other.page([*persons(60, 360), *REPORTS]))

        written: list[Any] = []
        with recording(staged.connection, write) as statements:
            update(staged)
    assert written
    update(staged)
    kept = content(staged)
    assert kept == rebuilt(staged)
    assert staged.values("select count(*) from models.person union all select count(*) from models.report") == [360, 60]


@pytest.mark.unmodelled
def test_persons_who_change_or_go_during_the_first_run(staged: Staged, warehouse: str) -> None:
    staged.page([*PLACES, *persons(0, 60)])
    with opened(warehouse) as other:

        def write(_: int) -> None:
            if len(fills(statements, "person")) == 3 and not written:
                written.append(other.page(persons(0, 5, phone="1"), deleted=["p006", "p059"]))

        written: list[Any] = []
        with recording(staged.connection, write) as statements:
            update(staged)
    assert written
    assert staged.values("select count(*) from models.person") == [58]
    assert staged.values("select count(*) from history.removed_person") == [0]
    kept = content(staged)
    assert kept == rebuilt(staged)


@pytest.mark.parametrize("model", ["user", "person", "report"])
@pytest.mark.parametrize("name", STEPS)
def test_a_page_that_comes_during_a_rebuild_is_taken_in(county: Staged, warehouse: str, name: str, model: str) -> None:
    """It comes at the third chunk of that model; the next run sees nothing new."""
    county.connection.execute("delete from ops.relation")
    with opened(warehouse) as other:

        def write(_: int) -> None:
            if len(fills(statements, model)) == 3 and not written:
                written.append(name)
                STEPS[name](other)

        written: list[str] = []
        with recording(county.connection, write) as statements:
            update(county)
    assert written
    assert update(county) == runner.Update()
    kept = content(county)
    assert rebuilt(county) == kept


def test_a_source_that_comes_during_a_rebuild(county: Staged, warehouse: str) -> None:
    county.connection.execute("delete from ops.relation")
    with opened(warehouse) as other:

        def write(_: int) -> None:
            # between two chunks: a partition is created, which would wait for a reading transaction to end
            if fills(statements, "person") and between_chunks(statements) and not county_of:
                county_of.append("other/medic")
                other.source("other/medic")
                other.page(persons(0, 9), source="other/medic")

        county_of: list[str] = []
        with recording(county.connection, write) as statements:
            update(county)
    assert county.values("select count(*) from models.person where source = 'other/medic'") == [9]
    kept = content(county)
    assert rebuilt(county) == kept


def stop(dsn: str, include: sql.Include, model: str, chunks: int) -> None:
    """Kills a run at that chunk."""
    with opened(dsn) as other:

        def kill(_: int) -> None:
            if len(fills(statements, model)) == chunks:
                raise Killed

        with recording(other.connection, kill) as statements, pytest.raises(Killed):
            update(other, include)
        other.connection.close()


def test_a_rebuild_starts_again_if_its_file_changes_again(county: Staged, warehouse: str, include: sql.Include) -> None:
    change(include, "models/contact", "doc.name,", "'one' as name,")
    stop(warehouse, include, "person", 4)
    change(include, "models/contact", "'one' as name,", "'two' as name,")
    with recording(county.connection) as statements:
        update(county, include)
    assert len(fills(statements, "contact")) > 4
    assert county.values("select distinct name from models.person") == ["two"]


def test_an_unfinished_rebuild_of_a_restored_file_is_dropped(
    county: Staged, warehouse: str, include: sql.Include
) -> None:
    change(include, "models/person", "contact.name,", "'another' as name,")
    stop(warehouse, include, "person", 2)
    county.page(persons(0, 1))
    update(county)
    left = "select relname from pg_class where relname like '%\\_\\_new' and relkind = 'r'"
    assert county.values(left) == []
    assert county.values("select count(*) from ops.rebuild") == [0]


def test_a_rebuild_of_a_rewritten_partition_starts_again(county: Staged, warehouse: str, include: sql.Include) -> None:
    change(include, "models/person", "contact.name,", "'another' as name,")
    stop(warehouse, include, "person", 4)
    partition = county.values("select distinct tableoid::regclass::text from staging.document")[0]
    county.connection.execute("delete from staging.document where _id < 'p030' and _id > 'h'")
    county.page([*persons(0, 30), *PLACES])
    county.connection.execute(f"vacuum full {partition}")
    update(county, include)
    kept = content(county)
    county.connection.execute("delete from ops.relation")
    runner.update(county.connection, include)
    assert content(county) == kept


def test_a_partition_rewritten_between_two_chunks_stops_the_run(
    county: Staged, warehouse: str, include: sql.Include
) -> None:
    change(include, "models/person", "contact.name,", "'another' as name,")
    partition = county.values("select distinct tableoid::regclass::text from staging.document")[0]
    with opened(warehouse) as other:

        def write(_: int) -> None:
            if between_chunks(statements) and len(fills(statements, "person")) == 3 and not written:
                written.append(1)
                other.connection.execute(f"vacuum full {partition}")

        written: list[int] = []
        with recording(county.connection, write) as statements, pytest.raises(AnotherRun):
            update(county, include)
    assert written
    assert update(county, include).models["person"] == 60


def test_views_that_would_break_are_reported_before_the_rebuild(county: Staged, include: sql.Include) -> None:
    county.connection.execute("create view public.mine as select uuid, notes from models.contact")
    change(include, "models/contact", "-- notes: As written\n", "")
    change(include, "models/contact", "    doc.notes,\n", "")
    with recording(county.connection) as statements, pytest.raises(ModelFailed, match=r"public\.mine"):
        update(county, include)
    assert fills(statements, "contact") == []


def test_two_rows_with_one_key_are_reported_with_the_file(county: Staged, include: sql.Include) -> None:
    text = (
        "-- One row per thing.\n-- key: source, _id\nselect source, _id from document cross join generate_series(1, 2)"
    )
    (include.sql / "models" / "thing.sql").write_text(text, encoding="utf-8")
    with pytest.raises(ModelFailed, match=r"The SQL of thing failed in `its key or an index` with 23505"):
        update(county, include)
