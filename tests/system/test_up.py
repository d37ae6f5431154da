"""The whole demo, as `make demo` runs it: killed and started again, shown once, served and stopped."""

import datetime
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import psycopg
import pytest
from cht_sync import instances

from county import generator
from servers.postgres import Postgres
from servers.processes import members
from tests.lib import comparing, expected, memory
from tests.lib.paths import ROOT
from tests.lib.waiting import until

SIZE, SEED = 600, 7

#: On the slowest machine that the tests are run on, with something else running.
LIMIT = 400


@dataclass
class Demo:
    """One folder's demo; `run` starts it, `log` has what it printed."""

    home: Path

    @property
    def out(self) -> Path:
        return self.home / "out.csv"

    def run(self, *arguments: str, **environment: str) -> "Run":
        inherited = {k: v for k, v in os.environ.items() if k not in ("COUCHDB_URL", "CHT_WAREHOUSE_DSN")}
        given = {"CHT_DEMO_HOME": str(self.home), "OUT": str(self.out), "SIZE": str(SIZE), "SEED": str(SEED)}
        log = self.home / f"run-{secrets.token_hex(4)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "demo", *arguments],
                cwd=ROOT,
                env=inherited | given | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Run(process, log)

    def passwords(self) -> set[str]:
        files = (
            self.home / name for name in ("postgres/password", "couchdb/password", "airflow/fernet", "airflow/jwt")
        )
        logins = json.loads((self.home / "airflow" / "passwords.json").read_text())
        return {file.read_text() for file in files} | set(logins.values())

    def processes(self) -> list[psutil.Process]:
        """Every living process that the demo of this folder has started: its services and its servers."""
        record = self.home / "airflow" / "processes.json"
        leaders = json.loads(record.read_text()) if record.exists() else []
        found = [process for pid, created in leaders for process in members(pid, created)]
        return found + [p for p in psutil.process_iter() if str(self.home) in " ".join(command(p)) and alive(p)]


@dataclass
class Run:
    process: subprocess.Popen[bytes]
    log: Path

    def wait_line(self, text: str) -> None:
        def there() -> bool:
            ended = self.process.poll() is not None
            assert text in self.log.read_text() or not ended, f"it has ended without {text!r}:\n{self.log.read_text()}"
            return text in self.log.read_text()

        until(there, text, LIMIT)

    def wait_end(self) -> int:
        return self.process.wait(LIMIT)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with tempfile.TemporaryDirectory(prefix="cht-sync-", dir=memory.folder(), ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root Postgres runs as `nobody`
        demo = Demo(Path(folder))
        yield demo
        for process in demo.processes():
            process.kill()


def test_killed_and_started_again_it_shows_what_the_generator_knows(demo: Demo) -> None:
    killed = demo.run("up")
    killed.wait_line("Airflow starts: scheduler")
    record = demo.home / "airflow" / "processes.json"
    until(lambda: len(json.loads(record.read_text())) == 4, "all services are on record")
    killed.process.kill()
    killed.wait_end()
    left = [process for pid, created in json.loads(record.read_text()) for process in members(pid, created)]
    assert left, "the kill was to leave services running"

    once = demo.run("up", ONCE="1")

    assert once.wait_end() == 0, once.log.read_text()
    assert not [process for process in left if alive(process)]
    assert demo.processes() == []
    wanted = generator.build(SEED, SIZE).expected()
    assert comparing.differences(comparing.read(demo.out, "demo/medic"), wanted) == []
    said = once.log.read_text()
    assert "As of 20" in said
    assert " documents, the copy is the same." in said
    yesterday = datetime.datetime.now(ZoneInfo(instances.read().timezone)).date() - datetime.timedelta(1)
    days = days_shown(said)
    assert len(days) == 7
    assert days[-1] == [f"{yesterday}", "demo/medic", *persons_shown(said)]
    assert "http://127.0.0.1:" in said


def test_served_documents_of_a_file_are_counted_and_days_filled(demo: Demo) -> None:
    """The file comes in the county's place; SIGTERM then ends everything."""
    documents = [
        {"_id": "a", "type": "district_hospital", "name": "A"},
        {"_id": "h", "type": "clinic", "name": 'H, "the"\nhome', "parent": {"_id": "a"}},
        {"_id": "p", "type": "person", "patient_id": "1", "parent": {"_id": "h"}, "reported_date": 1_700_000_000_000},
        {"_id": "q", "type": "person", "date_of_death": "2024-01-01", "parent": {"_id": "a"}},
        {"_id": "r", "type": "person"},
    ]
    file = demo.home / "data.ndjson"
    file.write_text("".join(json.dumps(document) + "\n" for document in documents))
    serving = demo.run("up", DATA=str(file))
    serving.wait_line("The schedules are on")

    rows = comparing.read(demo.out, "demo/medic")
    assert comparing.differences(rows, expected.counts(documents)) == []
    assert demo.run("up").wait_end() == 1, "a second one alongside it"

    filling = demo.run("backfill", "2026-01-01", "2026-01-03")
    assert filling.wait_end() == 0, filling.log.read_text()
    assert "3 days are filled: 2026-01-01 to 2026-01-03" in filling.log.read_text()
    with psycopg.connect(Postgres(demo.home / "postgres").dsn("warehouse")) as warehouse:
        days = warehouse.execute("select distinct day::text from history.area_day order by 1").fetchall()
        assert {"2026-01-01", "2026-01-02", "2026-01-03"} <= {day for (day,) in days}

    processes = demo.processes()
    assert {"node", "postgres"} <= {process.name() for process in processes}
    shown = "\n".join(" ".join(command(process)) for process in psutil.process_iter())
    logs = "\n".join(file.read_text(errors="replace") for file in demo.home.rglob("*") if is_log(file))
    for password in demo.passwords():
        assert password not in shown
        assert password not in logs

    serving.process.send_signal(signal.SIGTERM)
    assert serving.wait_end() == 0
    assert [process for process in processes if alive(process)] == []
    assert demo.processes() == []


def persons_shown(said: str) -> list[str]:
    """Persons and patients of the table of areas: of those at the top, and the unplaced."""
    table = said.split("\narea ")[1].split("\n\n")[0]
    tops = [line.replace(",", "").split()[-8:] for line in table.splitlines()[2:] if not line.startswith(" ")]
    return [str(sum(int(numbers[column]) for numbers in tops)) for column in (0, 4)]


def days_shown(said: str) -> list[list[str]]:
    """Of the table of past days: the day, the source, persons and patients of each line."""
    table = said.split("Past days (history.area_day)")[1].split("\n\n")[0]
    return [line.replace(",", "").split()[:4] for line in table.splitlines()[3:]]


def is_log(file: Path) -> bool:
    return file.is_file() and (file.suffix == ".log" or file.name == "log")


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
