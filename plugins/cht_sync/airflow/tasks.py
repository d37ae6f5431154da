"""What the DAGs of an instance share: how they run, the task that prepares the warehouse, the asset for cht_marts."""

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

#: How many tasks of one DAG read one server at once. The instance's pool limits all DAGs together.
READERS = 4

#: The limit of each task; it is longer than the Param `minutes` of an extraction can be.
TIMEOUT = timedelta(hours=4)


def dag_of(
    kind: str,
    instance: Instance,
    timezone: str,
    params: dict[str, Param],
    about: str | None,
    cron: str | None = None,
) -> Any:
    """The decorator of the DAG `cht_<kind>_<instance>`. Without `cron` it runs by Trigger only."""
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
    """The name of a task that works on one database."""
    return f"{kind}_" + "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in database)


def databases(instance: Instance) -> Param:
    """The Param of the Trigger form that chooses databases."""
    given = list(instance.databases)
    return Param(
        given,
        type="array",
        items={"type": "string", "enum": given},
        examples=given,
        title="Databases",
        description="The databases of this run",
    )


def page_rows() -> Param:
    """The Param of the Trigger form for the size of a page, in documents."""
    return Param(
        5000,
        type="integer",
        minimum=1,
        maximum=20000,
        title="Documents a page",
        description="Use fewer if documents are huge, or if a proxy truncates long answers",
    )


@contextmanager
def job(instance: Instance, database: str) -> Iterator[Job]:
    """The job of a run over one database, with an open connection to the warehouse."""
    client = hook.CouchDBHook(instance.connection).get_conn
    with hook.warehouse_connection() as connection:
        yield Job(connection, client, instance.source(database), database, log.info, open=hook.warehouse_connection)


def require_chosen(database: str, params: dict[str, Any], known: dict[str, Param]) -> None:
    """Skips the task if its database is not chosen for this run. Raises ConfigurationInvalid for an unknown Param."""
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
    """A task that starts cht_marts if the models lack anything copied, even if the tasks before it have failed."""
    alias, staged = AssetAlias(f"cht-staged-{instance.name}"), Asset(f"cht://staging/{instance.name}")

    # a teardown runs even if the other tasks failed, and does not change the state of the run
    @teardown
    @task(outlets=[alias])
    def announce(*, outlet_events: Any) -> None:
        with hook.task(), hook.warehouse_connection() as connection:
            if runner.is_waiting(connection, instance.name):
                outlet_events[alias].add(staged)

    made: Callable[[], Any] = announce
    return made
