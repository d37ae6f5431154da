"""The copy of one database: pages of its feed into staging, from the stored checkpoint until nothing follows."""

import time
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from cht_sync import couchdb
from cht_sync.copy import checkpoint, modes, progress, rejects, write
from cht_sync.copy.checkpoint import Checkpoint
from cht_sync.copy.job import Job
from cht_sync.copy.progress import Progress
from cht_sync.copy.reading import feed, reader
from cht_sync.copy.reading.page import End
from cht_sync.couchdb import changes, fetch, retry


@dataclass(frozen=True)
class Options:
    """Of a run: rows a page; seconds after which it ends on a committed page, for the next run to continue; seconds
    that it waits for another run to end; bytes of lines at which a page ends; bytes of the longest document; the mode
    that it begins if no other is unfinished: incremental, resync, replace or replay.
    """

    page_rows: int = 5_000
    seconds: float = 3_000
    wait: float = 30
    page_bytes: int = reader.PAGE_BYTES
    max_document_bytes: int = changes.LONGEST
    mode: str = "incremental"

    @property
    def limits(self) -> reader.Limits:
        """The limits of its feed."""
        return reader.Limits(self.page_rows, self.page_bytes, self.max_document_bytes, self.seconds)


def run(job: Job, options: Options) -> Progress:
    """Copies until CouchDB has nothing more, or the time is up.

    Two clients are made, as the feed is read in a thread of its own. Requests that fail with a passing error are
    retried while there is time. While a page loads, progress is written through the job's second connection, if it has
    one. Raises the errors of cht_sync.errors; committed pages stay, and the next run continues from there.
    """
    with job.lock("extract", options.wait):
        before = checkpoint.read(job.connection, job.source)
        checkpoint.require_handed_over(before)
        with closing(job.client()) as client, progress.recording(job, Progress(job.source)) as record:
            backoff = _backoff(job, options.seconds, record)
            identity = fetch.identity(client, job.database, backoff)
            before = modes.enter(job.connection, before, options.mode, identity)
            if options.mode == "replay":
                before = rejects.ask(job.connection, before)
            copy = _Copy(job, before, _Confirmed(client, job.database, identity, backoff), record)
            if before.replay is not None and before.mode == "incremental":
                copy.replay(partial(client.document, job.database, longest=options.max_document_bytes), options.seconds)
            with feed.reading(
                job.client(), job.database, before.seq, options.limits, job.pause, wait=record.wait
            ) as pages:
                copy.all(pages, options.seconds)
    return record.progress


def _backoff(job: Job, seconds: float, record: progress.Record) -> retry.Backoff:
    """Splits its pauses into short ones, between which the run's progress is reported."""
    wait = job.pause or time.sleep

    def pause(left: float) -> None:
        while left > 0:
            wait(min(left, progress.EVERY))
            left -= progress.EVERY
            record.wait(None, backoff.waiting)

    backoff = retry.Backoff(seconds, pause)
    return backoff


class _Confirmed:
    """The database's identity, requested again before the first rows are committed: they must be from that database."""

    def __init__(
        self, client: couchdb.Client, database: str, identity: couchdb.Identity, backoff: retry.Backoff
    ) -> None:
        self._client, self._database, self._identity, self._backoff = client, database, identity, backoff
        self._done = False

    def __call__(self, before: Checkpoint, end: End) -> couchdb.Identity:
        """Requests it again also before a mode ends, which marks as gone what was not met."""
        if not self._done or (end.caught_up and before.mode in modes.GONE):
            now = fetch.identity(self._client, self._database, self._backoff)
            checkpoint.require_same(replace(before, identity=self._identity), now)
            self._done = True
        return self._identity


class _Copy:
    """The state of one run."""

    def __init__(self, job: Job, before: Checkpoint, confirm: _Confirmed, record: progress.Record) -> None:
        self._job, self._checkpoint, self._confirm, self._record = job, before, confirm, record
        again = before.mode == "incremental" and before.replay is not None
        record.progress = replace(record.progress, mode="replay" if again else before.mode)

    def replay(self, fetch: rejects.Fetch, seconds: float) -> None:
        """Takes half of the time at most, so that changes do not wait for the end of a long replay."""
        over, connection = self._record.seconds() + seconds / 2, self._job.connection
        database = self._job.database
        done = rejects.replay(connection, self._checkpoint, fetch, database, lambda: self._record.seconds() >= over)
        self._record.replayed(done)

    def all(self, pages: feed.Feed, seconds: float) -> None:
        for page in pages:
            page.arrive()
            self._page(page, pages.tally)
            if self._record.progress.seconds >= seconds:
                break

    def _page(self, page: feed.LoadedPage, tally: reader.Tally) -> None:
        connection = self._job.connection
        with connection.transaction():
            before = self._checkpoint
            written = write.page(connection, before, page, lambda: self._confirm(before, page.end))
            if ends := page.end.caught_up and before.mode in modes.GONE:
                after, gone = modes.finish(connection, written.checkpoint)
                written = replace(written, checkpoint=after, changed=written.changed + gone)
            self._record.page(written, page.end, tally, keep=bool(page.end.rows or ends))
        self._checkpoint = written.checkpoint
        self._record.committed()
