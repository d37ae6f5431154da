"""The benchmark of the copy, with few documents: that it measures what it says, not how fast that is."""

import json
from pathlib import Path

import pytest

from bench import extract, figures
from bench.extract import Plan
from bench.measure import Run
from bench.rounds import WHAT

FEW = Plan(documents=300, sizes=(100, 300), verified=200, repeats=1)


def test_everything_is_measured_and_printed(postgres: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That all documents were read and written is required by the benchmark itself."""
    said: list[str] = []
    extract.bench(Plan(FEW.documents, FEW.sizes, FEW.verified, FEW.repeats, warehouse=postgres), said.append, tmp_path)
    found = json.loads((tmp_path / "extract.json").read_text(encoding="utf-8"))
    paced = [row["what"] for row in found["rows"] if row["documents"] == 300 and row["x floor"]]
    assert paced == [WHAT[what] for what in ("floor", "ours", "resync", "nothing", "cht_sync", "lean")]
    assert [row["documents"] for row in found["rows"][6:]] == [100, 300, 200, 200]
    goals = {goal["name"]: goal for goal in found["goals"]}
    assert goals["nothing new: requests"]["value"] == 2
    assert goals["feed server: nothing new: statements that write"]["value"] == 1
    assert goals["feed server: resync with nothing changed, rows written"]["value"] == 0
    assert goals["CouchDB: first copy, times the floor"]["value"] is None
    assert goals["CouchDB: first copy, times the floor"]["met"] is False
    assert "not measured" in capsys.readouterr().out
    assert len(said) == 15


def run(seconds: float, memory: int = 0) -> Run:
    return Run(1, 1, 0, 0, seconds, memory, 0, None, None, None, figures.measure.Counter())


def test_a_ratio_is_that_of_each_round() -> None:
    assert figures.ratio([run(4), run(20), run(6)], [run(2), run(10), run(2)]) == 2


def test_time_and_memory_are_compared_over_the_sizes() -> None:
    by_size = {10: [run(1, 8_000_000), run(3, 8_000_000), run(2, 8_000_000)], 100: [run(30, 10_000_000)]}
    time, most, growth = figures._size_goals(by_size)
    assert (time.value, most.value, growth.value) == (pytest.approx(1.5), 10, 1.25)


def test_what_is_asked_for_comes_from_the_environment() -> None:
    asked = {
        "DOCUMENTS": "10",
        "SIZES": "1 2",
        "VERIFIED": "3",
        "REPEATS": "1",
        "COUCHDB_URL": "http://h",
        "OTHER": "x",
    }
    assert Plan.read(asked) == Plan(10, (1, 2), 3, 1, "http://h", None)
    assert Plan.read({"DOCUMENTS": ""}) == Plan()
