"""A database that remembers what was written to it: each revision that CouchDB may give, and what it gives no more."""

from collections import defaultdict
from collections.abc import Iterable

from cht_sync import warehouse

from tests.lib.copied import Row, State, text
from tests.lib.original import Original, body

DELETED = b'"_deleted":true'


class Written:
    """`clock` counts what was done. `vanished` has, for each document of which nothing is in the feed any more, when
    that came about: it was purged, or belongs to a database of before.
    """

    def __init__(self, original: Original, connection: warehouse.Connection) -> None:
        self.original, self._connection = original, connection
        self.clock = 0
        self.vanished: dict[str, int] = {}
        self._known: dict[str, set[Row]] = defaultdict(set)
        self._databases = 0

    def put(self, documents: Iterable[tuple[str, bytes]]) -> None:
        """Each upon its winner, where there is one; a server may not take it."""
        winners = {name: revs[0] for name, revs in self.original.revisions().items()}
        for name, members in documents:
            if rev := self.original.put(name, members, winners.get(name)):
                winners[name] = rev
                self._note(name, rev, members)

    def branch(self, name: str, letter: str, length: int) -> None:
        """Another branch, as replication brings it; letter 7 is a deleted one. What it holds is another database's."""
        members = b'"leaf":"%s","database":%d' % (letter.encode(), self._databases)
        members += b"," + DELETED if letter == "7" else b""
        self.original.put_leaf(name, members, [letter * 32, *(f"{below}" * 32 for below in range(length - 1, 0, -1))])
        self._note(name, f"{length}-{letter * 32}", members)

    def purge(self, name: str, *, whole: bool) -> None:
        """All of it, or its winner alone."""
        revisions = self.original.revisions().get(name)
        if revisions is None:
            return
        self.clock += 1
        self.original.purge(name, revisions if whole else revisions[:1])
        if name not in self.original.revisions():
            self.vanished[name] = self.clock

    def recreate(self) -> None:
        """From here on it is another database."""
        self.clock += 1
        self._databases += 1
        for name in self.original.revisions():
            self.vanished[name] = self.clock
        self.original.recreate()

    def require_known(self, seen: State) -> None:
        """Whatever is staged is a revision that was written."""
        for name, row in seen.rows.items():
            assert row._replace(gone=None) in self._known[name], f"CouchDB never gave this of {name[:20]!r}"

    def _note(self, name: str, rev: str, members: bytes) -> None:
        self.clock += 1
        self.vanished.pop(name, None)
        if DELETED in members:
            return self._known[name].add(Row(rev, True, None, False, None))
        raw = body(name, members, rev)
        return self._known[name].add(Row(rev, False, None, rb"\u0000" in members, text(self._connection, raw)))
