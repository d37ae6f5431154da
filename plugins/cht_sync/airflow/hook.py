"""The border to Airflow: its connections, and what its tasks see of our errors and of being stopped."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any, cast
from urllib.parse import quote

import psycopg
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowNotFoundException
from airflow.sdk.log import mask_secret

from cht_sync import couchdb, warehouse
from cht_sync.airflow import notify
from cht_sync.errors import ConfigurationInvalid, FinalError, SyncError

log = logging.getLogger(__name__)

WAREHOUSE = "cht_warehouse"

#: The defaults of all tasks. No two instances of a task run at once, even if a backfill runs alongside the schedule.
#: A passing error is retried after half a minute, one, two, four and eight minutes. A final error is not: see `task`.
POLICY: dict[str, Any] = {
    "owner": "cht-sync",
    "max_active_tis_per_dag": 1,
    "retries": 5,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=10),
    "on_failure_callback": notify.failed,
}


class Stopped(KeyboardInterrupt):
    """Airflow stops this task (cleared, marked, or its worker ends).

    psycopg cancels the running statement on the server for KeyboardInterrupt and SystemExit only.
    """


class CouchDBHook(BaseHook):
    """The connection type `couchdb`."""

    conn_name_attr = "couchdb_conn_id"
    default_conn_name = "couchdb_default"
    conn_type = "couchdb"
    hook_name = "CouchDB"

    def __init__(self, couchdb_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.couchdb_conn_id = couchdb_conn_id

    def get_conn(self) -> couchdb.Client:
        """A new client; each thread needs its own."""
        return couchdb.Client(self.server())

    def server(self) -> couchdb.Server:
        """The server of the connection. Raises ConfigurationInvalid."""
        connection = _connection(self.couchdb_conn_id)
        extra = connection.extra_dejson
        password = connection.password
        if password:
            # Airflow masks the password as it is written, but an address would hold it URL-encoded
            mask_secret(quote(password, safe=""))
        return couchdb.Server.at(
            connection.host or "",
            scheme=connection.schema or "https",
            port=connection.port,
            path=extra.get("path") or "",
            allow_http=extra.get("allow_http") is True,
            login=connection.login or None,
            password=password,
            verify=extra.get("ca_file") or True,
        )

    def test_connection(self) -> tuple[bool, str]:
        """The answer to the form's Test button: whether the login works, and CouchDB's version or the error."""
        try:
            client = self.get_conn()
        except SyncError as error:
            return False, str(error)
        try:
            return True, f"Logged in to CouchDB {client.welcome()}"
        except SyncError as error:
            return False, str(error)
        finally:
            client.close()


def _connection(conn_id: str) -> Any:
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise ConfigurationInvalid(
            f"There is no connection {conn_id}", "Add it under Admin, Connections; see docs/deploying.md"
        ) from None


@contextmanager
def warehouse_connection() -> Iterator[warehouse.Connection]:
    """The warehouse, as warehouse.connect opens it."""
    _connection(WAREHOUSE)  # if it is missing, the hook's own error gives no advice
    with warehouse.connect(cast(Callable[[], warehouse.Connection], PostgresHook(WAREHOUSE).get_conn)) as connection:
        yield connection


@contextmanager
def other_connection(conn_id: str) -> Iterator[psycopg.Connection[Any]]:
    """Another Postgres, of any version. Raises psycopg.OperationalError, ConfigurationInvalid."""
    _connection(conn_id)
    connection = cast(Callable[[], psycopg.Connection[Any]], PostgresHook(conn_id).get_conn)()
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def task() -> Iterator[None]:
    """Around a task's work: a final error is not retried, each error is one line, SIGTERM rolls back."""
    with _stoppable():
        try:
            yield
        except SyncError as error:
            log.error("%s", error)  # on its own line: Airflow shows it only above a stack trace
            kind = AirflowFailException if isinstance(error, FinalError) else AirflowException
            raised: Any = kind(str(error))
            raised.is_ours, raised.is_notified = True, error.is_notified  # for notify
            raise raised from None


@contextmanager
def _stoppable() -> Iterator[None]:
    """Raises Stopped on SIGTERM. Else a stopped task runs for seconds more, and is then killed at any statement."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise Stopped("Stopped from outside; committed work is kept, and the next run continues after it")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
