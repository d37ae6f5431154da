"""What holds for every DAG: it loads, and each task has an owner, retries and a limit of time."""

import ast
from datetime import timedelta
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from cht_sync.airflow import notify

from tests.dags.conftest import ROOT

NAMES = {
    "cht_extract_demo",
    "cht_freshness",
    "cht_history",
    "cht_marts",
    "cht_remove",
    "cht_snapshot_demo",
    "cht_verify_demo",
}
DATABASES = ("medic", "medic-sentinel", "medic-users-meta", "_users")


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(ROOT / "dags")


def dags(bag: DagBag) -> list[DAG]:
    return list(bag.dags.values())


def test_all_load(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == NAMES


def test_every_task_has_owner_retries_and_timeout(bag: DagBag) -> None:
    for dag in dags(bag):
        for task in dag.tasks:
            named = f"{dag.dag_id}.{task.task_id}"
            assert task.owner == "cht-sync", named
            assert task.retries == 5, named
            assert task.retry_exponential_backoff, named
            assert timedelta(minutes=30) < task.execution_timeout <= timedelta(hours=4), named
            in_parallel = task.task_id.startswith("copy_")
            assert task.max_active_tis_per_dag == (None if in_parallel else 1), named
            # a mapped task keeps it as it was given
            assert task.on_failure_callback in ([notify.failed], notify.failed), named


def test_every_dag_runs_one_at_a_time_without_catchup_and_says_what_an_operator_does(bag: DagBag) -> None:
    for dag in dags(bag):
        assert dag.max_active_runs == 1
        assert not dag.catchup
        assert "**When" in dag.doc_md
        assert "**It runs**" in dag.doc_md


def test_the_schedules(bag: DagBag) -> None:
    extract, marts, history = (bag.dags[name].schedule for name in ("cht_extract_demo", "cht_marts", "cht_history"))
    assert (extract.expression, str(extract.timezone)) == ("*/2 * * * *", "Africa/Nairobi")
    assert (marts.timetable.expression, str(marts.timetable.timezone)) == ("2 * * * *", "Africa/Nairobi")
    assert [asset.uri for asset in marts.asset_condition.objects] == ["cht://staging/demo", "cht://removed/"]
    assert (history.expression, str(history.timezone)) == ("0 0 * * *", "Africa/Nairobi")


def test_a_copy_of_each_database_then_the_announcement_whatever_became_of_them(bag: DagBag) -> None:
    dag = bag.dags["cht_extract_demo"]
    copies = {f"extract_{name}" for name in DATABASES}
    assert dag.get_task("prepare_warehouse").downstream_task_ids == copies
    assert dag.get_task("announce").upstream_task_ids == copies
    assert dag.get_task("announce").is_teardown


def test_whatever_reads_a_server_is_in_its_pool(bag: DagBag) -> None:
    for name in ("cht_extract_demo", "cht_verify_demo", "cht_snapshot_demo"):
        dag = bag.dags[name]
        for task in dag.tasks:
            reads = task.task_id not in ("prepare_warehouse", "announce")
            assert task.pool == ("couchdb_demo" if reads else "default_pool"), f"{name}.{task.task_id}"
        assert dag.max_active_tasks == 4


def test_a_comparison_of_each_database_every_night(bag: DagBag) -> None:
    dag = bag.dags["cht_verify_demo"]
    assert dag.get_task("announce").upstream_task_ids == {f"verify_{name}" for name in DATABASES}
    assert (dag.schedule.expression, str(dag.schedule.timezone)) == ("30 1 * * *", "Africa/Nairobi")


def test_a_first_copy_is_planned_then_copied_in_ranges_then_handed_over(bag: DagBag) -> None:
    dag = bag.dags["cht_snapshot_demo"]
    assert dag.schedule is None
    for name in DATABASES:
        assert dag.get_task(f"copy_{name}").upstream_task_ids == {f"plan_{name}"}
        assert dag.get_task(f"hand_over_{name}").upstream_task_ids == {f"copy_{name}"}
        assert dag.get_task(f"hand_over_{name}").downstream_task_ids == {"announce"}


def params(dag: DAG) -> dict[str, Any]:
    return {name: dag.params.get_param(name).schema for name in dag.params}


def test_the_forms(bag: DagBag) -> None:
    assert set(params(bag.dags["cht_extract_demo"])) == {"mode", "databases", "replaced", "page_rows", "minutes"}
    assert set(params(bag.dags["cht_marts"])) == {"recount", "remodel"}
    assert params(bag.dags["cht_history"])["day"]["format"] == "date"
    assert set(params(bag.dags["cht_verify_demo"])) == {"databases", "repair", "most_gone"}
    assert set(params(bag.dags["cht_snapshot_demo"])) == {"databases", "page_rows", "restart", "seed", "table"}


def test_the_longest_run_that_the_form_allows_ends_before_its_timeout(bag: DagBag) -> None:
    dag = bag.dags["cht_extract_demo"]
    most = timedelta(minutes=params(dag)["minutes"]["maximum"])
    assert most < dag.get_task("extract_medic").execution_timeout


def test_a_mistake_in_instances_is_one_import_error_that_names_the_key(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cht_sync import instances

    file = tmp_path / "instances.toml"
    file.write_text("timezone = 3")
    for function in (instances.read, instances.valid):
        monkeypatch.setattr(function, "__defaults__", (file,))
    bag = DagBag(ROOT / "dags")
    assert [error.count("\n") for error in bag.import_errors.values()] == [0]
    assert "`timezone`" in next(iter(bag.import_errors.values()))


def test_nothing_but_wiring_is_done_when_a_dag_is_read() -> None:
    """No connection, Variable or database is asked for at the top of a file."""
    for file in (ROOT / "dags").glob("*.py"):
        named = {node.id for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Name)}
        assert not named & {"Variable", "Connection", "PostgresHook", "requests"}, file.name
