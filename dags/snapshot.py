"""Copies large databases for the first time, in parallel ranges; then `cht_extract_<instance>` continues.

**It runs** by Trigger only, before `cht_extract_<instance>` is switched on. It is worth it from some million documents
on, if CouchDB has cores to spare. A smaller database is copied as quickly by the feed alone.

**Tasks**, for each database: `plan_…` reads the feed once without documents. It notes the checkpoint at which the feed
resumes later, and cuts the ids into ranges. `copy_…` copies one range each; the pool limits how many run in parallel.
`hand_over_…` hands the source over to the feed. A database that is copied already is skipped. `ops.snapshot_range`
shows how far each range is.

During the first copy nothing else writes these sources, and they have no numbers: runs of `cht_extract` skip them.

With *Seed from* the documents come from couch2pg's table, in one range, instead of from CouchDB. Their numbers are
complete only after `cht_verify_<instance>` has compared them. See docs/adopting.md.

**When a task is red**, its log ends in one sentence on what happened and one on what to do. A range that was stopped or
killed resumes after its last page: *Clear* the task, or trigger this again. *Start again* deletes what was copied so
far. It is needed only if the database is another than the copy began with.
"""

import logging
from functools import partial
from typing import Any

from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowException
from cht_sync import instances
from cht_sync.airflow import hook, tasks
from cht_sync.first_copy import couch2pg, plan, ranges
from cht_sync.instances import Instance

log = logging.getLogger(__name__)


def parameters(instance: Instance) -> dict[str, Param]:
    """The form of Trigger."""
    return {
        "databases": tasks.databases(instance),
        "page_rows": tasks.page_rows(),
        "restart": Param(
            False,
            type="boolean",
            title="Start again",
            description="Deletes what an unfinished first copy has copied, and begins again",
        ),
        "seed": Param(
            None,
            type=["null", "string"],
            title="Seed from",
            description="An Airflow connection to the Postgres of couch2pg: the documents are copied from its table, "
            "not from CouchDB. See docs/adopting.md",
        ),
        "table": Param(
            "v1.couchdb",
            type="string",
            pattern=r"^[^.\s]+\.[^.\s]+$",
            title="Table of couch2pg",
            description="With its schema; couchdb_progress must be in the same schema",
        ),
    }


class Source:
    """One database of an instance, as its tasks see it."""

    def __init__(self, instance: Instance, database: str) -> None:
        self.instance, self.database = instance, database

    def old(self, params: dict[str, Any]) -> couch2pg.Old | None:
        """Where couch2pg's table is; None without *Seed from*."""
        if not params["seed"]:
            return None
        schema, table = params["table"].split(".")
        return couch2pg.Old(
            partial(hook.other_connection, params["seed"]), schema, table, self.instance.shown(self.database)
        )

    def plan(self, params: dict[str, Any]) -> list[int]:
        """The numbers of the ranges. Ids are not returned: Airflow would keep them."""
        tasks.require_chosen(self.database, params, parameters(self.instance))
        options = plan.Options(restart=params["restart"])
        with tasks.job(self.instance, self.database) as job:
            if old := self.old(params):
                return couch2pg.plan(job, old, options)
            return plan.make(job, options)

    def copy(self, number: int, params: dict[str, Any]) -> None:
        """One range."""
        options = plan.Options(params["page_rows"])
        with tasks.job(self.instance, self.database) as job:
            if old := self.old(params):
                couch2pg.copy(job, old, options)
            else:
                ranges.copy(job, number, options)

    def hand_over(self) -> None:
        """Hands the source over to its feed, once all ranges are copied."""
        source = self.instance.source(self.database)
        with tasks.job(self.instance, self.database) as job:
            if not plan.hand_over(job, plan.Options()):
                raise AirflowException(f"There is a range that is not copied yet, of {source}. Clear its task")
        log.info("%s is copied; cht_extract_%s continues with its feed", source, self.instance.name)


def create(instance: Instance, timezone: str) -> DAG:
    """One instance's DAG."""

    @tasks.dag_of("snapshot", instance, timezone, parameters(instance), __doc__)
    def workflow() -> None:
        prepared, announced = tasks.prepare(instance), tasks.announcer(instance)()

        def first_copy(database: str) -> None:
            @task(task_id=tasks.name("plan", database), pool=instance.pool)
            def plan(*, params: dict[str, Any]) -> list[int]:
                with hook.task():
                    return Source(instance, database).plan(dict(params))

            # in parallel, unlike all other tasks: each range has a lock of its own
            @task(task_id=tasks.name("copy", database), pool=instance.pool, max_active_tis_per_dag=None)
            def copy_range(number: int, *, params: dict[str, Any]) -> None:
                with hook.task():
                    Source(instance, database).copy(number, dict(params))

            @task(task_id=tasks.name("hand_over", database), pool=instance.pool)
            def hand_over() -> None:
                with hook.task():
                    Source(instance, database).hand_over()

            numbers = plan()
            prepared >> numbers
            copy_range.expand(number=numbers) >> hand_over() >> announced

        for database in instance.databases:
            first_copy(database)

    return workflow()


if configuration := instances.valid():  # dags/extract.py says what is wrong with it
    for each in configuration.instances:
        if each.active:
            create(each, configuration.timezone)
