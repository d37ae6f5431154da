"""The plan of one round, drawn from its seed: how runs start, which faults happen, what is written meanwhile."""

import random
from dataclasses import dataclass

from cht_sync.copy import extract

from tests.faults import script, writes

#: The faults of the run or the warehouse at a moment of the run, and in how many of a hundred rounds.
BLOWS = {
    "SIGKILL": 25,
    "backend terminated": 12,
    "statement cancelled": 5,
    "server stopped": 2,
    "wait for the checkpoint's lock": 8,
    "wait for the table's lock": 5,
}

#: Modes, as in ops.checkpoint: a round requests one if no other is unfinished.
MODES = {"incremental": 75, "resync": 10, "replay": 10, "replace": 5}


@dataclass(frozen=True)
class Blow:
    """Happens that many seconds after the request of that number."""

    kind: str
    request: int
    delay: float


@dataclass(frozen=True)
class Plan:
    """`runs` are the options of one run, or of two at once. `room` is the bytes left on the disk, None if not full.
    `held` is the seconds for which another session holds the runs' own lock. `writes` are numbers of requests: the
    round writes before the request, or with a half, before its answer. `unreadable` and `cutting` count documents.
    """

    runs: tuple[extract.Options, ...]
    rate: float
    kinds: frozenset[str]
    unreadable: int = 0
    cutting: int = 0
    unlocked: bool = False
    blows: tuple[Blow, ...] = ()
    writes: tuple[float, ...] = ()
    room: int | None = None
    held: float = 0


def draw(chance: random.Random, *, full: bool, replaced: bool) -> Plan:
    """`full`: whether the disk may be full; `replaced`: whether the database is not the copied one."""
    runs = tuple(options(chance, replaced=replaced) for _ in range(2 if chance.random() < 0.15 else 1))
    return Plan(
        runs,
        rate=chance.choice([0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8]),
        kinds=_kinds(chance),
        unreadable=chance.randint(1, 3) if chance.random() < 0.1 else 0,
        cutting=1 if chance.random() < 0.1 else 0,
        unlocked=len(runs) > 1 and chance.random() < 0.5,
        blows=tuple(
            Blow(kind, _request(chance), chance.random() * 0.04)
            for kind, percent in BLOWS.items()
            if chance.random() * 100 < percent
        ),
        writes=tuple(_request(chance) + chance.choice([0, 0.5, 0.5]) for _ in range(chance.choice([0, 0, 0, 1, 2, 3]))),
        room=chance.choice([0, 8_192, 65_536, 300_000]) if full and chance.random() < 0.3 else None,
        held=chance.random() * 0.6 if chance.random() < 0.05 else 0,
    )


def options(chance: random.Random, *, replaced: bool = False) -> extract.Options:
    """Small pages, so that a run has many."""
    return extract.Options(
        page_rows=chance.choice([1, 2, 3, 5, 8, 13, 40, 60, 100, 100, 200, 5_000]),
        seconds=chance.choice([3_000] * 8 + [5, 0.3]),
        wait=0.3,
        page_bytes=chance.choice([2_000, 20_000, 64_000_000]),
        max_document_bytes=writes.LONGEST,
        mode="replace" if replaced and chance.random() < 0.6 else chance.choices(list(MODES), list(MODES.values()))[0],
    )


def _kinds(chance: random.Random) -> frozenset[str]:
    """Few kinds at once, so that the kinds that end a run do not always come first."""
    every = sorted({kind for faults in script.FAULTS.values() for kind in faults})
    passing = [kind for kind in every if kind not in script.FINAL]
    chosen = chance.sample(passing, chance.randint(1, len(passing)))
    return frozenset(chosen + ([chance.choice(sorted(script.FINAL))] if chance.random() < 0.3 else []))


def _request(chance: random.Random) -> int:
    return chance.randint(1, 5) if chance.random() < 0.6 else chance.randint(1, 25)
