"""One start of the extraction with everything that happens meanwhile, until all of it is over."""

import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from cht_sync import couchdb
from cht_sync.copy import extract

from tests.faults import writes
from tests.faults.blows import Blows
from tests.faults.plan import Plan
from tests.faults.proxy import Proxy
from tests.faults.runs import Ended, Run, Task
from tests.faults.script import Script
from tests.faults.server import Server
from tests.faults.source import Database

#: The source of all copies.
SOURCE = "test/medic"


@dataclass(frozen=True)
class Turn:
    """A turn of the copy at `dsn` on `server`, which reads `database` through `proxy`."""

    server: Server
    dsn: str
    proxy: Proxy
    database: Database

    def take(self, plan: Plan, script: Script, chance: random.Random) -> list[Ended]:
        """The ends of the runs; `script` counts the faults."""
        pending, one = sorted(plan.writes), threading.Lock()
        runs: list[Run] = []
        blows = Blows(plan.blows, self.server, self.dsn, runs, script.count)

        def meanwhile(request: float) -> None:
            with one:
                while pending and pending[0] <= request:
                    pending.pop(0)
                    writes.write(self.database, chance, 8)
            blows.strike(request)

        script.meanwhile = meanwhile
        self.proxy.script = script
        with ExitStack() as stack:
            if plan.room is not None:
                stack.enter_context(self.server.full(self.dsn, plan.room))
            if plan.held:
                blows.hold(plan.held)
            runs += [Run(self._task(options, unlocked=plan.unlocked)) for options in plan.runs]
            ends = [run.wait(lambda: script.requests) for run in runs]
            with one:  # a request outlives a killed run: its later writes must not reach the verdict
                pending.clear()
            blows.join()
        for error in script.errors:
            raise error
        for kind, times in _counted(plan, ends):
            script.count(kind, times)
        return ends

    def _task(self, options: extract.Options, *, unlocked: bool) -> Task:
        server = couchdb.Server(self.proxy.url, *self.database.auth)
        return Task(self.dsn, server, SOURCE, self.database.name, options, unlocked)


def _counted(plan: Plan, ends: list[Ended]) -> Iterator[tuple[str, int]]:
    """Faults that only the ends of runs show."""
    yield "SIGKILL", sum(ended.signal is not None for ended in ends)
    yield "disk full", sum("No space left" in ended.text for ended in ends)
    if len(plan.runs) > 1:
        yield "two runs without a lock" if plan.unlocked else "two runs at once", 1
