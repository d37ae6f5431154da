"""The body of an answer in chunks, and whether it came to its end."""

import http.client
from collections.abc import Iterator

import msgspec
import requests
import urllib3

from cht_sync.errors import PageCut

#: Bytes of a chunk, about.
CHUNK = 64 * 1024


def chunks(response: requests.Response, what: str) -> Iterator[bytes]:
    """The body in pieces of about CHUNK bytes. Raises PageCut where it is cut off, after what came before."""
    pieces, size = list[bytes](), 0
    try:
        for piece in _pieces(response):
            pieces.append(piece)
            size += len(piece)
            if size >= CHUNK:
                yield b"".join(pieces)
                pieces, size = [], 0
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError):
        yield b"".join(pieces)
        raise PageCut(f"{what} was cut off", "The rows before are kept; it is read again from there") from None
    yield b"".join(pieces)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """As they come: CouchDB sends about one a row. A read that waits for more would lose them where the body is cut."""
    raw = response.raw
    if raw.chunked and raw.supports_chunked_reads():  # the same as below, in half the time
        yield from raw.read_chunked(CHUNK, decode_content=True)
        return
    while piece := raw.read1(CHUNK, decode_content=True):
        yield piece


def is_cut(body: bytes) -> bool:
    """Whether a JSON object ends before its last brace: without a length, HTTP does not report it."""
    begun = body.lstrip()[:1] in (b"", b"{")
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        return begun and (not body.rstrip().endswith(b"}") or "truncated" in str(error))
    except RecursionError:  # a document may have more levels than it reads
        return not body.rstrip().endswith(b"}")
    return False


def cut(what: str) -> PageCut:
    """The error of an answer that can only be asked for again."""
    return PageCut(
        f"{what} was cut off", "It is asked for again; if it lasts, look for a proxy that breaks off answers"
    )
