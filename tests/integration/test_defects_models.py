"""What was wrong with the tables of the system that this one replaces: each defect on its way, and on ours."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cht_sync import sql
from cht_sync import warehouse as warehouses
from cht_sync.copy import checkpoint
from cht_sync.copy import write as staging
from cht_sync.couchdb.rows import Row
from cht_sync.models import runner
from cht_sync.reports import marts
from psycopg import errors as pg

from tests.lib import former
from tests.lib.pages import IDENTITY, SOURCE, Page, Warehouse, deleted, doc

OTHER = "kisumu/medic"
SETTINGS = doc("settings", '{"_id":"settings","settings":{"contact_types":[]}}')
ANA = '{"type":"person","name":"Ana","patient_id":"1","parent":{"_id":"house"},"reported_date":1700000000000}'
VISIT = """
-- One row a visit.
-- key: source, _id
select document.source, document._id
from document
where document.type = 'data_record' and document.doc ->> 'form' = 'visit'
"""


@pytest.fixture
def both(staged: Warehouse) -> Warehouse:
    """A warehouse for both ways, with a second source."""
    staged.connection.execute(former.TABLES)
    staging.prepare(staged.connection, {OTHER: ("kisumu", "medic")})
    return staged


@pytest.fixture
def connect(warehouse: str) -> Callable[[], Any]:
    return lambda: warehouses.connect(partial(psycopg.connect, warehouse))


def save(connection: warehouses.Connection, *rows: Row, source: str = SOURCE) -> None:
    """As the former reader saves a page."""
    for row in rows:
        connection.execute(
            "insert into former.document (_id, _deleted, source, doc) values (%s, %s, %s, %s::jsonb) "
            "on conflict (_id) do update set saved_timestamp = excluded.saved_timestamp, "
            "_deleted = excluded._deleted, doc = excluded.doc",
            [row.id, row.deleted, source, (row.body or b"").decode()],
        )


def write(connection: warehouses.Connection, *rows: Row, source: str = SOURCE) -> None:
    """As ours does."""
    before = checkpoint.read(connection, source)
    staging.page(connection, before, Page(list(rows), f"{before.reads + 1}-g1AAAA"), lambda: IDENTITY)


def seen(connection: warehouses.Connection, query: str) -> list[Any]:
    return [row[0] for row in connection.execute(query.encode()).fetchall()]


PERSONS = "select uuid from models.person order by uuid"


def test_a_page_that_is_committed_late_is_modelled(both: Warehouse, connect: Callable[[], Any]) -> None:
    """One page takes long; meanwhile that of another database comes, and the models are updated."""
    for name, source in (("a", SOURCE), ("b", OTHER)):
        save(both.connection, doc(name, ANA), source=source)
        write(both.connection, doc(name, ANA), source=source)
    former.update(both.connection)
    runner.update(both.connection)
    with connect() as slow:
        with slow.transaction():
            save(slow, doc("late", ANA))
            save(both.connection, doc("quick", ANA), source=OTHER)
            former.update(both.connection)
        former.update(both.connection)
        assert former.models(both.connection)[0].uuids() == ["a", "b", "quick"], (
            "it is older than the latest that is there"
        )

        with slow.transaction():
            write(slow, doc("late", ANA))
            write(both.connection, doc("quick", ANA), source=OTHER)
            runner.update(both.connection)
        runner.update(both.connection)
        assert seen(both.connection, PERSONS) == ["a", "b", "late", "quick"]


@contextmanager
def held_up(connection: warehouses.Connection, table: str) -> Iterator[None]:
    """An insert into the table waits until the block has ended."""
    connection.execute(
        f"""
        create function pg_temp.wait() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock(1); return null; end $$;
        create trigger wait after insert on {table} execute function pg_temp.wait();
        select pg_advisory_lock(1);
        """.encode()
    )
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock(1)")


def test_an_edited_document_stays_in_the_models_while_they_are_updated(
    both: Warehouse, connect: Callable[[], Any]
) -> None:
    contact, *_ = former.models(both.connection)
    save(both.connection, doc("ana", ANA))
    former.update(both.connection)
    save(both.connection, doc("ana", ANA.replace("Ana", "Anna")))
    contact.choose()
    contact.delete()
    assert contact.uuids() == [], "until the run goes on she is nowhere"
    contact.insert()
    assert contact.uuids() == ["ana"]

    names = "select name from models.person"
    write(both.connection, doc("ana", ANA))
    runner.update(both.connection)
    write(both.connection, doc("ana", ANA.replace("Ana", "Anna"), "2-b"))
    with connect() as other:
        thread = threading.Thread(target=runner.update, args=(other,))
        with held_up(both.connection, "model_data.person"):
            thread.start()
            until_waiting(both.connection)
            meanwhile = seen(both.connection, names)
        thread.join()
    assert meanwhile == ["Ana"]
    assert seen(both.connection, names) == ["Anna"]


def until_waiting(connection: warehouses.Connection) -> None:
    waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted"
    for _ in range(600):
        if seen(connection, waiting):
            return
        threading.Event().wait(0.05)
    raise AssertionError("nobody waits")


def test_a_deleted_report_leaves_the_models_of_its_form(both: Warehouse, tmp_path: Path) -> None:
    include = sql.Include(tmp_path / "sql", tmp_path / "deployment")
    shutil.copytree(sql.INCLUDE.sql, include.sql)
    (include.sql / "models" / "visit.sql").write_text(VISIT.lstrip())
    report = doc("report", '{"type":"data_record","form":"visit","reported_date":1700000000000}')
    _, data_record, visit = former.models(both.connection)
    for rows in ([report], [deleted("report")]):
        save(both.connection, *rows)
        former.update(both.connection)
        write(both.connection, *rows)
        runner.update(both.connection, include)
    assert (data_record.uuids(), visit.uuids()) == ([], ["report"]), "the form's table has what is deleted"
    assert seen(both.connection, "select uuid from models.data_record") == []
    assert seen(both.connection, "select _id from models.visit") == []


@pytest.mark.parametrize("date", ['"2021-02-03T04:05:06.000Z"', '""', "{}", "true", "1e20", "99999999999999999"])
def test_one_bad_date_does_not_stop_the_models_of_contacts(date: str, both: Warehouse) -> None:
    bad = doc("bad", ANA.replace("1700000000000", date))
    save(both.connection, doc("ana", ANA), bad)
    for _ in range(2):
        with pytest.raises((pg.InvalidTextRepresentation, pg.NumericValueOutOfRange, pg.DatetimeFieldOverflow)):
            former.update(both.connection)
    assert former.models(both.connection)[0].uuids() == [], "nobody comes, run after run"

    write(both.connection, doc("ana", ANA), bad)
    runner.update(both.connection)
    assert seen(both.connection, PERSONS) == ["ana", "bad"]
    assert seen(both.connection, "select count(reported) > 0 from models.contact where uuid = 'ana'") == [True]


def test_persons_are_counted_for_every_area(both: Warehouse) -> None:
    """Two of a health centre, of whom one has moved: her own document names the old place above the new one."""
    county = [
        doc("district", '{"type":"district_hospital"}'),
        doc("centre", '{"type":"health_center","parent":{"_id":"district"}}'),
        doc("house", '{"type":"clinic","parent":{"_id":"centre"}}'),
        doc("ana", ANA),
        doc("ben", ANA.replace('{"_id":"house"}', '{"_id":"house","parent":{"_id":"elsewhere"}}')),
    ]
    save(both.connection, *county)
    former.update(both.connection)
    relations = "select relname from pg_class where relnamespace = 'former'::regnamespace and relkind = 'r' order by 1"
    assert seen(both.connection, relations) == ["contact", "data_record", "document", "progress", "visit"]
    below = "select count(*) from former.contact where parent_uuid = %s and patient_id is not null"
    counted = [both.connection.execute(below, [area]).fetchone() for area in ("district", "centre", "house")]
    assert counted == [(0,), (0,), (2,)], "what it has says nothing of those above a household"

    write(both.connection, SETTINGS, *county)
    runner.update(both.connection)
    marts.refresh(both.connection)
    mart = "select area_uuid, total_patients from marts.patients_by_area where area_uuid <> '' order by area_uuid"
    assert both.connection.execute(mart).fetchall() == [("centre", 2), ("district", 2)]
