"""What every run over one database gets: the database, the two servers, and how it reports and waits."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from cht_sync import couchdb, warehouse
from cht_sync.couchdb import retry

Open = Callable[[], AbstractContextManager[warehouse.Connection]]


@dataclass(frozen=True)
class Job:
    """A run over one database: a copy, a range of a first copy, or a comparison.

    `connection` leads to the warehouse; `open`, if given, opens a second one. `client` makes a client of CouchDB, one
    for each thread. `source` is the database's key in every table. `report` gets the run's progress, at most every 5
    seconds. `pause` waits before a request is retried; None is the default. `clock` gives seconds.
    """

    connection: warehouse.Connection
    client: Callable[[], couchdb.Client]
    source: str
    database: str
    report: Callable[[object], None]
    pause: retry.Pause | None = None
    open: Open | None = None
    clock: Callable[[], float] = time.monotonic

    def lock(self, kind: str, seconds: float) -> AbstractContextManager[None]:
        """Keeps out other runs of that kind over this database. Raises AnotherRun after a wait of `seconds`."""
        return warehouse.lock(self.connection, f"cht-sync {kind} {self.source}", seconds)

    def second(self) -> AbstractContextManager[warehouse.Connection]:
        """Opens the second connection. Raises LookupError if there is none."""
        if self.open is None:
            raise LookupError(f"the run over {self.source} has no second connection")
        return self.open()

    def backoff(self, seconds: float) -> retry.Backoff:
        """The pauses between tries, for `seconds` in all."""
        return retry.Backoff(seconds, self.pause or time.sleep)
