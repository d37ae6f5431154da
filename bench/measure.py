"""One client's run, and the processor time of each process."""

import json
import statistics
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import psycopg
from psycopg import conninfo

from bench.servers import Source, Warehouses

#: Seconds between two samples of what Postgres waits for.
LOOK = 0.1

WAITS = """
    select case when state = 'active' then coalesce(wait_event, 'at work') else 'the reader' end
    from pg_stat_activity
    where datname = %s and backend_type = 'client backend'
"""


@dataclass(frozen=True)
class Run:
    """The cost of a run. `seconds` are of the clock; `reader`, `postgres`, `source` and `others` are processor seconds.

    They are None if unknown. `others`: all other processes of this machine. `memory`: bytes at the peak above the
    imports. `waits`: the number of samples by what Postgres waited for.
    """

    documents: int
    written: int
    statements: int
    writing: int
    seconds: float
    memory: int
    reader: float
    postgres: float | None
    source: float | None
    others: float | None
    waits: Counter[str]


def run(client: str, source: Source, database: str, warehouses: Warehouses, dsn: str = "", mode: str = "") -> Run:
    """Runs one of bench.clients with the database of `dsn`. Raises RuntimeError with its output if it fails."""
    given = {"client": client, "url": source.url, "database": database, "dsn": dsn} | ({"mode": mode} if mode else {})
    warehouses.settle()
    before, busy = [warehouses.cpu(), source.cpu()], _busy()
    with _watching(warehouses, dsn) as waits:
        command = [sys.executable, "-m", "bench.child"]
        child = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)
    if child.returncode:
        raise RuntimeError(f"The client {client} failed:\n{child.stderr}")
    done = json.loads(child.stdout)
    busy = _busy() - busy
    postgres, served = (
        None if now is None or then is None else now - then
        for now, then in zip([warehouses.cpu(), source.cpu()], before, strict=True)
    )
    known = done["cpu"] + (postgres or 0) + (served or 0)
    return Run(
        documents=done["documents"],
        written=done["written"],
        statements=done["statements"],
        writing=done["writing"],
        seconds=done["seconds"],
        memory=done["memory"],
        reader=done["cpu"],
        postgres=postgres,
        source=served,
        others=None if postgres is None or served is None else max(0.0, busy - known),
        waits=waits,
    )


def _busy() -> float:
    """Seconds that all processors of the machine have worked."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0) - getattr(times, "guest", 0))


@contextmanager
def _watching(warehouses: Warehouses, dsn: str) -> Iterator[Counter[str]]:
    seen: Counter[str] = Counter()
    if not dsn:
        yield seen
        return
    over = threading.Event()
    name = conninfo.conninfo_to_dict(dsn)["dbname"]

    def look() -> None:
        with psycopg.connect(warehouses.dsn, autocommit=True) as connection:
            while not over.wait(LOOK):
                seen.update(row[0] for row in connection.execute(WAITS, [name]))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def median(runs: Sequence[Run], value: Callable[[Run], float | None]) -> float | None:
    """None if one of them is unknown."""
    values = [value(run) for run in runs]
    known = [each for each in values if each is not None]
    return statistics.median(known) if known and len(known) == len(values) else None


def seen(runs: Sequence[Run]) -> str:
    """What Postgres did most of the time, in percent of the samples."""
    total = sum((run.waits for run in runs), Counter[str]())
    looks = sum(total.values())
    return ", ".join(f"{name} {count / looks:.0%}" for name, count in total.most_common(4) if count / looks >= 0.02)
