"""A database and its copy through some rounds: writes, a run in which things go wrong, and the verdict on the copy."""

import random
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

import psycopg
from cht_sync import warehouse as warehouses
from cht_sync.copy import write
from cht_sync.couchdb import fetch

from tests.faults import copied, plan, verdict, writes
from tests.faults.copied import Copy
from tests.faults.explained import explain
from tests.faults.plan import Plan
from tests.faults.proxy import Memory, Proxy
from tests.faults.runs import Ended
from tests.faults.script import Script
from tests.faults.server import Server
from tests.faults.source import Database
from tests.faults.turn import SOURCE, Turn
from tests.faults.verdict import Facts, Finding

#: The number of findings of one round that are printed; more would add nothing.
NAMED = 5


@dataclass
class Outcome:
    """The result of rounds: injected faults, ends of runs, findings about the copy; how often the copy was judged, and
    how many of these times as caught up.
    """

    injected: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    judged: int = 0
    compared: int = 0

    def add(self, other: "Outcome") -> None:
        self.injected += other.injected
        self.ended += other.ended
        self.findings += other.findings
        self.judged += other.judged
        self.compared += other.compared


@dataclass
class World:
    """Everything in it is drawn from `seed` and its `number`; `before` is the copy as last judged."""

    seed: int
    number: int
    server: Server
    proxy: Proxy
    database: Database
    outcome: Outcome = field(default_factory=Outcome)
    before: Copy = field(default_factory=Copy)
    unreadable: set[str] = field(default_factory=set)

    def run(self, faults: int) -> Outcome:
        """Some rounds, up to that number of faults; at the end, undisturbed runs must repair everything."""
        chance = random.Random(f"{self.seed}/{self.number}")
        full = chance.random() < 0.3  # in some of its rounds
        name = f"world_{self.number}"
        with ExitStack() as stack:
            dsn = self.server.create(name, small=full and self.server.small is not None)
            stack.callback(self.server.drop, name)
            self._create(stack)
            with warehouses.connect(partial(psycopg.connect, dsn)) as connection:
                write.prepare(connection, {SOURCE: ("test", "medic")})
            self.turn = Turn(self.server, dsn, self.proxy, self.database)
            writes.begin(self.database, chance)
            for number in range(chance.randint(6, 14)):
                if self.outcome.findings or self.outcome.injected.total() >= faults:
                    break
                self.round(random.Random(f"{self.seed}/{self.number}/{number}"), number, full=full)
            if not self.outcome.findings:
                self.end(chance)
        return self.outcome

    def round(self, chance: random.Random, number: int, *, full: bool) -> None:
        """Writes, one or two runs with faults, and the verdict."""
        if writes.go_on(self.database, chance, self.before.generation):
            self.proxy.memory.forget()
        if chance.random() < 0.04 and not self._is_another(self.before):
            self._replace(chance)
        replaced = self._is_another(self.before)
        given = plan.draw(chance, full=full, replaced=replaced)
        script = self._script(f"{self.seed}/{self.number}/{number}", given, chance)
        ends = self._take(given, script, chance)
        for ended in ends:
            self._note(f"round {number}", explain(ended, given, script.injected, replaced=replaced))
        self._note(f"round {number}", self._judge(script, ends))

    def end(self, chance: random.Random) -> None:
        """Finishes unfinished work and tries unreadable documents again; then the copy must be complete."""
        modes = ["incremental", "replay", chance.choice(["resync", "replace", "incremental"])]
        if self._is_another(self.before):
            modes.insert(0, "replace")
        for mode in modes:
            quiet = Plan((replace(plan.options(chance), mode=mode, seconds=3_000),), 0, frozenset())
            script = Script("undisturbed")
            ends = self._take(quiet, script, chance)
            if mode == "replay":
                self.unreadable.clear()
            if not all(map(_caught_up, ends)):
                self._note("its end", [Finding("error", f"an undisturbed run did not catch up: {ends}")])
            self._note("its end", self._judge(script, ends))

    def _create(self, stack: ExitStack | None = None) -> None:
        self.identity = self.database.create()
        self.proxy.memory = Memory()
        if stack:
            stack.callback(self.database.delete)

    def _replace(self, chance: random.Random) -> None:
        """Another database under the same name, with some of the same documents in it."""
        old = self.database.latest
        self._create()
        self.outcome.injected["another database"] += 1
        writes.take_over(self.database, old, chance)

    def _script(self, seed: str, given: Plan, chance: random.Random) -> Script:
        live = self.database.live
        return Script(
            seed,
            given.rate,
            given.kinds,
            unreadable=frozenset(chance.sample(live, min(len(live), given.unreadable))),
            cutting=frozenset(chance.sample(live, min(len(live), given.cutting))),
            chain=[] if len(given.runs) == 1 else None,
        )

    def _take(self, given: Plan, script: Script, chance: random.Random) -> list[Ended]:
        ends = self.turn.take(given, script, chance)
        self.outcome.injected += script.injected
        self.outcome.ended.update(map(str, ends))
        return ends

    def _judge(self, script: Script, ends: list[Ended]) -> list[Finding]:
        self.server.settle(self.turn.dsn)
        with self.server.connect(self.turn.dsn) as connection:
            copy = copied.read(connection, SOURCE)
        before, self.before = self.before, copy
        self.outcome.judged += 1
        if self._is_another(copy):
            same = copy == before
            return [] if same else [Finding("checkpoint", "the copy was changed, though the database is another one")]
        self.unreadable |= {name for name, times in script.asked.items() if times >= fetch.TRIES}
        findings = verdict.judge(before, copy, self._facts(copy, script, ends))
        pages = [ended.progress.pages for ended in ends if ended.progress]
        if len(pages) == len(ends) and copy.reads - before.reads != sum(pages):
            findings.append(Finding("checkpoint", f"{copy.reads - before.reads} reads, and {sum(pages)} pages"))
        return findings

    def _facts(self, copy: Copy, script: Script, ends: list[Ended]) -> Facts:
        to_come = self.database.changed_since(copy.seq)
        if copy.mode == "incremental" and all(map(_caught_up, ends)) and not script.ended_stale:
            assert copy.caught_up_at
            asked = copy.caught_up_at.timestamp()
            to_come = {name for name in to_come if self.database.written.get(name, 0) >= asked}
            self.outcome.compared += 1
        return Facts(
            self.database.read(),
            self.database.revisions,
            to_come,
            self.proxy.memory.seqs,
            self.database.purged,
            self.unreadable.__contains__,
            writes.LONGEST,
        )

    def _is_another(self, copy: Copy) -> bool:
        """Whether the database is not the copied one."""
        return copy.reads > 0 and copy.identity not in (None, self.identity)

    def _note(self, where: str, findings: Iterable[Finding]) -> None:
        found = list(findings)
        self.outcome.findings += found
        for kind, what in found[:NAMED]:
            print(f"seed {self.seed}, world {self.number}, {where}: {kind}: {what}", flush=True)


def _caught_up(ended: Ended) -> bool:
    return ended.progress is not None and ended.progress.caught_up
