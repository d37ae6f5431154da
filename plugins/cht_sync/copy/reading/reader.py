"""The thread that reads a feed: it cuts CouchDB's answers into pages, each with a seq that can be a checkpoint."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from cht_sync import couchdb
from cht_sync.copy.reading.page import Assembly, End
from cht_sync.copy.reading.passage import Passage
from cht_sync.couchdb import changes, fetch, retry, rows
from cht_sync.errors import PageCut, PassingError

#: Bytes of lines after which a page ends, at its next row with a seq; the rest of the answer is another page. If twice
#: as many bytes come before such a row, the page ends at its last row with a seq, and the answer is abandoned.
PAGE_BYTES = 64 * 1024 * 1024

#: Rows with a seq in a page. A seq is expensive for CouchDB; 20 a page limit what a truncated page loses.
SEQS_PER_PAGE = 20

#: If a row that is requested alone was cut off so often, it is requested without its document.
CUTS = 3


@dataclass
class Tally:
    """Counts of what was read so far, for people."""

    rows: int = 0
    left_out: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Limits:
    """Rows that a page is requested with; bytes after which it ends; bytes of the longest document; seconds for which
    requests are retried.
    """

    rows: int
    page_bytes: int = PAGE_BYTES
    document_bytes: int = changes.LONGEST
    seconds: float = 3_000


class _TooLong(PageCut):
    """A page has too many bytes since its last row with a seq."""


class Reader:
    """Reads pages into a passage. `run` is the work of its thread; other threads read `tally` and `waiting` only."""

    def __init__(
        self,
        client: couchdb.Client,
        database: str,
        since: str,
        limits: Limits,
        backoff: retry.Backoff,
        passage: Passage,
        now: Callable[[], datetime],
    ) -> None:
        self._client, self._database, self._since, self._limits = client, database, since, limits
        self._backoff, self._passage, self._now = backoff, passage, now
        self._limit, self._cuts = limits.rows, 0
        self._assembly = self._begin()
        self.tally = Tally()

    @property
    def waiting(self) -> str:
        """What it waits for before its next request; empty if it does not wait."""
        return self._backoff.waiting

    def run(self) -> None:
        """Reads pages until nothing follows or the passage is stopped, or puts an error into the passage."""
        try:
            while not self._passage.stopped.is_set():
                try:
                    if self._answer():
                        return
                except PassingError as error:
                    if not self._passage.stopped.is_set():
                        self._backoff.wait(error)
        except Exception as error:  # raised again where the pages are read
            self._passage.put(error)

    def _begin(self) -> Assembly:
        return Assembly(self._database, self._now(), self._passage.put)

    def _land(self, end: End) -> None:
        """Ends the page in the passage. Rows that were read after this end are read again."""
        self.tally.rows += end.rows - self._assembly.rows
        self.tally.left_out += sum(number <= end.until for number in self._assembly.left_out)
        self._since = end.seq
        self._passage.end(end)

    def _ask(self) -> AbstractContextManager[changes.Page]:
        if self._cuts >= CUTS:
            return self._client.changed(self._database, self._since, 1)
        interval = max(1, self._limit // SEQS_PER_PAGE)
        return self._client.changes(self._database, self._since, self._limit, interval, self._limits.document_bytes)

    def _answer(self) -> bool:
        """Reads one answer, as far as it comes, as one page or several; true if nothing follows it."""
        self._passage.enter()
        self._assembly = self._begin()
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
        end = self._assembly.whole(page.last_seq, page.pending, caught_up=page.pending == 0 or count == 0)
        self._finish(end)
        self._cuts = 0
        too_long = page.bytes > self._limits.page_bytes
        self._limit = max(1, self._limit // 2) if too_long else min(self._limits.rows, self._limit * 2)
        self._backoff.succeeded()
        return end.caught_up

    def _rows(self, page: changes.Page) -> int:
        """Takes in the rows of an answer, until the passage is stopped; returns how many there were."""
        count = 0
        for text in page:
            if self._passage.stopped.is_set():
                break
            count += 1
            row = rows.parse(text)
            del text  # so that a document of many megabytes is held only once
            self.tally.rows += 1
            self._assembly.take(row)
            if self._assembly.size >= self._limits.page_bytes:
                self._part(at_seq=row.seq is not None)
            del row
        return count

    def _part(self, *, at_seq: bool) -> None:
        """Ends a page that has enough bytes, if its last row can be a checkpoint."""
        if (end := self._assembly.until_seq()) and at_seq:
            self._finish(end)
            self._passage.enter()
            # the time of the request: all of the answer is as of then
            self._assembly = Assembly(self._database, end.asked_at, self._passage.put)
        elif end and self._assembly.size >= 2 * self._limits.page_bytes:
            raise _TooLong(f"A page of {self._database} has long documents", "It is requested in smaller parts")

    def _keep(self, cut: PageCut, *, progress: bool) -> None:
        """Ends a truncated page at its last row with a seq; if it has none, a smaller page is requested."""
        if end := self._assembly.until_seq():
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
            "It is requested again; if this lasts, look for a limit of size or time in the proxy before CouchDB",
        ) from None

    def _finish(self, end: End) -> None:
        """Hands over the rest of a page. Rows that came without their document are read by their ids."""
        assembly = self._assembly
        try:
            for number, row in assembly.incomplete:
                if number <= end.until:
                    longest = self._limits.document_bytes
                    assembly.add(number, fetch.document(self._client, self._database, row, self._backoff, longest))
        except PassingError:
            self._drop()
            raise
        assembly.flush()
        self._land(end)

    def _drop(self) -> None:
        """Keeps nothing of a page. If parts of it were handed over, its end says that none may be written."""
        if self._assembly.sent:
            self._land(self._assembly.nothing(self._since))
        else:
            self.tally.rows -= self._assembly.rows
        self._assembly = self._begin()
