"""The proxy between reader and CouchDB: passes on the answers, or what the round's script makes of them."""

import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3

from tests.faults import faulty, pages, wire
from tests.faults.pages import Page, Row
from tests.faults.script import Script
from tests.faults.wire import Answer

#: The number of answers remembered of each seq and of each document.
KEPT = 6


@dataclass
class Memory:
    """The answers of one database: every seq that a reader may continue from, pages by `since`, rows by id."""

    seqs: set[str] = field(default_factory=lambda: {"0"})
    pages: dict[str, list[Page]] = field(default_factory=lambda: defaultdict(list))
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def keep(self, since: str, page: Page) -> None:
        self.seqs |= page.seqs()
        if page.has_documents:
            self.pages[since] = [*self.pages[since][1 - KEPT :], page]
        for row in page.rows:
            if row.document or row.head.get("deleted"):
                self.rows[row.id] = [*self.rows[row.id][1 - KEPT :], row]

    def forget(self) -> None:
        """Documents were purged: an older answer would bring them back, and nothing would correct that."""
        self.pages.clear()
        self.rows.clear()

    def earlier(self, row: Row) -> list[Row]:
        """Rows of earlier latest revisions of its document."""
        return [old for old in self.rows.get(row.id, ()) if old.rev != row.rev]


@dataclass
class Proxy:
    """Stands before the CouchDB at `upstream` (without credentials: it passes on the reader's own)."""

    upstream: str
    script: Script = field(default_factory=lambda: Script("none"))
    memory: Memory = field(default_factory=Memory)
    url: str = ""
    _pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=32, retries=False))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, target: str, authorization: str) -> Answer:
        """The answer to a request."""
        script = self.script
        parts = urlsplit(target)
        path = [unquote(part) for part in parts.path.strip("/").split("/")]
        what = "changes" if path[1:] == ["_changes"] else "document" if len(path) > 1 else "database"
        number, chance = script.next(what)
        script.meanwhile(number)
        given = self._fetch(target, authorization)
        script.meanwhile(number + 0.5)
        if given.status != 200:
            return given
        kind = script.draw(what, chance)
        if what == "changes":
            with self._lock:
                return self._changes(script, kind, given, parse_qs(parts.query)["since"][0], chance)
        if what == "document":
            script.asked[path[1]] += 1
            if path[1] in script.unreadable:
                kind = chance.choice(["5xx", "document missing"])
        if kind:
            script.count(kind)
            return faulty.answer(kind, given.carried(chance), chance)
        return given.carried(chance)

    def _changes(self, script: Script, kind: str | None, given: Answer, since: str, chance: random.Random) -> Answer:
        page = Page.of(given.body)
        chain = script.follow(since) if page.has_documents else []
        olds = [(seq, old) for seq in chain for old in self.memory.pages[seq] if old.text != page.text]
        earlier = {row.id: self.memory.earlier(row) for row in page.rows if row.document}
        self.memory.keep(since, page)
        carried = given.carried(chance)
        if (cut := faulty.cut_inside(page, script.cutting, chance)) is not None:
            script.count("row cut off each time")
            return replace(carried, coded=False, cut=cut, ending=chance.choice(["close", "reset"]))
        page, unreadable = pages.strip(page, chance, script.unreadable)
        if unreadable:
            script.count("document unreadable")
            return replace(carried, body=page.text)
        if kind == "stale page":
            if not olds:
                return carried
            seq, old = chance.choice(olds)
            script.count(kind)
            script.go_back(seq, ended=old.end["pending"] == 0 or not old.rows)
            return replace(carried, body=old.text)
        if kind is None:
            return carried
        if kind in faulty.OF_PAGES:
            body = faulty.page(kind, page, earlier, chance)
            script.count(kind, body is not None)
            return replace(carried, body=body or given.body)
        script.count(kind)
        return faulty.answer(kind, carried, chance)

    def _fetch(self, target: str, authorization: str) -> Answer:
        response = self._pool.request("GET", self.upstream + target, headers={"Authorization": authorization})
        return Answer(response.status, response.data)


@contextmanager
def serving(upstream: str) -> Iterator[Proxy]:
    """On a free port of loopback."""
    proxy = Proxy(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(ConnectionError):  # the reader has gone
                super().handle()

        def do_GET(self) -> None:
            script = proxy.script
            try:
                given = proxy.answer(self.path, self.headers.get("Authorization") or "")
            except Exception as error:  # raised again at the end of the round
                script.errors.append(error)
                raise
            self.close_connection = not wire.send(self.connection, given)

        def log_message(self, *_: object) -> None:
            """Logs nothing: it would be millions of lines."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Handler)
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
