"""A parallel first copy: ranges of ids, copied side by side, then the feed from before the first of them was read.

    plan        reads the feed once without documents, for a checkpoint that is safe, and for ids to cut the ranges at
    copy        one range, a page a transaction with the note of how far it is; any number of them side by side
    hand_over   once all are copied: the feed goes on from the checkpoint of the plan

What changes while ranges are read is named by the feed behind that checkpoint, so that it does not matter in which
order they are read, or how often one was killed. Until the end ops.checkpoint.mode is `copying`: neither the feed nor
the models touch the source.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql as identifiers

from cht_sync import changes, couchdb, feed, progress, retry, rows, sql, staging, warehouse
from cht_sync.errors import FirstCopy, PageCut, PassingError, SourceReplaced

#: Rows of the feed that are asked for at once, without their documents.
ROWS = 20_000

#: Ids that are kept, of all, to cut the ranges at.
SAMPLE = 10_000

#: Documents of a range, and the most ranges there are.
RANGE, RANGES = 250_000, 64


@dataclass(frozen=True)
class Options:
    """Of a run: documents a page; seconds in which what passes by itself is asked again; seconds that it waits for
    another run to end; bytes of lines from which on a page is ended, and of the longest document; documents a range;
    whether an unfinished copy is forgotten and begun anew.
    """

    page_rows: int = 5_000
    seconds: float = 10_000
    wait: float = 30
    page_bytes: int = feed.PAGE_BYTES
    max_document_bytes: int = changes.LONGEST
    range_rows: int = RANGE
    anew: bool = False


def require_none(before: staging.Checkpoint) -> None:
    """Raises FirstCopy where the source is just copied in ranges."""
    if before.mode == "copying":
        raise FirstCopy(
            f"{before.source} is just copied for the first time, by cht_snapshot",
            "It goes on by itself once that has ended; if it does not go on, clear the red task of cht_snapshot",
        )


def require_same(before: staging.Checkpoint, identity: couchdb.Identity) -> None:
    """Raises SourceReplaced where the database is another one than the ranges were planned for."""
    if staging.is_another(before, identity):
        raise SourceReplaced(
            f"The database behind {before.source} is another one than its first copy began with",
            "Nothing was changed; correct the connection, or trigger cht_snapshot with Begin anew",
        )


def require_way(before: staging.Checkpoint, *, seeded: bool) -> None:
    """Raises FirstCopy where the unfinished copy was begun the other way."""
    if before.seeded != seeded:
        begun = "from couch2pg's table" if before.seeded else "from CouchDB"
        raise FirstCopy(
            f"The first copy of {before.source} was begun {begun}",
            "Nothing was changed; trigger cht_snapshot as it was begun, or with Begin anew",
        )


@dataclass(frozen=True)
class Begin:
    """Of a first copy: where the feed goes on from, the last id of each range, documents in all of them."""

    seq: str
    untils: list[str | None]
    expected: int
    seeded: bool = False


def plan(
    connection: warehouse.Connection,
    client: Callable[[], couchdb.Client],
    source: str,
    database: str,
    options: Options,
    report: Callable[[object], None],
    pause: retry.Pause | None = None,
) -> list[int]:
    """The numbers of the ranges; none where the source is copied already. An unfinished plan goes on.

    Raises AnotherRun, CheckpointMoved, SourceReplaced, and the errors of couchdb.Client.
    """
    with warehouse.lock(connection, f"cht-sync extract {source}", options.wait):
        before = staging.checkpoint(connection, source)
        if before.reads:
            report(f"{source} is copied already: cht_extract goes on with it")
            return []
        asking = client()
        try:
            backoff = retry.Backoff(options.seconds, pause or time.sleep)
            identity = backoff.insist(lambda: asking.identity(database))
            if before.mode != "copying" or options.anew:
                survey = _Survey(asking, database, backoff, report)
                survey.read()
                ranges = max(1, min(RANGES, survey.live // options.range_rows))
                begin(connection, before, identity, Begin(survey.seq, survey.cuts(ranges), survey.live), options)
            else:
                require_way(before, seeded=False)
                require_same(before, identity)
        finally:
            asking.close()
        numbers = connection.execute("select number from ops.snapshot_range where source = %s order by 1", [source])
        return [number for (number,) in numbers]


class _Survey:
    """The feed read once without documents: `seq` is where it ends, `ids` some of the live documents', in order."""

    def __init__(
        self, client: couchdb.Client, database: str, backoff: retry.Backoff, report: Callable[[object], None]
    ) -> None:
        self._client, self._database, self._backoff, self._report = client, database, backoff, report
        self._chance = random.Random(0)  # noqa: S311  # where ranges are cut, no secret
        self._told = time.monotonic()
        self.seq = "0"
        self.live = 0
        self.ids: list[str] = []

    def read(self) -> None:
        limit, count = ROWS, 1
        while count:
            try:
                with self._client.changed(self._database, self.seq, limit) as page:
                    found = [rows.parse(text) for text in page]
            except PassingError as error:
                if isinstance(error, PageCut):
                    limit = max(1, limit // 2)
                self._backoff.wait(error)
                continue
            self._backoff.succeeded()
            count = len(found)
            self._sample([row.id for row in found if not row.deleted and row.raw_id is None])
            # only a last_seq is a checkpoint: update_seq can lose documents
            self.seq = page.last_seq or self.seq
            self._tell(page.pending)
            if page.pending == 0:
                break
        self.ids.sort(key=str.encode)

    def _sample(self, ids: list[str]) -> None:
        """Each id that was met is kept with the same chance."""
        for id_ in ids:
            self.live += 1
            if len(self.ids) < SAMPLE:
                self.ids.append(id_)
            elif (place := self._chance.randrange(self.live)) < SAMPLE:
                self.ids[place] = id_

    def cuts(self, ranges: int) -> list[str | None]:
        """The last id of each range; None is the end."""
        inner = {self.ids[len(self.ids) * number // ranges - 1] for number in range(1, ranges) if self.ids}
        return [*sorted((id_ for id_ in inner if "\0" not in id_), key=str.encode), None]

    def _tell(self, pending: int | None) -> None:
        if time.monotonic() - self._told >= progress.EVERY:
            self._told = time.monotonic()
            behind = "" if pending is None else f", {pending:,} pending"
            self._report(f"{self._database}: {self.live:,} live documents found{behind}")


def begin(
    connection: warehouse.Connection,
    before: staging.Checkpoint,
    identity: couchdb.Identity,
    first: Begin,
    options: Options,
) -> None:
    """Raises CheckpointMoved."""
    with connection.transaction():
        row = connection.execute(
            sql.read("snapshot/begin"),
            {
                "source": before.source,
                "generation": before.generation,
                "seq": first.seq,
                "seeded": first.seeded,
                "kind": identity.kind,
                "identity": identity.value,
                "anew": options.anew,
            },
        ).fetchone()
        if row is None:
            raise staging.moved(before)
        _forget(connection, before.source)
        expected = first.expected // len(first.untils)
        values = {"source": before.source, "untils": first.untils, "expected": expected}
        connection.execute(sql.read("snapshot/ranges"), values)


def _forget(connection: warehouse.Connection, source: str) -> None:
    """What an unfinished copy has left: nobody has read it yet, and of another database it would stay for ever."""
    connection.execute("delete from ops.snapshot_range where source = %s", [source])
    connection.execute("delete from ops.rejected_document where source = %s", [source])
    name = connection.execute("select cht.partition_name(%s)", [source]).fetchone()
    assert name is not None  # noqa: S101  # a select without from gives one row
    connection.execute(identifiers.SQL("truncate {}").format(identifiers.Identifier("staging", name[0])))


def hand_over(
    connection: warehouse.Connection,
    client: Callable[[], couchdb.Client],
    source: str,
    database: str,
    options: Options,
    pause: retry.Pause | None = None,
) -> bool:
    """Lets the feed go on from the plan's checkpoint; false where a range is not copied yet. Twice is once.

    Raises SourceReplaced where the ranges were of another database.
    """
    with warehouse.lock(connection, f"cht-sync extract {source}", options.wait):
        before = staging.checkpoint(connection, source)
        if before.mode != "copying":
            return True
        asking = client()
        try:
            backoff = retry.Backoff(options.seconds, pause or time.sleep)
            require_same(before, backoff.insist(lambda: asking.identity(database)))
        finally:
            asking.close()
        values = {"source": source, "generation": before.generation}
        row = connection.execute(sql.read("snapshot/hand_over"), values).fetchone()
        return bool(row and row[0])
