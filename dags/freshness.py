"""Reports figures that are older than the `fresh_within` of their instance in `include/instances.toml`.

**It runs** every quarter of an hour. It leaves out instances that are paused, or have no `fresh_within`.

**When it is red**, its log names what is late, by how much, and what to do: look for a red task in
`cht_extract_<instance>`, then in `cht_marts`. It is red once when something becomes late, and once a day while that
lasts. In between it is skipped (pink). It is green when nothing is late. Its log also lists instances that are left
over: in the warehouse, but no longer in the file (`cht_remove` removes them).
"""

import logging
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from cht_sync import instances
from cht_sync.airflow import hook
from cht_sync.operate import freshness, removal
from cht_sync.warehouse import migrations

log = logging.getLogger(__name__)


def create(configuration: instances.Configuration) -> Any:
    """The DAG."""

    @dag(
        dag_id="cht_freshness",
        schedule=CronTriggerTimetable("*/15 * * * *", timezone=configuration.timezone),
        start_date=pendulum.datetime(2024, 1, 1, tz=configuration.timezone),
        catchup=False,
        max_active_runs=1,
        default_args=hook.POLICY | {"execution_timeout": timedelta(hours=1)},
        tags=["cht-sync"],
        doc_md=__doc__,
    )
    def workflow() -> None:
        @task
        def check() -> None:
            with hook.task(), hook.warehouse_connection() as connection:
                migrations.migrate(connection)
                if over := removal.left_over(connection, configuration):
                    log.warning("left over, no longer in instances.toml: %s", ", ".join(over))
                late = freshness.check(connection, configuration)
            if late:
                raise AirflowSkipException("Late, and reported within a day already: " + "; ".join(map(str, late)))

        check()

    return workflow()


if configured := instances.valid():  # dags/extract.py says what is wrong with it
    create(configured)
