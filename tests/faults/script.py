"""The faults of one round between the reader and CouchDB, drawn from a seed for each request by its number."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

#: The faults by kind of request, with their weights. Faults that end a run are rare, and a stall takes as long as the
#: reader waits.
FAULTS: dict[str, dict[str, float]] = {
    "changes": {
        "cut off": 4,
        "reset": 3,
        "stalled": 0.4,
        "429": 2,
        "408": 1,
        "5xx": 3,
        "HTML as 502": 2,
        "error in the body": 3,
        "stale page": 6,
        "duplicate row": 4,
        "older row before": 3,
        "other order": 9,
        "row without document": 3,
        "HTML as 200": 0.3,
        "redirect": 0.1,
        "401": 0.1,
        "404": 0.1,
    },
    "database": {
        "cut off": 2,
        "reset": 3,
        "stalled": 0.2,
        "429": 2,
        "5xx": 3,
        "HTML as 502": 2,
        "HTML as 200": 0.2,
        "404": 0.1,
    },
    "document": {
        "cut off": 3,
        "reset": 2,
        "stalled": 0.2,
        "429": 1,
        "5xx": 2,
        "HTML as 502": 1,
        "document missing": 2,
    },
}

#: Limits a round, since these make a run long: a stall takes 0.5 s, and after an earlier page all is read again.
MOST = {"stalled": 6, "stale page": 20}

#: After these, a run may end with an error that is not retried.
FINAL = {"HTML as 200": "NotCouchDB", "redirect": "NotCouchDB", "401": "LoginRefused", "404": "DatabaseMissing"}


@dataclass
class Script:
    """`rate` is the share of faulty answers, `kinds` are the faults of this round.

    `unreadable` are ids whose documents CouchDB cannot read in this round; `cutting` are ids with which every page is
    cut off. `meanwhile` is called with the number of each request before CouchDB gets it, and with a half more before
    its answer is sent. The rest is the result: `asked` counts requests for documents by their ids; `ended_stale` is
    whether an earlier page was given that may wrongly say that it is the last; `errors` are the proxy's own.
    """

    seed: str
    rate: float = 0
    kinds: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    cutting: frozenset[str] = frozenset()
    meanwhile: Callable[[float], None] = lambda _: None
    injected: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    ended_stale: bool = False
    chain: list[str] | None = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._lock = threading.Lock()

    def next(self, what: str) -> tuple[int, random.Random]:
        """The number of a request in the round, and the generator for its answer."""
        with self._lock:
            self._numbers["all"] += 1
            self._numbers[what] += 1
            return self._numbers["all"], random.Random(f"{self.seed}/{what}/{self._numbers[what]}")

    def draw(self, what: str, chance: random.Random) -> str | None:
        """The fault of an answer, or none."""
        faulty = chance.random() < self.rate
        weights = {kind: weight for kind, weight in FAULTS.get(what, {}).items() if kind in self.kinds}
        kind = chance.choices(list(weights), list(weights.values()))[0] if weights and faulty else None
        return None if kind in MOST and self.injected[kind] >= MOST[kind] else kind

    @property
    def requests(self) -> int:
        """The number of requests so far."""
        return self._numbers["all"]

    def count(self, kind: str, times: int = 1) -> None:
        with self._lock:
            self.injected[kind] += times

    def follow(self, since: str) -> list[str]:
        """The seqs that one reader asked from, up to this one, which is the last.

        If two read at once, the order of their seqs is unknown, and only this one is returned.
        """
        if self.chain is None:
            return [since]
        if since in self.chain:
            del self.chain[self.chain.index(since) :]
        self.chain.append(since)
        return list(self.chain)

    def go_back(self, since: str, *, ended: bool) -> None:
        """An earlier page was given again: the one after `since`."""
        if self.chain is not None:
            del self.chain[self.chain.index(since) + 1 :]
        self.ended_stale |= ended
