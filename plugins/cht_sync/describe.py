"""What each relation and each of its columns means: as comments in Postgres, and as a page."""

from collections.abc import Iterator
from pathlib import Path

from psycopg import sql as statement
from psycopg.sql import Identifier, Literal

from cht_sync import relation, sql, warehouse
from cht_sync.relation import Relation

#: The chapters of the page: a folder of include/sql, the schema of its relations, and what it holds.
CHAPTERS = {
    "models": (
        "models",
        "Tables of documents",
        "Kept up with the documents by the change, one row or more a document.",
    ),
    "tallies": (
        "models",
        "Tallies",
        "How many rows of a model there are by a few of their columns, kept by the change: for the marts by month.",
    ),
    "views": ("models", "Views", "Made of the tables, and of the counts of areas."),
    "marts": ("marts", "Marts", "Small, refreshed when what they are made of has changed."),
}

INTRODUCTION = """# Models

Made by `make docs` from the headers of the files in `include/sql`; the same words are comments in Postgres
(`\\d+ models.person`).

A model holds the documents of every source; `source` is `<instance>/<database>`, and part of every key: ids of two
instances may be the same. Contacts, reports, tasks, targets and users are those of an instance's main database;
telemetry and feedback are mostly in `medic-users-meta`. What was deleted, purged, archived or erased is in no model,
but for reports that were archived: these stay.

What can't be read as what a column holds is null there, and stops nothing. Moments are by the clock of whoever wrote
them; how they are read: [counts.md](counts.md#past-days). Rows come, change and go with their document; where a row is
made of other documents, too, it follows them, in whatever order they come.

Whole documents, in the form that couch2pg has given them, are in `v1.couchdb`: [adopting.md](adopting.md).
"""


def comment(connection: warehouse.Connection, kind: str, schema: str, file: Relation) -> None:
    """Writes the comments of a relation and its columns; `kind` is view or materialized view."""
    name = Identifier(schema, file.name)
    about = " ".join([file.about, *([f"Key: {', '.join(file.key)}."] if file.key else [])])
    comments = [statement.SQL("comment on {} {} is {}").format(statement.SQL(kind), name, Literal(about))]
    for column, _ in columns(connection, f"{schema}.{file.name}"):
        target = Identifier(schema, file.name, column)
        comments.append(statement.SQL("comment on column {} is {}").format(target, Literal(file.meaning(column))))
    connection.execute(statement.SQL("; ").join(comments))


def columns(connection: warehouse.Connection, name: str) -> list[tuple[str, str]]:
    """Each column of a relation with its type, in order."""
    return connection.execute(
        """
        select attname, format_type(atttypid, atttypmod)
        from pg_attribute
        where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
        order by attnum
        """,
        [".".join(f'"{part}"' for part in name.split("."))],
    ).fetchall()


def page(connection: warehouse.Connection, include: Path = sql.INCLUDE) -> str:
    """docs/models.md: the relations of the files, with the columns that a warehouse has made of them."""
    return "\n".join([INTRODUCTION, *_chapters(connection, include)])


def _chapters(connection: warehouse.Connection, include: Path) -> Iterator[str]:
    for folder, (schema, title, about) in CHAPTERS.items():
        yield f"## {title}\n{about}\n"
        for file in sorted(relation.folder(folder, include), key=lambda file: file.name):
            yield _section(connection, schema, file)


def _section(connection: warehouse.Connection, schema: str, file: Relation) -> str:
    lines = [f"### {schema}.{file.name}", file.about]
    lines += [f"Key: {', '.join(f'`{name}`' for name in file.key)}"] if file.key else []
    lines += ["", "| column | type | |", "|---|---|---|"]
    for column, kind in columns(connection, f"{schema}.{file.name}"):
        lines.append(f"| `{column}` | {kind} | {file.meaning(column) or ''} |")
    return "\n".join([*lines, ""])
