"""One range of a first copy: documents in the order of their ids, one transaction a page."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cht_sync import couchdb, sql, warehouse
from cht_sync.copy import checkpoint, progress, write
from cht_sync.copy.checkpoint import Checkpoint
from cht_sync.copy.encoding import lines, redaction
from cht_sync.copy.job import Job
from cht_sync.copy.reading.page import End
from cht_sync.copy.reading.reader import CUTS, Tally
from cht_sync.couchdb import fetch, retry, rows
from cht_sync.couchdb.rows import Row
from cht_sync.errors import PageCut, PassingError, ServerBusy, Unreachable
from cht_sync.first_copy.plan import Options, require_same


@dataclass
class Answer:
    """Counts of the answer for one page: the last id, documents, their bytes, documents left out.

    `whole`: the range ends with it. `cut` is the error if it is truncated.
    """

    last: str
    rows: int = 0
    left_out: int = 0
    bytes: int = 0
    whole: bool = False
    cut: PassingError | None = None

    def count(self, row: Row, *, is_whole: bool = True) -> bool:
        """Counts a document; false if it is left out: never copied, or not whole."""
        self.rows += 1
        self.bytes += len(row.body or b"")
        if row.raw_id is None and "\0" not in row.id:
            self.last = row.id
        if rows.left_out(row) or not is_whole:
            self.left_out += 1
            return False
        return True


@dataclass
class Range:
    """The rest of a range: the ids after `last` up to `until`, about `pending` documents."""

    before: Checkpoint
    number: int
    last: str
    until: str | None
    pending: int
    finished: bool = False
    tally: Tally = field(default_factory=Tally)

    def write(
        self,
        job: Job,
        record: progress.Record,
        answer: Answer,
        found: Iterator[Row],
        form: int = redaction.REDACTION_VERSION,
    ) -> None:
        """Writes a page together with the progress of the range; `answer` is complete once `found` is read.

        Raises CheckpointMoved if another run has moved the range, and whatever is raised while `found` is read.
        """
        asked_at = datetime.now(UTC)
        with write.loaded(job.connection, lines.numbered(found, job.database)):
            written = write.insert(job.connection, self.before, form)
            self._note(job.connection, answer)
            self.tally.left_out += answer.left_out
            self.tally.bytes += answer.bytes
            pending = max(0, self.pending - answer.rows)
            end = End("", pending, answer.rows, answer.rows, asked_at, caught_up=answer.whole)
            record.page(written, end, self.tally, keep=True)
        record.committed()
        self.last, self.pending, self.finished = answer.last, pending, answer.whole

    def _note(self, connection: warehouse.Connection, answer: Answer) -> None:
        values = {"source": self.before.source, "number": self.number, "before": self.last, "after": answer.last}
        values |= {"rows": answer.rows, "finished": answer.whole}
        checkpoint.fenced(connection, self.before, sql.read("first_copy/move"), values)


def lock(job: Job, number: int, options: Options) -> AbstractContextManager[None]:
    """Keeps out other runs over that range."""
    return warehouse.lock(job.connection, f"cht-sync snapshot {job.source} {number}", options.wait)


def left(job: Job, number: int) -> Range | None:
    """The rest of the range of that number; None if it is finished, or the source is handed over."""
    before = checkpoint.read(job.connection, job.source)
    row = job.connection.execute(
        "select copied_to, until, greatest(0, expected - documents) from ops.snapshot_range "
        "where source = %s and number = %s and finished_at is null",
        [job.source, number],
    ).fetchone()
    return Range(before, number, *row) if before.mode == "copying" and row else None


def copy(job: Job, number: int, options: Options) -> progress.Progress:
    """Copies the rest of the range of that number; nothing if it is finished, or the source is handed over.

    Raises AnotherRun, CheckpointMoved, SourceReplaced, and the errors of couchdb.Client; committed pages stay, and the
    next try continues after them.
    """
    begun = progress.Progress(job.source, mode=f"snapshot, range {number}")
    with lock(job, number, options):
        range_ = left(job, number)
        if range_ is None:
            return replace(begun, caught_up=True)
        with closing(job.client()) as client, progress.recording(job, begun) as record:
            backoff = job.backoff(options.seconds)
            require_same(range_.before, fetch.identity(client, job.database, backoff))
            reading = _Reading(client, job.database, range_.until, options, backoff)
            while not range_.finished:
                reading.page(job, range_, record)
    return record.progress


class _Reading:
    """The documents of a range, read from CouchDB; after a truncated answer, smaller parts are requested."""

    def __init__(
        self, client: couchdb.Client, database: str, until: str | None, options: Options, backoff: retry.Backoff
    ) -> None:
        self._client, self._database, self._until = client, database, until
        self._options, self._backoff = options, backoff
        self._limit, self._cuts = options.page_rows, 0

    def page(self, job: Job, range_: Range, record: progress.Record) -> None:
        """Reads and writes the next page, as far as it comes."""
        last = range_.last
        answer = Answer(last)
        try:
            range_.write(job, record, answer, self._one(answer) if self._cuts >= CUTS else self._rows(answer))
        except (Unreachable, ServerBusy, PageCut) as error:
            self._backoff.wait(error)
        else:
            self._adapt(answer, moved=answer.last != last)

    def _adapt(self, answer: Answer, *, moved: bool) -> None:
        """Halves the request after a truncated answer without progress, down to one document."""
        if moved or answer.whole:
            self._backoff.succeeded()
            self._cuts = 0
            self._limit = min(self._options.page_rows, self._limit * 2)
        elif answer.cut:
            self._cuts += self._limit == 1
            self._limit = max(1, self._limit // 2)
            self._backoff.wait(answer.cut)

    def _rows(self, answer: Answer) -> Iterator[Row]:
        """The documents of an answer, up to enough bytes; last, by their ids, those that came without document."""
        incomplete, longest = list[Row](), self._options.max_document_bytes
        try:
            with self._client.all_documents(self._database, answer.last, self._until, self._limit, longest) as found:
                for row in found:
                    if answer.count(row):
                        if row.is_incomplete:
                            incomplete.append(row)
                        else:
                            yield row
                    del row  # so that a document of many megabytes is held only once
                    if answer.bytes >= self._options.page_bytes:
                        break
                else:
                    answer.whole = answer.rows < self._limit
        except PageCut as cut:
            answer.cut = cut
        for row in incomplete:
            yield fetch.document(self._client, self._database, row, self._backoff, longest)

    def _one(self, answer: Answer) -> Iterator[Row]:
        """The next document, if it is cut off each time: read by its id, else rejected. The others follow."""
        with self._client.all_docs(self._database, answer.last.encode(), 2) as found:
            entries = [entry for part in found for entry in part]
        answer.whole = not entries or (self._until is not None and entries[0][0] > self._until.encode())
        for id_, rev in [] if answer.whole else entries[:1]:
            row = Row(id_.decode(), rev.decode(), None, False, None)
            answer.rows, answer.last = 1, row.id
            longest = self._options.max_document_bytes
            yield fetch.document(self._client, self._database, row, self._backoff, longest)
