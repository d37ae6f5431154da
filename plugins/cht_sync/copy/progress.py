"""The progress of a run: a line of the log every few seconds, and the run's row in ops.extract_run."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

import psycopg

from cht_sync import sql, warehouse
from cht_sync.copy import rejects, write
from cht_sync.copy.job import Job
from cht_sync.copy.reading.page import End
from cht_sync.copy.reading.reader import Tally
from cht_sync.errors import SyncError

#: Seconds between two lines, and between two updates of the row while a page loads.
EVERY = 5.0


@dataclass(frozen=True)
class Progress:
    """Of a run so far. `changed` counts rows written. `pending` counts rows to come as CouchDB reports them, else None.

    `ahead` counts rows that are read but not written yet; `waiting` says what the run waits for. Of a replay, `tried`
    counts the rejected documents that were tried again, `cured` those of them that are no longer rejected.
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
    ahead: int = 0
    waiting: str = ""

    def __str__(self) -> str:
        rate = (self.rows + self.ahead) / self.seconds if self.seconds else 0
        pending = max(0, (self.pending or 0) - self.ahead)
        to_come = "" if self.pending is None else f", {pending:,} pending"
        left = f", about {duration(pending / rate)} left" if pending and rate else ""
        rejected = f", {self.rejected:,} rejected (see ops.rejected)" if self.rejected else ""
        mode = "" if self.mode == "incremental" else f" ({self.mode})"
        again = f", {self.tried:,} rejected tried again, {self.cured:,} good now" if self.mode == "replay" else ""
        waiting = f"; {self.waiting}" if self.waiting else ""
        return (
            f"{self.source}{mode}: {self.rows + self.ahead:,} rows read ({rate:,.0f}/s, {self.bytes / 1e6:,.1f} MB), "
            f"{self.changed:,} changed{rejected}{again}{to_come}{left}{waiting}"
        )


def duration(seconds: float) -> str:
    """A span for people, such as 3 h 20 min."""
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"


class Record:
    """Reports the progress of one run, and writes its row: with each page, in the page's transaction.

    Nobody sees that row before the transaction ends. So during a wait it is updated through the job's second
    connection, if it has one. A run that reads nothing and does not fail has no row.
    """

    def __init__(self, job: Job, progress: Progress) -> None:
        self._job, self._connection, self._clock = job, job.connection, job.clock
        self._began = self._reported = self._clock()
        self._run: int | None = None
        self._opened = ExitStack()
        self._second: warehouse.Connection | None = None
        self.progress = progress

    def wait(self, tally: Tally | None, waiting: str) -> None:
        """Reports the progress during a wait, at most every 5 seconds."""
        if self._clock() - self._reported < EVERY:
            return
        tally = tally or Tally(self.progress.rows, bytes=self.progress.bytes)
        ahead = max(0, tally.rows - self.progress.rows)
        self.progress = replace(self.progress, seconds=self.seconds(), bytes=tally.bytes, ahead=ahead, waiting=waiting)
        self._report()
        with suppress(SyncError, psycopg.Error):  # the run does not need the row
            if self._second is None and self._job.open:
                self._second = self._opened.enter_context(self._job.second())
            if self._second is not None:
                self._write(self._second, waiting or None, ended=False)

    def replayed(self, done: rejects.Replayed) -> None:
        """Takes in that rejected documents were tried again."""
        self.progress = replace(self.progress, tried=done.tried, cured=done.cured, changed=done.cured)
        if done.tried:
            self._write(self._connection, None, ended=False)

    def page(self, written: write.Written, end: End, tally: Tally, *, keep: bool) -> None:
        """Takes in a page that was written; called in its transaction. Without `keep` the run's row is not written."""
        self.progress = replace(
            self.progress,
            seconds=self.seconds(),
            pages=self.progress.pages + 1,
            rows=self.progress.rows + end.rows,
            changed=self.progress.changed + written.changed,
            rejected=self.progress.rejected + written.rejected,
            left_out=tally.left_out,
            bytes=tally.bytes,
            pending=end.pending,
            caught_up=end.caught_up,
            ahead=0,
            waiting="",
        )
        if keep:
            self._write(self._connection, None, ended=False)

    def committed(self) -> None:
        """Called after the page's transaction: reports."""
        if self._clock() - self._reported >= EVERY:
            self._report()

    def end(self) -> None:
        """Writes that the run has ended well."""
        if self._run is not None:
            self._write(self._connection, None, ended=True)
        self._job.report(self.progress)
        self._opened.close()

    def fail(self, error: BaseException) -> None:
        """Writes that the run has failed, with our message; of an error that is not ours only its kind is written."""
        message = str(error) if isinstance(error, SyncError | KeyboardInterrupt) else ""
        with suppress(psycopg.Error):
            if not self._connection.broken:
                self._write(self._connection, message or f"It ended with {type(error).__name__}", ended=True)
        self._opened.close()

    def seconds(self) -> float:
        """Since the run began."""
        return self._clock() - self._began

    def _report(self) -> None:
        self._reported = self._clock()
        self._job.report(self.progress)

    def _write(self, connection: warehouse.Connection, message: str | None, *, ended: bool) -> None:
        values = vars(self.progress) | {"run": self._run, "message": message, "ended": ended}
        (self._run,) = warehouse.one(connection, sql.read("copy/extract_run"), values)


@contextmanager
def recording(job: Job, progress: Progress) -> Iterator[Record]:
    """The record of the run in the block: it ends well with the block, or fails with the block's error."""
    record = Record(job, progress)
    try:
        yield record
        record.end()
    except BaseException as error:
        record.fail(error)
        raise
