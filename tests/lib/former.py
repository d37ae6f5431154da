"""The way of the system that this one replaces, as small as shows what goes wrong with it.

Each step is a transaction of its own, as there: tests stop between two of them.
"""

import json
import logging
from dataclasses import dataclass
from typing import Any

import requests
from cht_sync import warehouse

log = logging.getLogger(__name__)

TABLES = """
    create schema former;
    create table former.document (
        saved_timestamp timestamptz not null default now(),
        _id text primary key,
        _deleted boolean not null,
        source text not null,
        doc jsonb
    );
    create table former.progress (source text primary key, seq text not null);
    create table former.contact (
        uuid text primary key,
        saved_timestamp timestamptz not null,
        reported timestamptz,
        parent_uuid text,
        patient_id text
    );
    create table former.data_record (uuid text primary key, saved_timestamp timestamptz not null, form text);
    create table former.visit (uuid text primary key, saved_timestamp timestamptz not null);
"""

DELETE = """
    delete from former.{table}
    using former.document
    where document._id = {table}.uuid and document.saved_timestamp > %(noted)s
"""

CONTACT = """
    insert into former.contact
    select
        document._id,
        document.saved_timestamp,
        to_timestamp((document.doc ->> 'reported_date')::bigint / 1000.0),
        document.doc -> 'parent' ->> '_id',
        document.doc ->> 'patient_id'
    from former.document
    where document.saved_timestamp > %(noted)s
        and not document._deleted
        and document.doc ->> 'type' in ('contact', 'district_hospital', 'health_center', 'clinic', 'person')
"""

DATA_RECORD = """
    insert into former.data_record
    select document._id, document.saved_timestamp, document.doc ->> 'form'
    from former.document
    where document.saved_timestamp > %(noted)s and not document._deleted and document.doc ->> 'type' = 'data_record'
"""

VISIT = """
    insert into former.visit
    select data_record.uuid, data_record.saved_timestamp
    from former.data_record
    where data_record.saved_timestamp > %(noted)s and data_record.form = 'visit'
    on conflict (uuid) do update set saved_timestamp = excluded.saved_timestamp
"""


@dataclass
class Reader:
    """Of one database; `url` has the login in it."""

    connection: warehouse.Connection
    url: str
    source: str

    def fetch(self) -> dict[str, Any]:
        """The next page."""
        row = self.connection.execute("select seq from former.progress where source = %s", [self.source]).fetchone()
        query = {"since": row[0] if row else "0", "limit": "100", "include_docs": "true"}
        try:
            answer = requests.get(f"{self.url}/_changes", query, timeout=30)
            answer.raise_for_status()
        except requests.RequestException as error:
            log.error("%s", error)
            raise
        page: dict[str, Any] = answer.json()
        return page

    def save_documents(self, page: dict[str, Any]) -> None:
        with self.connection.transaction():
            for row in page["results"]:
                self.connection.execute(
                    """
                    insert into former.document (_id, _deleted, source, doc)
                    values (%s, %s, %s, %s::jsonb)
                    on conflict (_id) do update set
                        saved_timestamp = excluded.saved_timestamp,
                        _deleted = excluded._deleted,
                        source = excluded.source,
                        doc = excluded.doc
                    """,
                    [row["id"], row.get("deleted", False), self.source, json.dumps(row["doc"])],
                )

    def save_progress(self, page: dict[str, Any]) -> None:
        self.connection.execute(
            "insert into former.progress (source, seq) values (%s, %s) "
            "on conflict (source) do update set seq = excluded.seq",
            [self.source, str(page["last_seq"])],
        )

    def run(self) -> None:
        """Until there is nothing more."""
        while (page := self.fetch())["results"]:
            self.save_documents(page)
            self.save_progress(page)


@dataclass
class Model:
    """A table kept up by what was saved later than the latest that it has."""

    connection: warehouse.Connection
    table: str
    insertion: str
    deletes: bool = True

    def choose(self) -> None:
        query = f"select coalesce(max(saved_timestamp), '1970-01-01') from former.{self.table}"
        row = self.connection.execute(query.encode()).fetchone()
        self.noted = {"noted": row and row[0]}

    def delete(self) -> None:
        if self.deletes:
            self.connection.execute(DELETE.format(table=self.table).encode(), self.noted)

    def insert(self) -> None:
        self.connection.execute(self.insertion.encode(), self.noted)

    def uuids(self) -> list[str]:
        rows = self.connection.execute(f"select uuid from former.{self.table} order by uuid".encode()).fetchall()
        return [uuid for (uuid,) in rows]


def models(connection: warehouse.Connection) -> list[Model]:
    """In the order in which they are updated. A form's own model reads the reports, and never deletes."""
    return [
        Model(connection, "contact", CONTACT),
        Model(connection, "data_record", DATA_RECORD),
        Model(connection, "visit", VISIT, deletes=False),
    ]


def update(connection: warehouse.Connection) -> None:
    for model in models(connection):
        model.choose()
        model.delete()
        model.insert()
