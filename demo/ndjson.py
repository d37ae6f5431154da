"""Documents from a file, one a line, for the database `medic`."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from county.writes import NoDocument, Write, text
from demo.server import LoadError

# Lines of one round. Ids are remembered within a round only, so that a file of any length needs no more memory.
_ROUND = 1000


class BadLine(NamedTuple):
    """The place and the reason of a line that was left out; never its content."""

    number: int
    reason: str


class Lines:
    """Rounds of a file's documents, in its order: a repeated id is a later edit. `bad` collects unreadable lines."""

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
                write = Write("medic", body)
                try:
                    yield write, text(write).id
                except NoDocument as why:
                    self.bad.append(BadLine(number, str(why)))


def read_ndjson(path: str | Path) -> Lines:
    """The rounds of a file, read as they are written: blank lines, CRLF and a byte order mark do not matter."""
    if not Path(path).is_file():
        raise LoadError(f"{path} is no file", "Name a file with one JSON document a line")
    return Lines(Path(path))
