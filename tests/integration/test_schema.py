"""Migrations: once each, in order, by many tasks at once."""

import datetime
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg
import pytest
from cht_sync import errors, sql
from cht_sync import warehouse as warehouses
from cht_sync.warehouse import migrations


@pytest.fixture
def include(tmp_path: Path) -> sql.Include:
    """A copy of the migrations, to be changed."""
    shutil.copytree(sql.INCLUDE.sql / "warehouse", tmp_path / "sql" / "warehouse")
    return sql.Include(tmp_path / "sql", tmp_path / "deployment")


def migrate(dsn: str, include: sql.Include = sql.INCLUDE) -> list[str]:
    with warehouses.connect(partial(psycopg.connect, dsn)) as connection:
        return migrations.migrate(connection, include)


def test_each_is_applied_once(empty_warehouse: str) -> None:
    applied = migrate(empty_warehouse)
    assert applied == [file.stem for file in sql.files("warehouse")]
    before = ledger(empty_warehouse)
    assert [name for name, _ in before] == applied
    assert migrate(empty_warehouse) == []
    assert ledger(empty_warehouse) == before


def ledger(dsn: str) -> list[tuple[str, datetime.datetime]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("select name, applied_at from ops.migration order by name").fetchall()


def test_numbers_are_contiguous() -> None:
    """Two files that were added at the same time would share a number, and their order would be that of their names."""
    numbers = [int(file.stem[:4]) for file in sql.files("warehouse")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_many_at_once_apply_each_once(empty_warehouse: str) -> None:
    with ThreadPoolExecutor(8) as tasks:
        done = list(tasks.map(lambda _: migrate(empty_warehouse), range(8)))
    assert sorted(name for applied in done for name in applied) == [file.stem for file in sql.files("warehouse")]


def test_one_that_fails_leaves_nothing_and_is_applied_when_mended(empty_warehouse: str, include: sql.Include) -> None:
    file = include.sql / "warehouse" / "9999_new.sql"
    file.write_text("create table ops.new (n int); select 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty_warehouse, include)
    file.write_text("create table ops.new (n int)")
    assert migrate(empty_warehouse, include) == ["9999_new"]


def test_a_changed_file_is_an_error(empty_warehouse: str, include: sql.Include) -> None:
    migrate(empty_warehouse, include)
    file = sorted((include.sql / "warehouse").glob("*.sql"))[0]
    file.write_text(file.read_text() + "\n-- changed")
    with pytest.raises(errors.SchemaMismatch, match=f"{file.stem} was changed"):
        migrate(empty_warehouse, include)


def test_a_warehouse_of_a_later_version_is_an_error(empty_warehouse: str, include: sql.Include) -> None:
    file = include.sql / "warehouse" / "9999_later.sql"
    file.write_text("select 1")
    migrate(empty_warehouse, include)
    file.unlink()
    with pytest.raises(errors.SchemaMismatch, match="9999_later"):
        migrate(empty_warehouse, include)
