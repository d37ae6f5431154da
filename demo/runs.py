"""Runs of DAGs: started and awaited over Airflow's API."""

import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from servers.errors import DemoError
from servers.rest import Rest

Check = Callable[[], None]

#: Seconds between two requests.
PAUSE = 0.5

#: Seconds until Airflow must list a DAG whose file exists.
LISTED = 120

ENDED = {"success", "failed"}


def wait_listed(rest: Rest, dags: Iterable[str], alive: Check) -> None:
    """Waits until Airflow has read the DAGs. Raises DemoError with the first file that does not import."""
    end = time.monotonic() + LISTED
    while True:
        alive()
        listed = {dag["dag_id"] for dag in rest.get("dags", limit=1000)["dags"]}
        require_imported(rest)
        missing = sorted(set(dags) - listed)
        if not missing:
            return
        if time.monotonic() > end:
            raise DemoError(f"Airflow does not list the DAG {missing[0]}", "Look at its log, dag-processor.log")
        time.sleep(PAUSE)


def require_imported(rest: Rest) -> None:
    for error in rest.get("importErrors", limit=1)["import_errors"]:
        reason = (error["stack_trace"].strip().splitlines() or ["no reason given"])[-1]
        raise DemoError(f"Airflow cannot import {error['filename']}: {reason}", "Correct it and start again")


def unpause(rest: Rest, dag: str) -> None:
    rest.patch(f"dags/{dag}", {"is_paused": False})


def trigger(rest: Rest, dag: str) -> str:
    """Starts a run, as the UI's button does; returns its id."""
    run: str = rest.post(f"dags/{dag}/dagRuns", {"logical_date": None})["dag_run_id"]
    return run


def wait(rest: Rest, dag: str, run: str, seconds: float, look: Check) -> None:
    """Waits for the end of a run, calling `look` meanwhile. Raises DemoError if it failed or lasts too long."""
    end = time.monotonic() + seconds
    while (state := rest.get(f"dags/{dag}/dagRuns/{quote(run)}")["state"]) not in ENDED:
        look()
        if time.monotonic() > end:
            raise DemoError(
                f"The DAG {dag} is still {state} after {seconds:.0f} s", "Look at its tasks' logs in the UI"
            )
        time.sleep(PAUSE)
    if state == "failed":
        raise failure(rest, dag, run)


def failure(rest: Rest, dag: str, run: str) -> DemoError:
    tasks = rest.get(f"dags/{dag}/dagRuns/{quote(run)}/taskInstances", limit=1000)["task_instances"]
    failed = sorted(task["task_id"] for task in tasks if task["state"] == "failed")
    logs = f"logs/dag_id={dag}/run_id={run}"
    return DemoError(
        f"The DAG {dag} failed in {', '.join(failed) or 'no task'}", f"Its reason is in {logs} of Airflow's home"
    )


def of(rest: Rest, dag: str, **query: object) -> list[dict[str, Any]]:
    """The runs of a DAG, the latest first."""
    found: list[dict[str, Any]] = rest.get(f"dags/{dag}/dagRuns", order_by="-run_after", limit=1000, **query)[
        "dag_runs"
    ]
    return found
