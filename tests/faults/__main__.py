"""`make faults`: the campaign, its figures, and bench/results/faults.json. COUCHDB_URL names a real CouchDB for it."""

import argparse
import contextlib
import os
import secrets
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests

from bench import report
from servers.standin import StandIn
from tests.faults import campaign
from tests.faults.campaign import Campaign, Result
from tests.lib.paths import ROOT

#: What must not be found, by the kinds of tests.faults.verdict and tests.faults.explained.
GOALS = {
    "documents lost": "lost",
    "documents invented": "invented",
    "documents stale": "stale",
    "checkpoints wrong": "checkpoint",
    "errors that nothing caused": "error",
    "runs that did not end": "hung",
}


def main() -> int:
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are stopped
    with couchdb() as (url, auth, version), campaign.opened(url, auth) as opened:
        wanted = f"{asked.faults:,} faults" if asked.world is None else f"World {asked.world} alone"
        print(f"{wanted} between {version}, the extraction and Postgres; seed {asked.seed}", flush=True)
        if asked.world is None:
            result = opened.run(asked.seed, asked.faults, say=lambda text: print(text, flush=True))
        else:
            result = opened.one(asked.seed, asked.world)
        met = report.write("faults", rows(result), goals(result, asked.faults), versions(opened, version, result))
    return 0 if met or (asked.world is not None and not result.outcome.findings) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--world", type=int, default=None, help="this world of the seed, and no other")
    asked = parser.parse_args()
    asked.seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    return asked


@contextlib.contextmanager
def couchdb() -> Iterator[tuple[str, tuple[str, str], str]]:
    """Address, login and version of the CouchDB of COUCHDB_URL, or of a stand-in."""
    if given := os.environ.get("COUCHDB_URL"):
        parts = urlsplit(given)
        url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
        auth = unquote(parts.username or ""), unquote(parts.password or "")
        yield url, auth, f"CouchDB {requests.get(url, auth=auth, timeout=30).json()['version']}"
        return
    with tempfile.TemporaryDirectory(prefix="cht-sync-") as folder:
        server = StandIn(Path(folder), packages=ROOT / ".local" / "node")
        url, *login = server.start()
        try:
            yield url, (login[0], login[1]), "the CouchDB stand-in"
        finally:
            server.stop()


def rows(result: Result) -> list[report.Row]:
    """Faults by kind, the ends of the runs, and the comparisons."""
    copies = Counter({"judged": result.outcome.judged, "judged as caught up": result.outcome.compared})
    kinds = {
        "fault": result.outcome.injected,
        "run ended": result.outcome.ended,
        "wrong": result.findings,
        "copy": copies,
        "in all": Counter({"databases": result.worlds, "seconds": round(result.seconds)}),
    }
    return [
        {"what": what, "kind": kind, "count": times}
        for what, counted in kinds.items()
        for kind, times in counted.most_common()
        if times
    ]


def goals(result: Result, wanted: int) -> list[report.Goal]:
    found = [report.Goal(name, result.findings[kind], 0) for name, kind in GOALS.items()]
    return [report.Goal("faults injected", result.faults, wanted, at_most=False), *found]


def versions(opened: Campaign, couchdb: str, result: Result) -> dict[str, str]:
    """The versions of the servers, and the settings that repeat the run."""
    full = "a tablespace on a small file system" if opened.server.small else "an error that a trigger raises"
    return {"couchdb": couchdb, "postgres": opened.server.version(), "full disk": full, "seed": str(result.seed)}


if __name__ == "__main__":
    sys.exit(main())
