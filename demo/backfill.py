"""Fills the history of past days, by a backfill of Airflow in the running demo."""

import datetime
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from cht_sync import instances

from demo import runs, stack
from servers.airflow import LOGIN, Airflow
from servers.errors import DemoError
from servers.postgres import Postgres
from servers.rest import Rest

DAG = "cht_history"

#: Seconds until Airflow closes a backfill whose runs have ended; only then does it accept the next.
CLOSED = 120

PERIOD = 5.0

Progress = Callable[[str], None]


def backfill(home: Path, first: str, last: str, progress: Progress) -> None:
    """Counts the days from `first` to `last`, both included, in the deployment's time zone. Raises SyncError."""
    timezone = ZoneInfo(instances.read().timezone)
    start, end = _midnight(first, timezone), _midnight(last, timezone)
    if start > end:
        raise DemoError(f"{first} is after {last}", "Give the earlier day first: make backfill FROM=… TO=…")
    if end.date() >= datetime.datetime.now(timezone).date():
        raise DemoError(f"{last} is not over yet in {timezone.key}", "Only days that are over can be counted")
    airflow = _airflow(home)
    fill(airflow, Rest(airflow.url, LOGIN, airflow.password), start, end, progress)


def fill(airflow: Airflow, rest: Rest, start: datetime.datetime, end: datetime.datetime, progress: Progress) -> None:
    """Counts the days that begin at these midnights and between them. Raises DemoError."""
    runs.unpause(rest, DAG)  # runs of a paused DAG would stay queued
    _wait_closed(rest, progress)
    airflow.run(
        *("backfill", "create", "--dag-id", DAG, "--from-date", start.isoformat(), "--to-date", end.isoformat()),
        *("--reprocess-behavior", "completed", "--max-active-runs", "1"),
    )
    _wait_filled(rest, start, end, progress)


def _airflow(home: Path) -> Airflow:
    if not stack.is_running(home) or not (home / "airflow" / "port").exists():
        raise DemoError("The demo does not run", "Start it with `make demo` in another terminal, then try again")
    return Airflow(home / "airflow", stack.ROOT, Postgres(home / "postgres").dsn("airflow"))


def _midnight(day: str, timezone: ZoneInfo) -> datetime.datetime:
    try:
        return midnight(datetime.date.fromisoformat(day), timezone)
    except ValueError:
        raise DemoError(f"{day!r} is not a day", "A day is written like 2026-11-24") from None


def midnight(day: datetime.date, timezone: ZoneInfo) -> datetime.datetime:
    """The moment at which the day begins."""
    return datetime.datetime.combine(day, datetime.time(), timezone)


def _wait_closed(rest: Rest, progress: Progress) -> None:
    end = time.monotonic() + CLOSED
    said = False
    while any(found["completed_at"] is None for found in rest.get("backfills", dag_id=DAG, limit=1000)["backfills"]):
        if not said:
            progress("Another backfill has not ended yet: waiting for it")
            said = True
        if time.monotonic() > end:
            raise DemoError(f"Another backfill of {DAG} still runs", "Wait for its end, or cancel it in the UI")
        time.sleep(runs.PAUSE)


def _wait_filled(rest: Rest, start: datetime.datetime, end: datetime.datetime, progress: Progress) -> None:
    """Waits for the days' runs. Raises DemoError, which names the first that failed."""
    last = time.monotonic()
    while True:
        found = runs.of(rest, DAG, logical_date_gte=start.isoformat(), logical_date_lte=end.isoformat())
        states = Counter(run["state"] for run in found)
        if not set(states) - runs.ENDED:
            break
        if time.monotonic() > last + PERIOD:
            last = time.monotonic()
            progress(f"Counted {states['success']} of {len(found)} days")
        time.sleep(runs.PAUSE)
    days = sorted(datetime.datetime.fromisoformat(run["logical_date"]).astimezone(start.tzinfo).date() for run in found)
    if failed := [run for run in found if run["state"] == "failed"]:
        raise runs.failure(rest, DAG, failed[-1]["dag_run_id"])
    progress(f"{len(days)} days are filled: {days[0]} to {days[-1]}")
