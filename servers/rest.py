"""Airflow's REST API, as far as the demo needs it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from servers.errors import DemoError

#: Seconds; the API server is slow while it warms up on a busy machine.
TIMEOUT = 60

Answer = dict[str, Any]


class Rest:
    """Signed in as `login`; it requests a new token when the last one has expired."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self.url = url
        self.credentials = {"username": login, "password": password}
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy, no .netrc: the server is on loopback

    def healthy(self) -> set[str]:
        """The healthy parts of Airflow: metadatabase, scheduler, dag_processor, triggerer."""
        try:
            answer = self.session.get(f"{self.url}/api/v2/monitor/health", timeout=TIMEOUT)
            parts: Answer = answer.json() if answer.ok else {}
        except (requests.RequestException, ValueError):
            return set()
        return {part for part, health in parts.items() if health.get("status") == "healthy"}

    def get(self, path: str, **query: object) -> Answer:
        return self._call("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, object]) -> Answer:
        return self._call("POST", path, json=body)

    def patch(self, path: str, body: Mapping[str, object]) -> Answer:
        return self._call("PATCH", path, json=body)

    def store(self, connection: Mapping[str, object]) -> None:
        """Stores a connection; replaces one of the same id."""
        path = f"connections/{quote(str(connection['connection_id']), safe='')}"
        if self._ask("GET", path).status_code == requests.codes.not_found:
            self.post("connections", connection)
        else:
            self.patch(path, connection)

    def make_pool(self, name: str, slots: int) -> None:
        """Creates a pool unless one has that name: its slots may have been changed in the UI."""
        if self._ask("GET", f"pools/{quote(name, safe='')}").status_code == requests.codes.not_found:
            self.post(
                "pools", {"name": name, "slots": slots, "description": "Tasks that read one CouchDB at the same time"}
            )

    def _call(self, method: str, path: str, **arguments: Any) -> Answer:
        answer = self._ask(method, path, **arguments)
        if not answer.ok:  # the body of an error repeats the request, with its passwords
            raise DemoError(
                f"Airflow answered {answer.status_code} to {method} {path}", "Look at its log, api-server.log"
            )
        found: Answer = answer.json() if answer.content else {}
        return found

    def _ask(self, method: str, path: str, **arguments: Any) -> requests.Response:
        try:
            answer = self._send(method, path, arguments)
            if answer.status_code == requests.codes.unauthorized:
                self._sign_in()
                answer = self._send(method, path, arguments)
        except requests.RequestException:
            raise DemoError("Airflow's API does not answer", "Look at its log, api-server.log") from None
        return answer

    def _send(self, method: str, path: str, arguments: dict[str, Any]) -> requests.Response:
        return self.session.request(method, f"{self.url}/api/v2/{path}", timeout=TIMEOUT, **arguments)

    def _sign_in(self) -> None:
        answer = self.session.post(f"{self.url}/auth/token", json=self.credentials, timeout=TIMEOUT)
        if not answer.ok:
            raise DemoError("Airflow refuses the demo's own login", "Remove .local/airflow and start again")
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
