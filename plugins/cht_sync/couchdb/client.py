"""CouchDB over HTTP: identities, pages of changes, lists of documents, documents. Only this module sends requests.

https://docs.couchdb.org/en/stable/api/database/changes.html
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec
import requests
import urllib3
from requests.auth import HTTPBasicAuth

from cht_sync.couchdb import all_docs as listing
from cht_sync.couchdb import body, retry
from cht_sync.couchdb.changes import LONGEST, Excess, Page, whole
from cht_sync.couchdb.rows import Row
from cht_sync.couchdb.server import Identity, Server
from cht_sync.errors import (
    ConfigurationInvalid,
    DatabaseMissing,
    LoginRefused,
    NotCouchDB,
    ServerBusy,
    SinceRefused,
    SyncError,
    Unreachable,
)

#: The names for callers.
__all__ = ["Client", "Identity", "Server"]

T = TypeVar("T")

#: Seconds to connect, and seconds without a byte: CouchDB may read much of a shard before it sends the first row.
TIMEOUT = (10, 120)


class _Info(msgspec.Struct):
    instance_start_time: str | int = "0"


class _Welcome(msgspec.Struct):
    couchdb: str
    uuid: str | None = None
    version: str = "?"


def _path(database: str, *under: str) -> str:
    return "/".join(("", quote(database, safe=""), *under))


class Client:
    """One CouchDB server, over one session of kept-alive connections. Not for two threads at once."""

    def __init__(self, server: Server, timeout: tuple[float, float] = TIMEOUT) -> None:
        self._server, self._timeout = server, timeout
        self._session = requests.Session()
        self._response: requests.Response | None = None
        self._session.headers["Accept"] = "application/json"
        if server.login is not None:
            # encoded here: CouchDB expects UTF-8, but requests encodes text as Latin-1
            self._session.auth = HTTPBasicAuth(server.login.encode(), (server.password or "").encode())

    def close(self) -> None:
        """Ends the connections; a body that another thread is reading is then truncated."""
        response = self._response
        if response is not None:
            with suppress(ValueError, RuntimeError, OSError):  # it may have just ended
                response.raw.shutdown()
        self._session.close()

    def welcome(self) -> str:
        """The server's version, for a test of the connection: it logs in, but opens no database."""
        with self._get("/") as response:
            version = self._decode(response, _Welcome).version
        with self._get("/_session"):
            return version

    def identity(self, database: str) -> Identity:
        """The identity of a database: its creation time (CouchDB 3.3 and later), else the uuid of the server."""
        with self._get(_path(database), database) as response:
            start = str(self._decode(response, _Info).instance_start_time)
        if start != "0":
            return Identity("instance_start_time", start)
        with self._get("/") as response:
            return Identity("uuid", self._decode(response, _Welcome).uuid or "")

    @contextmanager
    def changes(
        self, database: str, since: str, limit: int, seq_interval: int, longest: int = LONGEST
    ) -> Iterator[Page]:
        """At most `limit` rows after `since`, with their documents; each `seq_interval`-th has its seq.

        A document of more than `longest` bytes is reduced to its size and hash.
        """
        query = {"since": since, "limit": str(limit), "seq_interval": str(seq_interval), "include_docs": "true"}
        with self._get(_path(database, "_changes"), database, query) as response:
            yield self._page(response, database, longest)

    def _page(self, response: requests.Response, database: str, longest: int = LONGEST) -> Page:
        what = f"A page of {database} from {self._server.url}"
        return Page(body.chunks(response, what), what, longest)

    def document(self, database: str, uuid: str, rev: str, longest: int = LONGEST) -> bytes | Excess | None:
        """JSON text of one document in that revision; None if CouchDB does not have it, or no longer has it.

        The request names the revision. Without it, a cache or a node that lags may give an older one, and an ETag may
        be a proxy's.
        """
        try:
            with self._get(_path(database, quote(uuid, safe="")), database, {"rev": rev}) as response:
                what = f"A document of {database}"
                document = whole(body.chunks(response, what), longest)
        except DatabaseMissing:
            return None
        if isinstance(document, bytes) and body.is_cut(document):
            raise body.cut(what)
        return document

    @contextmanager
    def changed(self, database: str, since: str, limit: int) -> Iterator[Page]:
        """As `changes`, but the rows have no documents, and only the first has a seq."""
        query = {"since": since, "limit": str(limit), "seq_interval": str(limit)}
        with self._get(_path(database, "_changes"), database, query) as response:
            yield self._page(response, database)

    @contextmanager
    def all_docs(self, database: str, last: bytes, limit: int) -> Iterator[listing.Listing]:
        """About `limit` ids of live documents with their revisions, in their order, after `last`; b"" is the start."""
        query = {"limit": str(limit)}
        if last:
            query["startkey"] = msgspec.json.encode(last.decode()).decode()
        what = self._list(database)
        with self._get(_path(database, "_all_docs"), database, query) as response:
            yield listing.Listing(body.chunks(response, what), last, what)

    @contextmanager
    def looked_up(
        self, database: str, ids: list[str], longest: int = LONGEST, *, include_docs: bool
    ) -> Iterator[Iterator[tuple[str, Row | None]]]:
        """These documents as they are now, in the order of `ids`; None if CouchDB has nothing of one."""
        query = {"include_docs": "true"} if include_docs else {}
        keys = msgspec.json.encode({"keys": ids})
        with self._get(_path(database, "_all_docs"), database, query, keys) as response:
            what = self._list(database)
            yield listing.looked_up(body.chunks(response, what), ids, what, longest)

    @contextmanager
    def all_documents(
        self, database: str, last: str, until: str | None, limit: int, longest: int = LONGEST
    ) -> Iterator[Iterator[Row]]:
        """About `limit` live documents in the order of their ids, after `last` up to and including `until`.

        As `last`, "" is the start; as `until`, None is the end.
        """
        query = {"limit": str(limit), "include_docs": "true"}
        if last:  # the next possible id, since the last document itself may be huge
            query["startkey"] = msgspec.json.encode(last + "\0").decode()
        if until is not None:
            query["endkey"] = msgspec.json.encode(until).decode()
        with self._get(_path(database, "_all_docs"), database, query) as response:
            what = self._list(database)
            yield (row for row in listing.documents(body.chunks(response, what), what, longest) if row)

    def _list(self, database: str) -> str:
        return f"The list of documents of {database} from {self._server.url}"

    @contextmanager
    def _get(
        self, path: str, database: str | None = None, query: dict[str, str] | None = None, sent: bytes | None = None
    ) -> Iterator[requests.Response]:
        try:
            # redirects are not followed: they would send the login to another address
            response = self._session.request(
                "GET" if sent is None else "POST",
                self._server.url + path,
                params=query,
                data=sent,
                headers={} if sent is None else {"Content-Type": "application/json"},
                stream=True,
                timeout=self._timeout,
                allow_redirects=False,
                verify=self._server.verify,  # REQUESTS_CA_BUNDLE would override it in the session
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            raise self._unreachable(error) from None
        with response:
            if response.status_code != 200:
                raise self._failure(response, database, since="since" in (query or {}))
            outer, self._response = self._response, response
            try:
                yield response
            finally:
                self._response = outer

    def _body(self, response: requests.Response) -> bytes:
        try:
            return response.content
        except (requests.RequestException, OSError) as error:
            raise self._unreachable(error) from None

    def _decode(self, response: requests.Response, shape: type[T]) -> T:
        text = self._body(response)
        try:
            return msgspec.json.decode(text, type=shape)
        except msgspec.MsgspecError:
            if body.is_cut(text):
                raise body.cut(f"An answer of {self._server.url}") from None
            raise NotCouchDB(
                f"{self._server.url} does not answer as CouchDB does",
                "Look for a proxy or a login page at that address; the connection must lead to CouchDB itself",
            ) from None

    def _unreachable(self, error: Exception) -> SyncError:
        """The error of a request without an answer. Only its kind is shown: its text can hold the login of a proxy."""
        verify = self._server.verify
        if isinstance(verify, str) and not Path(verify).is_file():
            return ConfigurationInvalid(
                f"There is no file of certificates {verify}",
                "Correct its path in the connection; the file must exist on every worker",
            )
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidProxyURL | UnicodeError):
            return ConfigurationInvalid(
                f"{self._server.url}, or the address of a proxy, is not a valid address",
                "Correct host and path of the connection, and HTTPS_PROXY in the environment of the workers",
            )
        if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return ConfigurationInvalid(
                f"The certificate of {self._server.url} is not trusted",
                "Give the file of your certificate authority in the connection, or correct the host name",
            )
        kind = "in time" if isinstance(error, requests.Timeout) else f"({type(error).__name__})"
        return Unreachable(
            f"CouchDB at {self._server.url} does not answer {kind}",
            "The request is retried; if this lasts, check host and port of the connection, and that the server runs",
        )

    def _failure(self, response: requests.Response, database: str | None, *, since: bool) -> SyncError:
        """The error of a status other than 200. The body is not shown: a proxy's may hold anything."""
        status, where = response.status_code, f"{self._server.url} answered {response.status_code}"
        error = retry.meaning(status)
        if error is LoginRefused:
            return LoginRefused(
                f"{where}: the login is wrong, or may not read {database or 'this server'}",
                "Correct login and password of the connection, or let that user read the database; "
                "CouchDB locks accounts out after repeated failures, so the task is not retried by itself",
            )
        if error is DatabaseMissing and database is not None:
            return DatabaseMissing(
                f"{where}: there is no database {database}",
                "Correct databases in include/instances.toml, or the path of the connection",
            )
        if error is SinceRefused and since:
            return SinceRefused(
                f"{where}: it does not take the stored checkpoint of {database}",
                "The database may be another than was copied; see docs/operating.md, A database was replaced",
            )
        if error is ServerBusy:
            return ServerBusy(
                where,
                "The request is retried; if this lasts, look at CouchDB's log and at the proxy before it",
                retry.seconds_asked(response.headers.get("Retry-After", ""), response.headers.get("Date", "")),
            )
        return NotCouchDB(where, "The connection must lead to CouchDB itself, without redirects")
