"""A copy kept up by runs to which anything may happen, and what must be true of it after each of them."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial

import psycopg
from cht_sync import couchdb, errors
from cht_sync import warehouse as warehouses
from cht_sync.copy import extract, modes, progress, write
from cht_sync.copy.checkpoint import Checkpoint
from cht_sync.copy.job import Job
from cht_sync.couchdb import changes
from cht_sync.verify import verification

from demo.settings import CouchDB
from tests.lib import copied
from tests.lib.copied import Consumer, Judge, State
from tests.lib.disturbed import Client, Clients, Reader
from tests.lib.kills import killed_or_ended
from tests.lib.original import Original, new_name
from tests.lib.pages import SOURCE, Warehouse, doc
from tests.lib.written import Written

OTHER = "kisumu/medic"


class Copying:
    """A new database, and its copy in a warehouse that is emptied for it. `longest` are the bytes of a document kept.

    `begun` is when, by the clock of what was written, the mode began that is unfinished or has ended last.
    """

    def __init__(self, server: CouchDB, warehouse: str) -> None:
        self.warehouse, self.database = warehouse, new_name()
        self.server = couchdb.Server(server.url, *server.auth)
        self.client = partial(couchdb.Client, self.server)
        self.stack = ExitStack()
        self.connection = self.stack.enter_context(self.connect())
        original = Original(server, self.database)
        original.create()
        self.stack.callback(original.close)
        self.stack.callback(original.delete)
        self.written = Written(original, self.connection)
        self.consumer, self.begun, self.longest = Consumer({}), 0, changes.LONGEST
        empty(self.connection)
        self.other = other(self.connection)

    def connect(self) -> AbstractContextManager[warehouses.Connection]:
        return warehouses.connect(partial(psycopg.connect, self.warehouse))

    def state(self) -> State:
        return copied.state(self.connection, SOURCE)

    def check(self) -> None:
        """At any time: nothing is staged that CouchDB never gave, and who follows by the batches has missed nothing."""
        seen = self.state()
        self.written.require_known(seen)
        self.consumer.follow(seen)
        assert copied.state(self.connection, OTHER) == self.other

    def run(
        self,
        options: extract.Options,
        number: int = 0,
        act: Callable[[], None] = lambda: None,
        *,
        is_replaced: bool = False,
    ) -> None:
        """A run, and what must be of it; before the page of that number is asked for, something may happen."""
        before, start = self.state(), self.written.clock
        another = self._is_another(before.checkpoint.identity)
        clients = Clients(self.server, number, act)
        done = self._tried(options, clients, is_replaced=is_replaced)
        after = self.state()
        if another and options.mode != "replace":
            assert done is None
            assert after == before
            return
        self._note_begun(before, start)
        if is_replaced and clients.acted:
            # it may have read both: the next run must say so, and nothing may be taken for gone
            assert done is None or not (done.caught_up and done.mode in modes.GONE)
            return
        assert done
        self._require_course(options, before, after, done)
        if done.caught_up:
            self._require_whole(before, after, start, is_ended=done.mode in modes.GONE)
        if not clients.acted:
            same = {name for name, row in before.rows.items() if after.rows[name] == row}
            assert {name: before.batches[name] for name in same} == {name: after.batches[name] for name in same}

    def _tried(self, options: extract.Options, clients: Clients, *, is_replaced: bool) -> progress.Progress | None:
        """A run; None where the database was another one."""
        try:
            with self.connect() as connection:
                return self._extract(options, clients, connection)
        except errors.SourceReplaced:
            return None
        except (errors.DatabaseMissing, errors.PassingError):  # it was asked in the moment between
            assert is_replaced
            assert clients.acted
            return None
        finally:
            clients.end()

    def kill(self, options: extract.Options, statement: int) -> None:
        """A run that is killed at that statement, or has ended before."""
        before, start = self.state(), self.written.clock
        killed_or_ended(self.warehouse, partial(self._extract, options, self.client), statement)
        self._note_begun(before, start)

    def read(self, options: extract.Options) -> Reader:
        """A page that is not written yet."""
        limits = replace(options, max_document_bytes=self.longest).limits
        return Reader(self.client, self.database, self.state().checkpoint, limits)

    def write(self, reader: Reader) -> None:
        """Where another run has written since, or the database is another one, nothing is written."""
        before = self.state()
        moved = fence(before.checkpoint) != fence(reader.before)
        try:
            reader.write(self.connection)
        except (errors.CheckpointMoved, errors.SourceReplaced):
            assert moved or self._is_another(reader.identity)
            assert self.state() == before
        else:
            assert not moved

    def compare(self) -> None:
        """Nothing but what has vanished is found wrong, and after it nothing that has vanished counts any more."""
        before = self.state()
        another = self._is_another(before.checkpoint.identity)
        options = verification.Options(max_document_bytes=self.longest)
        with self.connect() as connection:
            try:
                job = Job(connection, self.client, SOURCE, self.database, lambda _: None, open=self.connect)
                done = verification.run(job, options)
            except errors.SourceReplaced:
                assert another
                assert self.state() == before
                return
        after = self.state()
        if done.waits:
            assert after == before
            return
        assert not another
        assert (done.missing, done.stale, done.extra, done.left_over) == (0, 0, 0, 0)
        here = self.written.original.revisions()
        self._require_gone(after, after.names - here.keys())
        assert after.only(here) == before.only(here)

    def _extract(
        self, options: extract.Options, client: Client, connection: warehouses.Connection
    ) -> progress.Progress:
        given = replace(options, max_document_bytes=self.longest)
        return extract.run(Job(connection, client, SOURCE, self.database, lambda _: None), given)

    def _is_another(self, identity: couchdb.Identity | None) -> bool:
        return identity is not None and identity.value != self.written.original.started()

    def _note_begun(self, before: State, start: int) -> None:
        if self.state().checkpoint.generation != before.checkpoint.generation:
            self.begun = start

    def _require_course(self, options: extract.Options, before: State, after: State, done: progress.Progress) -> None:
        """It did what it was asked for, or what was unfinished, to its end or as far as its time went."""
        mode = before.checkpoint.mode
        if before.checkpoint.reads and (options.mode == "replace" or (options.mode, mode) == ("resync", "incremental")):
            mode = options.mode
        assert done.mode in ({"incremental", "replay"} if mode == "incremental" else {mode})
        assert done.caught_up or options.seconds == 0
        assert after.checkpoint.mode == ("incremental" if done.caught_up else mode)
        if after.checkpoint.mode == "replace":
            assert (after.rows, after.rejected, after.batches) == (before.rows, before.rejected, before.batches)

    def _require_whole(self, before: State, after: State, start: int, *, is_ended: bool) -> None:
        found = self.written.original.changes()
        listed = {document.id: document.rev for document in self.written.original.live()}
        assert listed == {document.id: document.rev for document in found if not document.deleted}
        Judge(self.connection, self.longest).require_same(before, after, found)
        vanished = after.names - {document.id for document in found}
        if is_ended:
            self._require_gone(after, {name for name in vanished if self.written.vanished[name] <= self.begun})
        else:
            earlier = {name for name in vanished if self.written.vanished[name] <= start}
            assert after.only(earlier) == before.only(earlier)
        copied.require_nothing_left(self.connection)

    @staticmethod
    def _require_gone(after: State, names: Collection[str]) -> None:
        rows, rejected = after.only(names)
        assert [name for name, row in rows.items() if not row.deleted and not row.gone] == []
        assert rejected == {}


def fence(checkpoint: Checkpoint) -> tuple[int, int]:
    return checkpoint.generation, checkpoint.reads


def empty(connection: warehouses.Connection) -> None:
    connection.execute(
        "truncate ops.source, staging.document, staging.seen, staging.next, staging.next_rejected cascade"
    )
    Warehouse(connection)


def other(connection: warehouses.Connection) -> State:
    """A source that is no business of the one that is copied, with a document of the same id."""
    write.prepare(connection, {OTHER: ("kisumu", "medic")})
    Warehouse(connection).write(doc("a"), source=OTHER)
    return copied.state(connection, OTHER)
