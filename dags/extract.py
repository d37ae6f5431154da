"""Copies every change of a CHT server's CouchDB databases into the warehouse, from where the last run ended.

**It runs** by the schedule in `include/instances.toml`, by Trigger, or by `airflow dags trigger`. A run with nothing
new takes a second. The feed has no dates: a backfill of this DAG is harmless, and does what a run does.

**Tasks**: `prepare_warehouse` makes or migrates the tables; one task a database copies it, page by page, each page and
its checkpoint in one transaction; `announce` wakes `cht_marts` where there is something new, also after a failure.

**When a task is red**, its log ends in one sentence on what happened and one on what to do:

| it says | do |
|---|---|
| does not answer, answered 5xx, cut off | wait, it is tried again; if it lasts, look at CouchDB and the proxy |
| login is wrong, or may not read | correct the connection, then clear the task: CouchDB locks accounts out |
| no database | correct `databases` in `include/instances.toml` |
| another database than was copied | see docs/operating.md, "A database was replaced". Nothing was changed |
| needs the databases to be replaced | the mode replace acts only on those that are named in `replaced` |
| another run is at work | wait for it, or look for a run that does not end |
| the warehouse … | its connection is `cht_warehouse` |

**Modes** of Trigger: `incremental`, as every scheduled run; `resync` reads the same database once more from its start;
`replace` takes another one in its place; `replay` tries rejected documents once more. A run that is killed, or whose
time is up, leaves the rest to the runs after it, whichever mode they were asked for.

A document that Postgres cannot hold does not stop the copy: it is listed in `ops.rejected`, with why.
How far each database is stands in `ops.checkpoint`, what each run did in `ops.extract_run`.
"""

import logging
from typing import Any

from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowSkipException
from cht_sync import instances
from cht_sync.airflow import hook, tasks
from cht_sync.copy import extract
from cht_sync.errors import ConfigurationInvalid, FirstCopy
from cht_sync.instances import Instance

log = logging.getLogger(__name__)

MODES = {
    "incremental": "incremental: what changed since the last run",
    "resync": "resync: the same database once more, from its start",
    "replace": "replace: another database in place of the one copied",
    "replay": "replay: the rejected documents once more",
}


def parameters(instance: Instance) -> dict[str, Param]:
    """The form of Trigger."""
    databases = list(instance.databases)
    return {
        "mode": Param(
            "incremental",
            type="string",
            enum=list(MODES),
            values_display=MODES,
            title="Mode",
            description="resync writes what is missing or stale, and marks as gone what CouchDB has no more. replace "
            "copies aside, and puts the new copy in place of the old one when it is whole. Both go on in every later "
            "run until they are done",
        ),
        "databases": tasks.databases(instance),
        "replaced": Param(
            [],
            type=["array", "null"],
            items={"type": "string", "enum": databases},
            examples=databases,
            title="Databases to be replaced",
            description="For the mode replace only, which must have them named here: documents that the new database "
            "does not have will count no more",
        ),
        "page_rows": tasks.page_rows(),
        "minutes": Param(
            50,
            type="integer",
            minimum=1,
            maximum=200,
            title="Minutes",
            description="After so many the run ends on a committed page, and the next goes on from there",
        ),
    }


def copy(instance: Instance, database: str, params: dict[str, Any]) -> None:
    """The work of one database's task."""
    mode = chosen_mode(database, params)
    tasks.require_chosen(database, params, parameters(instance))
    options = extract.Options(params["page_rows"], params["minutes"] * 60, mode=mode)
    with tasks.job(instance, database) as job:
        try:
            done = extract.run(job, options)
        except FirstCopy as error:
            raise AirflowSkipException(str(error)) from None
    log.info("caught up" if done.caught_up else "the time is up: the next run goes on from here")


def chosen_mode(database: str, params: dict[str, Any]) -> str:
    """Of one database: only those that are named are replaced. Raises ConfigurationInvalid."""
    mode, replaced = str(params["mode"]), params["replaced"] or []
    if (mode == "replace") != bool(replaced):
        raise ConfigurationInvalid(
            "The mode replace needs the databases to be replaced, and no other mode takes them",
            "Name them in `replaced`, or choose another mode; nothing was changed",
        )
    if outside := sorted(set(replaced) - set(params["databases"])):
        raise ConfigurationInvalid(
            f"{', '.join(outside)} is to be replaced, but is not among the databases of this run",
            "Name in `replaced` only what is in `databases`, too; nothing was changed",
        )
    return "incremental" if mode == "replace" and database not in replaced else mode


def create(instance: Instance, timezone: str) -> DAG:
    """One instance's DAG."""

    @tasks.dag_of("extract", instance, timezone, parameters(instance), __doc__, instance.schedule)
    def workflow() -> None:
        def extraction(database: str) -> Any:
            @task(task_id=tasks.name("extract", database), pool=instance.pool)
            def extract_database(*, params: dict[str, Any]) -> None:
                with hook.task():
                    copy(instance, database, dict(params))

            return extract_database()

        tasks.prepare(instance) >> [extraction(each) for each in instance.databases] >> tasks.announcer(instance)()

    return workflow()


class Misconfigured(DAG):
    """Stands for instances.toml where it is wrong: the import error is then its one sentence, without a stack trace."""

    def validate(self) -> None:
        """Raises what is wrong with the file; Airflow calls it when it takes up a DAG."""
        instances.read()


if configuration := instances.valid():
    for each in configuration.instances:
        if each.active:
            create(each, configuration.timezone)
else:
    misconfigured = Misconfigured(dag_id="cht_extract")
