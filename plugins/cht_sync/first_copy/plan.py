"""A parallel first copy: ranges of ids, copied side by side, then the feed from before the first of them was read.

    plan        reads the feed once without documents, for a checkpoint that is safe, and for ids to cut the ranges at
    copy        one range, a page a transaction with the note of how far it is; any number of them side by side
    hand_over   once all are copied: the feed continues from the checkpoint of the plan

What changes while ranges are read comes in the feed after that checkpoint. So it does not matter in which order they
are read, or how often one was killed. Until the end ops.checkpoint.mode is `copying`: neither the feed nor the models
touch the source.
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

#: Ids that are kept, of all, to cut the ranges at.
SAMPLE = 10_000

#: Documents of a range, and the most ranges there are.
RANGE, RANGES = 250_000, 64


@dataclass(frozen=True)
class Options:
    """Of a run: documents a page; seconds in which what passes by itself is asked again; seconds that it waits for
    another run to end; bytes of lines from which on a page is ended, and of the longest document; documents a range;
    whether an unfinished copy is forgotten and begun again.
    """

    page_rows: int = 5_000
    seconds: float = 10_000
    wait: float = 30
    page_bytes: int = reader.PAGE_BYTES
    max_document_bytes: int = changes.LONGEST
    range_rows: int = RANGE
    restart: bool = False


def require_same(before: Checkpoint, identity: couchdb.Identity) -> None:
    """Raises SourceReplaced where the database is another one than the ranges were planned for."""
    if checkpoint.is_another(before, identity):
        raise SourceReplaced(
            f"The database behind {before.source} is another one than its first copy began with",
            "Nothing was changed; correct the connection, or trigger cht_snapshot with Start again",
        )


def require_way(before: Checkpoint, *, seeded: bool) -> None:
    """Raises FirstCopy where the unfinished copy was begun the other way."""
    if before.seeded != seeded:
        begun = "from couch2pg's table" if before.seeded else "from CouchDB"
        raise FirstCopy(
            f"The first copy of {before.source} was begun {begun}",
            "Nothing was changed; trigger cht_snapshot as it was begun, or with Start again",
        )


@dataclass(frozen=True)
class Begin:
    """Of a first copy: where the feed continues, the last id of each range, documents in all of them."""

    seq: str
    untils: list[str | None]
    expected: int
    seeded: bool = False


def make(job: Job, options: Options) -> list[int]:
    """The numbers of the ranges; none where the source is copied already. An unfinished plan continues.

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
    """Where the first copy stands; None where the source is copied already, which is reported."""
    before = checkpoint.read(job.connection, job.source)
    if before.reads:
        job.report(f"{job.source} is copied already: cht_extract goes on with it")
        return None
    return before


class _Survey:
    """The feed read once without documents: `seq` is where it ends, `ids` some of the live documents', in order."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._chance = random.Random(0)  # noqa: S311  # where ranges are cut, no secret
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
        """Each id that was met is kept with the same chance."""
        for row in page:
            if row.deleted or row.raw_id is not None:
                continue
            self.live += 1
            if len(self.ids) < SAMPLE:
                self.ids.append(row.id)
            elif (place := self._chance.randrange(self.live)) < SAMPLE:
                self.ids[place] = row.id

    def cuts(self, ranges: int) -> list[str | None]:
        """The last id of each range; None is the end."""
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
    """Notes the ranges and the checkpoint to hand over. Raises CheckpointMoved."""
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
    """Deletes what an unfinished copy has left: nobody has read it yet, and of another database it would stay."""
    connection.execute("delete from ops.snapshot_range where source = %s", [source])
    connection.execute("delete from ops.rejected_document where source = %s", [source])
    (name,) = warehouse.one(connection, "select cht.partition_name(%s)", [source])
    connection.execute(identifiers.SQL("truncate {}").format(identifiers.Identifier("staging", name)))


def hand_over(job: Job, options: Options) -> bool:
    """Lets the feed continue from the plan's checkpoint; false where a range is not copied yet. Twice is once.

    Raises SourceReplaced where the ranges were of another database.
    """
    with job.lock("extract", options.wait):
        before = checkpoint.read(job.connection, job.source)
        if before.mode != "copying":
            return True
        with closing(job.client()) as client:
            require_same(before, fetch.identity(client, job.database, job.backoff(options.seconds)))
        values = {"source": job.source, "generation": before.generation}
        return bool(warehouse.one(job.connection, sql.read("first_copy/hand_over"), values)[0])
