"""A server whose database can become another one, and runs in the modes that copy it again."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cht_sync import couchdb, warehouse
from cht_sync.copy import extract, progress
from cht_sync.copy.job import Job

from tests.lib.feeds import FakeCouchDB
from tests.lib.pages import SOURCE
from tests.lib.replay import Answer, Request, serving

#: Of the database that may come in place of the first.
OTHER = "1795999999"

STAGED = """
    select _id, _rev, doc
    from staging.document
    where source = 'kitui/medic' and not _deleted and gone is null
    order by _id
"""


@dataclass
class Source:
    """A database at an address; `between` is called before each page is answered."""

    fake: FakeCouchDB = field(default_factory=FakeCouchDB)
    url: str = ""
    between: Callable[[], object] = lambda: None

    def answer(self, request: Request) -> Answer:
        if request.path == "/medic/_changes":
            self.between()
        return self.fake.answer(request)

    def replace(self, started: str = OTHER) -> FakeCouchDB:
        """From here on there is another, empty database."""
        self.fake = FakeCouchDB(started=started)
        return self.fake

    def purge(self, name: str) -> None:
        self.fake.writes = [write for write in self.fake.writes if write[0] != name]

    def documents(self) -> list[tuple[str, str, Any]]:
        """What the staged copy must be, but for what is rejected."""
        return sorted(
            (name, rev, json.loads(body)) for name, rev, deleted, body in self.fake.writes if not deleted and body
        )

    def copy(self, connection: warehouse.Connection, mode: str = "incremental", **options: Any) -> progress.Progress:
        client = partial(couchdb.Client, couchdb.Server(self.url))
        given = extract.Options(**{"page_rows": 100, "seconds": 60} | options, mode=mode)
        return extract.run(Job(connection, client, SOURCE, "medic", lambda _: None, lambda _: None), given)


@contextmanager
def serve() -> Iterator[Source]:
    source = Source()
    with serving(source.answer) as (url, _):
        source.url = url
        yield source


def staged(connection: warehouse.Connection) -> list[tuple[Any, ...]]:
    """What a reader sees."""
    return connection.execute(STAGED).fetchall()


def live(connection: warehouse.Connection) -> list[str]:
    return [row[0] for row in staged(connection)]
