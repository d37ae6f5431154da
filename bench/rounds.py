"""The runs of bench.extract, in rounds, so that a disturbance of the machine affects all clients."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import psycopg
import requests

from bench import measure
from bench.measure import Run
from bench.servers import Source, Warehouses

#: The measurements by name: the client of bench.clients and, for our copy, the mode.
JOBS = {
    "floor": ("floor", ""),
    "ours": ("ours", ""),
    "resync": ("ours", "resync"),
    "nothing": ("ours", "incremental"),
    "cht_sync": ("cht_sync", ""),
    "lean": ("lean", ""),
    "listing": ("listing", ""),
    "verify": ("verify", ""),
}

WHAT = {
    "floor": "floor: pages thrown away",
    "ours": "first copy",
    "resync": "resync, nothing changed",
    "nothing": "nothing new",
    "cht_sync": "as CHT Sync reads",
    "lean": "same, documents in the page",
    "listing": "floor: list thrown away",
    "verify": "comparison",
}

#: Every row's place and writer: it changes with each write of a row.
VERSIONS = "select md5(string_agg(ctid::text || xmin::text, ',' order by _id)) from staging.document"

Runs = dict[str, list[Run]]


@dataclass(frozen=True)
class Rounds:
    """The rounds of one source; `say` receives a line about each run."""

    source: Source
    warehouses: Warehouses
    repeats: int
    say: Callable[[str], None]

    def pace(self, database: str, documents: int) -> Runs:
        """All clients that read the whole database. It is read once before, so that it is in memory for all."""
        runs: Runs = {name: [] for name in ("floor", "ours", "resync", "nothing", "cht_sync", "lean")}
        self._run("floor", database)
        for _ in range(self.repeats):
            runs["floor"].append(self._run("floor", database))
            with self.warehouses.fresh() as dsn:
                runs["ours"].append(self._run("ours", database, dsn))
                before = _versions(dsn)
                runs["resync"].append(self._run("resync", database, dsn))
                require(_versions(dsn) == before, "a resync rewrote rows")
                runs["nothing"].append(self._run("nothing", database, dsn))
            for name in ("cht_sync", "lean"):
                with self.warehouses.fresh() as dsn:
                    runs[name].append(self._run(name, database, dsn))
        for name in ("floor", "ours", "cht_sync", "lean"):
            require({run.documents for run in runs[name]} == {documents}, f"{WHAT[name]}: not everything was read")
        for name in ("ours", "cht_sync", "lean"):
            require({run.written for run in runs[name]} == {documents}, f"{WHAT[name]}: not everything was written")
        return runs

    def sizes(self, sizes: tuple[int, ...]) -> dict[int, list[Run]]:
        """First copies from the feed server; the largest once, because it takes as long as all others together."""
        runs: dict[int, list[Run]] = {size: [] for size in sizes}
        for number in range(self.repeats):
            for size in sizes:
                if number == 0 or size < max(sizes):
                    with self.warehouses.fresh() as dsn:
                        runs[size].append(self._run("ours", f"county-{size}", dsn))
        for size, each in runs.items():
            require({run.written for run in each} == {size}, f"{size} documents: not everything was written")
        return runs

    def comparison(self, database: str, documents: int, copied_from: Source) -> Runs:
        """Comparisons of a correct copy, and the list that they compare with; `copied_from` has the same documents."""
        runs: Runs = {"listing": [], "verify": []}
        with self.warehouses.fresh() as dsn:
            copied = replace(self, source=copied_from)._run("ours", database, dsn)
            require(copied.written == documents, "not everything was copied")
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("vacuum analyze staging.document")  # as it would be by the next night
            self._run("listing", database)
            for _ in range(self.repeats):
                runs["listing"].append(self._run("listing", database))
                runs["verify"].append(self._run("verify", database, dsn))
        require({run.documents for run in runs["verify"]} == {documents}, "not everything was compared")
        return runs

    def requests(self, database: str) -> int:
        """The number of requests of a run with nothing new; only the feed server counts them."""
        with self.warehouses.fresh() as dsn:
            self._run("ours", database, dsn)
            before = self._asked()
            self._run("nothing", database, dsn)
            return self._asked() - before

    def _asked(self) -> int:
        return int(requests.get(f"{self.source.url}/_requests", timeout=60).text)

    def _run(self, name: str, database: str, dsn: str = "") -> Run:
        client, mode = JOBS[name]
        began = time.perf_counter()
        run = measure.run(client, self.source, database, self.warehouses, dsn, mode)
        spent = time.perf_counter() - began
        self.say(f"{self.source.name}, {database}: {WHAT[name]}: {run.seconds:.2f} s (in total {spent:.0f} s)")
        return run


def _versions(dsn: str) -> object:
    with psycopg.connect(dsn) as connection:
        return connection.execute(VERSIONS).fetchall()


def require(right: bool, otherwise: str) -> None:
    """Raises RuntimeError if a client did not do its work, because its figures would be wrong."""
    if not right:
        raise RuntimeError(f"Nothing was measured: {otherwise}")
