"""The copy of one database compared with CouchDB, document by document, and repaired.

CouchDB's list (`_all_docs`: every live id with its revision) and the staged one are read together, in the order of the
ids; neither is held in memory. A difference may be pending: the document may have changed since. So the feed is read
from the checkpoint that the staged side was read with, and documents that it names are left to the extraction. The
rest is wrong. It is repaired by write.amend, unless something newer was written meanwhile.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql as identifiers

from cht_sync import couchdb, sql, warehouse
from cht_sync.copy import checkpoint, progress
from cht_sync.copy.checkpoint import Checkpoint
from cht_sync.copy.job import Job
from cht_sync.couchdb import all_docs, changes, fetch
from cht_sync.errors import CopyDiffers, PassingError, SyncError
from cht_sync.verify import difference, repair

#: Ids that are requested in one answer.
LISTED = 100_000


@dataclass(frozen=True)
class Options:
    """Of a run: whether errors are repaired; the removal limit in percent of the documents (if CouchDB has nothing of
    more than these, none is removed); seconds for which requests are retried; seconds that it waits for another
    comparison to end; bytes of the longest document.
    """

    repair: bool = True
    most_gone: int = 10
    seconds: float = 10_000
    wait: float = 30
    max_document_bytes: int = changes.LONGEST


@dataclass(frozen=True)
class Verification:
    """The result of a comparison: the columns of ops.verification. `waits` says why nothing was compared."""

    source: str
    documents: int = 0
    missing: int = 0
    stale: int = 0
    extra: int = 0
    purged: int = 0
    archived: int = 0
    rejected: int = 0
    not_yet: int = 0
    repaired: int = 0
    left_over: int = 0
    message: str | None = None
    waits: str = ""

    @property
    def wrong(self) -> int:
        """How many documents were wrong: they differed, and were neither pending nor rejected."""
        return self.missing + self.stale + self.extra + self.purged + self.archived

    def __str__(self) -> str:
        if self.waits:
            return f"{self.source}: {self.waits}"
        return (
            f"{self.source}: {self.documents:,} documents compared; {self.missing:,} missing, {self.stale:,} stale, "
            f"{self.extra:,} deleted in CouchDB only, {self.purged:,} purged, {self.archived:,} archived; "
            f"{self.repaired:,} repaired, {self.left_over:,} left over ({self.not_yet:,} pending, "
            f"{self.rejected:,} rejected)"
        )


def run(job: Job, options: Options) -> Verification:
    """Compares once. The job's second connection reads the staged side.

    Raises SourceReplaced, CheckpointMoved if the copy was begun again meanwhile, and the errors of couchdb.Client; what
    was repaired before stays.
    """
    with job.lock("verify", options.wait):
        before = checkpoint.read(job.connection, job.source)
        if waits := _unready(job.connection, before):
            return Verification(job.source, waits=waits)
        begun = {"source": job.source, "repair": options.repair}
        (number,) = warehouse.one(job.connection, sql.read("verify/begin"), begun)
        with closing(job.client()) as client:
            try:
                done = _Comparison(job, client, options).run()
                _end(job.connection, number, vars(done))
                if before.seeded and not done.left_over:
                    _trust(job.connection, before)
            except BaseException as error:
                _fail(job, number, error)
                raise
    return done


def _fail(job: Job, number: int, error: BaseException) -> None:
    """Writes that the comparison has failed, with our message; of an error that is not ours only its kind."""
    message = str(error) if isinstance(error, SyncError | KeyboardInterrupt) else type(error).__name__
    if not job.connection.broken:
        _end(job.connection, number, dict.fromkeys(vars(Verification(job.source))) | {"message": message})


def require_equal(done: Verification) -> None:
    """Raises CopyDiffers if something is left over."""
    if done.left_over:
        raise CopyDiffers(
            f"{done.left_over:,} documents of {done.source} are not as CouchDB has them "
            f"({done.message or 'repair was off'})",
            "Trigger it with Repair on; if that changes nothing, see docs/operating.md, The copy differs",
        )


def _unready(connection: warehouse.Connection, before: Checkpoint) -> str:
    if before.mode != "incremental":
        return f"not compared: it is being copied ({before.mode}); compare it when that has ended"
    query = "select caught_up_at is null from ops.checkpoint where source = %s"
    is_short = warehouse.one(connection, query, [before.source])[0]
    return "not compared: it has not been copied to its end yet" if is_short else ""


def _trust(connection: warehouse.Connection, before: Checkpoint) -> None:
    """Notes that a seeded copy is now the same as CouchDB."""
    connection.execute(
        "update ops.checkpoint set seeded_at = null where source = %s and generation = %s",
        [before.source, before.generation],
    )


def _end(connection: warehouse.Connection, number: int, found: dict[str, object]) -> None:
    connection.execute(sql.read("verify/end"), found | {"verification": number})


class _Comparison:
    """One comparison."""

    def __init__(self, job: Job, client: couchdb.Client, options: Options) -> None:
        self._job, self._connection, self._client = job, job.connection, client
        self._options, self._backoff = options, job.backoff(options.seconds)
        self._began = self._reported = job.clock()
        self._listed = 0
        self._odd: dict[bytes, bytes] = {}

    def run(self) -> Verification:
        self._connection.execute(sql.read("verify/tables"))
        before = self._compare()
        at = {"source": before.source, "batch": before.batch}
        self._connection.execute(sql.read("verify/rejected"), at)
        if self._one("select exists (select from pg_temp.difference)")[0]:
            self._name(before.seq)
        not_yet, rejected = self._one(sql.read("verify/settle"), at)
        found = Verification(before.source, self._listed, not_yet=not_yet, rejected=rejected)
        self._require_same(before)
        repairing = repair.Repair(self._connection, self._client, self._job.database, before, self._backoff)
        repairing.resolve()
        missing, stale, extra, purged, archived = self._one(sql.read("verify/count"))
        found = replace(found, missing=missing, stale=stale, extra=extra, purged=purged, archived=archived)
        return self._repair(repairing, found) if self._options.repair else replace(found, left_over=found.wrong)

    def _compare(self) -> Checkpoint:
        """Fills pg_temp.difference; returns the checkpoint with which the staged side was read."""
        source = self._job.source
        with self._job.second() as reader, reader.transaction():
            # rows and checkpoint of the same moment
            reader.execute("set transaction isolation level repeatable read")
            before = checkpoint.read(reader, source)
            self._require_same(before)
            self._differ(difference.compare(self._listing(), _staged(reader, source)))
        self._differ(difference.Difference(name, rev, None) for name, rev in self._odd.items())
        return before

    def _repair(self, repairing: repair.Repair, found: Verification) -> Verification:
        repairing.fetch(self._options.max_document_bytes)
        repairing.delete()
        message = "CouchDB did not give them"
        if self._too_many(found):
            message = (
                f"CouchDB has nothing of {found.purged:,} of {found.documents + found.purged:,} documents: "
                "the removal limit was exceeded; nothing was removed"
            )
        else:
            repairing.take_out()
        (left,) = self._one("select count(*) from pg_temp.difference")
        return replace(
            found,
            repaired=repairing.repaired,
            not_yet=found.not_yet + repairing.not_yet,
            left_over=left,
            message=message if left else None,
        )

    def _too_many(self, found: Verification) -> bool:
        """Whether the removal limit is exceeded. A server that has lost a shard lists and finds nothing of it."""
        share = self._options.most_gone / 100
        return found.purged > max(repair.FEW, share * (found.documents + found.purged))

    def _require_same(self, before: Checkpoint) -> None:
        checkpoint.require_same(before, fetch.identity(self._client, self._job.database, self._backoff))

    def _listing(self) -> Iterator[list[all_docs.Entry]]:
        last = b""
        while True:
            try:
                with self._client.all_docs(self._job.database, last, LISTED) as answer:
                    for part in answer:
                        self._listed += len(part)
                        self._odd.update(answer.odd)
                        yield part
                        last = answer.last
                        self._backoff.succeeded()
                        self._report()
                if answer.rows < LISTED:
                    return
            except PassingError as error:
                self._backoff.wait(error)

    def _differ(self, differences: Iterator[difference.Difference]) -> None:
        with self._connection.cursor() as cursor, cursor.copy("copy pg_temp.difference from stdin") as copy:
            copy.set_types(["bytea", "text", "text", "text"])
            for each in differences:
                listed, staged = each.listed and each.listed.decode(), each.staged and each.staged.decode()
                copy.write_row((each.id, listed, staged, None))

    def _name(self, seq: str) -> None:
        """Fills pg_temp.named: the documents that the feed has named since the staged side was read."""
        for page in fetch.named(self._client, self._job.database, seq, self._backoff):
            with self._connection.cursor() as cursor, cursor.copy("copy pg_temp.named from stdin") as copy:
                copy.set_types(["bytea"])
                for row in page.rows:
                    copy.write_row([row.name])
            self._report()

    def _one(self, statement: str, values: dict[str, object] | None = None) -> tuple[int, ...]:
        return warehouse.one(self._connection, statement, values)

    def _report(self) -> None:
        now = self._job.clock()
        if now - self._reported >= progress.EVERY:
            self._reported = now
            rate = self._listed / (now - self._began)
            self._job.report(f"{self._job.database}: {self._listed:,} documents compared ({rate:,.0f}/s)")


def _staged(reader: psycopg.Connection[object], source: str) -> Iterator[difference.Line]:
    statement = identifiers.SQL(sql.read("verify/staged")).format(source=identifiers.Literal(source))
    with reader.cursor() as cursor, cursor.copy(statement) as copy:
        yield from copy
