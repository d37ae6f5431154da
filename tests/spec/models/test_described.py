"""Every relation and every column that people read is described in the warehouse, and in docs/models.md."""

import shutil
from pathlib import Path

import pytest
from cht_sync import sql
from cht_sync.models import runner
from cht_sync.models.files import comments, definition
from cht_sync.reports import marts

from tests.lib.staged import Staged
from tools import docs

WITHOUT = """
    select pg_class.relname || '.' || attribute.attname
    from pg_class
    join pg_attribute as attribute on attribute.attrelid = pg_class.oid and attnum >= 0 and not attisdropped
    where pg_class.relnamespace in ('models'::regnamespace, 'marts'::regnamespace)
        and pg_class.relname = any(%s)
        and col_description(pg_class.oid, attribute.attnum) is null
"""


def made(staged: Staged) -> Staged:
    staged.update()
    marts.refresh(staged.connection)
    return staged


def test_the_page_is_what_the_headers_say(staged: Staged) -> None:
    assert docs.page(made(staged).connection) == docs.PAGE.read_text(encoding="utf-8"), "run make docs"


@pytest.mark.parametrize("folder", docs.CHAPTERS)
def test_every_column_has_a_description(staged: Staged, folder: str) -> None:
    files = definition.folder(folder)
    assert [file.name for file in files if not file.about] == []
    assert made(staged).values(WITHOUT, [[file.name for file in files]]) == []


@pytest.mark.parametrize("folder", docs.CHAPTERS)
def test_no_header_names_a_missing_column(staged: Staged, folder: str) -> None:
    made(staged)
    schema = docs.CHAPTERS[folder][0]
    for file in definition.folder(folder):
        there = [name for name, _ in comments.columns(staged.connection, f"{schema}.{file.name}")]
        for name, _ in file.columns:
            assert [column for column in there if definition.covers(name, column)], name


def test_a_relations_comment_has_its_grain_and_key(staged: Staged) -> None:
    about = "select obj_description('models.person'::regclass)"
    assert made(staged).values(about) == ["One row per person, living or deceased. Key: source, _id."]


@pytest.fixture
def include(tmp_path: Path) -> sql.Include:
    shutil.copytree(sql.INCLUDE.sql, tmp_path / "sql")
    return sql.Include(tmp_path / "sql", tmp_path / "deployment")


def test_changed_words_are_written_and_rebuild_nothing(staged: Staged, include: sql.Include) -> None:
    staged.page([{"_id": "p", "type": "person"}])
    made(staged)
    tables = "select oid from pg_class where relnamespace = 'model_data'::regnamespace order by oid"
    before = staged.values(tables)
    file = include.sql / "models" / "person.sql"
    file.write_text(file.read_text().replace("-- sex: As written", "-- sex: In words"), encoding="utf-8")
    update = runner.update(staged.connection, include)
    assert sum(update.models.values()) == 0
    assert staged.values(tables) == before
    assert staged.values("select col_description('models.person'::regclass, 5)") == ["In words"]
    assert runner.update(staged.connection, include) == runner.Update()


def test_a_header_is_read_by_its_lines() -> None:
    file = definition.parse(
        "thing",
        "-- One row per thing.\n-- It has more: words.\n-- a, b: Both\n-- c_*: Many\n-- key: source, a\n"
        "-- affected:\n--   select a: b\nselect 1\n-- d: not in the header\n",
    )
    assert file.about == "One row per thing. It has more: words."
    assert [file.meaning(name) for name in ("a", "b", "c_d", "d", "source")] == [
        "Both",
        "Both",
        "Many",
        None,
        definition.COMMON["source"],
    ]
    assert file.affected == "select a: b"
