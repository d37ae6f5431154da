"""A page while it is read: its lines, handed over in chunks, and the row up to which it can be kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cht_sync.copy.encoding import lines
from cht_sync.couchdb import rows
from cht_sync.couchdb.rows import Row


@dataclass(frozen=True)
class End:
    """What is known of a page once it was read, as far as it came.

    `until` is the last line that may be written; in a truncated page, the last row with a seq. `asked_at` is the time
    of the request. `caught_up`: nothing follows the page in the feed.
    """

    seq: str
    pending: int | None
    until: int
    rows: int
    asked_at: datetime
    caught_up: bool


class Page(Protocol):
    """Iterate over it for chunks of COPY lines (lines.line); after them it has `end`."""

    @property
    def end(self) -> End: ...

    def __iter__(self) -> Iterator[bytes]: ...


#: Bytes of COPY lines handed over at once.
CHUNK = 512 * 1024


@dataclass
class Assembly:
    """`until` is the number of the last row with a seq, `seq` its seq; `incomplete` rows came without document."""

    database: str
    asked_at: datetime
    put: Callable[[bytes], None]
    rows: int = 0
    seq: str | None = None
    until: int = -1
    size: int = 0
    sent: bool = False
    incomplete: list[tuple[int, Row]] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    _lines: list[bytes] = field(default_factory=list)
    _waiting: int = 0

    def take(self, row: Row) -> None:
        """Takes in the next row of the feed."""
        number = self.rows
        self.rows += 1
        if row.seq is not None:
            self.until, self.seq = number, row.seq
        if rows.left_out(row):
            self.left_out.append(number)
        elif row.is_incomplete:
            self.incomplete.append((number, row))
        else:
            self.add(number, row)

    def add(self, number: int, row: Row) -> None:
        """Adds the line of a row; `number` is its place in the page."""
        for piece in lines.pieces(number, row, self.database):
            self._lines.append(piece)
            self._waiting += len(piece)
            if self._waiting >= CHUNK:
                self.flush()

    def flush(self) -> None:
        """Hands over the lines that are held."""
        if self._lines:
            self.sent = True
            self.size += self._waiting
            self.put(b"".join(self._lines))
            self._lines, self._waiting = [], 0

    def until_seq(self) -> End | None:
        """The end of a page that ends before its answer: at the last row with a seq; None if no row has one."""
        if self.seq is None:
            return None
        return End(self.seq, None, self.until, self.until + 1, self.asked_at, caught_up=False)

    def nothing(self, since: str) -> End:
        """The end of a page of which nothing is kept."""
        return End(since, None, -1, 0, self.asked_at, caught_up=False)

    def whole(self, last_seq: str, pending: int | None, *, caught_up: bool) -> End:
        """The end of a page that ends with its answer."""
        return End(last_seq, pending, self.rows, self.rows, self.asked_at, caught_up)
