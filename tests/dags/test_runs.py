"""Each DAG, run once in this process over a real Postgres and a CouchDB."""

import datetime
import importlib.util
import json
import os
import signal
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import msgspec
import pendulum
import psycopg
import pytest
import requests
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import BaseNotifier
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from cht_sync import errors, instances
from cht_sync.airflow import hook
from cht_sync.instances import Configuration, Instance

from demo.settings import CouchDB
from tests.dags.conftest import ROOT, postgres_connection
from tests.lib.couch2pg import Couch2pg

pytestmark = pytest.mark.usefixtures("metadata", "connections")

SETTINGS = {"_id": "settings", "settings": {"contact_types": []}}
HOUSE = {"_id": "house", "type": "clinic", "name": "House", "parent": {"_id": "area"}}
AREA = {"_id": "area", "type": "health_center", "name": "Area", "parent": ""}
ANA = {"_id": "ana", "type": "person", "patient_id": "1", "parent": {"_id": "house"}, "reported_date": 1700000000000}


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"dags_{name}", ROOT / "dags" / f"{name}.py")
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def put(couchdb: CouchDB, database: str) -> Callable[[dict[str, Any]], None]:
    def write(document: dict[str, Any]) -> None:
        url = f"{couchdb.url}/{database}/{document['_id']}"
        requests.put(url, json=document, auth=couchdb.auth, timeout=30).raise_for_status()

    return write


@pytest.fixture
def extract(database: str) -> Any:
    """The DAG of an instance with one database."""
    instance = Instance("demo", "couchdb_demo", (database,), "*/5 * * * *")
    return module("extract").create(instance, "Africa/Nairobi")


def run(dag: Any, **conf: Any) -> Any:
    return dag.test(run_conf=conf)


def states(done: Any) -> dict[str, str]:
    return {task.task_id: str(task.state) for task in done.get_task_instances()}


def rows(warehouse: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(warehouse) as connection:
        return connection.execute(query.encode()).fetchall()


def test_from_a_document_to_a_count_to_a_day(
    put: Callable[[dict[str, Any]], None], extract: Any, warehouse: str, database: str
) -> None:
    for document in (SETTINGS, AREA, HOUSE, ANA):
        put(document)
    done = run(extract)
    assert done.state == "success"
    assert states(done) == dict.fromkeys(("prepare_warehouse", f"extract_{database}", "announce"), "success")
    assert run(module("marts").create(module("marts").configured)).state == "success"
    counted = "select area_uuid, total_patients_active from marts.patients_by_area order by area_uuid"
    assert rows(warehouse, counted) == [("", 0), ("area", 1)]
    history = module("history").create("Africa/Nairobi")
    assert run(history, day="2023-11-15").state == "success"
    days = "select area_uuid, day::text, persons, registered from history.area_day order by area_uuid"
    assert rows(warehouse, days) == [("", "2023-11-15", 0, 0), ("area", "2023-11-15", 1, 1)]


def test_ages_are_of_the_day_that_it_is_there(
    put: Callable[[dict[str, Any]], None], extract: Any, warehouse: str
) -> None:
    for document in (AREA, HOUSE, ANA):
        put(document)
    assert run(extract).state == "success"
    as_of = "select distinct as_of from marts.patients_by_age_and_sex"
    for zone in ("Pacific/Pago_Pago", "Pacific/Kiritimati"):  # 25 hours apart, so never on the same day
        before = pendulum.now(zone).date()
        assert run(module("marts").create(Configuration(zone))).state == "success"
        with psycopg.connect(warehouse) as connection:
            connection.execute("update ops.mart_state set refreshed_at = refreshed_at - interval '1 hour'")
        assert rows(warehouse, as_of) in ([(before,)], [(pendulum.now(zone).date(),)])


def test_a_check_that_finds_something_is_red_until_it_is_repaired(
    put: Callable[[dict[str, Any]], None], extract: Any, warehouse: str, database: str, notified: list[str]
) -> None:
    for document in (SETTINGS, AREA, HOUSE, ANA):
        put(document)
    assert run(extract).state == "success"
    dag = module("marts").create(module("marts").configured)
    assert set(states(run(dag)).values()) == {"success"}
    with psycopg.connect(warehouse) as connection:
        connection.execute("update model_data.place_count set total_persons = 5 where area_uuid = 'area'")
        connection.execute("update ops.check_state set whole_on = '-infinity'")
    for _ in range(2):
        done = states(run(dag))
        others = dict.fromkeys(("update_models", "refresh_marts", "report_failing"), "success")
        assert done == {**others, "run_checks": "failed"}
    assert rows(warehouse, "select name from ops.check_result order by 1") == [("kept_counts",), ("totals",)]
    (text,) = notified
    assert f"kept_counts finds 1 in demo/{database}" in text
    assert "Recount" in text
    assert set(states(run(dag, recount=[f"demo/{database}"])).values()) == {"success"}
    assert rows(warehouse, "select total_persons from marts.patients_by_area where area_uuid = 'area'") == [(1,)]
    assert states(run(dag, remodel=["demo/other"]))["update_models"] == "failed"


def test_a_file_of_the_deployment_that_fails_is_named_and_everything_else_is_done(
    put: Callable[[dict[str, Any]], None], extract: Any, warehouse: str, notified: list[str]
) -> None:
    for document in (SETTINGS, AREA, HOUSE, ANA):
        put(document)
    assert run(extract).state == "success"
    dag = module("marts").create(module("marts").configured)
    assert run(dag).state == "success"
    with psycopg.connect(warehouse) as connection:
        connection.execute(
            """
            insert into ops.failing (folder, name, file, what, advice, stamp)
            values ('mine', 'weight', 'mine/weight.sql', 'The SQL of weight failed in line 3', 'Correct it', '')
            """
        )
    for _ in range(2):
        done = states(run(dag))
        others = dict.fromkeys(("update_models", "refresh_marts", "run_checks"), "success")
        assert done == {**others, "report_failing": "failed"}
    (text,) = notified
    assert "The SQL of weight failed in line 3" in text
    with psycopg.connect(warehouse) as connection:
        connection.execute("delete from ops.failing")
    assert run(dag).state == "success"


def instance(database: str) -> Instance:
    return Instance("demo", "couchdb_demo", (database,))


def test_a_comparison_makes_right_what_is_wrong_and_wakes_the_models(
    put: Callable[[dict[str, Any]], None], extract: Any, warehouse: str, database: str
) -> None:
    compare = module("verify").create(instance(database), "Africa/Nairobi")
    assert states(run(compare))[f"verify_{database}"] == "skipped"
    for document in (AREA, HOUSE):
        put(document)
    assert run(extract).state == "success"
    assert run(module("marts").create(module("marts").configured)).state == "success"
    with psycopg.connect(warehouse) as connection:
        connection.execute("delete from staging.document where _id = 'house'")
    said = run(compare, repair=False)
    assert said.state == "failed"
    assert rows(warehouse, "select missing, repaired, left_over from ops.verification") == [(1, 0, 1)]
    done = run(compare, repair=True)
    assert set(states(done).values()) == {"success"}
    assert rows(warehouse, "select _id from staging.document order by 1") == [("area",), ("house",)]
    assert rows(warehouse, "select is_equal from marts.compared") == [(True,)]


def test_the_models_are_woken_only_for_what_they_have_not_taken_in(
    put: Callable[[dict[str, Any]], None], extract: Any
) -> None:
    put(AREA)
    assert run(extract).state == "success"
    assert announced(extract) == ["cht://staging/demo"]
    assert run(module("marts").create(module("marts").configured)).state == "success"
    assert announced(extract) == []


class Added(list[Any]):
    add = list.append


def announced(dag: Any) -> list[str]:
    """The assets that the announcement of an extraction names now."""
    events = defaultdict[Any, Added](Added)
    dag.get_task("announce").python_callable(outlet_events=events)
    return [asset.uri for added in events.values() for asset in added]


def test_a_first_copy_in_ranges_and_then_the_feed(
    put: Callable[[dict[str, Any]], None],
    extract: Any,
    warehouse: str,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for document in (SETTINGS, AREA, HOUSE, ANA):
        put(document)
    first_copy = module("snapshot")
    monkeypatch.setattr(first_copy.plan.Options, "__init__", partialmethod_of(first_copy.plan, range_rows=2))
    done = run(first_copy.create(instance(database), "Africa/Nairobi"))
    assert done.state == "success"
    copies = [task.map_index for task in done.get_task_instances() if task.task_id == f"copy_{database}"]
    assert sorted(copies) == [0, 1]
    assert rows(warehouse, "select count(*), min(batch), max(batch) from staging.document") == [(4, 1, 1)]
    put({"_id": "ben", "type": "person", "parent": {"_id": "house"}})
    assert run(extract).state == "success"
    assert rows(warehouse, "select mode, rows_read from ops.extract_run where mode = 'incremental'") == [
        ("incremental", 1)
    ]
    again = run(first_copy.create(instance(database), "Africa/Nairobi"))
    assert states(again)[f"hand_over_{database}"] == "skipped"


def test_a_first_copy_from_what_couch2pg_has_copied(
    put: Callable[[dict[str, Any]], None],
    extract: Any,
    warehouse: str,
    empty_warehouse: str,
    database: str,
    connections: pytest.MonkeyPatch,
) -> None:
    for document in (SETTINGS, AREA, HOUSE, ANA):
        put(document)
    couch2pg = Couch2pg(empty_warehouse)
    connections.setenv("AIRFLOW_CONN_OLD", json.dumps(postgres_connection(empty_warehouse)))
    couch2pg.put("area", AREA | {"_rev": "1-0"}, name=f"cht.example.org/{database}")
    couch2pg.note("0", f"cht.example.org/{database}")
    named = msgspec.structs.replace(instance(database), source_name="cht.example.org")
    first_copy = module("snapshot").create(named, "Africa/Nairobi")
    assert states(run(first_copy, seed="none"))[f"plan_{database}"] == "failed"
    assert run(first_copy, seed="old").state == "success"
    assert rows(warehouse, "select _id, redaction_version from staging.document") == [("area", 0)]
    assert run(extract).state == "success"
    assert run(module("verify").create(instance(database), "Africa/Nairobi")).state == "success"
    assert rows(warehouse, "select seeded_at from ops.checkpoint") == [(None,)]
    assert rows(warehouse, "select wrong, is_equal from marts.compared") == [(0, True)]


def partialmethod_of(module: ModuleType, **given: Any) -> Callable[..., None]:
    """The options' own, with some of them other than the form can say."""
    before = module.Options.__init__
    return lambda self, *args, **named: before(self, *args, **(given | named))


def test_while_it_is_copied_in_ranges_the_extraction_is_skipped(extract: Any, warehouse: str, database: str) -> None:
    assert run(extract, databases=[]).state
    with psycopg.connect(warehouse) as connection:
        connection.execute("update ops.checkpoint set mode = 'copying'")
    assert states(run(extract))[f"extract_{database}"] == "skipped"


def test_databases_that_were_not_chosen_are_skipped(extract: Any, database: str) -> None:
    done = run(extract, databases=[])
    assert states(done)[f"extract_{database}"] == "skipped"


def test_an_unknown_parameter_fails_at_once(extract: Any, database: str) -> None:
    done = run(extract, page_row=5)
    assert done.state == "failed"
    assert states(done)[f"extract_{database}"] == "failed"


def test_a_recreated_database_is_copied_again_when_it_is_named(
    put: Callable[[dict[str, Any]], None], extract: Any, warehouse: str, couchdb: CouchDB, database: str
) -> None:
    staged = "select _id, gone from staging.document order by _id"
    put(AREA)
    put(HOUSE)
    assert run(extract).state == "success"
    url = f"{couchdb.url}/{database}"
    requests.delete(url, auth=couchdb.auth, timeout=30).raise_for_status()
    requests.put(url, auth=couchdb.auth, timeout=30).raise_for_status()
    put(AREA)
    assert run(extract, mode="replace").state == "failed"
    assert rows(warehouse, staged) == [("area", None), ("house", None)]
    assert run(extract, mode="replace", replaced=[database]).state == "success"
    assert rows(warehouse, staged) == [("area", None), ("house", "replaced")]
    assert rows(warehouse, "select mode, changed from ops.extract_run order by run") == [
        ("incremental", 2),
        ("replace", 1),
    ]


@pytest.mark.parametrize(
    ("mode", "replaced", "chosen"),
    [
        ("incremental", None, ["incremental", "incremental"]),
        ("resync", [], ["resync", "resync"]),
        ("replay", [], ["replay", "replay"]),
        ("replace", ["a"], ["replace", "incremental"]),
        ("replace", ["a", "b"], ["replace", "replace"]),
    ],
)
def test_only_what_is_named_is_replaced(mode: str, replaced: list[str] | None, chosen: list[str]) -> None:
    params = {"mode": mode, "replaced": replaced, "databases": ["a", "b"]}
    assert [module("extract").chosen_mode(database, params) for database in "ab"] == chosen


@pytest.mark.parametrize(
    ("mode", "replaced"), [("replace", []), ("replace", None), ("resync", ["a"]), ("replace", ["a", "b"])]
)
def test_a_replace_that_is_not_said_twice_changes_nothing(mode: str, replaced: list[str] | None) -> None:
    params = {"mode": mode, "replaced": replaced, "databases": ["a"]}
    with pytest.raises(errors.ConfigurationInvalid, match="nothing was changed"):
        module("extract").chosen_mode("a", params)


def test_a_wrong_password_fails_at_once_in_one_sentence_and_the_rest_goes_on(
    extract: Any, database: str, connections: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    given = json.loads(os.environ["AIRFLOW_CONN_COUCHDB_DEMO"]) | {"password": "wr0ng-s3cret/@"}
    connections.setenv("AIRFLOW_CONN_COUCHDB_DEMO", json.dumps(given))
    done = run(extract)
    assert done.state == "failed"
    assert states(done) == {"prepare_warehouse": "success", f"extract_{database}": "failed", "announce": "success"}
    said = capfd.readouterr()
    assert "the login is wrong, or may not read" in said.out + said.err
    for secret in ("wr0ng-s3cret/@", "wr0ng-s3cret%2F%40"):
        assert secret not in said.out + said.err


def test_only_a_final_error_is_not_tried_again() -> None:
    with pytest.raises(AirflowFailException, match=r"^What happened\. What to do$"), hook.task():
        raise errors.LoginRefused("What happened", "What to do")
    with pytest.raises(AirflowException, match=r"^What happened\. What to do$") as raised, hook.task():
        raise errors.Unreachable("What happened", "What to do")
    assert not isinstance(raised.value, AirflowFailException)


def test_a_task_that_is_stopped_rolls_back() -> None:
    with pytest.raises(hook.Stopped), hook.task():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is not hook.Stopped


def test_a_connection_that_is_missing_is_named(
    extract: Any, connections: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    connections.delenv("AIRFLOW_CONN_COUCHDB_DEMO")
    assert run(extract).state == "failed"
    said = capfd.readouterr()
    assert "There is no connection couchdb_demo" in said.out + said.err


def test_the_connection_can_be_tested_from_its_form(couchdb: CouchDB, connections: pytest.MonkeyPatch) -> None:
    works, said = hook.CouchDBHook("couchdb_demo").test_connection()
    assert works, said
    assert said.startswith("Logged in to CouchDB ")
    given = json.loads(os.environ["AIRFLOW_CONN_COUCHDB_DEMO"]) | {"password": "wr0ng"}
    connections.setenv("AIRFLOW_CONN_COUCHDB_DEMO", json.dumps(given))
    works, said = hook.CouchDBHook("couchdb_demo").test_connection()
    assert not works
    assert "the login is wrong" in said
    assert couchdb.password not in said


def test_the_day_of_a_run() -> None:
    now = pendulum.datetime(2026, 11, 25, 1, 30, tz="Africa/Nairobi")
    chosen = partial(module("history").chosen_day, now=now)

    class Run:
        run_type = "backfill"
        data_interval_start = datetime.datetime(2026, 10, 31, 21, tzinfo=datetime.UTC)

    class Manual(Run):
        run_type = "manual"

    assert chosen(Run(), None) == datetime.date(2026, 11, 1)
    assert chosen(Manual(), "2026-01-31") == datetime.date(2026, 1, 31)
    assert chosen(Manual(), None) == datetime.date(2026, 11, 24)
    with pytest.raises(errors.ConfigurationInvalid, match="2026-02-31"):
        chosen(Manual(), "2026-02-31")


said: list[str] = []


class Recorder(BaseNotifier):
    """A notifier of Airflow's kind that keeps what it is given."""

    template_fields = ("text",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def notify(self, _context: Any) -> None:
        said.append(self.text)


@pytest.fixture
def notified(connections: pytest.MonkeyPatch) -> list[str]:
    said.clear()
    connections.setenv("CHT_NOTIFIER", "tests.dags.test_runs.Recorder")
    connections.setenv("CHT_NOTIFIER_ARGS", '{"text": "CHT: {{ cht_message }}"}')
    return said


def test_a_failure_is_notified_in_our_sentence_only(
    extract: Any, database: str, notified: list[str], connections: pytest.MonkeyPatch
) -> None:
    given = json.loads(os.environ["AIRFLOW_CONN_COUCHDB_DEMO"]) | {"password": "wr0ng-s3cret/@"}
    connections.setenv("AIRFLOW_CONN_COUCHDB_DEMO", json.dumps(given))
    assert run(extract).state == "failed"
    (text,) = notified
    assert text.startswith(f"CHT: cht_extract_demo.extract_{database} failed: ")
    assert "the login is wrong" in text
    assert "s3cret" not in text


def test_old_figures_are_notified_once(
    put: Callable[[dict[str, Any]], None], extract: Any, warehouse: str, database: str, notified: list[str]
) -> None:
    put(AREA)
    assert run(extract).state == "success"
    instance = Instance("demo", "couchdb_demo", (database,), fresh_within="1 minute")
    dag = module("freshness").create(Configuration("Africa/Nairobi", (instance,)))
    assert states(run(dag)) == {"check": "success"}
    with psycopg.connect(warehouse) as connection:
        connection.execute("update ops.checkpoint set caught_up_at = now() - interval '1 hour'")
    assert states(run(dag)) == {"check": "failed"}
    assert states(run(dag)) == {"check": "skipped"}
    assert [f"the copy of demo/{database} is 60 minutes old" in text for text in notified] == [True]


def test_an_instance_is_removed_once_it_is_out_of_the_file(
    put: Callable[[dict[str, Any]], None], extract: Any, warehouse: str, connections: pytest.MonkeyPatch
) -> None:
    put(AREA)
    assert run(extract).state == "success"
    staged = "select (select count(*) from staging.document), (select count(*) from ops.source)"
    dag = module("remove").create(Configuration("Africa/Nairobi"))
    assert states(run(dag, instance="demo")) == {"remove": "failed"}
    assert rows(warehouse, staged) == [(1, 1)]
    connections.setattr(instances, "read", lambda: Configuration("Africa/Nairobi"))
    assert states(run(dag, instance="demo")) == {"remove": "success"}
    assert rows(warehouse, staged) == [(0, 0)]


def test_a_paused_instance_keeps_its_data_and_has_no_runs(
    put: Callable[[dict[str, Any]], None],
    extract: Any,
    warehouse: str,
    tmp_path: Any,
    connections: pytest.MonkeyPatch,
) -> None:
    for document in (SETTINGS, AREA, HOUSE, ANA):
        put(document)
    assert run(extract).state == "success"
    file = tmp_path / "instances.toml"
    file.write_text((ROOT / "include" / "instances.toml").read_text().replace("# active = false", "active = false"))
    for function in (instances.read, instances.valid):
        connections.setattr(function, "__defaults__", (file,))
    bag = DagBag(ROOT / "dags")
    assert bag.import_errors == {}
    assert not [name for name in bag.dags if name.startswith(("cht_extract", "cht_verify", "cht_snapshot"))]
    marts = module("marts")
    assert run(marts.create(marts.configured)).state == "success"
    assert rows(warehouse, "select total_patients from marts.patients_by_area where area_uuid = 'area'") == [(1,)]
    asked = "select caught_up_at from ops.checkpoint"
    assert rows(warehouse, "select distinct as_of from marts.freshness") == rows(warehouse, asked)
