"""What a benchmark leaves: a table, and a file that says what was measured, on what, and what was wanted."""

import io
import json
from pathlib import Path

import pytest

from bench import report
from bench.report import Goal


@pytest.mark.parametrize(
    ("value", "bound", "at_most", "met"),
    [(1.35, 1.35, True, True), (1.36, 1.35, True, False), (2, 2, False, True), (1.9, 2, False, False)],
)
def test_a_goal_is_met_up_to_its_bound(value: float, bound: float, at_most: bool, met: bool) -> None:
    assert Goal("a", value, bound, at_most=at_most).met is met


def test_what_was_not_measured_is_not_met() -> None:
    assert not Goal("a", None, 1).met
    assert not Goal("a", None, 1, at_most=False).met


def test_the_file_says_machine_versions_rows_and_goals(tmp_path: Path) -> None:
    rows = [{"what": "first copy", "seconds": 2.5, "documents": 20_000}]
    goals = [Goal("pace", 1.2, 1.35), Goal("speed", None, 2, at_most=False)]
    shown = io.StringIO()
    assert not report.write("some", rows, goals, {"couchdb": "3.5.0"}, folder=tmp_path / "results", to=shown)
    found = json.loads((tmp_path / "results" / "some.json").read_text(encoding="utf-8"))
    assert found["name"] == "some"
    assert found["rows"] == rows
    assert found["goals"] == [
        {"name": "pace", "value": 1.2, "bound": 1.35, "at_most": True, "met": True},
        {"name": "speed", "value": None, "bound": 2, "at_most": False, "met": False},
    ]
    assert found["versions"]["couchdb"] == "3.5.0"
    assert found["versions"]["psycopg"]
    assert set(found["machine"]) == {"cpu", "cores", "memory_gb", "system"}
    assert "first copy" in shown.getvalue()
    assert "not measured" in shown.getvalue()


def test_all_goals_met_is_reported(tmp_path: Path) -> None:
    assert report.write("some", [], [Goal("pace", 1.2, 1.35)], folder=tmp_path, to=io.StringIO())


def test_the_table_is_aligned_and_leaves_out_nothing() -> None:
    rows = [{"what": "a", "seconds": 1.234}, {"what": "longer", "seconds": 12_345.6, "rows": 1_000_000}, {"rows": 7}]
    assert report.table(rows).splitlines() == [
        "what    seconds       rows",
        "a          1.23",
        "longer   12,346  1,000,000",
        "                         7",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.004, "0.004"), (9.999, "10.00"), (99.96, "100.0"), (123.4, "123"), (True, "yes"), (None, ""), (0, "0")],
)
def test_a_number_has_the_digits_that_count(value: report.Value, shown: str) -> None:
    assert report.text(value) == shown
