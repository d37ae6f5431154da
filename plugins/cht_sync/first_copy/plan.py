"""A first copy in ranges of ids, copied in parallel; then the feed, from before the first range was read.

    make         reads the feed once without documents, for a safe checkpoint, and for ids to cut the ranges at
    ranges.copy  copies one range; a page and its progress are one transaction. Ranges are copied in parallel
    hand_over    once all are copied: the feed resumes at the checkpoint of the plan

Documents that change while ranges are read come in the feed after that checkpoint. So the order of the ranges does not
matter, nor how often one was killed. Until the hand-over ops.checkpoint.mode is `copying`: neither the feed nor the
models touch the source.
"""

import random
from contextlib import closing
from dataclasses import dataclass

from psycopg import sql as identifiers

from cht_sync import couchdb, sql, warehouse
from cht_sync.copy import checkpoint, progress
from cht_sync.copy.checkpoint import Checkpoint
from cht_sync.copy.job import Job
from cht_sync.copy.reading import reader
from cht_sync.couchdb import changes, fetch, retry
from cht_sync.couchdb.rows import Row
from cht_sync.errors import FirstCopy, SourceReplaced

#: Ids in the sample at which the ranges are cut.
SAMPLE = 10_000

#: Documents of a range, and the most ranges.
RANGE, RANGES = 250_000, 64


@dataclass(frozen=True)
class Options:
    """Of a run: documents a page; seconds for which requests are retried; seconds that it waits for another run to end;
    bytes of lines at which a page ends; bytes of the longest document; documents a range; whether an unfinished copy is
    deleted and begun again.
    """

    page_rows: int = 5_000
    seconds: float = 10_000
    wait: float = 30
    page_bytes: int = reader.PAGE_BYTES
    max_document_bytes: int = changes.LONGEST
    range_rows: int = RANGE
    restart: bool = False


def require_same(before: Checkpoint, identity: couchdb.Identity) -> None:
    """Raises SourceReplaced if the database is another than the ranges were planned for."""
    if checkpoint.is_another(before, identity):
        raise SourceReplaced(
            f"The address of {before.source} has another database than its first copy began with",
            "Nothing was changed; correct the connection, or trigger cht_snapshot with Start again",
        )


def require_way(before: Checkpoint, *, seeded: bool) -> None:
    """Raises FirstCopy if the unfinished copy was begun from CouchDB instead of couch2pg's table, or the reverse."""
    if before.seeded != seeded:
        begun = "from couch2pg's table" if before.seeded else "from CouchDB"
        raise FirstCopy(
            f"The first copy of {before.source} was begun {begun}",
            "Nothing was changed; trigger cht_snapshot as it was begun, or with Start again",
        )


@dataclass(frozen=True)
class Begin:
    """Of a first copy: the seq at which the feed resumes, the last id of each range, the documents of all ranges."""

    seq: str
    untils: list[str | None]
    expected: int
    seeded: bool = False


def make(job: Job, options: Options) -> list[int]:
    """The numbers of the ranges; none if the source is copied already. An unfinished first copy keeps its ranges.

    Raises AnotherRun, CheckpointMoved, SourceReplaced, FirstCopy, and the errors of couchdb.Client.
    """
    with job.lock("extract", options.wait):
        before = to_begin(job)
        if before is None:
            return []
        with closing(job.client()) as client:
            backoff = job.backoff(options.seconds)
            identity = fetch.identity(client, job.database, backoff)
            if before.mode != "copying" or options.restart:
                survey = _Survey(job)
                survey.read(client, backoff)
                ranges = max(1, min(RANGES, survey.live // options.range_rows))
                first = Begin(survey.seq, survey.cuts(ranges), survey.live)
                begin(job.connection, before, identity, first, options)
            else:
                require_way(before, seeded=False)
                require_same(before, identity)
        query = "select number from ops.snapshot_range where source = %s order by 1"
        return [number for (number,) in job.connection.execute(query, [job.source])]


def to_begin(job: Job) -> Checkpoint | None:
    """The checkpoint of the first copy; None if the source is copied already, which is reported."""
    before = checkpoint.read(job.connection, job.source)
    if before.reads:
        job.report(f"{job.source} is copied already: cht_extract continues it")
        return None
    return before


class _Survey:
    """One reading of the feed without documents: `seq` is its end, `ids` a sample of the live documents', in order."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._chance = random.Random(0)  # noqa: S311  # it cuts ranges; it is no secret
        self._reported = job.clock()
        self.seq = "0"
        self.live = 0
        self.ids: list[str] = []

    def read(self, client: couchdb.Client, backoff: retry.Backoff) -> None:
        for page in fetch.named(client, self._job.database, self.seq, backoff):
            self._sample(page.rows)
            self.seq = page.seq
            self._report(page.pending)
        self.ids.sort(key=str.encode)

    def _sample(self, page: list[Row]) -> None:
        """Keeps each id that was met with the same probability (reservoir sampling)."""
        for row in page:
            if row.deleted or row.raw_id is not None:
                continue
            self.live += 1
            if len(self.ids) < SAMPLE:
                self.ids.append(row.id)
            elif (place := self._chance.randrange(self.live)) < SAMPLE:
                self.ids[place] = row.id

    def cuts(self, ranges: int) -> list[str | None]:
        """The last id of each range; None is the end of the database."""
        inner = {self.ids[len(self.ids) * number // ranges - 1] for number in range(1, ranges) if self.ids}
        return [*sorted((id_ for id_ in inner if "\0" not in id_), key=str.encode), None]

    def _report(self, pending: int | None) -> None:
        if self._job.clock() - self._reported >= progress.EVERY:
            self._reported = self._job.clock()
            left = "" if pending is None else f", {pending:,} pending"
            self._job.report(f"{self._job.database}: {self.live:,} live documents found{left}")


def begin(
    connection: warehouse.Connection, before: Checkpoint, identity: couchdb.Identity, first: Begin, options: Options
) -> None:
    """Writes the ranges, and the checkpoint for the hand-over. Raises CheckpointMoved."""
    values = {
        "source": before.source,
        "generation": before.generation,
        "seq": first.seq,
        "seeded": first.seeded,
        "kind": identity.kind,
        "identity": identity.value,
        "restart": options.restart,
    }
    expected = first.expected // len(first.untils)
    ranges = {"source": before.source, "untils": first.untils, "expected": expected}
    with connection.transaction():
        checkpoint.fenced(connection, before, sql.read("first_copy/begin"), values)
        _forget(connection, before.source)
        connection.execute(sql.read("first_copy/ranges"), ranges)


def _forget(connection: warehouse.Connection, source: str) -> None:
    """Deletes what an unfinished copy has left: no model has read it, and rows of another database would stay."""
    connection.execute("delete from ops.snapshot_range where source = %s", [source])
    connection.execute("delete from ops.rejected_document where source = %s", [source])
    (name,) = warehouse.one(connection, "select cht.partition_name(%s)", [source])
    connection.execute(identifiers.SQL("truncate {}").format(identifiers.Identifier("staging", name)))


def hand_over(job: Job, options: Options) -> bool:
    """Hands the source over to its feed; false if a range is not copied yet. A second call changes nothing.

    Raises SourceReplaced if the ranges are of another database.
    """
    with job.lock("extract", options.wait):
        before = checkpoint.read(job.connection, job.source)
        if before.mode != "copying":
            return True
        with closing(job.client()) as client:
            require_same(before, fetch.identity(client, job.database, job.backoff(options.seconds)))
        values = {"source": job.source, "generation": before.generation}
        return bool(warehouse.one(job.connection, sql.read("first_copy/hand_over"), values)[0])
