"""New databases on the Postgres of the tests."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import conninfo, sql


@contextmanager
def new(server: str, template: str = "template1") -> Iterator[str]:
    """The address of a new database on `server`, a copy of the database named or addressed by `template`.

    It is dropped at the end, even if others are connected to it.
    """
    name = f"test_{secrets.token_hex(8)}"
    known = conninfo.conninfo_to_dict(template).get("dbname") if "=" in template or ":" in template else template
    _execute(server, "create database {} template {} strategy file_copy", name, str(known))
    try:
        yield conninfo.make_conninfo(server, dbname=name)
    finally:
        _execute(server, "drop database {} with (force)", name)


def _execute(server: str, statement: str, *names: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
