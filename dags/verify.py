"""Compares the copy with CouchDB, document by document, and repairs what is wrong.

**It runs** every night, or by Trigger at any time, also during an extraction: a difference that the feed has yet to
deliver is pending, not an error. It reads ids and revisions only, and those documents that are missing or stale.

**Tasks**: one a database. `announce` wakes `cht_marts` if something was repaired. Each comparison is a row of
`ops.verification`. `marts.compared` has the last comparison of each source, and whether the copy was the same.

| it finds | the repair |
|---|---|
| missing, stale | the documents are read again |
| deleted in CouchDB only | they are marked as deleted |
| purged, archived (in `<database>-archive`): no longer in CouchDB | they no longer count (`gone`) |

With *Repair* off it only reports the differences, and is red if there are any.

**When a task is red**, its log ends in one sentence on what happened and one on what to do:

| it says | do |
|---|---|
| are not as CouchDB has them | see docs/operating.md, "The copy differs" |
| repair was off | trigger it with *Repair* on |
| the removal limit was exceeded; nothing was removed | first find out whether CouchDB has lost a shard |
| another database than was copied | see docs/operating.md, "A database was replaced" |
| another run has written, another run is at work | wait: the task is retried |

A database whose first copy, `resync` or `replace` is unfinished is skipped (pink).
"""

import logging
from typing import Any

from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowSkipException
from cht_sync import instances
from cht_sync.airflow import hook, tasks
from cht_sync.instances import Instance
from cht_sync.verify import verification

log = logging.getLogger(__name__)


def parameters(instance: Instance) -> dict[str, Param]:
    """The form of Trigger."""
    return {
        "databases": tasks.databases(instance),
        "repair": Param(True, type="boolean", title="Repair", description="Off: only report the differences"),
        "most_gone": Param(
            verification.Options.most_gone,
            type="integer",
            minimum=0,
            maximum=100,
            title="Removal limit, in percent",
            description="If CouchDB has nothing of more documents than this, none is removed: it may have lost a "
            "shard. Raise the limit after a large purge",
        ),
    }


def compare(instance: Instance, database: str, params: dict[str, Any]) -> None:
    """The work of one database's task."""
    tasks.require_chosen(database, params, parameters(instance))
    with tasks.job(instance, database) as job:
        done = verification.run(job, verification.Options(params["repair"], params["most_gone"]))
    (log.warning if done.wrong else log.info)("%s", done)
    if done.waits:
        raise AirflowSkipException(done.waits)
    verification.require_equal(done)


def create(instance: Instance, timezone: str) -> DAG:
    """One instance's DAG."""

    nightly = "30 1 * * *" if instance.schedule else None

    @tasks.dag_of("verify", instance, timezone, parameters(instance), __doc__, nightly)
    def workflow() -> None:
        def comparison(database: str) -> Any:
            @task(task_id=tasks.name("verify", database), pool=instance.pool)
            def verify_database(*, params: dict[str, Any]) -> None:
                with hook.task():
                    compare(instance, database, dict(params))

            return verify_database()

        tasks.prepare(instance) >> [comparison(each) for each in instance.databases] >> tasks.announcer(instance)()

    return workflow()


if configuration := instances.valid():  # dags/extract.py says what is wrong with it
    for each in configuration.instances:
        if each.active:
            create(each, configuration.timezone)
