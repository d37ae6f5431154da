"""Counts a day: the persons of every area above the household at the end of the day, and the events of the day.

**It runs** daily, just after local midnight. It counts the day that has ended, and all days back to the earliest that
late documents have touched, 90 days at most. If counted days before these have changed, its log warns, with the command
that counts them again. Past days are counted by **backfill**: Trigger, Backfill in the UI, or

    airflow backfill create --dag-id cht_history \\
        --from-date 2026-01-01T00:00:00+03:00 --to-date 2026-01-31T00:00:00+03:00

(both ends are counted; give the offset of the deployment's time zone). A run by backfill counts one day. A run by
Trigger counts the day in *Day*, or yesterday.

A day is counted by the dates in the documents, and people are counted where they are now: see docs/counts.md. A day can
be counted again at any time: all its rows are replaced, and the same documents give the same rows.

**When it is red**: *There are no models yet* means that `cht_marts` has not run. Any other error passes by itself, or
is an error of the warehouse.
"""

import datetime
import logging
from typing import Any

import pendulum
from airflow.sdk import CronDataIntervalTimetable, Param, dag, task
from cht_sync import instances
from cht_sync.airflow import hook
from cht_sync.errors import ConfigurationInvalid
from cht_sync.reports import history

log = logging.getLogger(__name__)


def chosen_day(dag_run: Any, day: str | None, now: pendulum.DateTime) -> datetime.date:
    """The day of the interval, if the run is scheduled or a backfill; else the Param, or the day before `now`."""
    if dag_run.run_type != "manual" and dag_run.data_interval_start is not None:
        start: datetime.date = pendulum.instance(dag_run.data_interval_start).in_timezone(now.timezone_name).date()
        return start
    if day is None:
        return now.subtract(days=1).date()
    try:
        return datetime.date.fromisoformat(day)
    except ValueError:
        raise ConfigurationInvalid(f"The Param day is {day!r}", "Give it as 2026-01-31") from None


def parameters() -> dict[str, Param]:
    """The form of Trigger."""
    return {
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Day",
            description="The day to count; yesterday if empty. For more than one day use backfill",
        )
    }


def create(timezone: str) -> Any:
    """The DAG."""

    @dag(
        dag_id="cht_history",
        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=timezone),
        start_date=pendulum.datetime(2010, 1, 1, tz=timezone),
        catchup=False,
        max_active_runs=1,
        default_args=hook.POLICY | {"execution_timeout": datetime.timedelta(hours=1)},
        params=parameters(),
        tags=["cht-sync"],
        doc_md=__doc__,
    )
    def workflow() -> None:
        @task
        def count_day(*, params: dict[str, Any], dag_run: Any) -> None:
            with hook.task(), hook.warehouse_connection() as connection:
                day = chosen_day(dag_run, params["day"], pendulum.now(timezone))
                if dag_run.run_type != "scheduled":
                    log.info("%s: %d areas", day, history.count_day(connection, day, timezone))
                    return
                counted = history.catch_up(connection, day, timezone)
            log.info("%s to %s: %d rows", counted.first, counted.last, counted.rows)
            if counted.older:
                log.warning(
                    "days from %s to %s have changed since they were counted. Count them again with: %s",
                    *counted.older,
                    history.backfill_command(*counted.older, timezone),
                )

        count_day()

    return workflow()


if configured := instances.valid():  # dags/extract.py says what is wrong with it
    create(configured.timezone)
