"""A server on loopback that gives recorded or made-up answers."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

RECORDINGS = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Answer:
    """`cut_at` ends the connection after so many bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None


@dataclass(frozen=True)
class Request:
    """`path` is as on the wire, without its query."""

    path: str
    query: dict[str, str]
    authorization: str | None


def recorded(name: str) -> Answer:
    """A recorded response."""
    response = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))["response"]
    kept = {key: value for key, value in response["headers"].items() if key not in ("Transfer-Encoding", "Server")}
    return Answer(response["status"], response["body"].encode(), kept)


@contextmanager
def serving(answer: Callable[[Request], Answer]) -> Iterator[tuple[str, list[Request]]]:
    """The server's address, and the requests that it has had."""
    requests: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            request = Request(parts.path, query, self.headers.get("Authorization"))
            requests.append(request)
            self._send(answer(request))

        def _send(self, given: Answer) -> None:
            self.send_response_only(given.status)
            for key, value in given.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body[: given.cut_at])
            self.close_connection = given.cut_at is not None

        def log_message(self, *_: object) -> None:
            """Nothing on the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def path(request: Request) -> str:
    """The path as CouchDB reads it."""
    return unquote(request.path)
