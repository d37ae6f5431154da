"""A session's processes are found and ended, whatever groups and parents they have."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from servers.processes import Processes, members
from tests.lib.waiting import until

#: Starts a child in a process group of its own, which ignores SIGTERM, prints its pid and waits.
PARENT = """
import subprocess, sys, signal, time
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"],
    process_group=0, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def start(folder: Path) -> tuple[Processes, subprocess.Popen[bytes], int]:
    """A process on record, and the pid of its child."""
    processes = Processes(folder / "processes.json")
    log = folder / "log"
    process = processes.spawn([sys.executable, "-c", PARENT], os.environ, folder, log)
    until(lambda: log.exists() and log.read_text().endswith("\n"), "the child is up")
    return processes, process, int(log.read_text())


def test_a_later_start_ends_what_a_killed_one_has_left(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("servers.processes.GRACE", 0.5)
    _, process, child = start(tmp_path)
    process.kill()  # its child lives on, without a parent
    process.wait()
    assert not gone(child)

    assert Processes(tmp_path / "processes.json").end() == 1

    assert gone(child)
    assert not (tmp_path / "processes.json").exists()


def test_all_of_a_session_ends(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("servers.processes.GRACE", 0.5)
    processes, process, child = start(tmp_path)
    assert processes.end() == 2
    assert gone(process.pid)
    assert gone(child)


def test_a_number_that_now_is_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        created = psutil.Process(other.pid).create_time()
        assert [process.pid for process in members(other.pid, created)] == [other.pid]
        (tmp_path / "processes.json").write_text(json.dumps([[other.pid, created - 3600]]))
        assert Processes(tmp_path / "processes.json").end() == 0
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_nothing_on_record_is_nothing_to_end(tmp_path: Path) -> None:
    assert Processes(tmp_path / "processes.json").end() == 0
