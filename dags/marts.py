"""Brings the models and the counts of every area up to what was copied, then the views that people read.

**It runs** when an extraction has copied something, when an instance was removed, every hour, and just after local
midnight; or by Trigger. A run with nothing new costs one statement a task.

**Tasks**: `update_models` takes in what has changed since the batch that each model has noted, and counts again the
areas of the sources that changed, in one transaction; `refresh_marts` refreshes the materialized views whose input has
changed, and emits the asset `cht://marts`, for a DAG of yours to run after it. What a killed run left undone is done by
the next one.

**When a task is red**, its log ends in a sentence on what happened and one on what to do. *A model failed* names the
file in `include/sql` and Postgres' error code: the numbers stay as they were, marked with the time that they are as of
(`marts.freshness`), until the file is repaired.
"""

import logging
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Asset, AssetAlias, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from cht_sync import hook, instances, marts, models, schema

log = logging.getLogger(__name__)

MARTS = Asset("cht://marts")
ALIAS = AssetAlias("cht-marts")


def schedule(configuration: instances.Configuration) -> Any:
    """Two minutes past each hour, which is past midnight too, and whenever something was copied or removed."""
    hourly = CronTriggerTimetable("2 * * * *", timezone=configuration.timezone)
    staged = [Asset(f"cht://staging/{instance.name}") for instance in configuration.instances if instance.active]
    return AssetOrTimeSchedule(timetable=hourly, assets=AssetAny(*staged, Asset("cht://removed")))


def create(configuration: instances.Configuration) -> Any:
    """The DAG."""

    @dag(
        dag_id="cht_marts",
        schedule=schedule(configuration),
        start_date=pendulum.datetime(2024, 1, 1, tz=configuration.timezone),
        catchup=False,
        max_active_runs=1,
        default_args=hook.POLICY | {"execution_timeout": timedelta(hours=2)},
        tags=["cht-sync"],
        doc_md=__doc__,
    )
    def workflow() -> None:
        @task
        def update_models() -> None:
            with hook.task(), hook.warehouse_connection() as connection:
                schema.migrate(connection)
                done = models.update(connection)
            log.info("%d documents; rows written: %s", done.changed, done.models or "none")

        @task(outlets=[ALIAS])
        def refresh_marts(*, outlet_events: Any) -> None:
            with hook.task(), hook.warehouse_connection() as connection:
                refreshed = marts.refresh(connection)
            log.info("refreshed: %s", ", ".join(refreshed) or "none")
            if refreshed:
                outlet_events[ALIAS].add(MARTS)

        update_models() >> refresh_marts()

    return workflow()


if configured := instances.valid():  # dags/extract.py says what is wrong with it
    create(configured)
