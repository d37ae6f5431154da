"""The time and memory of a copy, compared with the floor and with CHT Sync's way of reading; and of a comparison.

    make bench-extract

COUCHDB_URL (with login) adds a real CouchDB, which most goals need. CHT_WAREHOUSE_DSN names your Postgres, to be used
instead of a temporary one. DOCUMENTS, SIZES, VERIFIED and REPEATS set how much is read, and how often.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import figures, report, servers
from bench.documents import Documents
from bench.rounds import Rounds, Runs
from bench.servers import Source

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """Numbers of documents to copy, for time and memory by size, and to compare; how often each is measured."""

    documents: int = 200_000
    sizes: tuple[int, ...] = (20_000, 200_000, 2_000_000)
    verified: int = 1_000_000
    repeats: int = 3
    couchdb: str | None = None
    warehouse: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Plan":
        given = {key: value for key, value in environment.items() if value}
        return cls(
            documents=int(given.get("DOCUMENTS", cls.documents)),
            sizes=tuple(map(int, given["SIZES"].split())) if "SIZES" in given else cls.sizes,
            verified=int(given.get("VERIFIED", cls.verified)),
            repeats=int(given.get("REPEATS", cls.repeats)),
            couchdb=given.get("COUCHDB_URL"),
            warehouse=given.get("CHT_WAREHOUSE_DSN"),
        )


def bench(plan: Plan, say: Say, folder: Path = report.RESULTS) -> bool:
    """Measures, prints and writes the figures; returns whether all goals are met."""
    documents = Documents()
    paces: dict[str, Runs] = {}
    comparisons: dict[str, Runs] = {}
    with ExitStack() as opened:
        warehouses = opened.enter_context(servers.warehouses(plan.warehouse))
        real = servers.couchdb(plan.couchdb) if plan.couchdb else None
        # it keeps no answers: those of the largest database do not fit, and it would be served slower than the others
        plain = opened.enter_context(servers.feed_server(held=0))
        rounds = Rounds(plain, warehouses, plan.repeats, say)
        by_size = rounds.sizes(plan.sizes)
        requests = rounds.requests(f"county-{min(plan.sizes)}")
        ours = opened.enter_context(servers.feed_server())
        rounds = Rounds(ours, warehouses, plan.repeats, say)
        paces[ours.name] = rounds.pace(f"county-{plan.documents}", plan.documents)
        comparisons[ours.name] = rounds.comparison(f"county-{plan.verified}", plan.verified, plain)
        if real:
            rounds = Rounds(real, warehouses, plan.repeats, say)
            with _loaded(real, documents, plan.documents, say) as database:
                paces[real.name] = rounds.pace(database, plan.documents)
            with _loaded(real, documents, plan.verified, say) as database:
                comparisons[real.name] = rounds.comparison(database, plan.verified, real)
    rows = [row for source, runs in paces.items() for row in figures.pace(source, plan.documents, runs)]
    rows += figures.sizes(ours.name, by_size)
    rows += [row for source, runs in comparisons.items() for row in figures.comparison(source, plan.verified, runs)]
    versions = {"postgres": warehouses.version, "couchdb": real.version if real else "none: COUCHDB_URL is not set"}
    print(f"A document has {documents.mean(plan.documents):,.0f} bytes on average.\n")
    goals = figures.goals(paces, by_size, comparisons, requests)
    return report.write("extract", rows, goals, versions, folder=folder)


def _loaded(source: Source, documents: Documents, count: int, say: Say) -> AbstractContextManager[str]:
    say(f"{source.name}: writing {count:,} documents")
    return servers.loaded(source, documents, count)


def main() -> int:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.0f} s] {text}", file=sys.stderr, flush=True)

    bench(Plan.read(os.environ), say)
    return 0


if __name__ == "__main__":
    sys.exit(main())
