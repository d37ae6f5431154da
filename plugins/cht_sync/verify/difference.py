"""Compares two lists of ids and revisions in the same order: CouchDB's and the staged one. Pure, no I/O."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from cht_sync.couchdb import rows
from cht_sync.couchdb.all_docs import Entry

ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


#: A line of COPY's text format, as the driver gives it.
Line = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Difference:
    """An id whose revision differs; None for the side that does not have it."""

    id: bytes
    listed: bytes | None
    staged: bytes | None


def entry(line: Line) -> Entry:
    """The entry of a line, in which a few characters are escaped."""
    name, rev = bytes(line).rstrip(b"\n").split(b"\t")
    if b"\\" in name:
        name = ESCAPE.sub(lambda found: ESCAPED.get(found[1], found[1]), name)
    return name, rev


def compare(listed: Iterable[list[Entry]], staged: Iterator[Line]) -> Iterator[Difference]:
    """The differences, in the order of the ids. Both sides are in that order, and neither is held whole.

    `staged` are lines. They are rarely parsed: as many lines as entries were listed are compared as one text.
    """
    ahead: list[Line] = []
    for part in listed:
        lines = ahead + list(islice(staged, max(0, len(part) - len(ahead))))
        here, ahead = lines[: len(part)], lines[len(part) :]
        if b"".join(here) != b"".join([b"%b\t%b\n" % entry for entry in part]):
            held, ahead = _up_to(part[-1][0], lines, staged)
            yield from _differences(dict(part), dict(held))
    for line in chain(ahead, staged):
        name, rev = entry(line)
        yield Difference(name, None, rev)


def _up_to(last: bytes, read: list[Line], staged: Iterator[Line]) -> tuple[list[Entry], list[Line]]:
    """The entries up to the id `last`, and the lines after it that were read already."""
    held: list[Entry] = []
    left = iter(read)
    for line in chain(left, staged):
        found = entry(line)
        if found[0] > last:
            return held, [line, *left]
        held.append(found)
    return held, []


def _differences(listed: dict[bytes, bytes], staged: dict[bytes, bytes]) -> Iterator[Difference]:
    for name in sorted(listed.keys() | staged.keys()):
        there, here = listed.get(name), staged.get(name)
        if there != here and not (here is None and name.startswith(rows.NEVER_COPIED)):
            yield Difference(name, there, here)
