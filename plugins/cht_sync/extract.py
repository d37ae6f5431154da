"""The copy of one database: pages of its changes into staging, from the stored checkpoint until there are no more."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cht_sync import changes, couchdb, feed, progress, recopy, replay, retry, snapshot, sql, staging, warehouse
from cht_sync.progress import Progress


@dataclass(frozen=True)
class Options:
    """Of a run: rows a page; seconds after which it ends on a committed page for the next run to go on; seconds that it
    waits for another run to end; bytes of lines from which on a page is ended, and of the longest document; what it
    begins, where nothing else is unfinished: incremental, resync, replace or replay.
    """

    page_rows: int = 5_000
    seconds: float = 3_000
    wait: float = 30
    page_bytes: int = feed.PAGE_BYTES
    max_document_bytes: int = changes.LONGEST
    mode: str = "incremental"

    @property
    def limits(self) -> feed.Limits:
        """Of each page."""
        return feed.Limits(self.page_rows, self.page_bytes, self.max_document_bytes)


def run(
    connection: warehouse.Connection,
    client: Callable[[], couchdb.Client],
    source: str,
    database: str,
    options: Options,
    report: Callable[[Progress], None],
    pause: retry.Pause | None = None,
    *,
    beside: progress.Open | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Progress:
    """Copies until CouchDB has nothing more, or the time is up.

    `report` is called at most every 5 seconds and at the end. `client` makes one: the feed is read in a thread of its
    own. What passes by itself is asked again as long as there is time; `pause` waits in between. `beside` opens a
    second connection, where progress is written while the first one loads a page. Raises the errors of
    cht_sync.errors; what was committed before stays, and the next run goes on from there.
    """
    with warehouse.lock(connection, f"cht-sync extract {source}", options.wait):
        before = staging.checkpoint(connection, source)
        snapshot.require_none(before)
        asking = client()
        record = progress.Record(connection, Progress(source), report, beside, clock)
        try:
            backoff = retry.Backoff(
                options.seconds, lambda seconds: _wait(seconds, pause or time.sleep, record, backoff)
            )
            identity = backoff.insist(lambda: asking.identity(database))
            before = recopy.enter(connection, before, options.mode, identity)
            if options.mode == "replay":
                before = replay.ask(connection, before)
            copy = _Copy(connection, before, _Confirmed(asking, database, identity, backoff), record)
            if before.replay is not None and before.mode == "incremental":
                longest = options.max_document_bytes
                copy.replay(lambda uuid, rev: asking.document(database, uuid, rev, longest), database, options.seconds)
            with feed.reading(client(), database, before.seq, options.limits, _now, options.seconds, pause) as pages:
                return copy.all(pages, options.seconds)
        except BaseException as error:
            record.fail(error)
            raise
        finally:
            asking.close()


def _wait(seconds: float, pause: retry.Pause, record: progress.Record, backoff: retry.Backoff) -> None:
    """A pause of the thread that writes, in which it goes on to tell."""
    while seconds > 0:
        pause(min(seconds, progress.EVERY))
        seconds -= progress.EVERY
        record.wait(None, backoff.waiting)


def is_waiting(connection: warehouse.Connection, instance: str) -> bool:
    """Whether the models have not taken in all that was copied of an instance, whoever has copied it."""
    row = connection.execute(sql.read("ops/is_waiting"), [instance]).fetchone()
    return bool(row and row[0])


def _now() -> datetime:
    return datetime.now(UTC)


class _Confirmed:
    """The database's identity, asked once more before the first rows are committed: they must be that database's."""

    def __init__(
        self, client: couchdb.Client, database: str, identity: couchdb.Identity, backoff: retry.Backoff
    ) -> None:
        self._client, self._database, self._identity, self._backoff = client, database, identity, backoff
        self._done = False

    def __call__(self, before: staging.Checkpoint, end: staging.End) -> couchdb.Identity:
        """Asked again, too, before what was not met is taken for gone."""
        if not self._done or (end.caught_up and before.mode in recopy.GONE):
            now = self._backoff.insist(lambda: self._client.identity(self._database))
            staging.require_same(replace(before, identity=self._identity), now)
            self._done = True
        return self._identity


class _Copy:
    """The state of one run."""

    def __init__(
        self,
        connection: warehouse.Connection,
        before: staging.Checkpoint,
        confirm: _Confirmed,
        record: progress.Record,
    ) -> None:
        self._connection, self._checkpoint, self._confirm, self._record = connection, before, confirm, record
        again = before.mode == "incremental" and before.replay is not None
        record.progress = replace(record.progress, mode="replay" if again else before.mode)

    def replay(self, fetch: replay.Fetch, database: str, seconds: float) -> None:
        """Half of the time at most, so that changes do not wait for a long one to end."""
        over = self._record.seconds() + seconds / 2
        done = replay.run(self._connection, self._checkpoint, fetch, database, lambda: self._record.seconds() >= over)
        self._record.replayed(done)

    def all(self, pages: feed.Feed, seconds: float) -> Progress:
        pages.tick = lambda: self._record.wait(pages.tally, pages.waiting)
        for page in pages:
            page.arrive()
            self._page(page, pages.tally)
            if self._record.progress.seconds >= seconds:
                break
        self._record.end()
        return self._record.progress

    def _page(self, page: feed.LoadedPage, tally: feed.Tally) -> None:
        with self._connection.transaction():
            before = self._checkpoint
            written = staging.write(self._connection, before, page, lambda: self._confirm(before, page.end))
            if ends := page.end.caught_up and before.mode in recopy.GONE:
                after, gone = recopy.finish(self._connection, written.checkpoint)
                written = replace(written, checkpoint=after, changed=written.changed + gone)
            self._record.page(written, page.end, tally, keep=bool(page.end.rows or ends))
        self._checkpoint = written.checkpoint
        self._record.committed()
