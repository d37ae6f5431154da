"""The body of an answer in chunks, and whether it is truncated."""

import http.client
from collections.abc import Iterator

import msgspec
import requests
import urllib3

from cht_sync.errors import PageCut

#: About the bytes of a chunk.
CHUNK = 64 * 1024


def chunks(response: requests.Response, what: str) -> Iterator[bytes]:
    """The body in pieces of about CHUNK bytes. If it is truncated, gives all that came, then raises PageCut."""
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
        raise PageCut(f"{what} was cut off", "The rows before the cut are kept; the rest is requested again") from None
    yield b"".join(pieces)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """The pieces as they come, about one a row. A read that waits for more would lose them if the body is truncated."""
    raw = response.raw
    if raw.chunked and raw.supports_chunked_reads():  # the same as the loop below, in half the time
        yield from raw.read_chunked(CHUNK, decode_content=True)
        return
    while piece := raw.read1(CHUNK, decode_content=True):
        yield piece


def is_cut(body: bytes) -> bool:
    """Whether a JSON object is truncated, that is, lacks its last brace. HTTP does not report this without a length."""
    begun = body.lstrip()[:1] in (b"", b"{")
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        return begun and (not body.rstrip().endswith(b"}") or "truncated" in str(error))
    except RecursionError:  # a document may have more levels than msgspec reads
        return not body.rstrip().endswith(b"}")
    return False


def cut(what: str) -> PageCut:
    """The error of a truncated answer of which nothing can be kept."""
    return PageCut(
        f"{what} was cut off", "It is requested again; if this lasts, look for a proxy that cuts answers off"
    )
