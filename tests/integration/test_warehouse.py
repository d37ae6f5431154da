"""What is wrong with a warehouse ends in one sentence that says what to do, without a password."""

import socket
import threading
from functools import partial
from typing import Any

import psycopg
import pytest
from cht_sync import errors
from cht_sync import warehouse as warehouses
from cht_sync.warehouse import session
from psycopg import conninfo


def connect(dsn: str, **changes: Any) -> Any:
    return warehouses.connect(partial(psycopg.connect, conninfo.make_conninfo(dsn, **changes)))


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"password": "s3cret-wrong"}, errors.WarehouseUnusable, "refuses the login"),
        ({"dbname": "not_there"}, errors.WarehouseUnusable, "does not exist"),
        ({"options": "-c default_transaction_read_only=on"}, errors.WarehouseUnusable, "read-only"),
    ],
)
def test_what_stays_is_final(warehouse: str, changes: dict[str, str], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as raised, connect(warehouse, **changes):
        pass
    assert isinstance(raised.value, errors.FinalError)
    assert "s3cret" not in repr(raised.value)
    assert str(conninfo.conninfo_to_dict(warehouse)["password"]) not in repr(raised.value)


def test_where_nothing_listens(warehouse: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(errors.WarehouseUnreachable), connect(warehouse, port=port):
        pass


def test_an_old_server_is_an_error(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "OLDEST", 99)
    with pytest.raises(errors.WarehouseUnusable, match="99 or later is needed"), connect(warehouse):
        pass


def test_a_login_that_may_not_write(warehouse: str) -> None:
    with connect(warehouse) as connection:
        connection.execute("create role reader login password 'x'")
        try:
            with (
                pytest.raises(errors.WarehouseUnusable, match="does not let this login write"),
                connect(warehouse, user="reader", password="x") as reader,
            ):
                reader.execute("create schema forbidden")
        finally:
            connection.execute("drop role reader")


def test_a_connection_that_is_ended_from_outside_passes(warehouse: str) -> None:
    def end_myself(connection: warehouses.Connection) -> None:
        connection.execute("select pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(errors.WarehouseUnreachable), connect(warehouse) as connection:
        end_myself(connection)


def test_a_statement_that_fails_keeps_its_own_error(warehouse: str) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), connect(warehouse) as connection:
        connection.execute("select 1 / 0")


def test_a_lock_is_held_by_one(warehouse: str) -> None:
    with connect(warehouse) as first, connect(warehouse) as second:
        with (
            warehouses.lock(first, "x"),
            pytest.raises(errors.AnotherRun, match="at work on x"),
            warehouses.lock(second, "x", seconds=0.1),
        ):
            pass
        with warehouses.lock(second, "x", seconds=0.1):
            pass
        # only that lock had a limit, no later statement has
        assert [each.execute("show lock_timeout").fetchone() for each in (first, second)] == [("0",), ("0",)]


def test_a_lock_is_waited_for(warehouse: str) -> None:
    taken = threading.Event()

    def wait() -> None:
        with connect(warehouse) as second, warehouses.lock(second, "x", seconds=30):
            taken.set()

    with connect(warehouse) as first:
        with warehouses.lock(first, "x"):
            waiting = threading.Thread(target=wait)
            waiting.start()
            query = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
            while first.execute(query).fetchone() == (0,):
                assert waiting.is_alive()
            assert not taken.is_set()
        waiting.join(30)
    assert taken.is_set()
