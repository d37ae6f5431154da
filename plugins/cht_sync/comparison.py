"""Two lists of ids and revisions, side by side in one order: what CouchDB lists and what is staged. Pure, no I/O."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cht_sync import documents
from cht_sync.listing import Entry

ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(frozen=True, slots=True)
class Difference:
    """An id whose revision differs; None where one side does not have it."""

    id: bytes
    listed: bytes | None
    staged: bytes | None


def entry(line: bytes) -> Entry:
    """Of a line of COPY's text format, in which a few characters are escaped."""
    name, rev = bytes(line).rstrip(b"\n").split(b"\t")
    if b"\\" in name:
        name = ESCAPE.sub(lambda found: ESCAPED.get(found[1], found[1]), name)
    return name, rev


def compare(listed: Iterable[list[Entry]], staged: Iterator[Entry]) -> Iterator[Difference]:
    """What differs, in the order of the ids; both sides are in it, and neither is held whole."""
    waiting = next(staged, None)
    for part in listed:
        if not part:
            continue
        last, held = part[-1][0], list[Entry]()
        while waiting is not None and waiting[0] <= last:
            held.append(waiting)
            waiting = next(staged, None)
        if held != part:
            yield from _differences(dict(part), dict(held))
    while waiting is not None:
        yield Difference(waiting[0], None, waiting[1])
        waiting = next(staged, None)


def _differences(listed: dict[bytes, bytes], staged: dict[bytes, bytes]) -> Iterator[Difference]:
    for name in sorted(listed.keys() | staged.keys()):
        there, here = listed.get(name), staged.get(name)
        if there != here and not (here is None and name.startswith(documents.NEVER_COPIED)):
            yield Difference(name, there, here)
