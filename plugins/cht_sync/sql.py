"""Finds the files of SQL: the package's own, which are part of it, and a deployment's."""

import os
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1] / "include"

#: A wheel has our SQL in the package, so that both are of one version. A checkout has it in include/sql.
_SHIPPED = _PACKAGE / "include" / "sql"

#: The deployment's folder: instances.toml and, where it has SQL of its own, deployment/. In a checkout it is include/;
#: elsewhere CHT_SYNC_INCLUDE names it.
DEPLOYED = Path(os.environ.get("CHT_SYNC_INCLUDE") or _CHECKOUT)


@dataclass(frozen=True)
class Include:
    """The two folders that SQL is read from; tests put changed copies in their place."""

    sql: Path
    deployment: Path


INCLUDE = Include(_SHIPPED if _SHIPPED.is_dir() else _CHECKOUT / "sql", DEPLOYED / "deployment")


def read(relation: str, include: Include = INCLUDE) -> str:
    """The text of one of our files: `copy/write` is include/sql/copy/write.sql."""
    return (include.sql / f"{relation}.sql").read_text(encoding="utf-8")


def files(folder: str, include: Include = INCLUDE) -> list[Path]:
    """Our files in one folder, in the order of their names."""
    return sorted((include.sql / folder).glob("*.sql"))
