"""Compares the copy with CouchDB, document by document, and makes right what is wrong.

**It runs** every night, or by Trigger, also beside an extraction: what has changed in CouchDB since the last page is
told apart from what is wrong. It reads ids and revisions only, and documents where something is missing.

**Tasks**: one a database; `announce` wakes `cht_marts` where something was made right. What each has found is a row of
`ops.verification`; when each source was last compared, and whether the copy was the same, is in `marts.compared`.

| it finds | and makes it right |
|---|---|
| missing, stale | reads the documents again |
| deleted in CouchDB only | marks them as deleted |
| purged, archived (in `<database>-archive`): not there any more | takes them out of the numbers (`gone`) |

With *Repair* off it only tells, and is red where anything differs.

**When a task is red**, its log ends in one sentence on what happened and one on what to do:

| it says | do |
|---|---|
| are not as CouchDB has them | see docs/operating.md, "The copy differs" |
| would be taken out, which is too many | the same: first see whether CouchDB has lost a shard |
| another database than was copied | see docs/operating.md, "A database was replaced" |
| another run has written, another run is at work | wait, it is tried again |

A database that is just copied for the first time, or anew, is not compared (pink).
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
        "repair": Param(True, type="boolean", title="Repair", description="Off: only tell what differs"),
        "most_gone": Param(
            verification.Options.most_gone,
            type="integer",
            minimum=0,
            maximum=100,
            title="Most that may be taken out, in percent",
            description="Where CouchDB has nothing of more documents than that, none is taken out: it may have lost a "
            "shard. Raise it after a large purge",
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
