"""What this package declares to Airflow: the connection type `couchdb` and its form."""

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """For the entry point `apache_airflow_provider`. The values of the fields arrive in the connection's extra."""
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
                        "description": "If a proxy serves CouchDB at https://host/couch: couch",
                        "schema": {"type": ["string", "null"]},
                    },
                    "ca_file": {
                        "label": "File of certificates",
                        "description": "Your own certificate authority (PEM), on every worker. If empty: the system's",
                        "schema": {"type": ["string", "null"]},
                    },
                    "allow_http": {
                        "label": "Allow http",
                        "description": "Sends login and patient data unencrypted: only on a network of your own",
                        "schema": {"type": ["boolean", "null"], "default": False},
                    },
                },
            }
        ],
    }
