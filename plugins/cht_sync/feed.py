"""The feed of one database as pages for staging, read ahead in a thread of its own.

The next page is asked for as soon as the last line of this one has come, while this one still loads. The queue between
bounds what is read ahead, whatever the size of the database.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from cht_sync import couchdb, documents
from cht_sync.errors import PageCut, SyncError
from cht_sync.staging import End

#: Bytes of COPY lines handed over at once, and how many such chunks wait: together what is held in memory.
CHUNK = 512 * 1024
AHEAD = 8

#: A row's seq costs CouchDB time to pack, and is where a page that was cut off can be kept up to: 20 a page are enough.
SEQS_PER_PAGE = 20

#: A row without its document is read by its id so often, then refused as unreadable.
TRIES = 3

Item = bytes | End | Exception


@dataclass
class Tally:
    """What was read so far, for people."""

    rows: int = 0
    left_out: int = 0
    bytes: int = 0


@dataclass
class _Reading:
    """One page on its way."""

    asked_at: datetime
    until: int = -1
    seq: str | None = None
    rows: int = 0
    size: int = 0
    lines: list[bytes] = field(default_factory=list)
    without_document: list[tuple[int, documents.Row]] = field(default_factory=list)


class Feed:
    """Iterate over it for pages, each to be read to its end before the next."""

    def __init__(
        self, client: couchdb.Client, database: str, since: str, limit: int, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._database = database
        self._since = since
        self._most = self._limit = limit
        self._clock = clock
        self._items: queue.Queue[Item] = queue.Queue(AHEAD)
        self._stopped = threading.Event()
        self.tally = Tally()

    def __iter__(self) -> Iterator["LoadedPage"]:
        while True:
            page = LoadedPage(self._items)
            yield page
            if page.end.caught_up:
                return

    def read(self) -> None:
        """The thread's work: page after page until there is nothing behind, the feed is stopped, or an error."""
        try:
            while not self._stopped.is_set() and not self._page():
                pass
        except Exception as error:  # raised again where the pages are read
            self._put(error)

    def stop(self) -> None:
        """Ends the thread at its next row or chunk."""
        self._stopped.set()
        self._client.close()

    def _put(self, item: Item) -> None:
        while not self._stopped.is_set():
            try:
                return self._items.put(item, timeout=0.2)
            except queue.Full:
                continue
        return None

    def _page(self) -> bool:
        """Reads one page, as far as it comes; true where nothing is behind it."""
        reading = _Reading(self._clock())
        interval = max(1, self._limit // SEQS_PER_PAGE)
        with self._client.changes(self._database, self._since, self._limit, interval) as page:
            try:
                self._rows(page, reading)
                if page.last_seq is None:  # stopped
                    return True
                end = _whole(page.last_seq, page.pending, reading)
                self._limit = min(self._most, self._limit * 2)
            except PageCut:
                end = self._part(reading)
            self.tally.bytes += page.bytes
        self._read_alone(reading, end.until)
        self._flush(reading)
        self._since = end.seq
        self._put(end)
        return end.caught_up

    def _rows(self, page: couchdb.Page, reading: _Reading) -> None:
        for number, text in enumerate(page):
            if self._stopped.is_set():
                return
            row = documents.parse(text)
            reading.rows += 1
            self.tally.rows += 1
            if row.seq is not None:
                reading.until, reading.seq = number, row.seq
            self._take(number, row, reading)

    def _take(self, number: int, row: documents.Row, reading: _Reading) -> None:
        if documents.left_out(row):
            self.tally.left_out += 1
        elif row.body is None and not row.deleted and row.raw_id is None:
            reading.without_document.append((number, row))
        else:
            self._add(documents.line(number, row, self._database), reading)

    def _add(self, line: bytes, reading: _Reading) -> None:
        reading.lines.append(line)
        reading.size += len(line)
        if reading.size >= CHUNK:
            self._flush(reading)

    def _flush(self, reading: _Reading) -> None:
        if reading.lines:
            self._put(b"".join(reading.lines))
            reading.lines, reading.size = [], 0

    def _part(self, reading: _Reading) -> End:
        """A page that was cut off ends at its last row with a seq; where there is none a smaller one is asked for."""
        if reading.seq is None:
            if self._limit == 1:
                raise PageCut(
                    f"A row of {self._database} is cut off each time",
                    "It is tried again; if it lasts, look for a limit of size or time in the proxy before CouchDB",
                )
            self._limit = max(1, self._limit // 2)
        seq = reading.seq or self._since
        return End(seq, None, reading.until, reading.until + 1, reading.asked_at, caught_up=False)

    def _read_alone(self, reading: _Reading, until: int) -> None:
        """The rows that came without their document, each by its id: what is there now may be a later revision."""
        for number, row in reading.without_document:
            if number <= until:
                self._add(documents.line(number, self._document(row), self._database), reading)

    def _document(self, row: documents.Row) -> documents.Row:
        for attempt in range(TRIES):
            try:
                found = self._client.document(self._database, row.id)
            except SyncError:
                if attempt == TRIES - 1:
                    raise
            else:
                # a deleted one comes again later in the feed, as deleted; until then it is refused, not skipped
                return documents.Row(row.id, found[0] or row.rev, row.seq, False, found[1]) if found else row
            self._stopped.wait(2**attempt)
        return row


def _whole(last_seq: str, pending: int | None, reading: _Reading) -> End:
    """A page that came to its end. Where CouchDB tells no `pending`, only an empty page says that nothing is behind."""
    return End(last_seq, pending, reading.rows, reading.rows, reading.asked_at, pending == 0 or reading.rows == 0)


class LoadedPage:
    """Chunks of one page from the queue; `end` once they are read."""

    def __init__(self, items: "queue.Queue[Item]") -> None:
        self._items = items
        self._end: End | None = None

    @property
    def end(self) -> End:
        """Only after the chunks."""
        if self._end is None:
            raise LookupError("the page is not read yet")
        return self._end

    def __iter__(self) -> Iterator[bytes]:
        while self._end is None:
            item = self._items.get()
            if isinstance(item, bytes):
                yield item
            elif isinstance(item, End):
                self._end = item
            else:
                raise item


@contextmanager
def reading(
    client: couchdb.Client, database: str, since: str, limit: int, clock: Callable[[], datetime]
) -> Iterator[Feed]:
    """A feed whose thread has started; it ends with the block. `client` is for this feed alone, and closed with it."""
    feed = Feed(client, database, since, limit, clock)
    thread = threading.Thread(target=feed.read, name=f"feed of {database}", daemon=True)
    thread.start()
    try:
        yield feed
    finally:
        feed.stop()
        thread.join(timeout=5)
