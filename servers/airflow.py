"""Airflow on one machine: API server, scheduler, DAG processor and triggerer, started in order, ended completely."""

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from servers import processes, secret
from servers.errors import DemoError
from servers.rest import Rest

LOGIN = "admin"

#: The processes of this run, or of one that was killed, in Airflow's home.
RECORD = "processes.json"

#: The services with their arguments, in the order of their start: a task fails if the API server does not run yet.
#: The log servers are left out: they would take two fixed ports, and the UI reads the logs from the shared folder.
SERVICES = {
    "api-server": [],
    "scheduler": ["--skip-serve-logs"],
    "dag-processor": [],
    "triggerer": ["--skip-serve-logs"],
}

#: Seconds that a service has until its first healthy answer, on a machine that is busy with other work.
PATIENCE = 240.0


class Airflow:
    """Its home, with its secrets and logs, is `home`; `root` has dags/ and plugins/; `dsn` is its own database."""

    def __init__(self, home: Path, root: Path, dsn: str) -> None:
        self.home, self.root, self.dsn = home.resolve(), root.resolve(), dsn
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)  # logs and settings name paths and people
        self.processes = processes.Processes(self.home / RECORD)
        self.services: dict[str, subprocess.Popen[bytes]] = {}
        passwords = secret.keep(self.home / "passwords.json", lambda: json.dumps({LOGIN: secrets.token_urlsafe(9)}))
        self.password: str = json.loads(passwords)[LOGIN]

    def start(self, port: int = 0, progress: Callable[[str], None] = lambda _: None) -> Rest:
        """Starts all services, on `port` or a free one, and waits until they are healthy. Raises DemoError."""
        self.processes.end()
        self.port = free_port(port)
        progress("Airflow prepares its database")
        self.run("db", "migrate")
        rest = Rest(self.url, LOGIN, self.password)
        for services, parts in ((["api-server"], {"metadatabase"}), (list(SERVICES)[1:], _parts())):
            progress(f"Airflow starts: {', '.join(services)}")
            for service in services:
                self._spawn(service)
            self._wait(rest, parts)
        return rest

    @property
    def port(self) -> int:
        return int((self.home / "port").read_text(encoding="utf-8"))

    @port.setter
    def port(self, number: int) -> None:
        (self.home / "port").write_text(str(number), encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str) -> str:
        """Runs a command of Airflow, and returns its output. Raises DemoError."""
        command = [sys.executable, "-m", "airflow", *arguments]
        log = self.home / "command.log"
        done = subprocess.run(
            command, env=self.environment(), cwd=self.root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            log.write_text(done.stdout + done.stderr, encoding="utf-8")
            raise DemoError(f"`airflow {' '.join(arguments[:2])}` failed", f"Its reason is at the end of {log}")
        return done.stdout

    def require_alive(self) -> None:
        """Raises DemoError if a service has ended."""
        for name, process in self.services.items():
            if process.poll() is not None:
                raise DemoError(f"Airflow's {name} has ended", f"Its reason is at the end of {self.home / name}.log")

    def stop(self) -> None:
        """Ends the services, the API server last because tasks report to it, and all processes that they left."""
        for name in ("triggerer", "dag-processor", "scheduler", "api-server"):
            service = self.services.get(name)
            if service is None or service.poll() is not None:
                continue
            if name == "scheduler":
                _stop_scheduler(service)
            else:
                service.terminate()
        for service in self.services.values():
            _ended(service, processes.GRACE)
        self.processes.end()

    def _spawn(self, service: str) -> None:
        command = [sys.executable, "-m", "airflow", service, *SERVICES[service]]
        log = self.home / f"{service}.log"
        self.services[service] = self.processes.spawn(command, self.environment(), self.root, log)

    def _wait(self, rest: Rest, parts: set[str]) -> None:
        end = time.monotonic() + PATIENCE
        while missing := parts - rest.healthy():
            self.require_alive()
            if time.monotonic() > end:
                name = min(missing)
                raise DemoError(
                    f"Airflow's {name} is not healthy after {PATIENCE:.0f} s", f"Look at the logs in {self.home}"
                )
            time.sleep(0.3)

    def environment(self) -> dict[str, str]:
        """The environment of every process of Airflow, without settings of another Airflow on this machine."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)  # without this, Airflow would compile itself at every start
        inherited["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', '')}"
        return inherited | {"AIRFLOW_HOME": str(self.home)} | {f"AIRFLOW__{k}": v for k, v in self._settings().items()}

    def _settings(self) -> dict[str, str]:
        return {
            "CORE__DAGS_FOLDER": str(self.root / "dags"),
            "CORE__PLUGINS_FOLDER": str(self.root / "plugins"),
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "4",  # as many worker processes, all started at once
            "CORE__TEST_CONNECTION": "Enabled",
            "CORE__FERNET_KEY": secret.keep(self.home / "fernet", _fernet),
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{LOGIN}:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "DATABASE__SQL_ALCHEMY_CONN": self.dsn.replace("postgresql://", "postgresql+psycopg://", 1),
            "API__BASE_URL": self.url,
            "API__HOST": "127.0.0.1",
            "API__PORT": str(self.port),
            "API__SECRET_KEY": secret.keep(self.home / "secret"),
            "API_AUTH__JWT_SECRET": secret.keep(self.home / "jwt", lambda: secrets.token_urlsafe(64)),
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",  # a task starts at once, not after a second
            "DAG_PROCESSOR__REFRESH_INTERVAL": "10",  # new files are seen within 10 s, not 5 minutes
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        }


def _parts() -> set[str]:
    """The services except the API server, by their names in the health answer."""
    return {service.replace("-", "_") for service in SERVICES if service != "api-server"}


def free_port(wanted: int) -> int:
    """`wanted`, or a free port for 0. Raises DemoError."""
    try:
        with socket.create_server(("127.0.0.1", wanted)) as free:
            return int(free.getsockname()[1])
    except OSError:
        raise DemoError(f"The port {wanted} is in use", "Name another with PORT=…, or none for a free one") from None


def _stop_scheduler(scheduler: subprocess.Popen[bytes]) -> None:
    """Stops it. It waits for its tasks, however long they take; its workers pass the signal on to them."""
    leader = psutil.Process(scheduler.pid)
    workers, everything = leader.children(), processes.members(leader.pid, leader.create_time())
    scheduler.terminate()
    if not _ended(scheduler, 5):
        processes.signal_all(workers, signal.SIGTERM)
        if not _ended(scheduler, processes.GRACE):
            processes.signal_all(everything, signal.SIGKILL)


def _fernet() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
