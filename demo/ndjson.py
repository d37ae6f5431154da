"""Documents from a file, one a line, for the database `medic`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from demo.server import LoadError
from demo.writes import Write, text

# Lines of one round. Ids are remembered within a round only, so that a file of any length needs no more memory.
_ROUND = 1000


class BadLine(NamedTuple):
    """Where and why a line was left out; never what it holds."""

    number: int
    reason: str


class Lines:
    """Rounds of a file's documents in its order: an id that comes again is a later edit. `bad` fills up meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bad: list[BadLine] = []

    def __iter__(self) -> Iterator[list[Write]]:
        self.bad.clear()
        ids: set[str] = set()
        writes: list[Write] = []
        for write, id_ in self._documents():
            if id_ in ids or len(writes) >= _ROUND:
                yield writes
                ids, writes = set(), []
            ids.add(id_)
            writes.append(write)
        if writes:
            yield writes

    def _documents(self) -> Iterator[tuple[Write, str]]:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                body = line.removeprefix(b"\xef\xbb\xbf").strip()
                if not body:
                    continue
                reason = fault(body)
                if reason:
                    self.bad.append(BadLine(number, reason))
                else:
                    write = Write("medic", body)
                    yield write, text(write).id


def read_ndjson(path: str | Path) -> Lines:
    """The rounds of a file, read as they are written: blank lines, CRLF and a byte order mark do not matter."""
    if not Path(path).is_file():
        raise LoadError(f"{path} is no file", "Name a file with one JSON document a line")
    return Lines(Path(path))


def fault(body: bytes) -> str | None:
    """Why this is no document, or None."""
    try:
        # Numbers stay texts: any length and exponent is fine here, it is the server that decides.
        found = json.loads(body, parse_int=str, parse_float=str, parse_constant=_no_number)
    except RecursionError:
        found = {"_id": ""}  # nested deeper than Python reads: its brackets are looked at below
    except ValueError:
        return "not JSON"
    if not isinstance(found, dict):
        return "not an object"
    try:
        text(Write("medic", body))
    except ValueError:
        return "no _id"
    return None


def _no_number(name: str) -> float:
    raise ValueError(name)
