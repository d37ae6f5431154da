"""Connections to the warehouse, the Postgres that everything is written to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.abc import Params, QueryNoTemplate

from cht_sync.errors import AnotherRun, WarehouseUnreachable, WarehouseUnusable

Connection = psycopg.Connection[Any]

#: `pg_input_is_valid`, which the models' casts go through, is there since 16.
OLDEST = 16

#: A server notices that its client was killed only when it looks; else a killed task's query goes on to its end. The
#: memory is enough for a page of 5,000 documents: with Postgres' defaults it would go to disk on its way, twice.
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
    """A connection in autocommit mode, closed at the end; `get` opens it: a hook's `get_conn`, say.

    Raises WarehouseUnreachable, also for a connection lost inside the block, and WarehouseUnusable.
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
    """The row of a statement that gives one. Raises LookupError where it gives none."""
    row: tuple[Any, ...] | None = connection.execute(statement, values).fetchone()
    if row is None:
        raise LookupError("the statement has given no row")
    return row


@contextmanager
def wrapped() -> Iterator[None]:
    """Turns the driver's errors on connections into ours; a statement's own error passes through."""
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
            "It is tried again; if it lasts, look at that server's log",
        ) from None
    except psycopg.OperationalError as error:
        if error.sqlstate is not None:
            raise
        raise _unreachable(error) from None


def _unreachable(error: psycopg.OperationalError) -> WarehouseUnreachable | WarehouseUnusable:
    """libpq gives no sqlstate for an error at the start: only its text tells a wrong login from a lost link."""
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
    """Holds the session's advisory lock of that name; AnotherRun where it is not free in time.

    It is taken outside a transaction: one that waited inside would go on with a snapshot from before the wait.
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
            "Nothing was changed; it is tried again, and if it lasts, look for a run that does not end",
        ) from None
    finally:
        connection.execute("set lock_timeout = 0")
