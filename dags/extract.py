"""Copies every change of a CHT server's CouchDB databases into the warehouse, from where the last run ended.

**It runs** by the schedule in `include/instances.toml`, by Trigger, or by `airflow dags trigger`. A run that finds
nothing new takes a second. The feed has no dates, so a backfill of this DAG does only what a run does.

**Tasks**: `prepare_warehouse` makes or migrates the tables. One task a database copies it, page by page; each page and
its checkpoint are one transaction. `announce` wakes `cht_marts` if there is something new, also after a failure.

**When a task is red**, its log ends in one sentence on what happened and one on what to do:

| it says | do |
|---|---|
| does not answer, answered 5xx, cut off | wait: the task is retried; if it lasts, look at CouchDB and the proxy |
| login is wrong, or may not read | correct the connection, then clear the task: CouchDB locks accounts out |
| no database | correct `databases` in `include/instances.toml` |
| another database than was copied | see docs/operating.md, "A database was replaced". Nothing was changed |
| needs the databases to be replaced | name them in `replaced`: the mode replace acts on no others |
| another run is at work | wait, or end a run that does not end by itself |
| the warehouse … | its connection is `cht_warehouse` |

**Modes** of Trigger: `incremental` is what scheduled runs do. `resync` reads the same database once more from its
start. `replace` puts a copy of another database in the place of the old one. `replay` tries rejected documents again.
If a run is killed, or its time is up, later runs finish its mode, whatever mode they are given.

A document that Postgres cannot hold does not stop the copy: `ops.rejected` lists it, with the reason.
`ops.checkpoint` shows how far each database is copied, and `ops.extract_run` what each run did.
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
    "incremental": "incremental: what has changed since the last run",
    "resync": "resync: the same database once more, from its start",
    "replace": "replace: another database in the place of the one copied",
    "replay": "replay: the rejected documents, tried again",
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
            description="resync writes what is missing or stale, and marks as gone what CouchDB no longer has. replace "
            "makes a copy aside, and puts it in the place of the old one when it is whole. Later runs continue both "
            "until they are done",
        ),
        "databases": tasks.databases(instance),
        "replaced": Param(
            [],
            type=["array", "null"],
            items={"type": "string", "enum": databases},
            examples=databases,
            title="Databases to be replaced",
            description="For the mode replace only: it replaces only the databases named here. Documents that the new "
            "database does not have no longer count",
        ),
        "page_rows": tasks.page_rows(),
        "minutes": Param(
            50,
            type="integer",
            minimum=1,
            maximum=200,
            title="Minutes",
            description="After this time the run ends on a committed page, and the next run resumes there",
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
    log.info("caught up" if done.caught_up else "the time is up: the next run resumes here")


def chosen_mode(database: str, params: dict[str, Any]) -> str:
    """The mode of one database: only those named in `replaced` are replaced. Raises ConfigurationInvalid."""
    mode, replaced = str(params["mode"]), params["replaced"] or []
    if (mode == "replace") != bool(replaced):
        raise ConfigurationInvalid(
            "The mode replace needs the databases to be replaced, and no other mode takes them",
            "Name them in `replaced`, or choose another mode; nothing was changed",
        )
    if outside := sorted(set(replaced) - set(params["databases"])):
        raise ConfigurationInvalid(
            f"`replaced` names {', '.join(outside)}, which is not among the databases of this run",
            "Name in `replaced` only databases that are in `databases`, too; nothing was changed",
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
    """Stands in for an invalid instances.toml: the import error is then our message, without a stack trace."""

    def validate(self) -> None:
        """Raises ConfigurationInvalid, which says what is wrong with the file. Airflow calls it when it loads a DAG."""
        instances.read()


if configuration := instances.valid():
    for each in configuration.instances:
        if each.active:
            create(each, configuration.timezone)
else:
    misconfigured = Misconfigured(dag_id="cht_extract")
