"""The figures of bench.extract: rows of the table, and goals."""

import statistics
from collections.abc import Mapping, Sequence

from bench import measure
from bench.measure import Run
from bench.report import Goal, Row, Value
from bench.rounds import WHAT, Runs

#: The source of most goals.
REAL = "CouchDB"


def pace(source: str, documents: int, runs: Runs) -> list[Row]:
    """The clients that read the whole database."""
    return [
        _row(source, what, documents, each, floor=runs["floor"], other=runs["cht_sync"]) for what, each in runs.items()
    ]


def sizes(source: str, runs: Mapping[int, Sequence[Run]]) -> list[Row]:
    """First copies of databases of different size."""
    return [_row(source, "ours", size, each) for size, each in runs.items()]


def comparison(source: str, documents: int, runs: Runs) -> list[Row]:
    """Comparisons of a correct copy."""
    return [_row(source, what, documents, each, floor=runs["listing"]) for what, each in runs.items()]


def _row(
    source: str, what: str, documents: int, runs: Sequence[Run], floor: Sequence[Run] = (), other: Sequence[Run] = ()
) -> dict[str, Value]:
    seconds = [run.seconds for run in runs]
    memory = measure.median(runs, lambda run: run.memory)
    return {
        "source": source,
        "what": WHAT[what],
        "documents": documents,
        "seconds": statistics.median(seconds),
        "least": min(seconds),
        "most": max(seconds),
        "us/doc": statistics.median(seconds) / documents * 1e6,
        "x floor": ratio(runs, floor) if floor else None,
        "x CHT Sync": ratio(other, runs) if other else None,
        "cpu reader": measure.median(runs, lambda run: run.reader),
        "cpu Postgres": measure.median(runs, lambda run: run.postgres),
        "cpu source": measure.median(runs, lambda run: run.source),
        "cpu others": measure.median(runs, lambda run: run.others),
        "peak MB": None if memory is None else memory / 1e6,
        "statements": runs[0].statements or None,
        "writing": runs[0].writing if runs[0].statements else None,
        "Postgres at": measure.seen(runs),
    }


def ratio(runs: Sequence[Run], to: Sequence[Run]) -> float:
    """The median of the ratios of each round, since a disturbance of the machine affects both runs of a round."""
    return statistics.median(run.seconds / other.seconds for run, other in zip(runs, to, strict=True))


def goals(
    paces: Mapping[str, Runs], by_size: Mapping[int, Sequence[Run]], comparisons: Mapping[str, Runs], requests: int
) -> list[Goal]:
    """All goals; one that could not be measured has no value."""
    return [
        *_pace_goals(paces.get(REAL)),
        *_comparison_goals(comparisons),
        *_size_goals(by_size),
        *(goal for source, runs in paces.items() for goal in _again_goals(source, runs)),
        Goal("nothing new: requests", requests, 2),
    ]


def _pace_goals(runs: Runs | None) -> list[Goal]:
    floor = ratio(runs["ours"], runs["floor"]) if runs else None
    other = ratio(runs["cht_sync"], runs["ours"]) if runs else None
    return [
        Goal(f"{REAL}: first copy, times the floor", floor, 1.35),
        Goal(f"{REAL}: first copy, times the floor, where the server's pace would allow it", floor, 1.15),
        Goal(f"{REAL}: first copy, times as fast as CHT Sync's way", other, 2.0, at_most=False),
        Goal(f"{REAL}: the same, where the server's pace would allow it", other, 2.4, at_most=False),
    ]


def _comparison_goals(comparisons: Mapping[str, Runs]) -> list[Goal]:
    found = {source: ratio(runs["verify"], runs["listing"]) for source, runs in comparisons.items()}
    (ours,) = (source for source in found if source != REAL)
    return [
        Goal(f"{REAL}: comparison, times the list thrown away", found.get(REAL), 1.5),
        Goal(f"{ours}: comparison, times the list thrown away", found[ours], 4.0),
    ]


def _size_goals(by_size: Mapping[int, Sequence[Run]]) -> list[Goal]:
    each = {size: statistics.median(run.seconds for run in runs) / size for size, runs in by_size.items()}
    peaks = {size: statistics.median(run.memory for run in runs) / 1e6 for size, runs in by_size.items()}
    return [
        Goal("time a document, longest of the sizes to shortest", max(each.values()) / min(each.values()), 1.15),
        Goal("peak memory above import, MB, most of the sizes", max(peaks.values()), 150),
        Goal("peak memory, largest database to smallest", peaks[max(peaks)] / peaks[min(peaks)], 1.15),
    ]


def _again_goals(source: str, runs: Runs) -> list[Goal]:
    speed = ratio(runs["ours"], runs["resync"])
    return [
        Goal(f"{source}: resync with nothing changed, times as fast as a first copy", speed, 1.5, at_most=False),
        Goal(f"{source}: resync with nothing changed, rows written", max(run.written for run in runs["resync"]), 0),
        Goal(f"{source}: nothing new: statements that write", max(run.writing for run in runs["nothing"]), 1),
    ]
