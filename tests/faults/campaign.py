"""The fault campaign: worlds, each with its own database and copy, until enough faults were injected."""

import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import proxy
from tests.faults.server import Server
from tests.faults.source import Database
from tests.faults.world import Outcome, World

#: The campaign ends after this number of worlds with findings: more of them would add nothing.
BAD = 10

#: Seconds between two lines of progress.
EVERY = 15


@dataclass
class Result:
    """The result of all worlds."""

    seed: int
    worlds: int = 0
    bad: int = 0
    seconds: float = 0
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def faults(self) -> int:
        return self.outcome.injected.total()

    @property
    def findings(self) -> Counter[str]:
        return Counter(finding.kind for finding in self.outcome.findings)

    def __str__(self) -> str:
        runs = self.outcome.ended.total()
        return (
            f"{self.faults:,} faults in {runs:,} runs of {self.worlds:,} worlds in {self.seconds:,.0f} s, "
            f"{self.outcome.compared:,} copies compared whole, {self.outcome.ended['killed']:,} runs killed; "
            f"wrong: {dict(self.findings) or 'nothing'}"
        )


@dataclass(frozen=True)
class Campaign:
    """Runs on the CouchDB at `url`, with its own Postgres under `home`."""

    url: str
    auth: tuple[str, str]
    server: Server
    proxy: proxy.Proxy

    def run(self, seed: int, faults: int, *, say: Callable[[str], None] = lambda _: None) -> Result:
        """One world after another, until that number of faults was injected."""
        result = Result(seed)
        said = 0.0
        while result.faults < faults and result.bad < BAD:
            self._world(result, result.worlds, faults - result.faults)
            if result.seconds - said >= EVERY:
                said = result.seconds
                say(str(result))
        return result

    def one(self, seed: int, number: int) -> Result:
        """Repeats one world."""
        result = Result(seed)
        self._world(result, number, sys.maxsize)
        return result

    def _world(self, result: Result, number: int, faults: int) -> None:
        began = time.monotonic()
        database = Database(self.url, f"test-faults-{secrets.token_hex(6)}", self.auth)
        outcome = World(result.seed, number, self.server, self.proxy, database).run(faults)
        result.worlds += 1
        result.bad += bool(outcome.findings)
        result.outcome.add(outcome)
        result.seconds += time.monotonic() - began


@contextmanager
def opened(url: str, auth: tuple[str, str]) -> Iterator[Campaign]:
    """The campaign against that CouchDB; its proxy and its Postgres end with it."""
    with tempfile.TemporaryDirectory(prefix="cht-sync-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root the server runs as `nobody`
        server = Server(Path(folder) / "postgres")
        try:
            with proxy.serving(url) as before:
                yield Campaign(url, auth, server, before)
        finally:
            server.close()
