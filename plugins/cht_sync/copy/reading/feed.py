"""The feed of one database as pages for staging, read ahead by a thread of its own (reader.py).

The next page is requested as soon as the last line of this one has come, while this one still loads. Between the two
threads is a passage (passage.py), which limits how far the reader is ahead.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from cht_sync import couchdb
from cht_sync.copy.reading.page import End
from cht_sync.copy.reading.passage import Item, Passage
from cht_sync.copy.reading.reader import Limits, Reader, Tally
from cht_sync.couchdb import retry

#: Called while the writer waits: with the tally so far, and what the reader waits for before its next request.
Wait = Callable[[Tally, str], None]


class LoadedPage:
    """The chunks of one page as they come; `end` is known once they are read."""

    def __init__(self, take: Callable[[], Item]) -> None:
        self._take = take
        self._first: Item | None = None
        self._end: End | None = None

    def arrive(self) -> None:
        """Waits for the first chunk, so that no transaction is open during that wait."""
        self._first = self._take()

    @property
    def end(self) -> End:
        """The end of the page. Raises LookupError before all chunks are read."""
        if self._end is None:
            raise LookupError("the page is not read yet")
        return self._end

    def __iter__(self) -> Iterator[bytes]:
        while self._end is None:
            item, self._first = self._first or self._take(), None
            if isinstance(item, bytes):
                yield item
            elif isinstance(item, End):
                self._end = item
            else:
                raise item


class Feed:
    """Iterate over it for pages. Read each to its end before the next."""

    def __init__(self, passage: Passage, reader: Reader, wait: Wait) -> None:
        self._passage, self._reader, self._wait = passage, reader, wait

    @property
    def tally(self) -> Tally:
        """What was read so far."""
        return self._reader.tally

    def __iter__(self) -> Iterator[LoadedPage]:
        while True:
            page = LoadedPage(self._take)
            yield page
            self._passage.leave()
            if page.end.caught_up:
                return

    def _take(self) -> Item:
        while True:
            self._wait(self._reader.tally, self._reader.waiting)
            if (item := self._passage.take()) is not None:
                return item


def _now() -> datetime:
    return datetime.now(UTC)


def _silently(_tally: Tally, _waiting: str) -> None:
    """Reports nothing."""


@contextmanager
def reading(
    client: couchdb.Client,
    database: str,
    since: str,
    limits: Limits,
    pause: retry.Pause | None = None,
    *,
    wait: Wait = _silently,
    now: Callable[[], datetime] = _now,
) -> Iterator[Feed]:
    """A feed whose thread has started; it ends with the block. `client` is for this feed alone, and closed with it.

    `pause` waits before a request is retried. By default that wait ends with the block.
    """
    passage = Passage()
    backoff = retry.Backoff(limits.seconds, pause or passage.stopped.wait)
    reader = Reader(client, database, since, limits, backoff, passage, now)
    thread = threading.Thread(target=reader.run, name=f"feed of {database}", daemon=True)
    thread.start()
    try:
        yield Feed(passage, reader, wait)
    finally:
        passage.stopped.set()
        client.close()
        thread.join(timeout=1)  # it may still wait for a connection, but nothing that it reads is written
