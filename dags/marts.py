"""Brings the models and the counts of every area up to what was copied, then the views that people read.

**It runs** when an extraction has copied something, when an instance was removed, every hour, and just after local
midnight; or by Trigger. A run with nothing new costs one statement a task.

**Tasks**: `update_models` takes in what has changed since the batch that each model has noted, and counts again the
areas that this touches, in one transaction; the first one of a day, just after local midnight, also takes those whose
birthday it is from one band of ages to the next. `refresh_marts` refreshes the materialized views whose input has
changed, and emits the asset `cht://marts`, for a DAG of yours to run after it; `run_checks` makes the checks of
`include/sql/reports/checks`: of what has changed and a sample, and once a day of everything (`marts.checked`);
`report_failing` is red while a file in `include/deployment` fails. What a killed run left undone is done by the next.

**When a task is red**, its log ends in a sentence on what happened and one on what to do. *A model failed* names the
file in `include/sql` and Postgres' error code: the numbers stay as they were, marked with the time that they are as of
(`marts.freshness`), until the file is repaired. A file of your own, in `include/deployment`, fails alone: everything
else is done, `report_failing` names it with its line, and repaired it catches up by itself. A *check* that finds
something wrong names itself and the repair, and is red with every run until it is repaired; a notifier is told once a
day. The repair is mostly by Trigger:

| in the form | what is made from nothing | how long it takes |
|---|---|---|
| *Recount* | the counts of a source's areas, from the models | some seconds a million persons |
| *Remodel* | everything of a source, from the staged documents | some minutes a million documents |
"""

import logging
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Asset, AssetAlias, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable, Param, dag, task
from cht_sync import instances
from cht_sync.airflow import hook
from cht_sync.models import runner
from cht_sync.models.files import deployment
from cht_sync.operate import freshness, recompute
from cht_sync.reports import checks, marts
from cht_sync.warehouse import migrations

log = logging.getLogger(__name__)

MARTS = Asset("cht://marts")
ALIAS = AssetAlias("cht-marts")


def schedule(configuration: instances.Configuration) -> Any:
    """Two minutes past each hour, which is past midnight too, and whenever something was copied or removed."""
    hourly = CronTriggerTimetable("2 * * * *", timezone=configuration.timezone)
    staged = [Asset(f"cht://staging/{instance.name}") for instance in configuration.instances if instance.active]
    return AssetOrTimeSchedule(timetable=hourly, assets=AssetAny(*staged, Asset("cht://removed")))


def parameters() -> dict[str, Param]:
    """The form of Trigger."""

    def sources(title: str, description: str) -> Param:
        return Param([], type="array", items={"type": "string"}, title=title, description=description)

    return {
        "recount": sources("Recount", "Sources, as kitui/medic, a line each: their areas are counted from nothing"),
        "remodel": sources("Remodel", "Sources whose documents are all modelled again, and their areas counted"),
    }


@task(outlets=[ALIAS])
def refresh_marts(*, outlet_events: Any) -> None:
    with hook.task(), hook.warehouse_connection() as connection:
        refreshed = marts.refresh(connection)
    log.info("refreshed: %s", ", ".join(refreshed) or "none")
    if refreshed:
        outlet_events[ALIAS].add(MARTS)


@task
def report_failing() -> None:
    with hook.task(), hook.warehouse_connection() as connection:
        deployment.require_working(connection)


def create(configuration: instances.Configuration) -> Any:
    """The DAG."""

    @dag(
        dag_id="cht_marts",
        schedule=schedule(configuration),
        start_date=pendulum.datetime(2024, 1, 1, tz=configuration.timezone),
        catchup=False,
        max_active_runs=1,
        default_args=hook.POLICY | {"execution_timeout": timedelta(hours=2)},
        params=parameters(),
        tags=["cht-sync"],
        doc_md=__doc__,
    )
    def workflow() -> None:
        @task
        def update_models(*, params: dict[str, Any]) -> None:
            with hook.task(), hook.warehouse_connection() as connection:
                migrations.migrate(connection)
                recompute.order(connection, params["recount"], params["remodel"])
                today = pendulum.now(configuration.timezone).date()
                done = runner.update(connection, today=today, timezone=configuration.timezone)
            log.info("%d documents; rows written: %s", done.changed, done.models or "none")
            if done.left_over:
                log.warning("without a file any more, and not followed: %s", ", ".join(done.left_over))

        @task
        def run_checks() -> None:
            with hook.task(), hook.warehouse_connection() as connection:
                today = pendulum.now(configuration.timezone).date()
                found = checks.run(connection, today, freshness.limits(configuration))
            for finding in found:
                log.warning("%s", finding)

        update_models() >> refresh_marts() >> [run_checks(), report_failing()]

    return workflow()


if configured := instances.valid():  # dags/extract.py says what is wrong with it
    create(configured)
