"""The few requests by which the demo writes to a CouchDB and reads from it."""

import json
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import requests

from servers.errors import DemoError

T = TypeVar("T")

# Seconds to connect, and to answer: a small machine takes its time over a few megabytes.
_TIMEOUT = (10, 300)
_ATTEMPTS = 3
_BUSY = frozenset({429, 502, 503, 504})


class LoadError(DemoError):
    """CouchDB did not accept a request."""


class Server:
    """One CouchDB; `url` holds no login. LoadError if it does not answer, or refuses the login."""

    def __init__(self, url: str, auth: tuple[str, str], pause: Callable[[float], object] = time.sleep) -> None:
        self._url = url.rstrip("/")
        self._pause = pause
        self._session = requests.Session()
        self._session.auth = auth
        self._session.trust_env = False  # no proxy and no .netrc, whatever the environment says
        self._session.headers["Content-Type"] = "application/json"

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._session.close()

    def create(self, database: str) -> None:
        """Creates the database if it is missing."""
        answer = self._ask("PUT", f"/{database}")
        if answer.status_code not in (201, 202, 412):  # 412: it exists
            raise self._refused(f"the creation of the database {database}", answer)

    def bulk_docs(self, database: str, bodies: list[bytes]) -> list[Any] | None:
        """The result of each document, in order; None if one of several is so bad that none was accepted."""
        answer = self._ask("POST", f"/{database}/_bulk_docs", b'{"docs":[' + b",".join(bodies) + b"]}")
        if answer.status_code in (400, 413, 415, 500):
            return [{"error": f"HTTP {answer.status_code}"}] if len(bodies) == 1 else None
        results = self._json(answer, f"documents for {database}", list)
        if len(results) != len(bodies):
            raise self._refused(f"documents for {database}", answer)
        return results

    def revs(self, database: str, ids: Iterable[str]) -> dict[str, str]:
        """The current revisions of those that exist, deleted ones too."""
        body = json.dumps({"keys": list(ids)}).encode()
        rows = self._rows(self._ask("POST", f"/{database}/_all_docs", body), f"the revisions of {database}")
        return {row["id"]: row["value"]["rev"] for row in rows if row.get("value")}

    def all_docs(self, database: str, *, start: str, limit: int) -> list[dict[str, Any]]:
        """Up to `limit` documents from the id `start`, in the order of their ids; none if one cannot be read."""
        query = f"include_docs=true&limit={limit}&startkey={quote(json.dumps(start), safe='')}"
        answer = self._ask("GET", f"/{database}/_all_docs?{query}")
        try:
            return [row["doc"] for row in self._rows(answer, f"the documents of {database}") if row.get("doc")]
        except RecursionError:  # one of them is nested deeper than Python reads
            return []

    def _rows(self, answer: requests.Response, what: str) -> list[dict[str, Any]]:
        rows = self._json(answer, what, dict).get("rows")
        if not isinstance(rows, list):
            raise self._refused(what, answer)
        return rows

    def _ask(self, method: str, path: str, body: bytes | None = None) -> requests.Response:
        for attempt in range(_ATTEMPTS):
            try:
                answer = self._session.request(method, self._url + path, data=body, timeout=_TIMEOUT)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                answer = None
            if answer is not None and answer.status_code not in _BUSY:
                return answer
            if attempt < _ATTEMPTS - 1:
                self._pause(0.5 * 2**attempt)
        what = "does not answer" if answer is None else f"is too busy (HTTP {answer.status_code})"
        raise LoadError(
            f"CouchDB at {self._place()} {what}", "Check whether it runs and is reachable, then start again"
        )

    def _json(self, answer: requests.Response, what: str, kind: type[T]) -> T:
        try:
            found = answer.json() if answer.ok else None
        except ValueError:
            found = None
        if not isinstance(found, kind):
            raise self._refused(what, answer)
        return found

    def _refused(self, what: str, answer: requests.Response) -> LoadError:
        advice = {
            401: "Check the login and the password",
            403: "The login must be that of a server administrator",
            404: "Check whether somebody deletes databases there meanwhile",
        }.get(answer.status_code, "Check whether a CouchDB is at that address, with no proxy or login page in between")
        return LoadError(f"CouchDB at {self._place()} refused {what} (HTTP {answer.status_code})", advice)

    def _place(self) -> str:
        """Host and port: an address may hold a login."""
        parts = urlsplit(self._url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
