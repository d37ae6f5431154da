"""Creates the missing databases of the CouchDB for trying out.

CouchDB's image creates none, not even `_users`; without it, CouchDB fills its log with complaints.
"""

import base64
import http.client
import os

DATABASES = ("_users", "_replicator", "medic", "medic-sentinel", "medic-users-meta")


def create(database: str, password: str, host: str = "couchdb", port: int = 5984) -> int:
    """The status of the answer: 201 or 202 if it was created now, 412 if it existed."""
    login = base64.b64encode(f"admin:{password}".encode()).decode()
    connection = http.client.HTTPConnection(host, port, timeout=30)
    try:
        connection.request("PUT", f"/{database}", headers={"Authorization": f"Basic {login}"})
        return connection.getresponse().status
    finally:
        connection.close()


if __name__ == "__main__":
    for database in DATABASES:
        status = create(database, os.environ["COUCHDB_PASSWORD"])
        print(f"{database}: {'created' if status in (201, 202) else 'exists' if status == 412 else status}")
        if status not in (201, 202, 412):
            raise SystemExit(f"CouchDB refused to create {database}; look at its log")
