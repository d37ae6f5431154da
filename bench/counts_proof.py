"""python -m bench.counts_proof [SEQUENCES] [SEED]: the counts are correct after any history; the long form.

The same property as tests/properties/test_proof.py. It ends at the first history after which a count is wrong, and
prints its shortest form.
"""

import itertools
import math
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cht_sync.warehouse import migrations
from hypothesis import HealthCheck, given, seed, settings

from bench import report, server
from servers.postgres import Postgres
from tests.lib.proof import Proof, Tally, histories, needed
from tests.lib.staged import opened

WANTED = 10_000
SIDE_BY_SIDE = 25

#: Histories in one database, which fills with the remains of temporary tables.
EXAMPLES = 50

FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def main(sequences: int = WANTED, first: int | None = None) -> int:
    """Returns 0 if all goals were met."""
    first = random.randrange(2**32) if first is None else first
    print(f"{sequences:,} sequences, seed {first}", flush=True)
    tally, started, wrong = Tally(), time.monotonic(), 0
    try:
        with server.running(FAST) as postgres:
            for number in itertools.count():
                left = math.ceil((sequences - tally.sequences) / SIDE_BY_SIDE)
                if left <= 0:
                    break
                with warehouse(postgres, f"proof_{number}", tally) as proof:
                    prove(proof, first + number, min(left, EXAMPLES))
                print(f"{tally.sequences:,} after {time.monotonic() - started:.0f} s", flush=True)
    except AssertionError:
        wrong = 1
        traceback.print_exc()  # shows which count, and Hypothesis' note of the shortest history
    row = {**asdict(tally), "wrong": wrong, "seed": first, "seconds": time.monotonic() - started}
    goals = [
        report.Goal("sequences tried", tally.sequences, WANTED, at_most=False),
        report.Goal("sequences after which a count was wrong", wrong, 0),
    ]
    return 0 if report.write("counts-proof", [row], goals) else 1


@contextmanager
def warehouse(postgres: Postgres, name: str, tally: Tally) -> Iterator[Proof]:
    """A new database of 25 instances; dropped at the end."""
    with tempfile.TemporaryDirectory() as folder:
        with opened(postgres.database(name)) as staged:
            migrations.migrate(staged.connection)
            sources = [f"i{number}/medic" for number in range(SIDE_BY_SIDE)]
            for source in sources:
                staged.source(source)
            yield Proof(staged, needed(Path(folder)), sources, tally)
        postgres.drop(name)


def prove(proof: Proof, number: int, examples: int) -> None:
    """Raises AssertionError if the property does not hold."""

    @seed(number)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(histories(SIDE_BY_SIDE))
    def holds(drawn: Any) -> None:
        proof.hold(drawn)

    holds()


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
