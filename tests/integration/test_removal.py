"""An instance that is taken away: nothing of it is left, nothing else is touched, and a kill loses nothing."""

import datetime
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
from cht_sync import instances
from cht_sync import warehouse as warehouses
from cht_sync.copy import checkpoint, write
from cht_sync.couchdb.rows import Row
from cht_sync.errors import AnotherRun, CheckpointMoved, ConfigurationInvalid
from cht_sync.models import runner
from cht_sync.operate import removal
from cht_sync.reports import history, marts
from psycopg import sql as statement

from tests.lib import extent
from tests.lib.kills import kill, statements
from tests.lib.pages import IDENTITY, SOURCE, Page, Warehouse, doc

OTHER = "nairobi/medic"
EMPTY = instances.Configuration("Africa/Nairobi")
BOTH = instances.Configuration(
    "Africa/Nairobi",
    tuple(instances.Instance(name, "couchdb", ("medic",)) for name in ("kitui", "nairobi")),
)
ONE = instances.Configuration(BOTH.timezone, BOTH.instances[1:])


def rows() -> list[Row]:
    return [
        doc("settings", '{"settings":{"contact_types":[]}}'),
        doc("area", '{"type":"health_center","name":"Area"}'),
        doc("house", '{"type":"clinic","parent":{"_id":"area"}}'),
        doc("ana", '{"type":"person","patient_id":"1","parent":{"_id":"house"},"reported_date":1700000000000}'),
        doc("lost", '{"type":"person","parent":{"_id":"nowhere"}}'),
        doc("huge", '{"n":1e200000}'),
    ]


def fill(connection: warehouses.Connection) -> None:
    both = Warehouse(connection)
    write.prepare(connection, {OTHER: ("nairobi", "medic")})
    for source in (SOURCE, OTHER):
        both.write(*rows(), source=source)
    runner.update(connection)
    marts.refresh(connection)
    history.count_day(connection, datetime.date(2023, 11, 15), "Africa/Nairobi")
    connection.execute("insert into ops.extract_run (source, mode) select source, 'incremental' from ops.source")
    connection.execute("insert into ops.stale_source (source) select source from ops.source")
    connection.execute("insert into ops.erased (instance, digest) select instance, '' from ops.source")


TABLES = """
    select nspname::text, relname::text
    from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'p', 'm') and not relispartition
        and nspname in ('ops', 'staging', 'model_data', 'models', 'marts', 'history')
        and (nspname, relname) not in (('ops', 'migration'), ('ops', 'relation'), ('ops', 'mart_state'),
        ('ops', 'erased'))
    order by 1, 2
"""


def content(connection: warehouses.Connection, instance: str) -> dict[str, list[Any]]:
    """All rows of every table that name the instance."""
    found = {}
    for schema, name in connection.execute(TABLES).fetchall():
        query = statement.SQL("select kept::text from {} as kept where kept::text like {} order by 1").format(
            statement.Identifier(schema, name), statement.Literal(f"%{instance}%")
        )
        found[f"{schema}.{name}"] = connection.execute(query).fetchall()
    return found


@pytest.fixture
def filled(warehouse: str) -> Iterator[warehouses.Connection]:
    with warehouses.connect(partial(psycopg.connect, warehouse)) as connection:
        fill(connection)
        yield connection


def test_nothing_of_it_is_left_and_another_instance_is_as_before(filled: warehouses.Connection) -> None:
    before, other = content(filled, "kitui"), content(filled, "nairobi")
    assert {"staging.document", "ops.checkpoint", "ops.rejected_document", "ops.extract_run", "ops.model_state"} <= {
        name for name, kept in before.items() if kept
    }
    assert {"model_data.person", "model_data.place_count", "history.area_day", "marts.patients_by_area"} <= {
        name for name, kept in before.items() if kept
    }
    assert removal.left_over(filled, ONE) == ["kitui"]
    assert removal.remove(filled, ONE, "kitui") == [SOURCE]
    runner.update(filled)
    assert "patients_by_area" in marts.refresh(filled)
    assert [name for name, kept in content(filled, "kitui").items() if kept] == []
    # as of when the mart's own refresh was, and which documents the removed ones have hidden in v1
    noted = ("ops.mart_source", "ops.shadowed")
    assert {name: kept for name, kept in content(filled, "nairobi").items() if name not in noted} == {
        name: kept for name, kept in other.items() if name not in noted
    }
    assert filled.execute("select count(*) from pg_class where relname like 'document_kitui%'").fetchone() == (0,)
    assert removal.left_over(filled, ONE) == []
    erased = "select instance from ops.erased order by 1"  # nobody comes back with the instance
    assert filled.execute(erased).fetchall() == [("kitui",), ("nairobi",)]


def test_one_that_is_still_in_the_file_is_refused(filled: warehouses.Connection) -> None:
    before = content(filled, "kitui")
    with pytest.raises(ConfigurationInvalid, match="still in include/instances"):
        removal.remove(filled, BOTH, "kitui")
    assert content(filled, "kitui") == before


def test_one_that_is_not_there_is_refused_and_names_those_that_are(filled: warehouses.Connection) -> None:
    with pytest.raises(ConfigurationInvalid, match="Left over are: kitui, nairobi"):
        removal.remove(filled, EMPTY, "kitu")


def test_an_extraction_that_is_still_at_work_writes_no_more(filled: warehouses.Connection) -> None:
    before = checkpoint.read(filled, SOURCE)
    removal.remove(filled, ONE, "kitui")
    with pytest.raises((CheckpointMoved, psycopg.errors.CheckViolation)):
        write.page(filled, before, Page([doc("late")]), lambda: IDENTITY)
    assert [name for name, kept in content(filled, "kitui").items() if kept and name.startswith("staging")] == []


@pytest.mark.parametrize("name", [f"cht-sync extract {SOURCE}", f"cht-sync verify {SOURCE}", "cht-sync models"])
def test_a_removal_waits_for_tasks_at_work_and_changes_nothing_before(
    name: str, filled: warehouses.Connection, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouses, "lock", partial(warehouses.lock, seconds=0.1))
    before = content(filled, "kitui")
    with warehouses.connect(partial(psycopg.connect, warehouse)) as other, warehouses.lock(other, name):
        with pytest.raises(AnotherRun):
            removal.remove(filled, ONE, "kitui")
        assert content(filled, "kitui") == before


def test_it_can_be_copied_again(filled: warehouses.Connection) -> None:
    removal.remove(filled, ONE, "kitui")
    again = Warehouse(filled)
    again.write(*rows())
    runner.update(filled)
    assert filled.execute("select count(*) from models.person where source = %s", [SOURCE]).fetchone() == (2,)


def test_a_removal_that_is_killed_goes_on(warehouse: str, other_warehouse: str) -> None:
    with warehouses.connect(partial(psycopg.connect, other_warehouse)) as connection:
        fill(connection)
    task = partial(removal.remove, configuration=ONE, instance="kitui")
    total = statements(other_warehouse, task)
    for at in extent.moments(total):
        with warehouses.connect(partial(psycopg.connect, warehouse)) as connection:
            fill(connection)
        kill(warehouse, task, at)
        with warehouses.connect(partial(psycopg.connect, warehouse)) as connection:
            if removal.left_over(connection, ONE):
                removal.remove(connection, ONE, "kitui")
            runner.update(connection)
            marts.refresh(connection)
            assert [name for name, kept in content(connection, "kitui").items() if kept] == [], at
            connection.execute("delete from ops.extract_run; delete from ops.stale_source; delete from ops.erased")
