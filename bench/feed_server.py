"""A server that serves the county's documents in CouchDB's wire format, as fast as a socket takes them.

    python -m bench.feed_server

prints {"port": …} and serves until its stdin ends. A database county-N has N documents. The server keeps its answers in
memory, up to HELD bytes (or the number given), so that a second reader gets prepared pages. `GET /_requests` returns
the number of requests before it.
"""

import json
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import msgspec

from bench import documents
from bench.documents import Documents

HELD = 1_500_000_000

#: CouchDB sends its buffer before the next row would exceed this: about one row with its document at a time.
THRESHOLD = 1490

#: As long as CouchDB's seq with two shards; only the number is read.
SEQ = (
    b'"%d-'
    + b"g1AAAACbeJzLYWBgYMpgTmEQTM4vTc5ISXIwNDLXMwBCwxyQVCJDUv3___-zMpgTmXKBAuxJRsmGJpbJ2DTgMSaPBUgyNACp_1DTGMGm"
    + b'"'
)

ROW = b'{"seq":%b,"id":"%b","changes":[{"rev":"%b"}]%b}'
DOC = b',"doc":{"_id":"%b","_rev":"%b"%b'
ENTRY = b'{"id":"%b","key":"%b","value":{"rev":"%b"}%b}'
HEAD = {"Cache-Control": "must-revalidate", "Content-Type": "application/json", "Server": "CouchDB/3.5.0 (feed)"}


class County:
    """The answers of a database: bodies as the texts that CouchDB would send one after another."""

    def __init__(self, given: Documents) -> None:
        self._documents = given

    def info(self, name: str, count: int) -> bytes:
        return json.dumps({"db_name": name, "instance_start_time": "1795463520", "doc_count": count}).encode()

    def changes(self, count: int, since: int, limit: int, interval: int, *, include_docs: bool) -> Iterator[bytes]:
        last = min(since + limit, count)
        yield b'{"results":[\n'
        before = b""
        for number in range(since, last):
            seq = SEQ % (number + 1) if (number - since) % interval == 0 else b"null"
            uuid, rev = documents.uuid(number), documents.rev(number)
            doc = DOC % (uuid, rev, self._documents.rest(number)) if include_docs else b""
            yield before + ROW % (seq, uuid, rev, doc)
            before = b",\r\n"
        yield b'\n],\n"last_seq":%b,"pending":%d}\n' % (SEQ % last, count - last)

    def all_docs(self, count: int, start: bytes, limit: int) -> Iterator[bytes]:
        numbers = _ordered(count)
        first = _position(numbers, start)
        yield b'{"total_rows":%d,"offset":%d,"rows":[\r\n' % (count, first)
        yield from self._entries(numbers[first : first + limit], include_docs=False)
        yield b"\r\n]}"

    def looked_up(self, count: int, keys: Iterable[str], *, include_docs: bool) -> Iterator[bytes]:
        yield b'{"total_rows":%d,"offset":0,"rows":[\r\n' % count
        yield from self._entries([documents.number(key.encode()) for key in keys], include_docs=include_docs)
        yield b"\r\n]}"

    def _entries(self, numbers: Iterable[int], *, include_docs: bool) -> Iterator[bytes]:
        before = b""
        for number in numbers:
            uuid, rev = documents.uuid(number), documents.rev(number)
            doc = DOC % (uuid, rev, self._documents.rest(number)) if include_docs else b""
            yield before + ENTRY % (uuid, uuid, rev, doc)
            before = b",\r\n"


@cache
def _ordered(count: int) -> list[int]:
    return list(documents.ordered(count))


def _position(numbers: list[int], start: bytes) -> int:
    """The number of the first document whose id is not before `start`."""
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) // 2
        if documents.uuid(numbers[middle]) < start:
            low = middle + 1
        else:
            high = middle
    return low


def chunked(texts: Iterable[bytes]) -> bytes:
    """A body in CouchDB's chunks."""
    chunks: list[bytes] = []
    waiting: list[bytes] = []
    size = 0
    for text in texts:
        if size and size + len(text) > THRESHOLD:
            chunks += (b"%x\r\n" % size, *waiting, b"\r\n")
            waiting, size = [], 0
        waiting.append(text)
        size += len(text)
    return b"".join((*chunks, b"%x\r\n" % size, *waiting, b"\r\n1\r\n\n\r\n0\r\n\r\n"))


class Answers:
    """Bodies by request; kept while there is room."""

    def __init__(self, county: County, held: int = HELD) -> None:
        self._county, self._held = county, held
        self.requests = 0
        self._kept: dict[str, bytes] = {}
        self._size = 0

    def get(self, target: str, body: bytes | None) -> bytes | None:
        """In chunks; None if the path is unknown."""
        if target == "/_requests":
            return chunked([b"%d" % self.requests])
        self.requests += 1
        key = f"{target} {hash(body)}"
        if (found := self._kept.get(key)) is not None:
            return found
        texts = self._texts(target, body)
        if texts is None:
            return None
        made = chunked(texts)
        if self._size + len(made) <= self._held:
            self._kept[key] = made
            self._size += len(made)
        return made

    def _texts(self, target: str, body: bytes | None) -> Iterator[bytes] | None:
        parts = urlsplit(target)
        _, name, *rest = parts.path.split("/")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        count = int(name.removeprefix("county-")) if name.startswith("county-") else None
        if count is None:
            return None
        include_docs = query.get("include_docs") == "true"
        limit = int(query.get("limit", count))
        if rest == ["_changes"]:
            since = int(query.get("since", "0").partition("-")[0])
            interval = int(query.get("seq_interval", "1"))
            return self._county.changes(count, since, limit, interval, include_docs=include_docs)
        if rest == ["_all_docs"] and body is not None:
            keys = msgspec.json.decode(body, type=dict[str, list[str]])["keys"]
            return self._county.looked_up(count, keys, include_docs=include_docs)
        if rest == ["_all_docs"]:
            return self._county.all_docs(count, json.loads(query.get("startkey", '""')).encode(), limit)
        return iter([self._county.info(name, count) + b"\n"]) if not rest else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: Answers

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes | None) -> None:
        found = self.answers.get(self.path, body)
        self.send_response_only(404 if found is None else 200)
        for key, value in HEAD.items():
            self.send_header(key, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(chunked([b'{"error":"not_found","reason":"missing"}\n']) if found is None else found)

    def log_message(self, *_: object) -> None:
        """Logs nothing: it would cost time."""


@contextmanager
def serving(answers: Answers) -> Iterator[int]:
    """On a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"answers": answers}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main() -> None:
    held = int(sys.argv[1]) if len(sys.argv) > 1 else HELD
    with serving(Answers(County(Documents()), held)) as port:
        print(json.dumps({"port": port}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
