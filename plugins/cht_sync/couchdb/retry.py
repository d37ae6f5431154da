"""Which requests to CouchDB are retried, and when: the one table of cases, and the pauses."""

import email.utils
import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from cht_sync import errors
from cht_sync.errors import PassingError, ServerBusy, SyncError

log = logging.getLogger(__name__)

T = TypeVar("T")
Pause = Callable[[float], object]

#: Seconds of the longest first pause; each further one may be twice as long, up to MOST.
FIRST, MOST = 0.5, 60.0


class Case(NamedTuple):
    """A way in which a request fails, with its error. Requests are retried after a passing error only."""

    what: str
    error: type[SyncError]


#: docs/reliability.md has the same table. A status that is not named here is NotCouchDB.
TABLE = (
    Case("refused, reset, or a name that is not found", errors.Unreachable),
    Case("no answer in time", errors.Unreachable),
    Case("a body cut off, or that stalls", errors.PageCut),
    Case("408", ServerBusy),
    Case("425", ServerBusy),
    Case("429", ServerBusy),
    Case("5xx", ServerBusy),
    Case("400", errors.SinceRefused),
    Case("401", errors.LoginRefused),
    Case("403", errors.LoginRefused),
    Case("404", errors.DatabaseMissing),
    Case("a redirect, another status, or a body that is not CouchDB's", errors.NotCouchDB),
    Case("a certificate that is not trusted", errors.ConfigurationInvalid),
    Case("another identity of the database", errors.SourceReplaced),
)

_STATUSES = {case.what: case.error for case in TABLE}


def meaning(status: int) -> type[SyncError]:
    """The error of a status other than 200."""
    return _STATUSES.get(str(status)) or _STATUSES.get(f"{status // 100}xx") or errors.NotCouchDB


class Backoff:
    """The pauses of one run between its tries, with full jitter, so that clients do not all return at once.

    A pause is the time that CouchDB asked for, if it did, plus a random time up to a limit that doubles. The sum of all
    pauses, and the time since the beginning, stay within `seconds`. `waiting` says what the run waits for, else empty.
    """

    def __init__(
        self,
        seconds: float,
        pause: Pause = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._seconds, self._clock, self._chance = seconds, clock, chance
        self.pause = pause
        self._began, self._paused, self._tries = clock(), 0.0, 0
        self.waiting = ""

    def succeeded(self) -> None:
        """Makes the next pause a short one again."""
        self._tries, self.waiting = 0, ""

    def wait(self, error: PassingError) -> None:
        """Pauses before the next try. Raises the error if the time would be over by then."""
        asked = error.retry_after if isinstance(error, ServerBusy) else None
        seconds = (asked or 0) + self._chance() * min(MOST, FIRST * 2 ** min(self._tries, 20))
        if max(self._clock() - self._began, self._paused) + seconds > self._seconds:
            raise error
        self.waiting = f"{error.what}; retried in {seconds:.1f} s"
        log.warning("%s", self.waiting)
        self._tries += 1
        self._paused += seconds
        self.pause(seconds)

    def insist(self, ask: Callable[[], T]) -> T:
        """Calls `ask` until it succeeds; returns its value. Raises the last error when the time is up."""
        while True:
            try:
                given = ask()
            except PassingError as error:
                self.wait(error)
            else:
                self.succeeded()
                return given


def seconds_asked(retry_after: str, date: str) -> float | None:
    """The seconds of the header Retry-After: a number, or a date by the server's clock `date`. None if neither."""
    if retry_after.isdecimal():
        return float(retry_after)
    at = _date(retry_after)
    return None if at is None else max(0.0, (at - (_date(date) or datetime.now(UTC))).total_seconds())


def _date(header: str) -> datetime | None:
    try:
        at = email.utils.parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return at.replace(tzinfo=at.tzinfo or UTC)
