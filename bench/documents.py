"""The documents that are copied: those of the invented county, repeated with new ids up to the wanted number.

The same number always gives the same document: nothing is kept but the county itself.
"""

import itertools
import statistics
from collections.abc import Iterable, Iterator

import msgspec

from county import generator, writes

#: Size of the county whose documents are repeated; it has all kinds of documents in their proportions.
COUNTY = 20_000

#: Odd, so that each number has its own id; the golden ratio, so that neighbours have ids that are far apart, like the
#: ids that CHT's apps draw.
SPREAD, MASK = 0x9E3779B97F4A7C15, 2**64 - 1
BACK = pow(SPREAD, -1, 2**64)

ID = b"%08x-%04x-4000-8000-%04x%08x"
REV = b"1-%016x%016x"


class Documents:
    """By their numbers, from 0."""

    def __init__(self, seed: int = 1, size: int = COUNTY) -> None:
        first = (write for write in generator.build(seed, size).first() if write.database != "_users")
        self._rest = [_rest(write.doc) for write in first if isinstance(write.doc, dict)]

    def rest(self, number: int) -> bytes:
        """The JSON text of a document after its revision."""
        return self._rest[number % len(self._rest)]

    def body(self, number: int) -> bytes:
        """As it is written to CouchDB."""
        return b'{"_id":"%b"%b' % (uuid(number), self.rest(number))

    def mean(self, count: int) -> float:
        """Bytes of a document with id and revision."""
        own = len(b'{"_id":"","_rev":""') + len(uuid(0)) + len(rev(0))
        return own + statistics.fmean(len(self.rest(number)) for number in range(min(count, len(self._rest))))

    def bulks(self, count: int, size: int = 1000) -> Iterator[bytes]:
        """Bodies for _bulk_docs."""
        for first in range(0, count, size):
            numbers = range(first, min(first + size, count))
            yield b'{"docs":[' + b",".join(map(self.body, numbers)) + b"]}"


def _rest(doc: dict[str, object]) -> bytes:
    members = writes.members(msgspec.json.encode(doc))
    kept = [(key, value) for key, value in members if key not in (b'"_id"', b'"_rev"', b'"_attachments"')]
    return b"".join(b",%b:%b" % member for member in kept) + b"}"


def uuid(number: int) -> bytes:
    """36 characters, like CHT's."""
    x = number * SPREAD & MASK
    return ID % (x >> 32, x >> 16 & 0xFFFF, x & 0xFFFF, x >> 32 ^ 0x5BD1E995)


def rev(number: int) -> bytes:
    """The revision of a document that was written once."""
    x = (number + 1) * SPREAD & MASK
    return REV % (x, x ^ MASK)


def number(uuid: bytes) -> int:
    """The document that has this id."""
    x = int(uuid[:8] + uuid[9:13] + uuid[24:28], 16)
    return x * BACK & MASK


def ordered(count: int) -> Iterable[int]:
    """The numbers in the order of their ids."""
    return (x * BACK & MASK for x in sorted(number * SPREAD & MASK for number in itertools.islice(range(count), count)))
