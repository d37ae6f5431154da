"""The contents of a warehouse, table by table; and a way to empty it."""

from typing import Any

from tests.lib.staged import Staged


def forget(staged: Staged) -> None:
    """Empties the warehouse; by deletion, which is quick for a few rows."""
    for table in relations(staged):
        staged.connection.execute(f'delete from model_data."{table}"')
    for table in ("staging.document", "ops.model_state", "ops.model_source", "ops.check_state", "ops.check_source"):
        staged.connection.execute(f"delete from {table}")
    staged.connection.execute("update ops.checkpoint set batch = 0, caught_up_at = null")


def relations(staged: Staged) -> list[str]:
    return staged.values(
        "select relname from pg_class where relnamespace = 'model_data'::regnamespace and relkind = 'r'"
    )


def content(staged: Staged) -> dict[str, list[Any]]:
    """Every row of every table of the models and counts."""
    return {
        table: staged.rows(f'select to_jsonb(kept) from model_data."{table}" as kept order by to_jsonb(kept)::text')
        for table in sorted(relations(staged))
    }
