"""One range of a parallel first copy: documents in the order of their ids, a page a transaction."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cht_sync import couchdb, feed, lines, lookup, progress, retry, rows, sql, staging, warehouse
from cht_sync.errors import PageCut, PassingError, ServerBusy, Unreachable
from cht_sync.rows import Row
from cht_sync.snapshot import Options, require_same


@dataclass
class _Answer:
    """What has come of one answer: the last id, documents, bytes of their lines, and why it ended before its end."""

    last: str
    rows: int = 0
    left_out: int = 0
    bytes: int = 0
    whole: bool = False
    cut: PassingError | None = None


def copy(
    connection: warehouse.Connection,
    client: Callable[[], couchdb.Client],
    source: str,
    database: str,
    number: int,
    options: Options,
    report: Callable[[progress.Progress], None],
    pause: retry.Pause | None = None,
) -> progress.Progress:
    """Copies what is left of the range of that number; nothing where it is copied, or the source is handed over.

    `report` is called at most every 5 seconds. Raises AnotherRun, CheckpointMoved, SourceReplaced, and the errors of
    couchdb.Client; what was committed stays, and the next try goes on behind it.
    """
    with warehouse.lock(connection, f"cht-sync snapshot {source} {number}", options.wait):
        before = staging.checkpoint(connection, source)
        row = connection.execute(
            "select behind, until, expected - documents from ops.snapshot_range "
            "where source = %s and number = %s and finished_at is null",
            [source, number],
        ).fetchone()
        told = progress.Progress(source, mode=f"snapshot, range {number}", caught_up=True)
        if before.mode != "copying" or row is None:
            return told
        asking = client()
        record = progress.Record(connection, replace(told, caught_up=False), report, None, time.monotonic)
        try:
            backoff = retry.Backoff(options.seconds, pause or time.sleep)
            require_same(before, backoff.insist(lambda: asking.identity(database)))
            stretch = _Stretch(connection, asking, before, database, number, options, backoff, record)
            stretch.run(row[0], row[1], max(0, row[2]))
            record.end()
        except BaseException as error:
            record.fail(error)
            raise
        finally:
            asking.close()
        return record.progress


class _Stretch:
    """The state of one run over one range."""

    def __init__(
        self,
        connection: warehouse.Connection,
        client: couchdb.Client,
        before: staging.Checkpoint,
        database: str,
        number: int,
        options: Options,
        backoff: retry.Backoff,
        record: progress.Record,
    ) -> None:
        self._connection, self._client, self._before, self._database = connection, client, before, database
        self._number, self._options, self._backoff, self._record = number, options, backoff, record
        self._limit, self._cuts = options.page_rows, 0
        self._tally = feed.Tally()

    def run(self, behind: str, until: str | None, pending: int) -> None:
        finished = False
        while not finished:
            answer = _Answer(behind)
            try:
                found = self._one(answer, until) if self._cuts >= feed.CUTS else self._rows(answer, until)
                finished = self._write(answer, found, behind, pending)
            except (Unreachable, ServerBusy, PageCut) as error:
                self._backoff.wait(error)
                continue
            self._adapt(answer, moved=answer.last != behind)
            behind, pending = answer.last, max(0, pending - answer.rows)

    def _write(self, answer: _Answer, found: Iterator[Row], behind: str, pending: int) -> bool:
        asked_at = datetime.now(UTC)

        def move(changed: int, rejected: int) -> None:
            values = {"source": self._before.source, "number": self._number, "before": behind, "behind": answer.last}
            moved = self._connection.execute(
                sql.read("snapshot/move"), values | {"rows": answer.rows, "finished": answer.whole}
            ).fetchone()
            if moved is None:
                raise staging.moved(self._before)
            self._tally.left_out += answer.left_out
            self._tally.bytes += answer.bytes
            left = max(0, pending - answer.rows)
            end = staging.End("", left, answer.rows, answer.rows, asked_at, caught_up=answer.whole)
            self._record.page(staging.Written(changed, rejected, self._before), end, self._tally, keep=True)

        staging.insert(self._connection, self._before, lines.numbered(found, self._database), move)
        self._record.committed()
        return answer.whole

    def _adapt(self, answer: _Answer, *, moved: bool) -> None:
        """An answer that is cut off without progress is asked for in smaller parts, down to one document."""
        if moved or answer.whole:
            self._backoff.succeeded()
            self._cuts = 0
            self._limit = min(self._options.page_rows, self._limit * 2)
        elif answer.cut:
            self._cuts += self._limit == 1
            self._limit = max(1, self._limit // 2)
            self._backoff.wait(answer.cut)

    def _rows(self, answer: _Answer, until: str | None) -> Iterator[Row]:
        """As many as come, up to enough bytes; those that came without their document, by their ids in the end."""
        incomplete, longest = list[Row](), self._options.max_document_bytes
        try:
            with self._client.all_documents(self._database, answer.last, until, self._limit, longest) as found:
                for row in found:
                    yield from self._taken(answer, row, incomplete)
                    del row  # one document of many megabytes is held once
                    if answer.bytes >= self._options.page_bytes:
                        break
                else:
                    answer.whole = answer.rows < self._limit
        except PageCut as cut:
            answer.cut = cut
        for row in incomplete:
            yield lookup.document(self._client, self._database, row, self._backoff, longest)

    def _taken(self, answer: _Answer, row: Row, incomplete: list[Row]) -> Iterator[Row]:
        answer.rows += 1
        answer.bytes += len(row.body or b"")
        if row.raw_id is None and "\0" not in row.id:
            answer.last = row.id
        if rows.left_out(row):
            answer.left_out += 1
        elif row.body is None and row.raw_id is None and row.excess is None:
            incomplete.append(row)
        else:
            yield row

    def _one(self, answer: _Answer, until: str | None) -> Iterator[Row]:
        """The next document where it is cut off each time: by its id, or it is refused and those behind it go on."""
        with self._client.all_docs(self._database, answer.last.encode(), 2) as found:
            entries = [entry for part in found for entry in part]
        answer.whole = not entries or (until is not None and entries[0][0] > until.encode())
        for id_, rev in [] if answer.whole else entries[:1]:
            row = Row(id_.decode(), rev.decode(), None, False, None)
            answer.rows, answer.last = 1, row.id
            longest = self._options.max_document_bytes
            yield lookup.document(self._client, self._database, row, self._backoff, longest)
