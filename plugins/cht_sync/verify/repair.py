"""Repairs what a comparison found wrong, by the write path of a page; a row written since is never overwritten.

It works on pg_temp.difference (include/sql/verify/tables.sql), and deletes from it what is settled.
"""

from collections.abc import Iterable, Iterator

from cht_sync import couchdb, sql, warehouse
from cht_sync.copy import write
from cht_sync.copy.checkpoint import Checkpoint
from cht_sync.copy.encoding import lines
from cht_sync.couchdb import fetch, retry, rows
from cht_sync.couchdb.rows import Row
from cht_sync.errors import DatabaseMissing, PageCut, ServerBusy, Unreachable

#: Documents that are requested, and written, at once.
ROWS = 500

#: The removal limit is at least so many documents, however small the copy is.
FEW = 100


class Repair:
    """Of one comparison: `repaired` counts repaired documents, `not_yet` those that have changed meanwhile."""

    def __init__(
        self,
        connection: warehouse.Connection,
        client: couchdb.Client,
        database: str,
        before: Checkpoint,
        backoff: retry.Backoff,
    ) -> None:
        self._connection, self._client, self._database = connection, client, database
        self._before, self._backoff = before, backoff
        self._at = {"source": before.source, "batch": before.batch}
        self.repaired = self.not_yet = 0

    def resolve(self) -> None:
        """Finds out what became of each document that is not listed: deleted, archived, purged, or alive after all.

        The archive is the database of the same name with the suffix -archive (CHT 5).
        """
        for chunk in self._chunks("unlisted"):
            # an id that is not valid UTF-8 cannot be requested
            ids = [id_.decode() for id_, _, _ in chunk if not rows.is_raw(id_)]
            fates = {id_: (None, None) for id_, _, _ in chunk} | {
                id_.encode(): (None, "purged") if row is None else (row.rev, "deleted" if row.deleted else None)
                for id_, row in self._looked_up(self._database, ids)
            }
            nowhere = [id_ for id_ in ids if fates[id_.encode()] == (None, "purged")]
            for id_, row in self._looked_up(f"{self._database}-archive", nowhere):
                if row is not None and not row.deleted:
                    fates[id_.encode()] = (None, "archived")
            revs, kinds = zip(*fates.values(), strict=True)
            values = {"ids": list(fates), "revs": list(revs), "kinds": list(kinds)}
            self._connection.execute(sql.read("verify/resolve"), values)

    def fetch(self, longest: int) -> None:
        """Reads missing and stale documents again."""
        for chunk in self._chunks("wrong"):
            self._fetch({id_: rev for id_, rev, _ in chunk if not rows.is_raw(id_)}, longest)

    def delete(self) -> None:
        """Marks as deleted the documents that CouchDB reports as deleted."""
        for chunk in self._chunks("deleted"):
            gone = (Row(id_.decode(), rev, None, True, None) for id_, rev, _ in chunk)
            self._write([id_ for id_, _, _ in chunk], gone)

    def take_out(self) -> None:
        """Marks as gone the documents that CouchDB no longer has."""
        for chunk in self._chunks("purged", "archived"):
            values = self._at | {"ids": [id_ for id_, _, _ in chunk], "kinds": [kind for _, _, kind in chunk]}
            with write.loaded(self._connection, []):
                batch = write.hold(self._connection, self._before)
                statement = sql.read("verify/take_out")
                (settled,) = warehouse.one(self._connection, statement, values | {"new_batch": batch})
                write.amend(self._connection, self._before, batch, settled)
            self._settled([id_ for id_, _, _ in chunk], settled)

    def _chunks(self, *kinds: str) -> Iterator[list[tuple[bytes, str, str]]]:
        last = b""
        while True:
            values = {"kinds": list(kinds), "after": last, "rows": ROWS}
            chunk = self._connection.execute(sql.read("verify/next"), values).fetchall()
            if not chunk:
                return
            last = chunk[-1][0]
            yield chunk

    def _looked_up(self, database: str, ids: list[str]) -> list[tuple[str, Row | None]]:
        """The rows of these ids, without documents; none if there is no archive."""
        if not ids:
            return []

        def ask() -> list[tuple[str, Row | None]]:
            with self._client.looked_up(database, ids, include_docs=False) as found:
                return list(found)

        try:
            return self._backoff.insist(ask)
        except DatabaseMissing:
            if database == self._database:
                raise
            return []

    def _fetch(self, revs: dict[bytes, str], longest: int) -> None:
        """Reads documents again; in halves if the answer cannot be read, so that one does not hold up the others."""
        for _ in range(fetch.TRIES):
            unread: list[bytes] = []
            try:
                return self._write(list(revs), self._rows(revs, longest, unread), unread)
            except (PageCut, ServerBusy) as error:
                if len(revs) > 1:
                    half = len(revs) // 2
                    self._fetch(dict(list(revs.items())[:half]), longest)
                    return self._fetch(dict(list(revs.items())[half:]), longest)
                self._backoff.wait(error)
            except Unreachable as error:
                self._backoff.wait(error)
        return None

    def _rows(self, revs: dict[bytes, str], longest: int, unread: list[bytes]) -> Iterator[Row]:
        """The documents that still have the listed revision; those that have changed since come in the feed."""
        ids = [id_.decode() for id_ in revs]
        with self._client.looked_up(self._database, ids, longest, include_docs=True) as found:
            for id_, row in found:
                if row is None or row.deleted or row.rev != revs[id_.encode()]:
                    continue
                if row.body is None and row.excess is None:
                    unread.append(id_.encode())
                else:
                    yield row

    def _write(self, ids: list[bytes], found: Iterable[Row], unread: list[bytes] | None = None) -> None:
        with write.loaded(self._connection, lines.numbered(found, self._database)):
            batch = write.hold(self._connection, self._before)
            self._connection.execute(sql.read("verify/still"), self._at)
            written, rejected = write.amend(self._connection, self._before, batch)
        self._settled([id_ for id_ in ids if id_ not in (unread or [])], written + rejected)

    def _settled(self, ids: list[bytes], repaired: int) -> None:
        self.repaired += repaired
        self.not_yet += len(ids) - repaired
        self._connection.execute("delete from pg_temp.difference where id = any(%s)", [ids])
