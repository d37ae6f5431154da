"""What each relation and each of its columns means, as comments in Postgres."""

from psycopg import sql as statement
from psycopg.sql import Identifier, Literal

from cht_sync import warehouse
from cht_sync.relation import Relation


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
