"""Runs of the extraction, each in its own process, so that it can be killed."""

import contextlib
import faulthandler
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import psycopg
from cht_sync import couchdb, warehouse
from cht_sync.copy import extract
from cht_sync.copy.job import Job
from cht_sync.copy.progress import Progress
from cht_sync.copy.reading import page

#: New processes are forked from one that has loaded these modules and has no threads.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])

#: Bytes of lines in one chunk: pages are small here, and must consist of several chunks all the same.
CHUNK = 1_000

#: Seconds to connect to CouchDB, and to wait for a byte; the longest pause.
TIMEOUT, PAUSE = (2.0, 0.6), 0.002

#: A run hangs after this number of seconds without a sign of life, or after this number in total.
HANGS, LONGEST = 30, 600


@dataclass(frozen=True)
class Task:
    """The input of a run. If `unlocked`, its lock does not stop others, as with a pooler that shares connections."""

    dsn: str
    server: couchdb.Server
    source: str
    database: str
    options: extract.Options
    unlocked: bool = False


@dataclass(frozen=True)
class Ended:
    """The end of a run: `progress` if it succeeded, else the kind of its error; neither if it was killed."""

    progress: Progress | None = None
    error: str = ""
    text: str = ""
    signal: int | None = None
    hung: bool = False

    def __str__(self) -> str:
        if self.progress:
            return "caught up" if self.progress.caught_up else "time was over"
        return self.error or ("hung" if self.hung else "killed")


class Run:
    """A run that has started."""

    def __init__(self, task: Task) -> None:
        self.end, theirs = CONTEXT.Pipe(duplex=False)
        self.process: BaseProcess = CONTEXT.Process(target=_run, args=(task, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def kill(self) -> bool:
        """Ends it by SIGKILL; False if it had ended before."""
        if not self.process.is_alive():
            return False
        self.process.kill()
        return True

    def wait(self, sign: Callable[[], int]) -> Ended:
        """Waits until it ends; a run that hangs is killed. `sign` changes its number while the run works."""
        ended = Ended()
        with contextlib.suppress(EOFError):
            if self._ends(sign):
                ended = self.end.recv()
            else:
                os.kill(self.process.pid or 0, signal.SIGUSR1)  # prints where it hangs
                self.end.poll(1)
                self.process.kill()
                ended = Ended(hung=True)
        self.process.join()
        self.end.close()
        code = self.process.exitcode or 0
        return ended if ended != Ended() or code >= 0 else Ended(signal=-code)

    def _ends(self, sign: Callable[[], int]) -> bool:
        """Counts second by second: a halt of the whole machine counts as one second."""
        before, quiet = sign(), 0
        for _ in range(LONGEST):
            if self.end.poll(1):
                return True
            quiet = quiet + 1 if sign() == before else 0
            before = sign()
            if quiet == HANGS:
                return False
        return False


def _run(task: Task, end: Connection) -> None:
    """The work of the process."""
    logging.disable()
    faulthandler.register(signal.SIGUSR1)
    page.CHUNK = CHUNK
    if task.unlocked:
        warehouse.lock = _unlocked  # type: ignore[assignment]
    try:
        end.send(Ended(progress=_extract(task)))
    except Exception as error:
        end.send(Ended(error=type(error).__name__, text=str(error)[:500]))


def _extract(task: Task) -> Progress:
    client = partial(couchdb.Client, task.server, TIMEOUT)
    with warehouse.connect(partial(psycopg.connect, task.dsn, connect_timeout=5)) as connection:
        job = Job(connection, client, task.source, task.database, lambda _: None, _pause)
        return extract.run(job, task.options)


def _pause(seconds: float) -> None:
    time.sleep(min(seconds, PAUSE))


@contextlib.contextmanager
def _unlocked(*_: Any) -> Iterator[None]:
    yield
