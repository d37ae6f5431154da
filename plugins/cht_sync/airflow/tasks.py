"""What every DAG of an instance has: how it runs, the warehouse made ready before, the models woken behind."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Asset, AssetAlias, CronTriggerTimetable, Param, dag, task, teardown
from airflow.sdk.exceptions import AirflowSkipException

from cht_sync.airflow import hook
from cht_sync.copy import write
from cht_sync.copy.job import Job
from cht_sync.errors import ConfigurationInvalid
from cht_sync.instances import Instance
from cht_sync.models import runner, v1
from cht_sync.warehouse import migrations

log = logging.getLogger(__name__)

#: Tasks of one DAG that read one server at once; the instance's pool holds for all DAGs together.
READERS = 4

#: Of each task; longer than the Param `minutes` of an extraction may be.
TIMEOUT = timedelta(hours=4)


def dag_of(
    kind: str,
    instance: Instance,
    timezone: str,
    params: dict[str, Param],
    about: str | None,
    cron: str | None = None,
) -> Any:
    """The decorator of the DAG `cht_<kind>_<instance>`; without `cron` it runs by Trigger only."""
    return dag(
        dag_id=f"cht_{kind}_{instance.name}",
        schedule=CronTriggerTimetable(cron, timezone=timezone) if cron else None,
        start_date=pendulum.datetime(2024, 1, 1, tz=timezone),
        catchup=False,
        max_active_runs=1,
        max_active_tasks=READERS,
        default_args=hook.POLICY | {"execution_timeout": TIMEOUT},
        params=params,
        tags=["cht-sync", instance.name],
        doc_md=about,
    )


def name(kind: str, database: str) -> str:
    """Of a task that does something with one database."""
    return f"{kind}_" + "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in database)


def databases(instance: Instance) -> Param:
    """Of the form of Trigger."""
    given = list(instance.databases)
    return Param(
        given,
        type="array",
        items={"type": "string", "enum": given},
        examples=given,
        title="Databases",
        description="Those of this run",
    )


def page_rows() -> Param:
    """Of the form of Trigger."""
    return Param(
        5000,
        type="integer",
        minimum=1,
        maximum=20000,
        title="Documents a page",
        description="Fewer where documents are huge, or a proxy cuts long answers off",
    )


@contextmanager
def job(instance: Instance, database: str) -> Iterator[Job]:
    """What a run over one database is given."""
    client = hook.CouchDBHook(instance.connection).get_conn
    with hook.warehouse_connection() as connection:
        yield Job(connection, client, instance.source(database), database, log.info, open=hook.warehouse_connection)


def require_chosen(database: str, params: dict[str, Any], known: dict[str, Param]) -> None:
    """Skips the task of a database that is not among those of the run. Raises ConfigurationInvalid."""
    if unknown := set(params) - set(known):
        raise ConfigurationInvalid(
            f"There is no parameter {', '.join(sorted(unknown))}", f"There are {', '.join(known)}"
        )
    if database not in params["databases"]:
        raise AirflowSkipException(f"{database} is not among the databases of this run")


def prepare(instance: Instance) -> Any:
    """Migrates the warehouse, and registers the instance's databases."""

    @task
    def prepare_warehouse() -> None:
        with hook.task(), hook.warehouse_connection() as connection:
            if applied := migrations.migrate(connection):
                log.info("applied %s", ", ".join(applied))
            write.prepare(connection, {source: (instance.name, name) for source, name in instance.sources.items()})
            v1.name(connection, instance)

    return prepare_warehouse()


def announcer(instance: Instance) -> Callable[[], Any]:
    """Wakes cht_marts where there is something new, whoever has written it, and whatever became of the tasks before."""
    alias, staged = AssetAlias(f"cht-staged-{instance.name}"), Asset(f"cht://staging/{instance.name}")

    # a teardown: it runs whatever became of the others, and the run's state is theirs
    @teardown
    @task(outlets=[alias])
    def announce(*, outlet_events: Any) -> None:
        with hook.task(), hook.warehouse_connection() as connection:
            if runner.is_waiting(connection, instance.name):
                outlet_events[alias].add(staged)

    made: Callable[[], Any] = announce
    return made
