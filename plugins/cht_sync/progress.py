"""How far a run is: a line of the log every few seconds, and the run's row in ops.extract_run for a page to show."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace

import psycopg

from cht_sync import feed, replay, sql, staging, warehouse
from cht_sync.errors import SyncError

#: Seconds between two lines, and between two updates of the row while a page loads.
EVERY = 5.0

Open = Callable[[], AbstractContextManager[warehouse.Connection]]


@dataclass(frozen=True)
class Progress:
    """Of a run so far. `changed` counts rows written; `pending` is what CouchDB says is behind, None if it doesn't.

    `ahead` counts rows that are read but not written yet; `waiting` says what holds it up. `tried` counts documents
    that were refused before, `cured` those of them that no longer are.
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
        behind = "" if self.pending is None else f", {pending:,} pending"
        left = f", about {duration(pending / rate)} left" if pending and rate else ""
        refused = f", {self.rejected:,} refused (see ops.rejected)" if self.rejected else ""
        mode = "" if self.mode == "incremental" else f" ({self.mode})"
        again = f", {self.tried:,} refused before tried again, {self.cured:,} good now" if self.mode == "replay" else ""
        waiting = f"; {self.waiting}" if self.waiting else ""
        return (
            f"{self.source}{mode}: {self.rows + self.ahead:,} rows read ({rate:,.0f}/s, {self.bytes / 1e6:,.1f} MB), "
            f"{self.changed:,} changed{refused}{again}{behind}{left}{waiting}"
        )


def duration(seconds: float) -> str:
    """For people."""
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours} h {rest // 60} min" if hours else f"{rest // 60} min {rest % 60} s"


class Record:
    """Tells the progress of one run, and keeps its row: with each page, in the page's transaction.

    What such a transaction writes is not seen before its end: so while something is waited for the row is updated
    through a second connection, which `beside` opens. A run that reads nothing and does not fail has no row.
    """

    def __init__(
        self,
        connection: warehouse.Connection,
        progress: Progress,
        report: Callable[[Progress], None],
        beside: Open | None,
        clock: Callable[[], float],
    ) -> None:
        self._connection, self._report, self._beside, self._clock = connection, report, beside, clock
        self._began = self._told = clock()
        self._run: int | None = None
        self._opened = ExitStack()
        self._second: warehouse.Connection | None = None
        self.progress = progress

    def wait(self, tally: feed.Tally | None, waiting: str) -> None:
        """While something is waited for: tells where it stands, at most every 5 seconds."""
        if self._clock() - self._told < EVERY:
            return
        tally = tally or feed.Tally(self.progress.rows, bytes=self.progress.bytes)
        ahead = max(0, tally.rows - self.progress.rows)
        self.progress = replace(self.progress, seconds=self.seconds(), bytes=tally.bytes, ahead=ahead, waiting=waiting)
        self._tell()
        with suppress(SyncError, psycopg.Error):  # it goes on without a row for people
            if self._second is None and self._beside:
                self._second = self._opened.enter_context(self._beside())
            if self._second is not None:
                self._write(self._second, waiting or None, ended=False)

    def replayed(self, done: replay.Replayed) -> None:
        """What was refused before was tried again."""
        self.progress = replace(self.progress, tried=done.tried, cured=done.cured, changed=done.cured)
        if done.tried:
            self._write(self._connection, None, ended=False)

    def page(self, written: staging.Written, end: staging.End, tally: feed.Tally, *, keep: bool) -> None:
        """A page was written; called in its transaction. Where it had nothing to tell its row is not to be kept."""
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
        """The page's transaction has ended."""
        if self._clock() - self._told >= EVERY:
            self._tell()

    def end(self) -> None:
        """The run has ended well."""
        if self._run is not None:
            self._write(self._connection, None, ended=True)
        self._report(self.progress)
        self._opened.close()

    def fail(self, error: BaseException) -> None:
        """The run has ended otherwise; of an error that is not ours only its kind is told."""
        told = str(error) if isinstance(error, SyncError | KeyboardInterrupt) else ""
        with suppress(psycopg.Error):
            if not self._connection.broken:
                self._write(self._connection, told or f"It ended with {type(error).__name__}", ended=True)
        self._opened.close()

    def seconds(self) -> float:
        """Since the run began."""
        return self._clock() - self._began

    def _tell(self) -> None:
        self._told = self._clock()
        self._report(self.progress)

    def _write(self, connection: warehouse.Connection, message: str | None, *, ended: bool) -> None:
        values = vars(self.progress) | {"run": self._run, "message": message, "ended": ended}
        row = connection.execute(sql.read("ops/extract_run"), values).fetchone()
        assert row is not None  # noqa: S101  # it is updated, or inserted
        self._run = row[0]
