"""Finds the SQL of include/sql."""

import os
from pathlib import Path

#: The folder beside dags/ and plugins/; CHT_SYNC_INCLUDE names another where they are deployed apart.
INCLUDE = Path(os.environ.get("CHT_SYNC_INCLUDE") or Path(__file__).resolve().parents[2] / "include")


def read(relation: str, include: Path = INCLUDE) -> str:
    """The text of one file: `staging/write` is include/sql/staging/write.sql."""
    return (include / "sql" / f"{relation}.sql").read_text(encoding="utf-8")


def files(folder: str, include: Path = INCLUDE) -> list[Path]:
    """The SQL files of one folder, in the order of their names."""
    return sorted((include / "sql" / folder).glob("*.sql"))
