"""The invented county in a real server: what is there in the end counts as the generator says; then it lives on."""

import itertools
import json
import sys
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import pytest
import requests
from cht_sync.copy import extract
from cht_sync.copy.job import Job
from cht_sync.couchdb import Client
from cht_sync.couchdb.client import Server as SourceServer
from cht_sync.models import runner

from county import examples, generator
from county.writes import Write, text
from demo import load
from demo.activity import EVENTS, Life
from demo.server import Server
from demo.settings import CouchDB
from tests.lib import expected
from tests.lib.loaded import load_county
from tests.lib.pages import SOURCE, Warehouse

Document = dict[str, Any]

DATABASES = ("medic", "medic-sentinel", "medic-users-meta", "_users")
NOW = 1_795_000_000_000


@pytest.fixture
def names(couchdb: CouchDB, database: str) -> Iterator[dict[str, str]]:
    """A database for each of an instance's, by names of this test's own: the server may be somebody's."""
    found = {name: f"{database}-{name.strip('_')}" for name in DATABASES}
    yield found
    for name in found.values():
        requests.delete(f"{couchdb.url}/{name}", auth=couchdb.auth, timeout=30)


def documents(couchdb: CouchDB, database: str) -> list[Document]:
    url = f"{couchdb.url}/{database}/_all_docs?include_docs=true"
    found = requests.get(url, auth=couchdb.auth, timeout=60)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)  # one document is nested two thousand levels deep
    try:
        return [row["doc"] for row in json.loads(found.content)["rows"]]
    finally:
        sys.setrecursionlimit(limit)


def test_what_is_in_the_server_counts_as_expected(couchdb: CouchDB, names: dict[str, str]) -> None:
    built = generator.build(seed=5, size=1500)
    loaded = load_county(couchdb, names, built)
    refused = loaded.ids.get(names["medic"], set())
    assert expected.counts(documents(couchdb, names["medic"])) == built.expected(refused)
    assert len(refused) < 5


def test_the_models_count_as_expected(couchdb: CouchDB, names: dict[str, str], staged: Warehouse) -> None:
    """Round after round, copied and counted each time: what is read in parts must count like what is read at once."""
    built = generator.build(seed=5, size=3000)
    for number in range(len(built.writes)):
        load_county(couchdb, names, built, number)
        copy(couchdb, names["medic"], staged)
        runner.update(staged.connection)
    assert differences(area_counts(staged), built.expected()) == []


def test_every_document_that_has_broken_pipelines_is_staged_or_rejected_with_its_reason(
    couchdb: CouchDB, names: dict[str, str], staged: Warehouse
) -> None:
    dirty = [Write(names["medic"], write.doc) for write in examples.rounds()[0] if isinstance(write.doc, bytes)]
    loaded = load.load(couchdb.url, couchdb.auth, [dirty], databases=[names["medic"]])
    copy(couchdb, names["medic"], staged)
    here = "select _id from staging.document where source = %s and not _deleted"
    rejected = "select id from ops.rejected_document where source = %s and reason <> ''"
    found = [row[0].encode() for row in staged.connection.execute(here, [SOURCE])]
    found += [bytes(row[0]) for row in staged.connection.execute(rejected, [SOURCE])]
    wanted = {text(write).id for write in dirty} - loaded.ids.get(names["medic"], set())
    assert sorted(found) == sorted(id_.encode() for id_ in wanted)


def copy(couchdb: CouchDB, database: str, staged: Warehouse) -> None:
    client = partial(Client, SourceServer(couchdb.url, *couchdb.auth))
    extract.run(Job(staged.connection, client, SOURCE, database, lambda _: None), extract.Options())


def area_counts(staged: Warehouse) -> dict[str, dict[str, int]]:
    columns = [f"{prefix}_{column}" for prefix in ("direct", "total") for column in expected.COLUMNS]
    query = f"select area_uuid, {', '.join(columns)} from models.area_count where source = %s"
    rows = staged.connection.execute(query, [SOURCE]).fetchall()
    return {uuid: dict(zip(columns, counts, strict=True)) for uuid, *counts in rows}


def differences(found: dict[str, dict[str, int]], wanted: dict[str, expected.Counts]) -> list[str]:
    """One line for each area that is missing, too much, or counted otherwise."""
    both = {
        uuid: {f"direct_{column}": count for column, count in row.direct.items()}
        | {f"total_{column}": count for column, count in row.total.items()}
        for uuid, row in wanted.items()
    }
    return [
        f"{uuid}: {found.get(uuid)}, not {both.get(uuid)}"
        for uuid in {**found, **both}
        if found.get(uuid) != both.get(uuid)
    ]


def test_loading_again_changes_no_count(couchdb: CouchDB, names: dict[str, str]) -> None:
    built = generator.build(seed=5, size=0)
    load_county(couchdb, names, built)
    loaded = load_county(couchdb, names, built)
    refused = loaded.ids.get(names["medic"], set())
    assert expected.counts(documents(couchdb, names["medic"])) == built.expected(refused)


def test_life_goes_on(couchdb: CouchDB, names: dict[str, str]) -> None:
    load_county(couchdb, names, generator.build(seed=5, size=0))
    before = {doc["_id"]: doc for doc in documents(couchdb, names["medic"])}
    with Server(couchdb.url, couchdb.auth) as server:
        life = Life(server, Random(1), lambda: NOW, names["medic"])
        written = {event: ids(life, event) for event in EVENTS}
    after = {doc["_id"]: doc for doc in documents(couchdb, names["medic"])}
    assert written["register"] & before.keys() == set()
    assert all(after[id_]["reported_date"] == NOW for id_ in written["register"] & after.keys())
    assert all(after[id_]["type"] == "data_record" for id_ in written["report"])
    assert written["delete"] & after.keys() == set()
    assert all("date_of_death" in after[id_] for id_ in written["die"] & after.keys())
    assert expected.counts(after.values())[""].total["persons"] <= expected.counts(before.values())[""].total["persons"]


def ids(life: Life, event: str) -> set[str]:
    """Of what happened to the first three to whom it could; somebody is found in a few looks."""
    found = (id_ for _ in range(20) if (id_ := life.step(event)))
    first = set(itertools.islice(found, 3))
    assert first, event
    return first
