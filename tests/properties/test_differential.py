"""A database read by `_all_docs` and by our copy: all documents are equal, byte by byte once both are jsonb."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pytest
from cht_sync import couchdb
from cht_sync.copy import extract, write
from cht_sync.copy.job import Job
from hypothesis import given
from hypothesis import strategies as st

from county import examples, generator
from county.writes import text
from demo.settings import CouchDB
from tests.lib import extent
from tests.lib.copied import is_left_out, is_unnameable
from tests.lib.loaded import load_county
from tests.lib.original import Original, held, new_name, without_nul
from tests.lib.pages import Warehouse, opened

DATABASES = ("medic", "medic-sentinel", "medic-users-meta", "_users")

#: In addition to county/data/dirty.ndjson: members that writers of JSON write in different ways.
MEMBERS = [
    b'"n":[0,-0,0.0,-0.0,1.0,1.10,1e5,1E+5,1e-7,123456789012345678901234567890,0.1234567890123456789,1e308,5e-324]',
    rb'"s":["\/","\u00e9","\u2028","\b\f\n\r\t","\u007f","\ud83d\ude00","\u0001","\\u0000","\\\\u0000",""]',
    rb'"nul":["\u0000","\\\u0000","\\\\\u0000\u0000","\u0000u0000"],"\u0000":{"\u0000":"\u00000"}',
    '"é":"漢字 \U0001f600","":{"":null}'.encode(),
    b'"b":[[],{},[{}],{"a":[]},true,false,null]',
    b' \t "space" : [ 1 , 2 ] ',
    b'"twice":1,"twice":2',
    b'"deep":' + b"[" * 20_000 + b"]" * 20_000,
    b'"deep":' + b'{"a":' * 1_900 + b"1" + b"}" * 1_900,
    rb'"half":"\ud83d"',
    b'"huge":1e200000',
    b'"long":"' + b"x" * 2_000_000 + b'"',
    rb'"long":"' + rb"\u0000\\u0000" * 200_000 + b'"',
]
IDS = [
    "é",
    "漢字",
    "a b",
    "a/b",
    "a+b%2F",
    "A",
    "~",
    "\U0001f600",
    "nul\0",
    "x" * 1000,
    "x" * 1001,
    "é" * 501,
    '"\\',
]


@pytest.fixture
def staged(warehouse: str) -> Iterator[Warehouse]:
    with opened(warehouse) as found:
        yield found


class Kept(NamedTuple):
    """The copy of one document: `staged` as jsonb prints it, or `rejected` as it was received."""

    rev: str
    altered: bool
    staged: str | None
    rejected: bytes | None


@pytest.fixture
def original(couchdb: CouchDB, database: str) -> Iterator[Original]:
    original = Original(couchdb, database)
    yield original
    original.close()


def copy(couchdb_: CouchDB, staged: Warehouse, database: str) -> str:
    source = f"kitui/{database}"
    write.prepare(staged.connection, {source: ("kitui", database)})
    client = partial(couchdb.Client, couchdb.Server(couchdb_.url, *couchdb_.auth))
    options = extract.Options(page_rows=400)
    assert extract.run(Job(staged.connection, client, source, database, lambda _: None), options).caught_up
    return source


def by_all_docs(original: Original, staged: Warehouse) -> dict[bytes, Kept]:
    """The expected copy. Bytes are compared with those of the feed, which the stand-in sends in another order."""
    feed = {document.id: document.raw for document in original.changes()}
    found = {}
    for document in original.live():
        assert len(feed[document.id]) == len(document.raw)
        if is_left_out(document.id):
            continue
        staged_text = None if is_unnameable(document.id) else held(staged.connection, document.raw)
        altered = staged_text is not None and without_nul(document.raw) != document.raw
        rejected = feed[document.id] if staged_text is None else None
        found[document.id.encode()] = Kept(document.rev, altered, staged_text, rejected)
    return found


def by_our_copy(staged: Warehouse, source: str) -> dict[bytes, Kept]:
    live = "select convert_to(_id, 'UTF8'), _rev, altered, doc::text, null from staging.document where source = %s and "
    rejected = "select id, _rev, false, null, body from ops.rejected_document where source = %s"
    rows = staged.connection.execute(f"{live} not _deleted union all {rejected}".encode(), [source, source]).fetchall()
    return {bytes(row[0]): Kept(*row[1:]) for row in rows}


def require_equal(original: Original, staged: Warehouse, source: str) -> dict[bytes, Kept]:
    found, expected = by_our_copy(staged, source), by_all_docs(original, staged)
    assert found.keys() == expected.keys()
    assert [name for name, kept in expected.items() if found[name] != kept] == []
    deleted = "select _id, _rev from staging.document where source = %s and _deleted and doc is null and not altered"
    assert dict(staged.connection.execute(deleted.encode(), [source]).fetchall()) == {
        document.id: document.rev
        for document in original.changes()
        if document.deleted and not is_left_out(document.id) and not is_unnameable(document.id)
    }
    return found


def test_the_county_with_every_example_is_copied_as_in_all_docs(
    couchdb: CouchDB, database: str, staged: Warehouse
) -> None:
    names = {name: f"{database}-{name.strip('_')}" for name in DATABASES}
    originals = {name: Original(couchdb, names[name]) for name in DATABASES}
    try:
        loaded = load_county(couchdb, names, generator.build(seed=5, size=1500))
        found = {
            name: require_equal(each, staged, copy(couchdb, staged, names[name])) for name, each in originals.items()
        }
        left_out = [document.id for document in originals["medic"].live() if is_left_out(document.id)]
    finally:
        for each in originals.values():
            each.delete()
            each.close()
    assert len(found["medic"]) > 1000
    assert min(map(len, found.values())) > 0
    assert left_out
    dirty = {text(write).id for write in examples.rounds()[0] if isinstance(write.doc, bytes)}
    taken = dirty - loaded.ids.get(names["medic"], set())
    assert len(taken) > 50
    assert taken <= {name.decode() for name in found["medic"]}


def test_json_that_writers_write_differently_is_copied_as_in_all_docs(
    couchdb: CouchDB, original: Original, staged: Warehouse
) -> None:
    written = [original.put(f"m{number:02}", members) for number, members in enumerate(MEMBERS)]
    named = [original.put(id_, b'"type":"person"') for id_ in IDS]
    assert [rev for rev in written if rev is not None][9:]
    assert None not in named
    original.put("m00", b'"_deleted":true,"n":1', written[0])
    found = require_equal(original, staged, copy(couchdb, staged, original.name))
    assert {kept.altered for kept in found.values()} == {True, False}
    rejected = {name for name, kept in found.items() if kept.rejected}
    assert rejected > {b"nul\0", b"x" * 1001, "é".encode() * 501}


def test_a_document_read_by_its_id_equals_the_one_in_all_docs(
    couchdb: CouchDB, original: Original, staged: Warehouse
) -> None:
    for number, members in enumerate(MEMBERS):
        original.put(f"m{number:02}", members)
    for id_ in IDS:
        original.put(id_, b'"type":"person"')
    client = couchdb_client(couchdb)
    for document in original.live():
        body = client.document(original.name, document.id, document.rev)
        assert isinstance(body, bytes)
        assert (held(staged.connection, body), len(body)) == (held(staged.connection, document.raw), len(document.raw))
    client.close()


def couchdb_client(server: CouchDB) -> couchdb.Client:
    return couchdb.Client(couchdb.Server(server.url, *server.auth))


#: Texts of JSON, not values: JSON can write a number or a character in several ways.
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
STRINGS = st.lists(
    st.one_of(
        st.sampled_from([r"\u0000", r"\\", r"\"", r"\/", r"\n", r"\u00e9", r"\ud83d\ude00", "u0000", r"\\u0000"]),
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'),
    ),
    max_size=6,
).map(lambda parts: '"' + "".join(parts) + '"')
VALUES = st.recursive(
    st.one_of(NUMBERS, STRINGS, st.sampled_from(["true", "false", "null"])),
    lambda values: st.one_of(
        st.lists(values, max_size=4).map(lambda items: "[" + ",".join(items) + "]"),
        st.lists(st.tuples(STRINGS, values), max_size=4).map(
            lambda items: "{" + ",".join(f"{key}:{value}" for key, value in items) + "}"
        ),
    ),
    max_leaves=8,
)


@extent.examples(test=10, proof=500)
@given(st.lists(VALUES, min_size=1, max_size=12))
def test_any_json_is_copied_as_in_all_docs(couchdb: CouchDB, staged: Warehouse, values: list[str]) -> None:
    original = Original(couchdb, new_name())
    original.create()
    try:
        for number, value in enumerate(values):
            original.put(f"d{number}", b'"value":' + value.encode())
        require_equal(original, staged, copy(couchdb, staged, original.name))
    finally:
        original.delete()
        original.close()
