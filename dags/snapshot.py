"""Copies large databases for the first time, in ranges side by side; then `cht_extract_<instance>` goes on.

**It runs** by Trigger only, before `cht_extract_<instance>` is switched on. It pays from some million documents on,
where CouchDB has cores to spare: below that the feed alone is as quick.

**Tasks**, for each database: `plan_…` reads the feed without documents once, for the checkpoint that the feed goes on
from, and cuts the ids into ranges; `copy_…` copies a range each, as many side by side as the pool allows;
`hand_over_…` lets the feed go on. A database that is copied already is skipped. How far each range is stands in
`ops.snapshot_range`.

Until it has ended nothing else writes these sources, and they have no numbers: runs of `cht_extract` skip them.

With *Seed from* it takes what couch2pg has copied of the database before, in one range, instead of reading it from
CouchDB; its numbers are complete only once `cht_verify_<instance>` has compared them. See docs/adopting.md.

**When a task is red**, its log ends in one sentence on what happened and one on what to do. A range that is stopped or
killed goes on behind its last page: *Clear* the task, or trigger this again. *Start again* forgets what was copied so
far; it is needed only where the database is another one than the copy began with.
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
            description="Forgets an unfinished first copy, with what it has copied",
        ),
        "seed": Param(
            None,
            type=["null", "string"],
            title="Seed from",
            description="An Airflow connection to the Postgres of couch2pg: takes what that has copied, not CouchDB's. "
            "See docs/adopting.md",
        ),
        "table": Param(
            "v1.couchdb",
            type="string",
            pattern=r"^[^.\s]+\.[^.\s]+$",
            title="Table of couch2pg",
            description="With its schema, in which couchdb_progress is, too",
        ),
    }


class Source:
    """One database of an instance, as its tasks see it."""

    def __init__(self, instance: Instance, database: str) -> None:
        self.instance, self.database = instance, database

    def old(self, params: dict[str, Any]) -> couch2pg.Old | None:
        """Where couch2pg's copy is, if that is to be taken."""
        if not params["seed"]:
            return None
        schema, table = params["table"].split(".")
        return couch2pg.Old(
            partial(hook.other_connection, params["seed"]), schema, table, self.instance.shown(self.database)
        )

    def plan(self, params: dict[str, Any]) -> list[int]:
        """The numbers of the ranges; no ids, which Airflow would keep."""
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
        """Once all ranges are copied."""
        source = self.instance.source(self.database)
        with tasks.job(self.instance, self.database) as job:
            if not plan.hand_over(job, plan.Options()):
                raise AirflowException(f"Of {source} there is a range that is not copied yet. Clear its task")
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

            # side by side, unlike all other tasks: each range has a lock of its own
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
