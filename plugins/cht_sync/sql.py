"""Finds the SQL files: those of the package, and those of a deployment."""

import os
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1] / "include"

#: A wheel contains our SQL, so that code and SQL have the same version. A checkout has it in include/sql.
_SHIPPED = _PACKAGE / "include" / "sql"

#: The deployment's folder: instances.toml and, if the deployment has SQL of its own, deployment/. In a checkout it is
#: include/; elsewhere CHT_SYNC_INCLUDE names it.
DEPLOYED = Path(os.environ.get("CHT_SYNC_INCLUDE") or _CHECKOUT)


@dataclass(frozen=True)
class Include:
    """The two folders from which SQL is read; tests use changed copies instead."""

    sql: Path
    deployment: Path


INCLUDE = Include(_SHIPPED if _SHIPPED.is_dir() else _CHECKOUT / "sql", DEPLOYED / "deployment")


def read(relation: str, include: Include = INCLUDE) -> str:
    """The text of one of our files; `copy/write` names include/sql/copy/write.sql."""
    return (include.sql / f"{relation}.sql").read_text(encoding="utf-8")


def files(folder: str, include: Include = INCLUDE) -> list[Path]:
    """Our files in one folder, sorted by name."""
    return sorted((include.sql / folder).glob("*.sql"))
