"""The tasks that every DAG of an instance has: the warehouse made ready before, the models woken behind."""

import logging
from collections.abc import Callable
from typing import Any

from airflow.sdk import Asset, AssetAlias, Param, task, teardown
from airflow.sdk.exceptions import AirflowSkipException

from cht_sync import extract, hook, schema, staging
from cht_sync.errors import ConfigurationInvalid
from cht_sync.instances import Instance

log = logging.getLogger(__name__)

#: Tasks of one DAG that read one server at once; the instance's pool holds for all DAGs together.
READERS = 4


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
            if applied := schema.migrate(connection):
                log.info("applied %s", ", ".join(applied))
            staging.prepare(connection, {source: (instance.name, name) for source, name in instance.sources.items()})

    return prepare_warehouse()


def announcer(instance: Instance) -> Callable[[], Any]:
    """Wakes cht_marts where there is something new, whoever has written it, and whatever became of the tasks before."""
    alias, staged = AssetAlias(f"cht-staged-{instance.name}"), Asset(f"cht://staging/{instance.name}")

    # a teardown: it runs whatever became of the others, and the run's state is theirs
    @teardown
    @task(outlets=[alias])
    def announce(*, outlet_events: Any) -> None:
        with hook.task(), hook.warehouse_connection() as connection:
            if extract.is_waiting(connection, instance.name):
                outlet_events[alias].add(staged)

    made: Callable[[], Any] = announce
    return made
