"""The copy of one database compared with CouchDB, document by document, and made right.

What CouchDB lists (`_all_docs`: every live id with its revision) and what is staged are read side by side in the order
of the ids. What differs is not wrong yet: it may have changed since. So the feed is read from the checkpoint that the
staged side was read with, and what it names is left to the extraction. The rest is wrong, and is repaired by the way
that pages take (staging.amend), where nothing newer was written meanwhile. Neither side is held in memory.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql as identifiers

from cht_sync import changes, comparison, couchdb, listing, progress, repair, retry, rows, sql, staging, warehouse
from cht_sync.errors import CopyDiffers, PageCut, PassingError, SyncError

#: Ids that CouchDB is asked to list in one answer, and changes in one without documents.
LISTED, NAMED = 100_000, 20_000

Report = Callable[[object], None]


@dataclass(frozen=True)
class Options:
    """Of a run: whether what is wrong is made right; the share of the documents, in percent, of which CouchDB may have
    nothing more, above which nothing is taken out; seconds in which what passes by itself is asked again; seconds that
    it waits for another comparison to end; bytes of the longest document.
    """

    repair: bool = True
    most_gone: int = 10
    seconds: float = 10_000
    wait: float = 30
    max_document_bytes: int = changes.LONGEST


@dataclass(frozen=True)
class Verification:
    """What a comparison found: the columns of ops.verification. `waits` is why there was nothing to compare yet."""

    source: str
    documents: int = 0
    missing: int = 0
    stale: int = 0
    extra: int = 0
    purged: int = 0
    archived: int = 0
    refused: int = 0
    not_yet: int = 0
    repaired: int = 0
    left_over: int = 0
    message: str | None = None
    waits: str = ""

    @property
    def wrong(self) -> int:
        """Documents that differed and had not changed since."""
        return self.missing + self.stale + self.extra + self.purged + self.archived

    def __str__(self) -> str:
        if self.waits:
            return f"{self.source}: {self.waits}"
        return (
            f"{self.source}: {self.documents:,} documents compared; {self.missing:,} missing, {self.stale:,} stale, "
            f"{self.extra:,} deleted in CouchDB only, {self.purged:,} purged, {self.archived:,} archived; "
            f"{self.repaired:,} made right, {self.left_over:,} left ({self.not_yet:,} changed since, "
            f"{self.refused:,} known as refused)"
        )


def run(
    connection: warehouse.Connection,
    client: Callable[[], couchdb.Client],
    source: str,
    database: str,
    options: Options,
    report: Report,
    pause: retry.Pause | None = None,
    *,
    beside: progress.Open,
) -> Verification:
    """Compares once. `beside` opens a second connection, for the staged side; `report` is told at most every 5 seconds.

    Raises SourceReplaced, CheckpointMoved where the copy was begun anew meanwhile, and the errors of couchdb.Client;
    what was repaired before stays.
    """
    with warehouse.lock(connection, f"cht-sync verify {source}", options.wait):
        before = staging.checkpoint(connection, source)
        if waits := _unready(connection, before):
            return Verification(source, waits=waits)
        row = connection.execute(
            sql.read("verification/begin"), {"source": source, "repair": options.repair}
        ).fetchone()
        assert row is not None  # noqa: S101  # what is inserted is returned
        asking = client()
        try:
            backoff = retry.Backoff(options.seconds, pause or time.sleep)
            done = _Comparison(connection, asking, database, options, backoff, report).run(source, beside)
            _end(connection, row[0], vars(done))
            if before.seeded and not done.left_over:
                _trust(connection, before)
        except BaseException as error:
            with_nothing = dict.fromkeys(vars(Verification(source)))
            told = str(error) if isinstance(error, SyncError | KeyboardInterrupt) else type(error).__name__
            if not connection.broken:
                _end(connection, row[0], with_nothing | {"message": told})
            raise
        finally:
            asking.close()
    return done


def require_equal(done: Verification) -> None:
    """Raises CopyDiffers where something wrong was not made right."""
    if done.left_over:
        raise CopyDiffers(
            f"{done.left_over:,} documents of {done.source} are not as CouchDB has them "
            f"({done.message or 'they were only to be told'})",
            "Run it with repair on; if it stays so, see docs/operating.md, The copy differs",
        )


def _unready(connection: warehouse.Connection, before: staging.Checkpoint) -> str:
    if before.mode != "incremental":
        return f"not compared: it is just copied ({before.mode}); compare it when that has ended"
    row = connection.execute(
        "select caught_up_at is null from ops.checkpoint where source = %s", [before.source]
    ).fetchone()
    return "not compared: it was not copied to its end yet" if row and row[0] else ""


def _trust(connection: warehouse.Connection, before: staging.Checkpoint) -> None:
    """Notes that a copy that was begun from couch2pg's table is the same as CouchDB, or was made so."""
    connection.execute(
        "update ops.checkpoint set seeded_at = null where source = %s and generation = %s",
        [before.source, before.generation],
    )


def _end(connection: warehouse.Connection, number: int, found: dict[str, object]) -> None:
    connection.execute(sql.read("verification/end"), found | {"verification": number})


class _Comparison:
    """One comparison."""

    def __init__(
        self,
        connection: warehouse.Connection,
        client: couchdb.Client,
        database: str,
        options: Options,
        backoff: retry.Backoff,
        report: Report,
    ) -> None:
        self._connection, self._client, self._database = connection, client, database
        self._options, self._backoff, self._report = options, backoff, report
        self._began = self._told = time.monotonic()
        self._listed = 0
        self._odd: dict[bytes, bytes] = {}

    def run(self, source: str, beside: progress.Open) -> Verification:
        self._connection.execute(sql.read("verification/tables"))
        with beside() as reader, reader.transaction():
            # rows and checkpoint of one moment
            reader.execute("set transaction isolation level repeatable read")
            before = staging.checkpoint(reader, source)
            self._require_same(before)
            self._differ(comparison.compare(self._listing(), _staged(reader, source)))
        self._differ(comparison.Difference(name, rev, None) for name, rev in self._odd.items())
        at = {"source": source, "batch": before.batch}
        self._connection.execute(sql.read("verification/refused"), at)
        if self._any():
            self._name(before.seq)
        not_yet, refused = self._one(sql.read("verification/settle"), at)
        found = Verification(source, self._listed, not_yet=not_yet, refused=refused)
        self._require_same(before)
        mending = repair.Repair(self._connection, self._client, self._database, before, self._backoff)
        mending.resolve()
        missing, stale, extra, purged, archived = self._one(sql.read("verification/count"), {})
        found = replace(found, missing=missing, stale=stale, extra=extra, purged=purged, archived=archived)
        return self._mend(mending, found) if self._options.repair else replace(found, left_over=found.wrong)

    def _mend(self, mending: repair.Repair, found: Verification) -> Verification:
        mending.fetch(self._options.max_document_bytes)
        mending.delete()
        message = "CouchDB did not give them"
        if self._too_many(found):
            message = f"{found.purged:,} of {found.documents + found.purged:,} would be taken out, which is too many"
        else:
            mending.take_out()
        left = self._one("select count(*) from pg_temp.difference", {})[0]
        return replace(
            found,
            repaired=mending.repaired,
            not_yet=found.not_yet + mending.not_yet,
            left_over=left,
            message=message if left else None,
        )

    def _too_many(self, found: Verification) -> bool:
        """A server that has lost a shard lists, and finds, none of what was in it."""
        share = self._options.most_gone / 100
        return found.purged > max(repair.FEW, share * (found.documents + found.purged))

    def _require_same(self, before: staging.Checkpoint) -> None:
        staging.require_same(before, self._backoff.insist(lambda: self._client.identity(self._database)))

    def _listing(self) -> Iterator[list[listing.Entry]]:
        behind = b""
        while True:
            try:
                with self._client.all_docs(self._database, behind, LISTED) as answer:
                    for part in answer:
                        self._listed += len(part)
                        self._odd.update(answer.odd)
                        yield part
                        behind = answer.last
                        self._backoff.succeeded()
                        self._tell()
                if answer.rows < LISTED:
                    return
            except PassingError as error:
                self._backoff.wait(error)

    def _differ(self, differences: Iterator[comparison.Difference]) -> None:
        with self._connection.cursor() as cursor, cursor.copy("copy pg_temp.difference from stdin") as copy:
            copy.set_types(["bytea", "text", "text", "text"])
            for each in differences:
                listed, staged = each.listed and each.listed.decode(), each.staged and each.staged.decode()
                copy.write_row((each.id, listed, staged, None))

    def _any(self) -> bool:
        return bool(self._one("select exists (select from pg_temp.difference)", {})[0])

    def _name(self, seq: str) -> None:
        """Notes which documents the feed has named since the staged side was read."""
        limit, count = NAMED, 1
        while count:
            try:
                with self._client.changed(self._database, seq, limit) as page:
                    count = self._named(page)
                seq = page.last_seq or seq
                self._backoff.succeeded()
                self._tell()
                if page.pending == 0:
                    return
            except PassingError as error:
                if isinstance(error, PageCut):
                    limit = max(1, limit // 2)
                self._backoff.wait(error)

    def _named(self, page: changes.Page) -> int:
        count = 0
        with self._connection.cursor() as cursor, cursor.copy("copy pg_temp.named from stdin") as copy:
            copy.set_types(["bytea"])
            for text in page:
                row = rows.parse(text)
                copy.write_row([row.name])
                count += 1
        return count

    def _one(self, statement: str, values: dict[str, object]) -> tuple[int, ...]:
        row: tuple[int, ...] | None = self._connection.execute(statement.encode(), values).fetchone()
        assert row is not None  # noqa: S101  # each gives one row
        return row

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told >= progress.EVERY:
            self._told = now
            rate = self._listed / (now - self._began)
            self._report(f"{self._database}: {self._listed:,} documents compared ({rate:,.0f}/s)")


def _staged(reader: psycopg.Connection[object], source: str) -> Iterator[comparison.Line]:
    statement = identifiers.SQL(sql.read("verification/staged")).format(source=identifiers.Literal(source))
    with reader.cursor() as cursor, cursor.copy(statement) as copy:
        yield from copy
