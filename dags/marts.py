"""Updates the models and the counts of every area with what was copied, then the marts that people read.

**It runs** when an extraction has copied something, when an instance was removed, every hour, and just after local
midnight; or by Trigger. A run that finds nothing new costs one statement a task.

**Tasks**: `update_models` is one transaction: each model takes in what has changed since its last batch, and the areas
that this touches are counted again. The first run of a day, just after local midnight, also moves people who have a
birthday to their new age band. `refresh_marts` refreshes the marts whose input has changed, and emits the asset
`cht://marts`, for a DAG of your own to run after it. `run_checks` makes the checks of `include/sql/reports/checks`: of
what has changed and of a sample, and once a day of everything (`marts.checked`). `report_failing` is red while a file
in `include/deployment` fails. If a run is killed, the next one does the rest.

**When a task is red**, its log ends in one sentence on what happened and one on what to do. *The SQL of … failed* names
the file in `include/sql` and Postgres' error code. The numbers stay as they were until the file is repaired;
`marts.freshness` shows as of when they are. If a file of your own fails, in `include/deployment`, everything else is
done. `report_failing` names the file and the line; once it is repaired, the next run takes in what it missed. If a
*check* finds something wrong, its message names the check and the repair. It is red with every run until that is
repaired; a notifier is notified once a day. The repair is usually one of these, by Trigger:

| in the form | what is counted or modelled from nothing | how long it takes |
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
    """Two minutes past each hour, midnight included, and whenever something was copied or removed."""
    hourly = CronTriggerTimetable("2 * * * *", timezone=configuration.timezone)
    staged = [Asset(f"cht://staging/{instance.name}") for instance in configuration.instances if instance.active]
    return AssetOrTimeSchedule(timetable=hourly, assets=AssetAny(*staged, Asset("cht://removed")))


def parameters() -> dict[str, Param]:
    """The form of Trigger."""

    def sources(title: str, description: str) -> Param:
        return Param([], type="array", items={"type": "string"}, title=title, description=description)

    return {
        "recount": sources("Recount", "Sources such as kitui/medic, one a line: their areas are counted from nothing"),
        "remodel": sources("Remodel", "Sources, one a line: all their documents are modelled, and their areas counted"),
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
                log.warning("no longer updated, as their files are gone: %s", ", ".join(done.left_over))

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
