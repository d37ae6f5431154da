"""The Airflow connections of the demo, as its API takes them."""

import json
from urllib.parse import urlsplit

from psycopg import conninfo

from demo.settings import CouchDB


def couchdb(server: CouchDB) -> dict[str, object]:
    parts = urlsplit(server.url)
    return {
        "connection_id": "couchdb_demo",
        "conn_type": "couchdb",
        "description": "The demo's CouchDB",
        "host": parts.hostname,
        "port": parts.port or (443 if parts.scheme == "https" else 80),
        "schema": parts.scheme,
        "login": server.login,
        "password": server.password,
        "extra": json.dumps({"path": parts.path, "allow_http": parts.scheme == "http"}),
    }


def warehouse(dsn: str) -> dict[str, object]:
    """Parts of the address that have no field of their own go to the extra, which the hook passes to libpq."""
    given = conninfo.conninfo_to_dict(dsn)
    fields = {"host": "host", "login": "user", "password": "password", "schema": "dbname"}
    connection: dict[str, object] = {field: given.pop(name, None) for field, name in fields.items()}
    port = given.pop("port", None)
    return connection | {
        "connection_id": "cht_warehouse",
        "conn_type": "postgres",
        "description": "The warehouse that receives the copies",
        "port": int(port) if port else None,
        "extra": json.dumps(given),
    }
