"""The least that a client can do: it sends the request, and reads only the last bytes of the answer."""

import base64
import http.client
from urllib.parse import unquote, urlsplit

#: The end of a body in chunks; JSON has no raw line ends inside its strings.
END = b"\r\n0\r\n\r\n"

#: Bytes of an answer, enough to find its end.
TAIL = 2048


class Discarding:
    """One kept connection to a CouchDB; `url` holds the login."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port)
        connection.connect()
        self._socket, self._prefix = connection.sock, parts.path.rstrip("/")
        self._head = f"Host: {parts.hostname}\r\nAccept: application/json\r\n"
        if parts.username:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._head += f"Authorization: Basic {base64.b64encode(login).decode()}\r\n"
        self._buffer = bytearray(1024 * 1024)

    def get(self, path: str) -> bytes:
        """The end of the answer. Raises ConnectionError if it is cut off."""
        self._socket.sendall(f"GET {self._prefix}{path} HTTP/1.1\r\n{self._head}\r\n".encode())
        tail = b""
        with memoryview(self._buffer) as view:
            while not tail.endswith(END):
                size = self._socket.recv_into(view)
                if not size:
                    raise ConnectionError("the answer was cut off")
                tail = (tail + view[max(0, size - TAIL) : size])[-TAIL:]
        return tail
