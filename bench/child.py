"""One client in its own process: it reads its task from stdin, and writes the cost of the task to stdout.

The address of a server may hold a password. A list of processes does not show stdin.
"""

import json
import resource
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from bench import clients

STATUS, PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main() -> None:
    given = json.loads(sys.stdin.read())
    client = clients.CLIENTS[given.pop("client")]
    place = clients.Place(**given)
    with suppress(OSError):
        PEAK.write_text("5", encoding="ascii")  # reset the peak, so that it does not include the imports
    imported, before, began = _peak(), _cpu(), time.perf_counter()
    done = client(place)
    seconds = time.perf_counter() - began
    print(json.dumps({**asdict(done), "seconds": seconds, "cpu": _cpu() - before, "memory": _peak() - imported}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak() -> int:
    """Bytes. On Linux rusage includes the peak of the parent process, so this reads /proc/self/status there."""
    if STATUS.exists():
        line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
