"""The documents in the demo's CouchDB: the invented county, those of a file, or what was there already."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import requests
from cht_sync.errors import SyncError

from county import generator
from county.writes import Round
from demo import activity, load
from demo.ndjson import Lines
from demo.settings import CouchDB, Settings
from servers.errors import DemoError

DATABASE = "medic"

#: Seconds between two of the changes that the demo writes.
PERIOD = 5.0

#: How many unreadable lines of a file are listed.
NAMED = 10

Progress = Callable[[str], None]


class Note:
    """Notes in `file` what was loaded, once it is complete: the next start keeps it if the same is wanted."""

    def __init__(self, file: Path, settings: Settings) -> None:
        self.file = file
        self.wanted = settings.content
        noted = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        self.is_new = noted.get("content") != self.wanted
        self.is_ours = bool(noted.get("is_ours"))
        if self.is_new:
            file.unlink(missing_ok=True)

    def write(self, *, is_ours: bool) -> None:
        self.is_ours = is_ours
        self.file.write_text(json.dumps({"content": self.wanted, "is_ours": is_ours}), encoding="utf-8")


def fill(couchdb: CouchDB, settings: Settings, progress: Progress) -> bool:
    """Loads the wanted documents if there are none yet; returns whether these are invented. Raises DemoError."""
    documents = count(couchdb)
    if documents and settings.data:
        raise DemoError(
            f"The database {DATABASE} at COUCHDB_URL already has {documents:,} documents",
            "DATA=FILE needs an empty database: leave out COUCHDB_URL or DATA",
        )
    if documents:
        progress(f"CouchDB already has {documents:,} documents in {DATABASE}: nothing is loaded")
        return False
    if settings.data:
        lines = load.read_ndjson(settings.data)
        try:
            _load(couchdb, lines, progress)
        finally:
            _report_left_out(lines, progress)
        return False
    _load(couchdb, generator.build(settings.seed, settings.size).writes, progress)
    return True


def _report_left_out(lines: Lines, progress: Progress) -> None:
    for bad in lines.bad[:NAMED]:
        progress(f"Line {bad.number:,} of {lines.path} was left out: {bad.reason}")
    if len(lines.bad) > NAMED:
        progress(f"… and {len(lines.bad) - NAMED:,} more lines")


def _load(couchdb: CouchDB, writes: Iterable[Round], progress: Progress) -> None:
    def report(done: int, total: int | None) -> None:
        if done // 5000 > (done - 500) // 5000 or done == total:
            progress(f"Loaded {done:,}{f' of {total:,}' if total else ''} documents")

    loaded = load.load(couchdb.url, couchdb.auth, writes, report)
    if not loaded.written:
        raise DemoError(
            "No document could be loaded", "DATA=FILE.ndjson names a file with one document a line, each with its _id"
        )
    for refused in loaded.refused:
        progress(f"CouchDB refused {refused.count:,} documents of {refused.database}: {refused.reason}")


def count(couchdb: CouchDB) -> int:
    """Live documents of the main database; 0 if there is none. Raises DemoError if there is no CouchDB."""
    try:
        answer = requests.get(f"{couchdb.url}/{DATABASE}", auth=couchdb.auth, timeout=60)
        if answer.status_code in (401, 403):
            raise DemoError("CouchDB refuses the login of COUCHDB_URL", "Correct the login and the password in it")
        return 0 if answer.status_code == requests.codes.not_found else int(answer.json()["doc_count"])
    except requests.RequestException:
        raise DemoError("Nothing answers at the address of COUCHDB_URL", "Correct it, or start that server") from None
    except (ValueError, KeyError, TypeError):
        raise DemoError("What answers at COUCHDB_URL is not a CouchDB", "Give the address of CouchDB itself") from None


@contextlib.contextmanager
def changing(couchdb: CouchDB, settings: Settings, progress: Progress) -> Iterator[None]:
    """Registers, moves, mutes and reports while the block runs."""
    stop = threading.Event()

    def change() -> None:
        try:
            activity.run(couchdb.url, couchdb.auth, settings.seed, stop, PERIOD)
        except SyncError as error:
            progress(f"The demo has stopped writing changes: {error}")

    thread = threading.Thread(target=change, name="activity", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(2 * PERIOD)
