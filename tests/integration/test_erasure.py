"""Everything about a person is erased on request, and stays so whichever way it comes again."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest
from cht_sync import warehouse as warehouses
from cht_sync.copy import modes, write
from cht_sync.copy.encoding import lines
from cht_sync.couchdb.rows import Row
from cht_sync.models import runner
from cht_sync.reports import marts

from tests.lib.pages import IDENTITY, SOURCE, Page, Warehouse, deleted, doc

ANA = "0d5e29b0-9d7c-4b29-a8e9-3b1d7d3a0a01"
BEN = "0d5e29b0-9d7c-4b29-a8e9-3b1d7d3a0b02"
SENTINEL = "kitui/medic-sentinel"
USERS = "kitui/_users"
OTHER = "nairobi/medic"
REPORT = '{"type":"data_record","form":"f","reported_date":1700000000000,'

ABOUT = {
    ANA: '{"type":"person","name":"Ana Secret","patient_id":"11111","parent":{"_id":"house"}}',
    "by-code": REPORT + '"patient_id":"11111"}',
    "by-number": REPORT + '"patient_id":11111}',
    "by-field": REPORT + '"fields":{"patient_id":"11111","note":"Ana Secret"}}',
    "by-uuid": REPORT + f'"fields":{{"patient_uuid":"{ANA}"}}}}',
    "by-top-uuid": REPORT + f'"patient_uuid":"{ANA}"}}',
    "task~1": f'{{"type":"task","requester":"{ANA}","emission":{{"title":"Visit Ana Secret"}}}}',
    "task~2": f'{{"type":"task","emission":{{"forId":"{ANA}"}}}}',
    "target~1": f'{{"type":"target","owner":"{ANA}"}}',
    "org.couchdb.user:ana": f'{{"type":"user-settings","contact_id":"{ANA}"}}',
    "telemetry-1": '{"type":"telemetry","metadata":{"user":"ana"}}',
    "feedback-1": '{"type":"feedback","meta":{"user":{"name":"ana"}}}',
}
OTHERS = {
    "house": '{"type":"clinic","name":"House"}',
    BEN: '{"type":"person","name":"Ben","patient_id":"22222","parent":{"_id":"house"}}',
    "of-ben": REPORT + f'"patient_id":"22222","contact":{{"_id":"{ANA}"}}}}',
    "recycled": REPORT + f'"patient_id":"11111","fields":{{"patient_uuid":"{BEN}"}}}}',
    "of-ben~task": f'{{"type":"task","requester":"{BEN}"}}',
}


def all_rows(rev: str = "1-a") -> list[Row]:
    return [doc(name, body, rev) for name, body in (OTHERS | ABOUT).items()]


@pytest.fixture
def filled(staged: Warehouse) -> Warehouse:
    write.prepare(
        staged.connection,
        {SENTINEL: ("kitui", "medic-sentinel"), USERS: ("kitui", "_users"), OTHER: ("nairobi", "medic")},
    )
    staged.write(*all_rows(), doc("broken", '{"type":"data_record","n":1e200000,"uuid":"' + ANA + '"}'))
    staged.write(doc(f"{ANA}-info", '{"type":"info"}'), doc(f"{BEN}-info", '{"type":"info"}'), source=SENTINEL)
    staged.write(doc("org.couchdb.user:ana", f'{{"type":"user","contact_id":"{ANA}"}}'), source=USERS)
    staged.write(*all_rows(), source=OTHER)
    refresh(staged)
    return staged


def refresh(staged: Warehouse) -> None:
    runner.update(staged.connection)
    marts.refresh(staged.connection)


def erase(staged: Warehouse, *keys: str) -> dict[str, tuple[int, int, bool]]:
    found = staged.connection.execute("select * from cht.erase('kitui', variadic %s)", [list(keys)]).fetchall()
    return {source: tuple(counted) for source, *counted in found}


def kept(staged: Warehouse, source: str = SOURCE) -> set[str]:
    query = "select _id from staging.document where source = %s and doc is not null"
    return {name for (name,) in staged.connection.execute(query, [source])}


def says(staged: Warehouse, text: str) -> list[str]:
    """The tables of the warehouse in which the text is, in the rows of the instance."""
    tables = staged.connection.execute(
        """
        select format('%I.%I', nspname, relname)
        from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        where relkind in ('r', 'p', 'm') and not relispartition
            and nspname in ('ops', 'staging', 'model_data', 'marts', 'history')
        """
    ).fetchall()
    like = f"%{text}%"
    hexed = f"%{text.encode().hex()}%"
    query = "select 1 from {} as kept where kept::text not like '(nairobi%%' and kept::text like any(%s) limit 1"
    return [
        name for (name,) in tables if staged.connection.execute(query.format(name).encode(), [[like, hexed]]).fetchone()
    ]


def marked(staged: Warehouse) -> set[str]:
    query = "select _id from staging.document where source = %s and gone = 'erased' and not _deleted"
    return {name for (name,) in staged.connection.execute(query, [SOURCE])}


def persons(staged: Warehouse, source: str = SOURCE) -> set[str]:
    return {uuid for (uuid,) in staged.connection.execute("select uuid from models.person where source = %s", [source])}


def test_all_that_is_about_a_person_is_erased_and_nothing_else(filled: Warehouse) -> None:
    places = {"staging.document", "model_data.contact", "model_data.person", "model_data.task"}
    assert set(says(filled, "Ana Secret")) == places
    assert erase(filled, ANA) == {
        SOURCE: (len(ABOUT), 1, False),
        SENTINEL: (1, 0, False),
        USERS: (1, 0, False),
    }
    refresh(filled)
    assert kept(filled) == set(OTHERS)
    assert kept(filled, SENTINEL) == {f"{BEN}-info"}
    assert kept(filled, USERS) == set()
    assert persons(filled) == {BEN}
    assert filled.rejected() == []
    assert says(filled, "Ana Secret") == []
    counted = "select total_persons from models.area_count where source = %s and area_uuid = 'house'"
    assert filled.connection.execute(counted, [SOURCE]).fetchone() == (1,)


def test_another_instance_keeps_the_same_person(filled: Warehouse) -> None:
    erase(filled, ANA)
    refresh(filled)
    assert kept(filled, OTHER) == set(OTHERS | ABOUT)
    assert persons(filled, OTHER) == {ANA, BEN}


def test_no_id_is_kept_in_the_list(filled: Warehouse) -> None:
    erase(filled, ANA)
    assert not {"ops.erased"} & set(says(filled, ANA) + says(filled, "11111"))
    assert filled.connection.execute("select count(*) from ops.erased").fetchone() == (3,)  # uuid, code, account


@pytest.mark.parametrize("rev", ["1-a", "2-b"])
def test_it_stays_erased_whatever_the_feed_brings(filled: Warehouse, rev: str) -> None:
    erase(filled, ANA)
    late = doc("late", REPORT + f'"fields":{{"patient_uuid":"{ANA}"}}}}')
    filled.write(*all_rows(rev), late, doc("broken", '{"n":1e200000,"uuid":"' + ANA + '"}', rev))
    refresh(filled)
    assert kept(filled) == set(OTHERS)
    assert persons(filled) == {BEN}
    assert filled.rejected() == []


@pytest.mark.parametrize("mode", ["resync", "replace"])
def test_it_stays_erased_when_the_source_is_copied_again(filled: Warehouse, mode: str) -> None:
    erase(filled, ANA)
    refresh(filled)
    begun = modes.enter(filled.connection, filled.checkpoint(), mode, IDENTITY)
    written = write.page(filled.connection, begun, Page(all_rows("3-c")), lambda: IDENTITY)
    assert says(filled, "Ana Secret") == []
    modes.finish(filled.connection, written.checkpoint)
    refresh(filled)
    assert kept(filled) == set(OTHERS)
    assert persons(filled) == {BEN}
    assert marked(filled) == set(ABOUT)


def test_a_source_that_is_being_replaced_waits_and_is_erased_afterwards(filled: Warehouse) -> None:
    begun = modes.enter(filled.connection, filled.checkpoint(), "replace", IDENTITY)
    written = write.page(filled.connection, begun, Page(all_rows("3-c")), lambda: IDENTITY)
    assert erase(filled, ANA)[SOURCE] == (0, 1, True)
    modes.finish(filled.connection, written.checkpoint)
    filled.connection.execute("select * from cht.erase_again('kitui')")
    refresh(filled)
    assert kept(filled) == set(OTHERS)
    assert persons(filled) == {BEN}


def test_a_repair_brings_nothing_back(filled: Warehouse) -> None:
    erase(filled, ANA)
    before = filled.checkpoint()
    with write.loaded(filled.connection, lines.numbered(all_rows(), "medic")):
        write.amend(filled.connection, before, write.hold(filled.connection, before))
    assert kept(filled) == set(OTHERS)


def test_a_deletion_at_the_source_passes(filled: Warehouse) -> None:
    erase(filled, ANA)
    filled.write(deleted(ANA))
    assert filled.rows("_deleted, gone, doc", f"(select * from staging.document where _id = '{ANA}') as d") == [
        (True, None, None)
    ]


def test_it_can_be_undone(filled: Warehouse) -> None:
    erase(filled, ANA)
    filled.connection.execute("delete from ops.erased where instance = 'kitui'")
    filled.write(*all_rows())
    refresh(filled)
    assert kept(filled) == set(OTHERS | ABOUT)
    assert persons(filled) == {ANA, BEN}


def test_of_a_person_whose_document_is_gone_the_short_code_is_given(filled: Warehouse) -> None:
    filled.write(deleted(ANA))
    erase(filled, ANA, "11111")
    assert kept(filled) == set(OTHERS)


@pytest.mark.parametrize(
    ("instance", "keys", "said"),
    [
        ("kitu", [ANA], "no such instance"),
        ("kitui", [""], "empty"),
        ("kitui", ["house"], "a place, not a person"),
    ],
)
def test_a_mistake_erases_nothing_and_quotes_nothing(
    filled: Warehouse, instance: str, keys: list[str], said: str
) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match=said) as raised:
        filled.connection.execute("select * from cht.erase(%s, variadic %s)", [instance, keys])
    assert ANA not in str(raised.value)
    assert filled.connection.execute("select count(*) from ops.erased").fetchone() == (0,)


def test_a_page_that_is_being_written_meanwhile_brings_nothing(filled: Warehouse, warehouse: str) -> None:
    """The page is read and waits for the checkpoint; then somebody is erased; then the page is written."""
    before = filled.checkpoint()

    def identify() -> Any:
        with warehouses.connect(partial(psycopg.connect, warehouse)) as other:
            other.execute("select * from cht.erase('kitui', %s)", [ANA])
        return IDENTITY

    write.page(filled.connection, before, Page(all_rows("2-b")), identify)
    assert kept(filled) == set(OTHERS)


def test_a_page_that_is_being_committed_is_waited_for(filled: Warehouse, warehouse: str) -> None:
    def request() -> None:
        with warehouses.connect(partial(psycopg.connect, warehouse)) as other:
            other.execute("select * from cht.erase('kitui', %s)", [ANA])

    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    late = doc("late", REPORT + f'"patient_uuid":"{ANA}"}}')
    with ThreadPoolExecutor() as pool, warehouses.connect(partial(psycopg.connect, warehouse)) as other:
        with filled.connection.transaction():
            filled.write(late)
            asked = pool.submit(request)
            while other.execute(waiting).fetchone() == (0,):
                assert not asked.done()
        asked.result(timeout=30)
    assert kept(filled) == set(OTHERS)
