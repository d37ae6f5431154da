"""Comments in Postgres on each relation and on its columns."""

from collections.abc import Collection

from psycopg import sql as statement
from psycopg.sql import Identifier, Literal

from cht_sync import warehouse
from cht_sync.models.files import definition
from cht_sync.models.files.definition import Relation


def comment(connection: warehouse.Connection, kind: str, schema: str, file: Relation) -> None:
    """Writes the comments of a relation and its columns; `kind` is view or materialized view.

    Raises ConfigurationInvalid if the header describes a column that the relation lacks.
    """
    name = Identifier(schema, file.name)
    about = " ".join([file.about, *([f"Key: {', '.join(file.key)}."] if file.key else [])])
    comments = [statement.SQL("comment on {} {} is {}").format(statement.SQL(kind), name, Literal(about))]
    there = columns(connection, f"{schema}.{file.name}")
    require_known(file, there)
    for column, _ in there:
        target = Identifier(schema, file.name, column)
        comments.append(statement.SQL("comment on column {} is {}").format(target, Literal(file.meaning(column))))
    connection.execute(statement.SQL("; ").join(comments))


def require_known(file: Relation, there: Collection[tuple[str, str]]) -> None:
    """Raises ConfigurationInvalid if the header describes a missing column: it may be a misspelt field."""
    if strays := [name for name, _ in file.columns if not any(definition.covers(name, column) for column, _ in there)]:
        raise definition.stray(file, strays[0])


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
