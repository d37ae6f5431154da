"""The roles of docs/security.md: what the page says they read is what they read."""

import re
from collections.abc import Iterator

import psycopg
import pytest
from cht_sync import warehouse
from cht_sync.models import runner
from cht_sync.reports import marts
from cht_sync.warehouse import migrations

from tests.lib.paths import ROOT

DOCUMENT = ROOT / "docs" / "security.md"
ROLES = ("bi", "monitor", "analyst", "dbt")

READABLE = """
    select nspname || '.' || relname
    from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'p', 'v', 'm')
        and nspname in ('staging', 'ops', 'model_data', 'models', 'marts', 'history', 'v1')
        and has_schema_privilege(%(role)s, pg_namespace.oid, 'usage')
        and has_table_privilege(%(role)s, pg_class.oid, 'select')
"""


def grants() -> str:
    """The page's statements, for the login that the tests' warehouse belongs to."""
    found = re.search(r"-- dashboards.*?\n\n(?=and `grant)", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[0].replace("for role cht ", "for role current_user ")


@pytest.fixture
def granted(empty_warehouse: str) -> Iterator[warehouse.Connection]:
    """A transaction in which the roles exist; it is rolled back, since roles belong to the whole server."""
    with warehouse.connect(lambda: psycopg.connect(empty_warehouse)) as connection:
        if connection.execute("select not rolsuper from pg_roles where rolname = current_user").fetchone() == (True,):
            pytest.skip("the warehouse's login may not make roles")
        migrations.migrate(connection)
        runner.update(connection)
        marts.refresh(connection)
        with connection.transaction(force_rollback=True):
            connection.execute(grants().encode())
            yield connection


def readable(connection: warehouse.Connection, role: str) -> set[str]:
    return {row[0] for row in connection.execute(READABLE, {"role": role})}


def test_dashboards_read_numbers_only(granted: warehouse.Connection) -> None:
    found = readable(granted, "bi")
    assert {"marts.patients_by_area", "marts.freshness", "history.area_day"} <= found
    assert [name for name in found if not name.startswith("marts.")] == ["history.area_day"]


def test_monitoring_reads_how_far_the_copy_is(granted: warehouse.Connection) -> None:
    assert readable(granted, "monitor") == {"ops.source", "ops.checkpoint", "ops.extract_run"}


def test_analysts_read_models_and_no_whole_documents(granted: warehouse.Connection) -> None:
    found = readable(granted, "analyst")
    assert {"models.person", "models.area_count", "marts.patients_by_area", "ops.checkpoint"} <= found
    assert [name for name in found if name.startswith("history.")] == ["history.area_day"]
    assert not [name for name in found if name.startswith(("staging.", "model_data.", "ops.rejected"))]


def test_dbt_reads_documents_in_one_schema_and_makes_its_models_there(granted: warehouse.Connection) -> None:
    assert readable(granted, "dbt") == {"v1.couchdb", "v1.couchdb_progress"}
    granted.execute("set local role dbt")
    granted.execute("create table v1.document_metadata as select _id as uuid, saved_timestamp from v1.couchdb")
    granted.execute("reset role")
    assert "v1.document_metadata" in readable(granted, "dbt")


@pytest.mark.parametrize("role", ROLES)
def test_nobody_of_them_writes(granted: warehouse.Connection, role: str) -> None:
    writable = READABLE.replace("'select'", "'insert, update, delete, truncate'")
    assert granted.execute(writable, {"role": role}).fetchall() == []


def test_what_is_made_later_can_be_read_too(granted: warehouse.Connection) -> None:
    granted.execute("create table models.later (a integer); create table marts.later (a integer)")
    assert "marts.later" in readable(granted, "bi")
    assert "models.later" not in readable(granted, "bi")
    assert "models.later" in readable(granted, "analyst")
