"""The private Postgres: starts, starts again, survives being killed, and keeps its password to itself."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from servers.postgres import Postgres
from tests.lib import memory
from tests.lib.waiting import until


@pytest.fixture
def server() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="cht-sync-", dir=memory.folder(), ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "postgres")
        yield server
        server.stop()


def postmaster(server: Postgres) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))


def test_a_second_start_finds_the_first(server: Postgres) -> None:
    assert server.start() == Postgres(server.home).start()


def test_it_starts_again_with_its_databases_after_being_killed(server: Postgres) -> None:
    server.start()
    with psycopg.connect(server.database("warehouse")) as connection:
        connection.execute("create table kept (id int)")
    process = postmaster(server)
    process.kill()

    server.start()

    assert postmaster(server) != process
    with psycopg.connect(server.database("warehouse")) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


def test_it_starts_over_the_pid_file_of_another_time(server: Postgres) -> None:
    server.start()
    left = (server.data / "postmaster.pid").read_text()
    server.stop()
    other = str(os.getpid())  # alive, and no Postgres
    (server.data / "postmaster.pid").write_text(left.replace(left.split()[0], other, 1))
    os.chown(server.data / "postmaster.pid", server.data.stat().st_uid, server.data.stat().st_gid)

    server.start()

    assert server.running()


def test_an_initdb_that_was_killed_is_done_again(server: Postgres) -> None:
    (server.home / "data.new").mkdir(parents=True)
    (server.home / "data.new" / "PG_VERSION").write_text("18\n")

    server.start()

    assert server.running()


def test_it_listens_on_loopback_only_and_refuses_without_the_password(server: Postgres) -> None:
    dsn = server.start()
    parts = urlsplit(dsn)

    listening = {c.laddr.ip for c in postmaster(server).net_connections() if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://{parts.username}@{parts.hostname}:{parts.port}/postgres")


def test_the_password_is_in_one_file_that_only_its_owner_reads(server: Postgres) -> None:
    password = urlsplit(server.start()).password
    assert password is not None

    assert stat.S_IMODE(server.secret.stat().st_mode) == 0o600
    assert not [p for p in psutil.process_iter() if password in " ".join(command(p))]
    assert password not in server.log.read_text()


def test_stopping_leaves_no_process_and_may_be_done_twice(server: Postgres) -> None:
    server.start()
    process = postmaster(server)
    server.stop()
    server.stop()
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "the server ends")


def test_two_databases_are_made_once(server: Postgres) -> None:
    server.start()
    for name in ("airflow", "warehouse", "airflow"):
        with psycopg.connect(server.database(name)) as connection:
            assert connection.info.dbname == name


def test_a_database_in_use_is_dropped_too(server: Postgres) -> None:
    server.start()
    with psycopg.connect(server.database("warehouse"), autocommit=True) as connection:
        server.drop("warehouse")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")


def test_the_number_of_a_killed_server_may_belong_to_somebody_else(server: Postgres) -> None:
    """`stop` must not end it."""
    server.data.mkdir(parents=True)
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n")
    server.stop()
    assert not server.running()


def command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
