"""Prepares the Airflow of docker-compose.yaml: the login of its UI, its connections from the environment, its pools.

It runs at every start. An existing connection or pool stays as it is, so that edits in the UI are not undone.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def connections(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The connections by id, as `airflow connections import` reads them; couchdb_demo only if it has a password."""
    found: dict[str, dict[str, Any]] = {
        "cht_warehouse": {
            "conn_type": "postgres",
            "host": "postgres",
            "port": 5432,
            "schema": "cht",
            "login": "cht",
            "password": environ["WAREHOUSE_PASSWORD"],
            "description": "The Postgres of the warehouse",
        }
    }
    if environ.get("COUCHDB_PASSWORD"):
        found["couchdb_demo"] = {
            "conn_type": "couchdb",
            "host": "couchdb",
            "port": 5984,
            "schema": "http",
            "login": "admin",
            "password": environ["COUCHDB_PASSWORD"],
            # the network between the two containers is local to this machine
            "extra": json.dumps({"allow_http": True}),
            "description": "The CouchDB of the profile couchdb, for trying out",
        }
    return found


def set_password(path: Path, login: str, password: str) -> None:
    """Sets it in the simple auth manager's file, which only its owner reads; other logins in it stay."""
    passwords = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    new = path.with_name(f".{path.name}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(passwords | {login: password}, file)
    new.replace(path)


def store(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Imports them from a file of mode 600, deleted afterwards: every process could read a command line."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(found, file)
        file.flush()
        subprocess.run([sys.executable, "-m", "airflow", "connections", "import", file.name], check=True)


def make_pools(file: Path) -> None:
    """Creates the pools that include/instances.toml names: a task with a missing pool would wait for ever."""
    instances = tomllib.loads(file.read_text(encoding="utf-8")).get("instance", [])
    for name in sorted({instance["pool"] for instance in instances if "pool" in instance}):
        airflow = [sys.executable, "-m", "airflow", "pools"]
        if subprocess.run([*airflow, "get", name], capture_output=True).returncode:
            subprocess.run([*airflow, "set", name, "4", "Tasks that read one CouchDB at the same time"], check=True)


if __name__ == "__main__":
    file = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    set_password(file, "admin", os.environ["AIRFLOW_ADMIN_PASSWORD"])
    store(connections(os.environ))
    make_pools(Path(os.environ.get("CHT_SYNC_INCLUDE", "include")) / "instances.toml")
