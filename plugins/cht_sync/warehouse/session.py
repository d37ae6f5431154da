"""Connections to the warehouse, the Postgres that everything is written to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.abc import Params, QueryNoTemplate

from cht_sync.errors import AnotherRun, WarehouseUnreachable, WarehouseUnusable

Connection = psycopg.Connection[Any]

#: The casts of the models use `pg_input_is_valid`, which exists since 16.
OLDEST = 16

#: The check interval ends the query of a killed task: without it, the server notices only at the query's end. The
#: memory holds a page of 5,000 documents; with Postgres' defaults the page would go to disk twice.
SETTINGS = """
    set application_name = 'cht-sync';
    set client_connection_check_interval = '1s';
    set timezone = 'UTC';
    set jit = off;
    set work_mem = '32MB';
    set temp_buffers = '32MB';
"""

CHECK = "Check host, port, login and password of the connection cht_warehouse"


@contextmanager
def connect(get: Callable[[], Connection]) -> Iterator[Connection]:
    """A connection in autocommit mode, closed at the end. `get` opens it, such as a hook's `get_conn`.

    Raises WarehouseUnusable, and WarehouseUnreachable, also if the connection is lost inside the block.
    """
    with wrapped():
        connection = get()
        try:
            connection.rollback()
            connection.autocommit = True
            _require_usable(connection)
            connection.execute(SETTINGS)
            yield connection
        finally:
            connection.close()


def _require_usable(connection: Connection) -> None:
    version = connection.info.server_version // 10_000
    if version < OLDEST:
        raise WarehouseUnusable(
            f"The warehouse runs Postgres {version}; {OLDEST} or later is needed",
            "Upgrade it, or point the connection cht_warehouse at another server",
        )
    if one(connection, "select current_setting('transaction_read_only') = 'on'")[0]:
        raise WarehouseUnusable(
            "The warehouse is read-only (a standby, or default_transaction_read_only is on)",
            "Point the connection cht_warehouse at the primary server, with a login that may write",
        )


def one(connection: Connection, statement: QueryNoTemplate, values: Params | None = None) -> tuple[Any, ...]:
    """The first row that a statement returns. Raises LookupError if it returns none."""
    row: tuple[Any, ...] | None = connection.execute(statement, values).fetchone()
    if row is None:
        raise LookupError("the statement returned no row")
    return row


@contextmanager
def wrapped() -> Iterator[None]:
    """Translates the driver's errors about connections into ours. Errors of a statement pass through."""
    try:
        yield
    except (pg.InvalidPassword, pg.InvalidAuthorizationSpecification):
        raise WarehouseUnusable("The warehouse refuses the login", CHECK) from None
    except pg.InvalidCatalogName:
        raise WarehouseUnusable(
            "The warehouse's database does not exist",
            "Create it, or correct the database of the connection cht_warehouse",
        ) from None
    except (pg.ReadOnlySqlTransaction, pg.InsufficientPrivilege) as error:
        raise WarehouseUnusable(
            f"The warehouse does not let this login write ({error.diag.message_primary})",
            "Grant it create on the database, or use the login that owns it, in the connection cht_warehouse",
        ) from None
    except (pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow, pg.TooManyConnections, pg.DiskFull) as error:
        raise WarehouseUnreachable(
            f"The warehouse ended the work ({error.diag.message_primary})",
            "It is retried; if it lasts, look at that server's log",
        ) from None
    except psycopg.OperationalError as error:
        if error.sqlstate is not None:
            raise
        raise _unreachable(error) from None


def _unreachable(error: psycopg.OperationalError) -> WarehouseUnreachable | WarehouseUnusable:
    """libpq has no sqlstate for an error while connecting: only its text separates a wrong login from a lost link."""
    text = str(error)
    if "password authentication failed" in text or "no password supplied" in text or "pg_hba" in text:
        return WarehouseUnusable("The warehouse refuses the login", CHECK)
    if "database" in text and "does not exist" in text:
        return WarehouseUnusable(
            "The warehouse's database does not exist",
            "Create it, or correct the database of the connection cht_warehouse",
        )
    return WarehouseUnreachable("The warehouse does not answer, or the connection to it was lost", CHECK)


@contextmanager
def lock(connection: Connection, name: str, seconds: float = 30) -> Iterator[None]:
    """Holds the session's advisory lock of that name. Raises AnotherRun if it is not free after `seconds`.

    Take it outside a transaction: inside, the transaction would keep a snapshot from before the wait.
    """
    _take(connection, name, seconds)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def _take(connection: Connection, name: str, seconds: float) -> None:
    connection.execute("select set_config('lock_timeout', %s, false)", [f"{int(seconds * 1000)}ms"])
    try:
        connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [name])
    except pg.LockNotAvailable:
        raise AnotherRun(
            f"Another run is at work on {name}",
            "Nothing was changed; it is retried, and if it lasts, look for a run that does not end",
        ) from None
    finally:
        connection.execute("set lock_timeout = 0")
