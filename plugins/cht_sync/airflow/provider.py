"""What Airflow is told of this package: the connection type `couchdb` and its form."""

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Of the entry point `apache_airflow_provider`; the fields' values arrive in the connection's extra."""
    return {
        "package-name": "cht-sync-airflow",
        "name": "CHT Sync",
        "description": "CHT Sync: CouchDB's changes into Postgres, and patient counts for every area",
        "connection-types": [
            {
                "connection-type": "couchdb",
                "hook-name": "CouchDB",
                "hook-class-name": "cht_sync.airflow.hook.CouchDBHook",
                "ui-field-behaviour": {
                    "relabeling": {"schema": "Scheme (http or https)"},
                    "placeholders": {"host": "couch.example.org", "schema": "https", "port": "443"},
                },
                "conn-fields": {
                    "path": {
                        "label": "Path before the database",
                        "description": "For a CouchDB behind a proxy at https://host/couch: couch",
                        "schema": {"type": ["string", "null"]},
                    },
                    "ca_file": {
                        "label": "File of certificates",
                        "description": "Of your own certificate authority (PEM), on every worker; else the system's",
                        "schema": {"type": ["string", "null"]},
                    },
                    "allow_http": {
                        "label": "Allow http",
                        "description": "Sends login and patient data unencrypted: only where the network is yours",
                        "schema": {"type": ["boolean", "null"], "default": False},
                    },
                },
            }
        ],
    }
