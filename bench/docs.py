"""Writes the figures of bench/results into docs/benchmarks.md, between <!-- NAME --> and <!-- end --> of each.

python -m bench.docs
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bench import report
from bench.report import Row

PAGE = report.ROOT / "docs" / "benchmarks.md"

MARKED = re.compile(r"(<!-- ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

#: The columns that fit on the page; the file of results has all.
SHOWN = {
    "extract": (
        *("source", "what", "documents", "seconds", "least", "most", "us/doc", "x floor", "x CHT Sync"),
        *("cpu reader", "cpu Postgres", "cpu source", "cpu others", "peak MB", "Postgres at"),
    ),
    "counts": (
        *("size", "what", "documents", "seconds", "fold", "area_totals", "area_bands", "models", "marts", "checks"),
        "documents a second",
    ),
    "counts-10m": ("size", "what", "documents", "seconds", "fold", "area_totals", "area_bands", "documents a second"),
}


def fill(page: str, results: Mapping[str, Mapping[str, Any]]) -> str:
    """The page with the results by their names; a block without a result stays as it is."""

    def filled(marked: re.Match[str]) -> str:
        result = results.get(marked[2])
        return marked[0] if result is None else f"{marked[1]}{_section(result)}\n{marked[3]}"

    return MARKED.sub(filled, page)


def _section(result: Mapping[str, Any]) -> str:
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    shown = SHOWN.get(result["name"])
    rows = [{column: row.get(column) for column in shown} for row in result["rows"]] if shown else result["rows"]
    goals: list[Row] = [
        {
            "goal": goal["name"],
            "value": "not measured" if goal["value"] is None else report.text(goal["value"]),
            "bound": f"at {'most' if goal['at_most'] else 'least'} {report.text(goal['bound'])}",
            "met": "yes" if goal["met"] else "**no**",
        }
        for goal in result["goals"]
    ]
    return (
        f"Measured {result['at'][:10]} on {machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']} GB, "
        f"{machine['system']}; {versions}.\n\n{markdown(rows)}\n\n{markdown(goals)}"
    )


def markdown(rows: Sequence[Row]) -> str:
    """As report.table."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    left = [all(isinstance(row.get(column), str | None) for row in rows) for column in columns]
    lines = [columns, ["---" if each else "--:" for each in left]]
    lines += [[report.text(row.get(column)) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(report.RESULTS.glob("*.json"))]
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(fill(page, {result["name"]: result for result in results}), encoding="utf-8")


if __name__ == "__main__":
    main()
