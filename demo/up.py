"""The demo from its start to Ctrl-C: load, copy, count, show, serve."""

import contextlib
import datetime
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from cht_sync import instances, warehouse

from demo import backfill, content, report, runs, stack
from demo.settings import Settings
from demo.stack import Stack
from servers.errors import DemoError

EXTRACT, MARTS, VERIFY = "cht_extract_demo", "cht_marts", "cht_verify_demo"

#: Seconds; the tasks have their own limits, so these apply only if those fail.
EXTRACTED = 6 * 3600
COUNTED = 3600

#: Days of the history at the start.
DAYS = 7

#: Seconds between two lines of progress.
PERIOD = 5.0

STARTED = "select to_regclass('ops.extract_run') is not null"
COPIED = "select coalesce(sum(rows_read), 0) from ops.extract_run"
REASON = "select message from ops.extract_run where message is not null order by run desc limit 1"

#: Every copied page has reached the models, and the marts show these, except those that wait for the next hour.
IS_CURRENT = """
    select (select coalesce(bool_and(is_current), false) from marts.freshness where mart = 'patients_by_area')
        and not exists (
            select from ops.checkpoint
            left join ops.model_source using (source)
            where checkpoint.batch > coalesce(model_source.batch, 0)
        )
"""
COPIED_ANY = "select exists (select from ops.checkpoint where batch > 0)"

Progress = Callable[[str], None]


def up(home: Path, settings: Settings, progress: Progress) -> None:
    """Returns with ONCE after the counts are shown, else on Ctrl-C. Raises SyncError."""
    configuration = instances.read()
    if not any(instance.name == "demo" and instance.active for instance in configuration.instances):
        raise DemoError("include/instances.toml has no active instance named demo", "Put it back to see the demo")
    timezone = configuration.timezone
    with stack.running(home, settings, progress) as servers:
        with servers.connect() as connection:
            _count(servers, connection, progress)
            _compare(servers, progress)
            _fill(servers, ZoneInfo(timezone), progress)
            print(f"\n{report.table(connection, timezone)}\n", flush=True)
            if settings.out:
                progress(f"Wrote {report.write(connection, settings.out):,} rows to {settings.out}")
        print(_addresses(home, servers), flush=True)
        if not settings.once:
            _serve(servers, settings, progress)


def _count(servers: Stack, connection: warehouse.Connection, progress: Progress) -> None:
    """Copies on demand, as from the UI; the counting follows by the asset that the copy emits."""
    rest = servers.rest
    runs.wait_listed(rest, [EXTRACT, MARTS, VERIFY, backfill.DAG], servers.require_alive)
    before = {run["dag_run_id"] for run in runs.of(rest, MARTS)}
    runs.unpause(rest, MARTS)
    run = runs.trigger(rest, EXTRACT)
    runs.unpause(rest, EXTRACT)
    progress(f"{EXTRACT} runs: {run}")
    try:
        runs.wait(rest, EXTRACT, run, EXTRACTED, _looks(servers, connection, progress))
    except DemoError as error:
        reason = _value(connection, REASON) if _value(connection, STARTED) else None
        raise DemoError(f"{error.what}: {reason}" if reason else error.what, error.advice) from None
    if not _value(connection, COPIED_ANY):
        raise DemoError("There is nothing to count: no document was copied", "Load documents into medic first")
    run = _wait_counted(servers, connection, before)
    progress(f"{MARTS} has run: {run}")


def _compare(servers: Stack, progress: Progress) -> None:
    """Compares each document with CouchDB."""
    with _showing(servers, progress):
        runs.unpause(servers.rest, VERIFY)
        run = runs.trigger(servers.rest, VERIFY)
        progress(f"{VERIFY} runs: {run}")
        runs.wait(servers.rest, VERIFY, run, COUNTED, servers.require_alive)


def _fill(servers: Stack, timezone: ZoneInfo, progress: Progress) -> None:
    """The history of the days before today."""
    today = datetime.datetime.now(timezone).date()
    first, last = (backfill.midnight(today - datetime.timedelta(days), timezone) for days in (DAYS, 1))
    with _showing(servers, progress):
        progress(f"{backfill.DAG} is backfilled, from {first:%Y-%m-%d} to {last:%Y-%m-%d}")
        backfill.fill(servers.airflow, servers.rest, first, last, progress)


@contextlib.contextmanager
def _showing(servers: Stack, progress: Progress) -> Iterator[None]:
    """Shows the counts even if the block fails."""
    try:
        yield
    except DemoError as error:
        servers.require_alive()
        progress(str(error))


def _wait_counted(servers: Stack, connection: warehouse.Connection, before: set[str]) -> str:
    """Waits until a run of the marts that the asset started has taken everything copied; its id. Raises DemoError."""
    end = time.monotonic() + COUNTED
    while True:
        servers.require_alive()
        found = runs.of(servers.rest, MARTS)
        for run in found:
            if run["state"] == "failed" and run["dag_run_id"] not in before:
                raise runs.failure(servers.rest, MARTS, run["dag_run_id"])
        done = [run for run in found if run["state"] == "success" and run["run_type"] == "asset_triggered"]
        if done and _value(connection, IS_CURRENT):
            return str(done[0]["dag_run_id"])
        if time.monotonic() > end:
            raise DemoError(
                f"The DAG {MARTS} has not counted everything after {COUNTED} s", "Look at its runs in the UI"
            )
        time.sleep(runs.PAUSE)


def _looks(servers: Stack, connection: warehouse.Connection, progress: Progress) -> Callable[[], None]:
    said = ""
    last = time.monotonic()

    def look() -> None:
        nonlocal said, last
        servers.require_alive()
        if time.monotonic() > last + PERIOD and _value(connection, STARTED):
            last = time.monotonic()
            text = f"Copied {_value(connection, COPIED):,} documents so far"
            if text != said:
                progress(said := text)

    return look


def _value(connection: warehouse.Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def _addresses(home: Path, servers: Stack) -> str:
    """The addresses. A terminal shows the password; output to a file names the file that has it."""
    airflow = servers.airflow
    kept = f"in {airflow.home / 'passwords.json'}"
    lines = [
        f"Airflow   {airflow.url}",
        f"          login admin, password {airflow.password if sys.stdout.isatty() else kept}",
        f"CouchDB   {servers.couchdb.url}/_utils/",
    ]
    if (home / "couchdb" / "password").exists():
        lines.append(f"          login {servers.couchdb.login}, password in {home / 'couchdb' / 'password'}")
    return "\n".join(lines)


def _serve(servers: Stack, settings: Settings, progress: Progress) -> None:
    for dag in servers.rest.get("dags", limit=1000)["dags"]:
        if dag["dag_id"].startswith("cht_"):
            runs.unpause(servers.rest, dag["dag_id"])
    progress("The schedules are on. Ctrl-C stops everything")
    try:
        if servers.is_ours:
            with content.changing(servers.couchdb, settings, progress):
                _watch(servers)
        _watch(servers)
    except KeyboardInterrupt:
        return


def _watch(servers: Stack) -> None:
    while True:
        servers.require_alive()
        time.sleep(1)
