"""A server on loopback that gives recorded or made-up answers."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

RECORDINGS = Path(__file__).parent / "recordings"


@dataclass(frozen=True)
class Answer:
    """`cut_at` ends the connection after so many bytes of the body, by a reset where `reset`: without it at once.

    `hold` keeps it open until then: after `cut_at`, or before anything is answered where that is None.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    reset: bool = False
    hold: threading.Event | None = None


@dataclass(frozen=True)
class Request:
    """`path` is as on the wire, without its query; `connection` is the client's port, as long as it is kept alive."""

    path: str
    query: dict[str, str]
    authorization: str | None
    body: bytes = b""
    connection: int = field(default=0, compare=False)


def recorded(name: str) -> Answer:
    """A recorded response."""
    response = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))["response"]
    kept = {key: value for key, value in response["headers"].items() if key not in ("Transfer-Encoding", "Server")}
    return Answer(response["status"], response["body"].encode(), kept)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with suppress(ssl.SSLError, ConnectionError):  # the client has gone
            super().handle()

    def _send(self, given: Answer) -> None:
        if given.cut_at is not None or not self._ended(given):
            self.send_response_only(given.status)
            for key, value in given.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body[: given.cut_at])
        if given.cut_at is not None:
            self._ended(given)
            self.close_connection = True

    def _ended(self, given: Answer) -> bool:
        """Waits, or resets the connection, as the answer says."""
        if given.hold:
            given.hold.wait(60)
        if given.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
        return given.reset

    def log_message(self, *_: object) -> None:
        """Nothing on the tests' output."""


@contextmanager
def serving(
    answer: Callable[[Request], Answer], tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[Request]]]:
    """The server's address, and the requests that it has had."""
    requests: list[Request] = []

    class Handler(_Handler):
        def do_POST(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            request = Request(parts.path, query, self.headers.get("Authorization"), body, self.client_address[1])
            requests.append(request)
            self._send(answer(request))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:  # the handshake is the handler's thread's
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def path(request: Request) -> str:
    """The path as CouchDB reads it."""
    return unquote(request.path)
