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

#: Every task's: one of a kind at a time, also where a backfill runs beside the schedule; errors that pass are tried
#: again after half a minute, one, two, four and eight. A final error isn't: see `task`.
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
        """A client of its own: one for each thread."""
        return couchdb.Client(self.server())

    def server(self) -> couchdb.Server:
        """Raises ConfigurationInvalid."""
        connection = _connection(self.couchdb_conn_id)
        extra = connection.extra_dejson
        password = connection.password
        if password:
            # Airflow masks a password as it is written; in an address it would stand encoded
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
        """Of the button in the form: whether the login works, and on what version."""
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
    _connection(WAREHOUSE)  # the hook's own error for a missing one gives no advice
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
    """Around a task's work: a final error is not tried again, each error is one sentence, SIGTERM rolls back."""
    with _stoppable():
        try:
            yield
        except SyncError as error:
            log.error("%s", error)  # on a line of its own: Airflow shows it only on top of a stack trace
            kind = AirflowFailException if isinstance(error, FinalError) else AirflowException
            told: Any = kind(str(error))
            told.is_ours, told.is_notified = True, error.is_notified  # for notify
            raise told from None


@contextmanager
def _stoppable() -> Iterator[None]:
    """Without it a stopped task runs on unaware for seconds, and is then killed between any two statements."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise Stopped("Stopped from outside; what was committed stays, and the next run goes on from there")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
