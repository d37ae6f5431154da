"""The warehouse's schema: numbered migrations, each applied once."""

import hashlib

from cht_sync import sql
from cht_sync.errors import SchemaMismatch
from cht_sync.warehouse import session

LEDGER = """
    create schema if not exists ops;
    create table if not exists ops.migration (
        name text collate "C" primary key,
        sha256 text not null,
        applied_at timestamptz not null default now()
    );
"""


def migrate(connection: session.Connection, include: sql.Include = sql.INCLUDE) -> list[str]:
    """Applies the missing migrations in order, each in one transaction with its record. Returns their names.

    Many tasks may call it at once: the first does the work, the others wait. Raises SchemaMismatch if an applied file
    has changed, or if a later version has migrated the warehouse.
    """
    files = {file.stem: file.read_text(encoding="utf-8") for file in sql.files("warehouse", include)}
    with session.lock(connection, "cht-sync schema", seconds=300):
        connection.execute(LEDGER)
        applied = dict(connection.execute("select name, sha256 from ops.migration order by name").fetchall())
        _require_same(files, applied)
        missing = [name for name in sorted(files) if name not in applied]
        for name in missing:
            with connection.transaction():
                connection.execute(files[name].encode())
                connection.execute(
                    "insert into ops.migration (name, sha256) values (%s, %s)", [name, _digest(files[name])]
                )
        return missing


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _require_same(files: dict[str, str], applied: dict[str, str]) -> None:
    if later := sorted(set(applied) - set(files)):
        raise SchemaMismatch(
            f"The warehouse was migrated by another version (it has {later[-1]})",
            "Run the version that applied it, or a later one",
        )
    for name, digest in applied.items():
        if digest != _digest(files[name]):
            raise SchemaMismatch(
                f"The migration {name} was changed after it was applied",
                "Install this version of the package again, unchanged; a change of the schema goes into a new file",
            )
