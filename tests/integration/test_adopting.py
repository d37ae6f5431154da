"""docs/adopting.md: its queries find what differs between cht-pipeline's tables and ours, and nothing else."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
from cht_sync import warehouse as warehouses
from cht_sync.models import runner

from tests.lib.pages import Warehouse, doc
from tests.lib.paths import ROOT

PAGE = ROOT / "docs" / "adopting.md"

#: The tables as cht-pipeline's dbt project makes them, of columns that the page compares: what it makes of these
#: documents is the same but for the fraction of a second.
THEIRS = {
    "contact": "uuid, date_trunc('second', reported) as reported, parent_uuid, name, contact_type, active, notes, "
    "muted",
    "person": "uuid, sex, phone, phone2, patient_id",
    "place": "uuid, null::text as contact_id, place_id",
    "patient": "uuid, patient_id",
    "data_record": "uuid, date_trunc('second', reported) as reported, form, from_phone, patient_id, place_id, "
    "contact_uuid, parent_uuid, grandparent_uuid",
    "user": "user_id, contact_uuid, language, roles",
}

DOCUMENTS = (
    doc("h", '{"type":"clinic","name":"H","place_id":"7","contact":{"_id":"p"},"reported_date":1700000000123}'),
    doc(
        "p",
        '{"type":"person","name":"P","patient_id":"1","sex":"f","parent":{"_id":"h"},"reported_date":1700000000456}',
    ),
    doc("q", '{"type":"person","name":"Q","muted":"2026-01-01","parent":{"_id":"h"}}'),
    doc("r", '{"type":"data_record","form":"visit","fields":{"patient_id":"1"},"reported_date":1700000000789}'),
    doc("org.couchdb.user:ana", '{"type":"user-settings","contact_id":"p","language":"sw","roles":["chw"]}'),
)


def queries() -> dict[str, str]:
    found = re.findall(r"^    -- (\w+)\n(.*?;)\n", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return dict(found)


@pytest.fixture
def built(warehouse: str) -> Iterator[warehouses.Connection]:
    with warehouses.connect(partial(psycopg.connect, warehouse)) as connection:
        Warehouse(connection).write(*DOCUMENTS)
        runner.update(connection)
        for name, columns in THEIRS.items():
            connection.execute(f'create table v1."{name}" as select {columns} from models."{name}"'.encode())
        yield connection


def differences(connection: warehouses.Connection) -> dict[str, list[Any]]:
    return {name: connection.execute(query.encode()).fetchall() for name, query in queries().items()}


def test_there_is_a_query_for_each() -> None:
    assert list(queries()) == list(THEIRS)


def test_what_is_the_same_is_not_found(built: warehouses.Connection) -> None:
    assert not any(differences(built).values())


@pytest.mark.parametrize("name", THEIRS)
def test_a_row_that_is_missing_there_is_found(built: warehouses.Connection, name: str) -> None:
    built.execute(f'delete from v1."{name}" where ctid = (select max(ctid) from v1."{name}")'.encode())
    found = differences(built)
    assert [row[0] for row in found.pop(name)] == ["ours"]
    assert not any(found.values())


@pytest.mark.parametrize("name", THEIRS)
def test_a_row_that_differs_is_found_on_both_sides(built: warehouses.Connection, name: str) -> None:
    column = {"data_record": "form", "user": "language", "place": "place_id", "contact": "name"}.get(name, "patient_id")
    which = f'select max(ctid) from v1."{name}" where {column} is not null'
    built.execute(f"update v1.\"{name}\" set {column} = 'another' where ctid = ({which})".encode())
    found = differences(built)
    assert sorted(row[0] for row in found.pop(name)) == ["ours", "theirs"]
    assert not any(found.values())


def test_the_monitor_reads_what_the_page_grants(warehouse: str) -> None:
    (grants,) = re.findall(r"^      (grant usage on schema v1.*?;\n.*?;)\n", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    connect = warehouses.connect(partial(psycopg.connect, warehouse))
    with connect as connection, connection.transaction(force_rollback=True):
        connection.execute("create role monitor")
        connection.execute(grants.encode())
        connection.execute("set local role monitor")
        connection.execute("select seq, pending, updated_at, source from v1.couchdb_progress")
        connection.execute("select published_at from ops.publication")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("select doc from v1.couchdb")
