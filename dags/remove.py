"""Removes an instance from the warehouse, with all its copies and counts. There is no way back.

**It runs** by Trigger only. First take the instance out of `include/instances.toml`, and wait until its DAG is gone
from the list. Then name it in the form. Nothing of another instance is touched, and CouchDB is not written to.

**When it is red**: *is still in include/instances.toml* means that nothing was removed. *Another run is at work* means
that an extraction or `cht_marts` is running: the task is retried. A removal that was killed continues when its task is
cleared.
"""

import logging
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Asset, Param, dag, task
from cht_sync import instances
from cht_sync.airflow import hook
from cht_sync.operate import removal
from cht_sync.warehouse import migrations

log = logging.getLogger(__name__)

REMOVED = Asset("cht://removed")


def create(configuration: instances.Configuration) -> Any:
    """The DAG."""

    @dag(
        dag_id="cht_remove",
        schedule=None,
        start_date=pendulum.datetime(2024, 1, 1, tz=configuration.timezone),
        catchup=False,
        max_active_runs=1,
        default_args=hook.POLICY | {"execution_timeout": timedelta(hours=4)},
        params={
            "instance": Param(
                "",
                type="string",
                title="Instance",
                description="The name of one that is no longer in include/instances.toml",
            )
        },
        tags=["cht-sync"],
        doc_md=__doc__,
    )
    def workflow() -> None:
        @task(outlets=[REMOVED])
        def remove(*, params: dict[str, Any]) -> None:
            with hook.task(), hook.warehouse_connection() as connection:
                migrations.migrate(connection)
                # read again: the instance may have come back since this file was loaded
                sources = removal.remove(connection, instances.read(), params["instance"])
            log.info("removed: %s", ", ".join(sources))

        remove()

    return workflow()


if configured := instances.valid():  # dags/extract.py says what is wrong with it
    create(configured)
