"""The feed of one database as pages for staging, read ahead in a thread of its own.

The next page is asked for as soon as the last line of this one has come, while this one still loads. At most two are on
their way, and the queue between bounds what is read ahead, whatever the size of the database or of a document.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from cht_sync import changes, couchdb, documents, retry
from cht_sync.errors import PageCut, PassingError
from cht_sync.staging import End

#: Bytes of COPY lines handed over at once, and how many such chunks wait: together what is held in memory.
CHUNK = 512 * 1024
AHEAD = 16

#: Pages on their way at once: one that loads, one that is read.
FLYING = 2

#: Bytes of lines from which on a page is ended at its next row with a seq; the answer is read on as another page.
PAGE_BYTES = 64 * 1024 * 1024

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
    sent: bool = False
    until: int = -1
    seq: str | None = None
    rows: int = 0
    size: int = 0
    waiting: int = 0
    lines: list[bytes] = field(default_factory=list)
    without_document: list[tuple[int, documents.Row]] = field(default_factory=list)


@dataclass(frozen=True)
class Limits:
    """Rows that a page is asked for with, bytes from which on it is ended, bytes of the longest document."""

    rows: int
    page_bytes: int = PAGE_BYTES
    document_bytes: int = changes.LONGEST


class Feed:
    """Iterate over it for pages, each to be read to its end before the next."""

    def __init__(
        self,
        client: couchdb.Client,
        database: str,
        since: str,
        limits: Limits,
        clock: Callable[[], datetime],
        backoff: retry.Backoff,
        stopped: threading.Event,
    ) -> None:
        self._client = client
        self._database = database
        self._since = since
        self._limits = limits
        self._limit = limits.rows
        self._clock = clock
        self._backoff = backoff
        self._items: queue.Queue[Item] = queue.Queue(AHEAD)
        self._free = threading.Semaphore(FLYING)
        self._flying = False
        self._stopped = stopped
        self.tally = Tally()

    def __iter__(self) -> Iterator["LoadedPage"]:
        while True:
            page = LoadedPage(self._items)
            yield page
            self._free.release()
            if page.end.caught_up:
                return

    def read(self) -> None:
        """The thread's work: page after page until there is nothing behind, the feed is stopped, or an error."""
        try:
            while not self._stopped.is_set():
                try:
                    if self._page():
                        return
                except PassingError as error:
                    if not self._stopped.is_set():
                        self._backoff.wait(error)
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

    def _take_off(self) -> None:
        """Waits until another page may be on its way."""
        while not self._flying and not self._stopped.is_set():
            self._flying = self._free.acquire(timeout=0.2)

    def _land(self, end: End) -> None:
        self._since = end.seq
        self._put(end)
        self._flying = False

    def _page(self) -> bool:
        """Reads one answer, as far as it comes, as one page or several; true where nothing is behind it."""
        self._take_off()
        reading = _Reading(self._clock())
        interval = max(1, self._limit // SEQS_PER_PAGE)
        asked = self._client.changes(self._database, self._since, self._limit, interval, self._limits.document_bytes)
        with asked as page:
            before = self._since
            try:
                reading = self._rows(page, reading)
            except PageCut:
                self._cut(reading, progress=self._since != before)
                return False
            finally:
                self.tally.bytes += page.bytes
        if page.last_seq is None:  # stopped
            return True
        nothing = reading.rows == 0 and self._since == before
        end = End(
            page.last_seq, page.pending, reading.rows, reading.rows, reading.asked_at, page.pending == 0 or nothing
        )
        self._finish(reading, end)
        too_many = page.bytes > self._limits.page_bytes
        self._limit = max(1, self._limit // 2) if too_many else min(self._limits.rows, self._limit * 2)
        self._backoff.succeeded()
        return end.caught_up

    def _rows(self, page: changes.Page, reading: _Reading) -> _Reading:
        """Reads the rows; gives the page that they ended in."""
        for text in page:
            if self._stopped.is_set():
                break
            row = documents.parse(text)
            del text  # one document of many megabytes is held once
            number = reading.rows
            reading.rows += 1
            self.tally.rows += 1
            if row.seq is not None:
                reading.until, reading.seq = number, row.seq
            self._take(number, row, reading)
            if row.seq is not None and reading.size >= self._limits.page_bytes:
                self._finish(reading, _part(row.seq, reading))
                self._take_off()
                reading = _Reading(reading.asked_at)
            del row
        return reading

    def _take(self, number: int, row: documents.Row, reading: _Reading) -> None:
        if documents.left_out(row):
            self.tally.left_out += 1
        elif row.body is None and not row.deleted and row.raw_id is None and row.excess is None:
            reading.without_document.append((number, row))
        else:
            self._add(number, row, reading)

    def _add(self, number: int, row: documents.Row, reading: _Reading) -> None:
        for piece in documents.lines(number, row, self._database):
            reading.lines.append(piece)
            reading.waiting += len(piece)
            if reading.waiting >= CHUNK:
                self._flush(reading)

    def _flush(self, reading: _Reading) -> None:
        if reading.lines:
            reading.sent = True
            reading.size += reading.waiting
            self._put(b"".join(reading.lines))
            reading.lines, reading.waiting = [], 0

    def _cut(self, reading: _Reading, *, progress: bool) -> None:
        """A page that was cut off ends at its last row with a seq; where there is none a smaller one is asked for."""
        if reading.seq is not None:
            self._finish(reading, _part(reading.seq, reading))
            return self._backoff.succeeded()
        if reading.sent:
            self._land(_part(self._since, reading))
        if progress:
            return self._backoff.succeeded()
        at_one = self._limit == 1
        self._limit = max(1, self._limit // 2)
        raise PageCut(
            f"A row of {self._database} is cut off each time"
            if at_one
            else f"A page of {self._database} was cut off before its first rows",
            "It is tried again; if it lasts, look for a limit of size or time in the proxy before CouchDB",
        )

    def _finish(self, reading: _Reading, end: End) -> None:
        """The rest of a page: the rows that came without their document, each by its id, then what is still held."""
        try:
            for number, row in reading.without_document:
                if number <= end.until:
                    self._add(number, self._document(row), reading)
        except PassingError:
            if reading.sent:  # what was handed over of it is not to be written
                self._land(_part(self._since, _Reading(reading.asked_at)))
            raise
        self._flush(reading)
        self._land(end)

    def _document(self, row: documents.Row) -> documents.Row:
        """What is there now may be a later revision."""
        for attempt in range(TRIES):
            found = self._backoff.insist(self._ask(row.id))
            if found is not None:
                body = found[1]
                held, excess = (None, body) if isinstance(body, changes.Excess) else (body, None)
                return documents.Row(row.id, found[0] or row.rev, row.seq, False, held, excess=excess)
            if attempt < TRIES - 1:
                self._backoff.pause(2**attempt)
        return row  # a deleted one comes again later in the feed, as deleted; until then it is refused, not skipped

    def _ask(self, name: str) -> Callable[[], tuple[str, bytes | changes.Excess] | None]:
        return lambda: self._client.document(self._database, name, self._limits.document_bytes)


def _part(seq: str, reading: _Reading) -> End:
    """A page that is not the end of its answer."""
    return End(seq, None, reading.until, reading.until + 1, reading.asked_at, caught_up=False)


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
    client: couchdb.Client,
    database: str,
    since: str,
    limits: Limits,
    clock: Callable[[], datetime],
    seconds: float,
    pause: retry.Pause | None = None,
) -> Iterator[Feed]:
    """A feed whose thread has started; it ends with the block. `client` is for this feed alone, and closed with it.

    For `seconds` it asks again what passes by itself; `pause` waits in between.
    """
    stopped = threading.Event()
    feed = Feed(client, database, since, limits, clock, retry.Backoff(seconds, pause or stopped.wait), stopped)
    thread = threading.Thread(target=feed.read, name=f"feed of {database}", daemon=True)
    thread.start()
    try:
        yield feed
    finally:
        feed.stop()
        thread.join(timeout=1)  # it may still wait for a connection; nothing of it is written any more
