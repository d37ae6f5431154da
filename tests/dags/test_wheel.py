"""The wheel alone, without this repository: what an Airflow has that has installed the package and copied dags/."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from demo.settings import CouchDB
from tests.dags.conftest import ROOT

INSTANCES = """
timezone = "Africa/Nairobi"

[[instance]]
name = "demo"
connection = "couchdb_demo"
databases = ["{database}"]
"""

#: Prints where the package's files are, and how each DAG's run has ended.
RUN = """
import json
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag
from airflow.utils.db import initdb

import cht_sync
from cht_sync import sql

initdb()
bag = DagBag(sys.argv[1])
for dag in bag.dags.values():
    for task in dag.tasks:
        task.retries = 0
found = {
    "package": cht_sync.__file__,
    "sql": str(sql.INCLUDE.sql),
    "path": sys.path,
    "errors": bag.import_errors,
    "states": {name: str(bag.dags[name].test().state) for name in sys.argv[3:]},
}
Path(sys.argv[2]).write_text(json.dumps(found))
"""

AREA = {"_id": "area", "type": "health_center", "name": "Area", "parent": ""}
ANA = {"_id": "ana", "type": "person", "patient_id": "1", "parent": {"_id": "area"}, "reported_date": 1700000000000}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment in which the wheel is installed.

    Airflow and the rest come from the environment of the tests, by a file of paths: its own files of paths, and so the
    editable install of this checkout, are not read again.
    """
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--python", python, "--no-deps", "--offline", wheel]
    subprocess.run(install, check=True, capture_output=True)
    (packages,) = home.glob("lib/python*/site-packages")
    borrowed = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (packages / "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    return python


def test_has_all_sql_and_no_more(python: Path) -> None:
    (shipped,) = python.parents[1].glob("lib/python*/site-packages/cht_sync/include/sql")
    assert contents(shipped) == contents(ROOT / "include" / "sql")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.usefixtures("connections")
def test_copies_and_counts(python: Path, warehouse: str, couchdb: CouchDB, database: str, tmp_path: Path) -> None:
    for document in (AREA, ANA):
        url = f"{couchdb.url}/{database}/{document['_id']}"
        requests.put(url, json=document, auth=couchdb.auth, timeout=30).raise_for_status()
    found = run(python, database, tmp_path, "cht_extract_demo", "cht_marts")
    assert found["errors"] == {}
    assert found["states"] == {"cht_extract_demo": "success", "cht_marts": "success"}
    for name in ("package", "sql"):
        assert Path(found[name]).is_relative_to(python.parents[1])
    assert not [entry for entry in found["path"] if entry in {str(ROOT), str(ROOT / "plugins")}]
    with psycopg.connect(warehouse) as connection:
        counted = connection.execute(
            "select area_uuid, total_patients from marts.patients_by_area order by 1"
        ).fetchall()
    assert counted == [("", 0), ("area", 1)]


def run(python: Path, database: str, folder: Path, *dags: str) -> dict[str, Any]:
    """Runs these DAGs once, in the folder of an Airflow that has nothing but dags/ and instances.toml."""
    shutil.copytree(ROOT / "dags", folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    include, out, script = folder / "include", folder / "found.json", folder / "run.py"
    include.mkdir()
    (include / "instances.toml").write_text(INSTANCES.format(database=database), encoding="utf-8")
    script.write_text(RUN, encoding="utf-8")
    settings = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
        "CHT_SYNC_INCLUDE": str(include),
    }
    # isolated: neither PYTHONPATH nor the folder of the script is looked into
    command = [python, "-I", script, folder / "dags", out, *dags]
    done = subprocess.run(command, cwd=folder, env=os.environ | settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found
