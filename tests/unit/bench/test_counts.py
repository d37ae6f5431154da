"""The benchmark of the counts: made of a county small enough for a test, it ends, and its numbers agree."""

import io
import json
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import pytest

from bench import counts
from bench.county import Size
from bench.report import Goal


def test_a_tiny_county_is_measured(tmp_path: Path) -> None:
    shown = io.StringIO()
    with redirect_stdout(shown):
        assert counts.main(["tiny"], tmp_path) == 0
    found = json.loads((tmp_path / "counts.json").read_text(encoding="utf-8"))
    rows = {row["what"]: row for row in found["rows"]}
    assert rows["the county is made"]["documents"] == rows["all models from nothing"]["documents"]
    assert rows["1,000 persons change: update_models"]["documents"] == 1000
    assert rows["a place with 5,120 descendants moves: update_models"]["documents"] > 1000
    assert rows["a district is muted: update_models"]["documents"] == 1
    assert rows["another day begins: update_models"]["documents"] == 0
    assert all(row["fold"] < row["seconds"] for row in rows.values() if "fold" in row)
    run = rows["a run of cht_marts after 1,000 persons change"]
    assert run["seconds"] == pytest.approx(run["models"] + run["marts"] + run["checks"])
    hourly = rows["once an hour: the other marts and checks"]
    assert hourly["seconds"] == pytest.approx(hourly["marts"] + hourly["checks"])
    assert min(hourly["marts"], hourly["checks"]) > 0
    assert rows["a day of history"]["seconds"] > 0
    assert found["versions"]["postgres"]
    assert "materialized view refreshed after a district is muted" in shown.getvalue()


def test_ten_million_are_compared_with_one_by_the_change_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = Size("1m", 150, 300), Size("10m", 300, 300)
    monkeypatch.setattr(counts, "SIZES", {"1m": small, "10m": large})
    monkeypatch.setattr(counts, "PERSONS", replace(counts.PERSONS, rows=100))
    monkeypatch.setattr(counts, "CHANGES", (counts.PERSONS, *counts.CHANGES[1:]))
    with redirect_stdout(io.StringIO()):
        assert counts.main(["10m"], tmp_path) == 0
    found = json.loads((tmp_path / "counts-10m.json").read_text(encoding="utf-8"))
    assert [row["size"] for row in found["rows"] if row["what"] == "all models from nothing"] == ["1m", "10m"]
    assert found["name"] == "counts-10m"
    assert "1,000 persons, fold: 10m / 1m" in [goal["name"] for goal in found["goals"]]


def test_what_is_wanted_is_of_large_counties() -> None:
    rows = [row | {"size": size} for size, seconds in (("tiny", 1.0), ("1m", 1.0), ("10m", 1.2)) for row in of(seconds)]
    assert counts.goals(rows) == [
        Goal("1m, 1,000 persons: refresh / fold", pytest.approx(200), 100, at_most=False),
        Goal("1m, 1,000 persons: refresh / update_models", pytest.approx(20), 20, at_most=False),
        Goal("1m, all models: documents a second", 25_000, 20_000, at_most=False),
        Goal("10m, 1,000 persons: refresh / fold", pytest.approx(200), 100, at_most=False),
        Goal("10m, 1,000 persons: refresh / update_models", pytest.approx(20), 20, at_most=False),
        Goal("10m, all models: documents a second", 25_000, 20_000, at_most=False),
        Goal("1m, a run of cht_marts: seconds", 2, 3),
        Goal("1m, a day of history: seconds", 1, 2),
        Goal("1,000 persons, fold: 10m / 1m", pytest.approx(1.2), 1.5),
        Goal("1,000 persons, update_models: 10m / 1m", pytest.approx(1.2), 1.5),
    ]


def of(seconds: float) -> list[dict[str, str | float]]:
    """The rows that goals are of."""
    return [
        {"what": "1,000 persons change: update_models", "seconds": seconds, "fold": seconds / 10},
        {"what": "materialized view refreshed after 1,000 persons change", "seconds": seconds * 20},
        {"what": "all models from nothing", "documents a second": 25_000},
        {"what": "a run of cht_marts after 1,000 persons change", "seconds": seconds * 2},
        {"what": "a day of history", "seconds": seconds},
    ]
