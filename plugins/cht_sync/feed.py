"""The feed of one database as pages for staging, read ahead in a thread of its own.

The next page is asked for as soon as the last line of this one has come, while this one still loads. At most two are on
their way, and the queue between bounds what is read ahead, whatever the size of the database or of a document.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from cht_sync import changes, couchdb, lookup, retry, rows
from cht_sync.draft import Draft
from cht_sync.errors import PageCut, PassingError
from cht_sync.staging import End

#: Chunks that wait to be written: with draft.CHUNK what is held in memory.
AHEAD = 16

#: Pages on their way at once: one that loads, one that is read.
FLYING = 2

#: Bytes of lines from which on a page is ended at its next row with a seq; the answer is read on as another page. One
#: that has twice as many before that row comes is ended at the last row that had one, and the answer given up.
PAGE_BYTES = 64 * 1024 * 1024

#: A row's seq costs CouchDB time to pack, and is where a page that was cut off can be kept up to: 20 a page are enough.
SEQS_PER_PAGE = 20

#: A row that was cut off so often when asked for alone is asked for without its document.
CUTS = 3

Item = bytes | End | Exception


@dataclass
class Tally:
    """What was read so far, for people."""

    rows: int = 0
    left_out: int = 0
    bytes: int = 0


class _TooLong(PageCut):
    """A page that has too many bytes since its last row with a seq."""


@dataclass(frozen=True)
class Limits:
    """Rows that a page is asked for with, bytes from which on it is ended, bytes of the longest document."""

    rows: int
    page_bytes: int = PAGE_BYTES
    document_bytes: int = changes.LONGEST


class Feed:
    """Iterate over it for pages, each to be read to its end before the next; while it waits it calls `tick`."""

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
        self._cuts = 0
        self._clock = clock
        self._backoff = backoff
        self._items: queue.Queue[Item] = queue.Queue(AHEAD)
        self._free = threading.Semaphore(FLYING)
        self._flying = False
        self._stopped = stopped
        self._draft = self._begin()
        self.tally = Tally()
        self.tick: Callable[[], None] = lambda: None

    @property
    def waiting(self) -> str:
        """What it waits for before it asks again; empty where it doesn't."""
        return self._backoff.waiting

    def __iter__(self) -> Iterator["LoadedPage"]:
        while True:
            page = LoadedPage(self._items, lambda: self.tick())
            yield page
            self._free.release()
            if page.end.caught_up:
                return

    def read(self) -> None:
        """The thread's work: page after page until there is nothing behind, the feed is stopped, or an error."""
        try:
            while not self._stopped.is_set():
                try:
                    if self._answer():
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

    def _begin(self) -> Draft:
        return Draft(self._database, self._clock(), self._put)

    def _take_off(self) -> None:
        """Waits until another page may be on its way."""
        while not self._flying and not self._stopped.is_set():
            self._flying = self._free.acquire(timeout=0.2)

    def _land(self, end: End) -> None:
        """Hands over the page; what was read of it behind its end comes once more."""
        self.tally.rows += end.rows - self._draft.rows
        self.tally.left_out += sum(number <= end.until for number in self._draft.left_out)
        self._since = end.seq
        self._put(end)
        self._flying = False

    def _ask(self) -> AbstractContextManager[changes.Page]:
        if self._cuts >= CUTS:
            return self._client.changed(self._database, self._since, 1)
        interval = max(1, self._limit // SEQS_PER_PAGE)
        return self._client.changes(self._database, self._since, self._limit, interval, self._limits.document_bytes)

    def _answer(self) -> bool:
        """Reads one answer, as far as it comes, as one page or several; true where nothing is behind it."""
        self._take_off()
        self._draft = self._begin()
        before = self._since
        try:
            with self._ask() as page:
                try:
                    count = self._rows(page)
                finally:
                    self.tally.bytes += page.bytes
        except PageCut as cut:
            self._keep(cut, progress=self._since != before)
            return False
        if page.last_seq is None:  # stopped
            return True
        end = self._draft.whole(page.last_seq, page.pending, caught_up=page.pending == 0 or count == 0)
        self._finish(end)
        self._cuts = 0
        too_long = page.bytes > self._limits.page_bytes
        self._limit = max(1, self._limit // 2) if too_long else min(self._limits.rows, self._limit * 2)
        self._backoff.succeeded()
        return end.caught_up

    def _rows(self, page: changes.Page) -> int:
        """How many there were; until it is stopped."""
        count = 0
        for text in page:
            if self._stopped.is_set():
                break
            count += 1
            row = rows.parse(text)
            del text  # one document of many megabytes is held once
            self.tally.rows += 1
            self._draft.take(row)
            if self._draft.size >= self._limits.page_bytes:
                self._part(at_seq=row.seq is not None)
            del row
        return count

    def _part(self, *, at_seq: bool) -> None:
        """Ends a page that has enough bytes, where its last row can be a checkpoint."""
        if (end := self._draft.until_seq()) and at_seq:
            self._finish(end)
            self._take_off()
            self._draft = Draft(self._database, end.asked_at, self._put)  # the answer is as of then, all of it
        elif end and self._draft.size >= 2 * self._limits.page_bytes:
            raise _TooLong(f"A page of {self._database} has long documents", "It is asked for in smaller parts")

    def _keep(self, cut: PageCut, *, progress: bool) -> None:
        """A page that was cut off ends at its last row with a seq; where there is none a smaller one is asked for."""
        if end := self._draft.until_seq():
            self._finish(end)
            progress = True
        else:
            self._drop()
        at_one = self._limit == 1
        if isinstance(cut, _TooLong) or not progress:
            self._limit = max(1, self._limit // 2)
        if progress:
            self._cuts = 0
            return self._backoff.succeeded()
        self._cuts += at_one
        raise PageCut(
            f"A row of {self._database} is cut off each time"
            if at_one
            else f"A page of {self._database} was cut off before its first rows",
            "It is tried again; if it lasts, look for a limit of size or time in the proxy before CouchDB",
        ) from None

    def _finish(self, end: End) -> None:
        """The rest of a page: the rows that came without their document, each by its id, then what is still held."""
        draft = self._draft
        try:
            for number, row in draft.incomplete:
                if number <= end.until:
                    longest = self._limits.document_bytes
                    draft.add(number, lookup.document(self._client, self._database, row, self._backoff, longest))
        except PassingError:
            self._drop()
            raise
        draft.flush()
        self._land(end)

    def _drop(self) -> None:
        """Keeps nothing of a page; what was handed over of it is not to be written."""
        if self._draft.sent:
            self._land(self._draft.nothing(self._since))
        else:
            self.tally.rows -= self._draft.rows
        self._draft = self._begin()


class LoadedPage:
    """Chunks of one page from the queue; `end` once they are read."""

    def __init__(self, items: "queue.Queue[Item]", tick: Callable[[], None]) -> None:
        self._items, self._tick = items, tick
        self._first: Item | None = None
        self._end: End | None = None

    def arrive(self) -> None:
        """Waits for the first of it: so no transaction stays open meanwhile."""
        self._first = self._next()

    @property
    def end(self) -> End:
        """Only after the chunks."""
        if self._end is None:
            raise LookupError("the page is not read yet")
        return self._end

    def __iter__(self) -> Iterator[bytes]:
        while self._end is None:
            item, self._first = self._first or self._next(), None
            if isinstance(item, bytes):
                yield item
            elif isinstance(item, End):
                self._end = item
            else:
                raise item

    def _next(self) -> Item:
        while True:
            self._tick()
            with suppress(queue.Empty):
                return self._items.get(timeout=1)


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
