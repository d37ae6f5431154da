"""The table of what is asked again, and the pauses."""

import logging

import pytest
from cht_sync import errors
from cht_sync.couchdb import retry

from tests.lib.paths import ROOT

TEXT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")

LOST = errors.Unreachable("It does not answer", "Wait")


class Time:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)

    def backoff(self, seconds: float = 1e9, chance: float = 1.0) -> retry.Backoff:
        return retry.Backoff(seconds, self.pause, lambda: self.now, lambda: chance)


def test_the_table_of_the_docs_is_that_of_the_code() -> None:
    _, _, table = TEXT.partition("| what comes instead of an answer | error | then |\n|---|---|---|\n")
    rows = [line.strip("| ").split(" | ") for line in table.partition("\n\n")[0].splitlines()]
    code = [
        [case.what, case.error.__name__, "again" if issubclass(case.error, errors.PassingError) else "final"]
        for case in retry.TABLE
    ]
    assert rows == code


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, errors.ServerBusy),
        (599, errors.ServerBusy),
        (429, errors.ServerBusy),
        (404, errors.DatabaseMissing),
        (418, errors.NotCouchDB),
        (304, errors.NotCouchDB),
    ],
)
def test_a_status_has_its_meaning(status: int, error: type[errors.SyncError]) -> None:
    assert retry.meaning(status) is error


def test_pauses_double_up_to_a_minute_and_are_short_again_after_a_success() -> None:
    time = Time()
    backoff = time.backoff()
    for _ in range(9):
        backoff.wait(LOST)
    backoff.succeeded()
    backoff.wait(LOST)
    assert time.pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 0.5]


def test_a_pause_is_drawn_by_chance_from_nothing_up_to_its_limit() -> None:
    time = Time()
    for chance in (0, 0.25, 0.75):
        time.backoff(chance=chance).wait(LOST)
    assert time.pauses == [0, 0.125, 0.375]
    drawn = [Time() for _ in range(50)]
    for each in drawn:
        retry.Backoff(60, each.pause).wait(LOST)
    assert len({each.pauses[0] for each in drawn}) > 40
    assert all(0 <= each.pauses[0] <= 0.5 for each in drawn)


def test_what_the_server_asks_for_comes_on_top_of_what_is_drawn() -> None:
    time = Time()
    time.backoff().wait(errors.ServerBusy("It is busy", "Wait", retry_after=7))
    assert time.pauses == [7.5]


def test_a_pause_that_would_end_after_the_time_is_not_begun() -> None:
    time = Time()
    backoff = time.backoff(seconds=3)
    backoff.wait(LOST)
    backoff.wait(LOST)
    with pytest.raises(errors.Unreachable):
        backoff.wait(LOST)
    assert time.pauses == [0.5, 1]
    with pytest.raises(errors.ServerBusy):
        time.backoff(seconds=10).wait(errors.ServerBusy("It is busy", "Wait", retry_after=3600))


def test_work_takes_of_the_time_too() -> None:
    time = Time()
    backoff = time.backoff(seconds=60)
    time.now = 59.9
    with pytest.raises(errors.Unreachable):
        backoff.wait(LOST)


def test_only_what_passes_is_insisted_on() -> None:
    time = Time()
    answers = iter([LOST, LOST, "found"])

    def ask() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert time.backoff().insist(ask) == "found"
    assert len(time.pauses) == 2

    def refused() -> str:
        raise errors.LoginRefused("It is refused", "Correct the password")

    with pytest.raises(errors.LoginRefused):
        time.backoff().insist(refused)
    assert len(time.pauses) == 2


def test_it_says_what_it_waits_for_while_it_does(caplog: pytest.LogCaptureFixture) -> None:
    time = Time()
    backoff = time.backoff()
    with caplog.at_level(logging.WARNING):
        backoff.wait(LOST)
    assert backoff.waiting == "It does not answer; retried in 0.5 s"
    assert caplog.messages == [backoff.waiting]
    backoff.succeeded()
    assert backoff.waiting == ""
