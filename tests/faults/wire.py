"""The transfer of an answer: its framing and coding, and where and how it is cut off."""

import gzip
import random
import select
import socket
import struct
from dataclasses import dataclass, field, replace
from http import HTTPStatus

#: With a length, in chunks, or until the end of the connection, as CouchDB and the proxies before it do.
FRAMINGS = ("length", "chunks", "close")

#: How a connection ends early: orderly, by a reset, not at all, or as if the answer were complete.
ENDINGS = ("close", "reset", "stall", "whole")

#: Seconds that a stalled connection is held at most: the client gives up long before.
HELD = 10


@dataclass(frozen=True)
class Answer:
    """`cut` is the number of bytes of the (coded) body after which it is cut off by `ending`.

    If it is `silent`, not even its status is sent.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    framing: str = "length"
    coded: bool = False
    cut: int | None = None
    ending: str = "close"
    silent: bool = False

    def carried(self, chance: random.Random) -> "Answer":
        """The same answer in a random framing and coding."""
        return replace(self, framing=chance.choice(FRAMINGS), coded=chance.random() < 0.25)

    def broken(self, ending: str, chance: random.Random) -> "Answer":
        """Cut off after some byte of the transfer, more often after one of the last."""
        size = len(self.wire)
        cut = chance.randrange(size) if chance.random() < 0.8 else max(0, size - chance.randint(1, 40))
        return replace(self, cut=cut, ending=ending)

    @property
    def wire(self) -> bytes:
        return gzip.compress(self.body, 1, mtime=0) if self.coded else self.body


def send(connection: socket.socket, answer: Answer) -> bool:
    """Whether the connection can be used for a further request."""
    if answer.silent:
        end(connection, answer.ending)
        return False
    body = answer.wire
    whole = answer.cut is None or answer.ending == "whole"
    given = body[: answer.cut] if whole else body
    connection.sendall(_head(answer, len(given)))
    framed = _chunks(given) if answer.framing == "chunks" else given
    connection.sendall(framed if whole else framed[: answer.cut])
    if whole:
        return answer.framing != "close"
    end(connection, answer.ending)
    return False


def end(connection: socket.socket, ending: str) -> None:
    """Ends a connection before its answer is complete."""
    if ending == "stall":
        select.select([connection], [], [], HELD)  # readable once the client has closed it
    if ending == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _head(answer: Answer, length: int) -> bytes:
    headers = {"Content-Type": "application/json", **answer.headers}
    if answer.coded:
        headers["Content-Encoding"] = "gzip"
    if answer.framing == "length":
        headers["Content-Length"] = str(length)
    elif answer.framing == "chunks":
        headers["Transfer-Encoding"] = "chunked"
    else:
        headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def _chunks(body: bytes) -> bytes:
    """Yields pieces that do not fit the rows."""
    step = max(1, len(body) // 3)
    parts = [body[at : at + step] for at in range(0, len(body), step)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
