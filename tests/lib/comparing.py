"""What OUT=FILE.csv has, compared with what is expected of it."""

import csv
from collections.abc import Mapping
from pathlib import Path

from tests.lib.expected import COLUMNS, Counts

Row = dict[str, str]


def read(file: Path, source: str) -> dict[str, Row]:
    """The rows of one source by area_uuid."""
    with file.open(newline="", encoding="utf-8") as lines:
        return {row["area_uuid"]: row for row in csv.DictReader(lines) if row["source"] == source}


def differences(rows: Mapping[str, Row], expected: Mapping[str, Counts]) -> list[str]:
    """One line for each area that is missing, too much, or another in some column."""
    found = [f"{uuid!r} is missing" for uuid in expected if uuid not in rows]
    found += [f"{uuid!r} is too much" for uuid in rows if uuid not in expected]
    for uuid, counts in expected.items():
        wanted = cells(counts) if uuid else numbers(counts)
        row = rows.get(uuid, wanted)
        found += [f"{uuid!r}: {name} is {row[name]}, not {cell}" for name, cell in wanted.items() if row[name] != cell]
    return found


def cells(counts: Counts) -> Row:
    return {
        "name": counts.name or "",
        "contact_type": counts.contact_type or "",
        "parent_uuid": counts.parent_uuid or "",
        **numbers(counts),
    }


def numbers(counts: Counts) -> Row:
    both = {"direct": counts.direct, "total": counts.total}
    return {f"{prefix}_{name}": str(part[name]) for prefix, part in both.items() for name in COLUMNS}
