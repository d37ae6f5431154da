"""A database as couch2pg, CHT Sync's copier, makes and fills it."""

import json
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.lib.feeds import FakeCouchDB

NAME = "cht.example.org/medic"
OTHER = "cht.example.org/medic-sentinel"

#: As couch2pg makes them.
TABLES = """
    create schema v1;
    create table v1.couchdb (
        saved_timestamp timestamp, _id varchar primary key, _deleted boolean, source varchar, doc jsonb
    );
    create table v1.couchdb_progress (seq varchar, pending integer, updated_at timestamptz, source varchar primary key);
"""


class Couch2pg:
    """Its database."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        with self.open() as connection:
            connection.execute(TABLES)
            connection.execute("insert into v1.couchdb_progress values ('0', 0, now(), %s)", [OTHER])

    def open(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn)

    def run(self, statement: str, values: Any = None) -> None:
        with self.open() as connection:
            connection.execute(statement.encode(), values)

    def copy(self, fake: FakeCouchDB, name: str = NAME) -> None:
        """All that is there, and how far that is."""
        for _id, rev, deleted, body in fake.writes:
            stub = {"_id": _id, "_rev": rev, "_deleted": True}
            self.put(_id, stub if deleted else json.loads(body or ""), deleted=deleted, name=name)
        self.note(f"{fake.last}-g1AAAA", name)

    def put(self, _id: str, doc: Any, *, deleted: bool | None = False, name: str | None = NAME) -> None:
        self.run(
            """
            insert into v1.couchdb values (now(), %s, %s, %s, %s)
            on conflict (_id) do update set _deleted = excluded._deleted, source = excluded.source, doc = excluded.doc
            """,
            [_id, deleted, name, None if doc is None else Jsonb(doc)],
        )

    def note(self, seq: str | None, name: str = NAME) -> None:
        self.run(
            """
            insert into v1.couchdb_progress values (%s, 0, now(), %s)
            on conflict (source) do update set seq = excluded.seq
            """,
            [seq, name],
        )
