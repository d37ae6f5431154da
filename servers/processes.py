"""Processes that must not outlive the demo: each leads its own session, and all sessions are on record.

Every child of a process stays in its session, even if it gets its own process group (as Airflow's tasks do) or loses
its parent. So a session's members can be found and ended at any time, by this start of the demo or, after a SIGKILL, by
the next one.
"""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

#: Seconds between asking a process to end and ending it.
GRACE = 10.0


class Processes:
    """The sessions on record in `file`, as [pid, time of creation] of each session's leader."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def spawn(self, command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> subprocess.Popen[bytes]:
        """Starts it; `log` has only the output of this start."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._write([*self._read(), (process.pid, psutil.Process(process.pid).create_time())])
        return process

    def end(self) -> int:
        """Ends every process of the sessions on record, deletes the record, and returns the number of processes."""
        found = [process for leader, created in self._read() for process in members(leader, created)]
        signal_all(found, signal.SIGTERM)
        _, left = psutil.wait_procs(found, timeout=GRACE)
        signal_all(left, signal.SIGKILL)
        psutil.wait_procs(left, timeout=GRACE)
        self.file.unlink(missing_ok=True)
        return len(found)

    def _read(self) -> list[tuple[int, float]]:
        if not self.file.exists():
            return []
        return [(pid, created) for pid, created in json.loads(self.file.read_text(encoding="utf-8"))]

    def _write(self, leaders: list[tuple[int, float]]) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(leaders), encoding="utf-8")
        new.replace(self.file)


def members(leader: int, created: float) -> list[psutil.Process]:
    """The living processes of a session; none if a later process has its number."""
    with contextlib.suppress(psutil.NoSuchProcess):
        if abs(psutil.Process(leader).create_time() - created) > 1:
            return []
    return [process for process in psutil.process_iter() if _session(process) == leader and _alive(process)]


def signal_all(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)  # psutil makes sure that the pid is still this process


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except OSError:
        return None


def _alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
