"""The copy of one database: pages of its changes into staging, from the stored checkpoint until there are no more."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cht_sync import changes, couchdb, feed, recopy, replay, retry, sql, staging, warehouse
from cht_sync.errors import SyncError

#: Seconds between two lines of progress.
REPORT_EVERY = 5.0


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


@dataclass(frozen=True)
class Progress:
    """Of a run so far. `changed` counts rows written; `pending` is what CouchDB says is behind, None if it doesn't.

    `tried` counts documents that were refused before, `cured` those of them that no longer are.
    """

    source: str
    mode: str = "incremental"
    seconds: float = 0
    pages: int = 0
    rows: int = 0
    changed: int = 0
    rejected: int = 0
    left_out: int = 0
    bytes: int = 0
    pending: int | None = None
    caught_up: bool = False
    tried: int = 0
    cured: int = 0

    def __str__(self) -> str:
        rate = self.rows / self.seconds if self.seconds else 0
        behind = "" if self.pending is None else f", {self.pending:,} pending"
        left = f", about {_duration(self.pending / rate)} left" if self.pending and rate else ""
        refused = f", {self.rejected:,} refused (see ops.rejected)" if self.rejected else ""
        mode = "" if self.mode == "incremental" else f" ({self.mode})"
        again = f", {self.tried:,} refused before tried again, {self.cured:,} good now" if self.mode == "replay" else ""
        return (
            f"{self.source}{mode}: {self.rows:,} rows read ({rate:,.0f}/s, {self.bytes / 1e6:,.1f} MB), "
            f"{self.changed:,} changed{refused}{again}{behind}{left}"
        )


def _duration(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"


def run(
    connection: warehouse.Connection,
    client: Callable[[], couchdb.Client],
    source: str,
    database: str,
    options: Options,
    report: Callable[[Progress], None],
    pause: retry.Pause | None = None,
) -> Progress:
    """Copies until CouchDB has nothing more, or the time is up.

    `report` is called at most every 5 seconds and at the end. `client` makes one: the feed is read in a thread of its
    own. What passes by itself is asked again as long as there is time; `pause` waits in between. Raises the errors of
    cht_sync.errors; what was committed before stays, and the next run goes on from there.
    """
    with warehouse.lock(connection, f"cht-sync extract {source}", options.wait):
        before = staging.checkpoint(connection, source)
        asking = client()
        try:
            backoff = retry.Backoff(options.seconds, pause or time.sleep)
            identity = backoff.insist(lambda: asking.identity(database))
            before = recopy.enter(connection, before, options.mode, identity)
            if options.mode == "replay":
                before = replay.ask(connection, before)
            copy = _Copy(connection, before, _Confirmed(asking, database, identity), report)
            if before.replay is not None and before.mode == "incremental":
                longest = options.max_document_bytes
                copy.replay(lambda uuid: asking.document(database, uuid, longest), database, options.seconds)
            with feed.reading(client(), database, before.seq, options.limits, _now, options.seconds, pause) as pages:
                return copy.all(pages, options.seconds)
        finally:
            asking.close()


def is_waiting(connection: warehouse.Connection, instance: str) -> bool:
    """Whether the models have not taken in all that was copied of an instance, whoever has copied it."""
    row = connection.execute(sql.read("ops/is_waiting"), [instance]).fetchone()
    return bool(row and row[0])


def _now() -> datetime:
    return datetime.now(UTC)


class _Confirmed:
    """The database's identity, asked once more before the first rows are committed: they must be that database's."""

    def __init__(self, client: couchdb.Client, database: str, identity: couchdb.Identity) -> None:
        self._client, self._database, self._identity, self._done = client, database, identity, False

    def __call__(self, before: staging.Checkpoint, end: staging.End) -> couchdb.Identity:
        """Asked again, too, before what was not met is taken for gone."""
        if not self._done or (end.caught_up and before.mode in recopy.GONE):
            now = self._client.identity(self._database)
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
        report: Callable[[Progress], None],
    ) -> None:
        self._connection, self._checkpoint, self._confirm, self._report = connection, before, confirm, report
        self._began = self._reported = time.monotonic()
        again = before.mode == "incremental" and before.replay is not None
        self._progress = Progress(before.source, "replay" if again else before.mode)
        self._run: int | None = None

    def replay(self, fetch: replay.Fetch, database: str, seconds: float) -> None:
        """Half of the time at most, so that changes do not wait for a long one to end."""
        done = replay.run(
            self._connection,
            self._checkpoint,
            fetch,
            database,
            lambda: time.monotonic() - self._began >= seconds / 2,
        )
        self._progress = replace(self._progress, tried=done.tried, cured=done.cured, changed=done.cured)
        if done.tried:
            self._record(None, ended=False)

    def all(self, pages: feed.Feed, seconds: float) -> Progress:
        try:
            for page in pages:
                self._page(page, pages.tally)
                if self._progress.seconds >= seconds:
                    break
        except SyncError as error:
            self._record(str(error), ended=True)
            raise
        if self._run is not None:
            self._record(None, ended=True)
        self._report(self._progress)
        return self._progress

    def _page(self, page: feed.LoadedPage, tally: feed.Tally) -> None:
        with self._connection.transaction():
            before = self._checkpoint
            written = staging.write(self._connection, before, page, lambda: self._confirm(before, page.end))
            if ends := page.end.caught_up and before.mode in recopy.GONE:
                after, gone = recopy.finish(self._connection, written.checkpoint)
                written = replace(written, checkpoint=after, changed=written.changed + gone)
            self._count(written, page.end, tally)
            if page.end.rows or ends:
                self._record(None, ended=False)
        self._checkpoint = written.checkpoint
        if time.monotonic() - self._reported >= REPORT_EVERY:
            self._reported = time.monotonic()
            self._report(self._progress)

    def _count(self, written: staging.Written, end: staging.End, tally: feed.Tally) -> None:
        self._progress = replace(
            self._progress,
            seconds=time.monotonic() - self._began,
            pages=self._progress.pages + 1,
            rows=self._progress.rows + end.rows,
            changed=self._progress.changed + written.changed,
            rejected=self._progress.rejected + written.rejected,
            left_out=tally.left_out,
            bytes=tally.bytes,
            pending=end.pending,
            caught_up=end.caught_up,
        )

    def _record(self, message: str | None, *, ended: bool) -> None:
        """The run's row in ops.extract_run, for a page to show."""
        if self._connection.broken:
            return
        if self._run is None:
            row = self._connection.execute(
                "insert into ops.extract_run (source, mode) values (%s, %s) returning run",
                [self._progress.source, self._progress.mode],
            ).fetchone()
            assert row is not None  # noqa: S101  # an insert returns its row
            self._run = row[0]
        self._connection.execute(
            sql.read("ops/extract_run"), vars(self._progress) | {"run": self._run, "message": message, "ended": ended}
        )
