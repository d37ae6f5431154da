"""What can come between the pages of a run, and between a page and its writing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cht_sync import couchdb, warehouse
from cht_sync.copy import checkpoint, write
from cht_sync.copy.checkpoint import Checkpoint
from cht_sync.copy.reading import feed, reader
from cht_sync.couchdb import changes

Client = Callable[[], couchdb.Client]


class Clients:
    """Makes clients for a run; before the page of that number is asked for, something is done, where it is read."""

    def __init__(self, server: couchdb.Server, number: int, act: Callable[[], None]) -> None:
        self._server, self._left, self._act = server, number, act
        self._lock = threading.Lock()
        self.acted = False

    def __call__(self) -> couchdb.Client:
        return Between(self._server, self._before_page)

    def _before_page(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self.acted = True
                self._act()

    def end(self) -> None:
        """What was begun has ended, and nothing more begins."""
        with self._lock:
            self._left = 0


class Between(couchdb.Client):
    """Does something before each page is asked for."""

    def __init__(self, server: couchdb.Server, before: Callable[[], None]) -> None:
        super().__init__(server)
        self._before = before

    @contextmanager
    def changes(self, *args: Any, **kwargs: Any) -> Iterator[changes.Page]:
        self._before()
        with super().changes(*args, **kwargs) as page:
            yield page


class Reader:
    """A run that has read a page and not written it: the page."""

    def __init__(self, client: Client, database: str, before: Checkpoint, limits: reader.Limits) -> None:
        self.before, self._client, self._database = before, client, database
        asking = client()
        self.identity = asking.identity(database)
        asking.close()
        with feed.reading(client(), database, before.seq, replace(limits, seconds=60)) as pages:
            page = next(iter(pages))
            self._chunks = list(page)
        self.end = page.end

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    def write(self, connection: warehouse.Connection) -> None:
        write.page(connection, self.before, self, self._confirm)

    def _confirm(self) -> couchdb.Identity:
        asking = self._client()
        now = asking.identity(self._database)
        asking.close()
        checkpoint.require_same(replace(self.before, identity=self.identity), now)
        return now
