"""The DAGs in this process, over a metadata database of their own.

Airflow reads its environment when it is imported, so it is set first.
"""

import json
import os
import tempfile
from typing import Any
from urllib.parse import urlsplit

from tests.lib import memory
from tests.lib.paths import ROOT

HOME = tempfile.TemporaryDirectory(prefix="cht-sync-airflow-", dir=memory.folder())

os.environ |= {
    "AIRFLOW_HOME": HOME.name,
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME.name}/airflow.db",
}

import pytest  # noqa: E402
from psycopg import conninfo  # noqa: E402

from demo.settings import CouchDB  # noqa: E402


@pytest.fixture(scope="session")
def metadata() -> None:
    """Airflow's own database."""
    from airflow.utils.db import initdb

    initdb()


def postgres_connection(address: str) -> dict[str, Any]:
    """As Airflow keeps it."""
    dsn = conninfo.conninfo_to_dict(address)
    return {
        "conn_type": "postgres",
        "host": dsn["host"],
        "port": int(str(dsn["port"])),
        "schema": dsn["dbname"],
        "login": dsn["user"],
        "password": dsn["password"],
    }


@pytest.fixture
def connections(warehouse: str, couchdb: CouchDB, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The two that the DAGs ask for."""
    url = urlsplit(couchdb.url)
    given = {
        "CHT_WAREHOUSE": postgres_connection(warehouse),
        "COUCHDB_DEMO": {
            "conn_type": "couchdb",
            "schema": url.scheme,
            "host": url.hostname,
            "port": url.port,
            "login": couchdb.login,
            "password": couchdb.password,
            "extra": {"path": url.path, "allow_http": True},
        },
    }
    for name, connection in given.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
    return monkeypatch
