"""The feed server: what it answers is what CouchDB would, as far as readers look."""

import json
from collections.abc import Iterator
from itertools import chain

import pytest
import requests
from cht_sync import couchdb
from cht_sync.couchdb import all_docs
from cht_sync.couchdb.changes import Page
from cht_sync.couchdb.rows import Row, parse

from bench import feed_server
from bench.documents import Documents, number, ordered, rev, uuid
from bench.feed_server import Answers, County


@pytest.fixture(scope="module")
def county() -> County:
    return County(Documents(size=400))


def rows(county: County, since: int, limit: int, interval: int = 1, count: int = 100) -> tuple[list[Row], Page]:
    page = Page(county.changes(count, since, limit, interval, include_docs=True), "the page")
    return [parse(text) for text in page], page


def test_ids_are_spread_and_lead_back_to_their_documents() -> None:
    assert [number(uuid(each)) for each in range(0, 10**6, 997)] == list(range(0, 10**6, 997))
    assert list(ordered(1000)) == sorted(range(1000), key=uuid)
    assert len({uuid(each)[:2] for each in range(256)}) > 200


def test_a_page_goes_on_where_the_one_before_has_ended(county: County) -> None:
    first, page = rows(county, 0, 60)
    assert (page.last_seq, page.pending) == (first[-1].seq, 40)
    assert page.last_seq is not None
    later, page = rows(county, int(page.last_seq.partition("-")[0]), 60)
    assert page.pending == 0
    assert [row.id for row in first + later] == [uuid(each).decode() for each in range(100)]
    assert rows(county, 100, 60)[0] == []


def test_a_row_holds_its_document_and_only_some_their_seq(county: County) -> None:
    found, _ = rows(county, 0, 60, interval=20)
    assert [index for index, row in enumerate(found) if row.seq] == [0, 20, 40]
    for index, row in enumerate(found):
        document = json.loads(row.body or b"")
        assert (document["_id"], document["_rev"]) == (row.id, row.rev) == (uuid(index).decode(), rev(index).decode())


def test_what_is_written_to_a_couchdb_is_what_the_feed_server_gives(county: County) -> None:
    given = Documents(size=400)
    (bulk,) = [json.loads(text)["docs"] for text in given.bulks(100)]
    served = [json.loads(row.body or b"") for row in rows(county, 0, 100)[0]]
    assert [{**document, "_rev": None} for document in served] == [{**document, "_rev": None} for document in bulk]
    assert given.mean(100) == pytest.approx(sum(len(row.body or b"") for row in rows(county, 0, 100)[0]) / 100)


def test_the_list_is_in_the_order_of_the_ids_and_begins_where_it_is_asked_to(county: County) -> None:
    everything = sorted((uuid(each), rev(each)) for each in range(100))
    assert list(chain(*all_docs.Listing(county.all_docs(100, b"", 100), b"", "x"))) == everything
    after = everything[30][0]
    assert list(chain(*all_docs.Listing(county.all_docs(100, after, 20), after, "x"))) == everything[31:50]


def test_documents_are_looked_up_in_the_order_asked_for(county: County) -> None:
    ids = [uuid(each).decode() for each in (7, 3)]
    answer = chain(county.looked_up(100, ids, include_docs=True), [b"\n"])
    found = all_docs.looked_up(answer, ids, "x")
    assert {name: each and each.rev for name, each in found} == {ids[0]: rev(7).decode(), ids[1]: rev(3).decode()}


def test_chunks_are_as_large_as_couchdbs() -> None:
    texts = [b"a" * 10, b"b" * 1480, b"c" * 20, b"d" * 3000]
    body = feed_server.chunked(texts)
    assert body.startswith(b"5d2\r\n" + texts[0] + texts[1] + b"\r\n14\r\n" + texts[2] + b"\r\nbb8\r\n" + texts[3])
    assert body.endswith(b"d\r\n1\r\n\n\r\n0\r\n\r\n")


@pytest.fixture
def served(county: County) -> Iterator[str]:
    with feed_server.serving(Answers(county)) as port:
        yield f"http://127.0.0.1:{port}"


def test_our_client_reads_it(served: str) -> None:
    client = couchdb.Client(couchdb.Server(served))
    assert client.identity("county-30") == client.identity("county-30")
    with client.changes("county-30", "0", 20, 10) as page:
        assert len(list(page)) == 20
    assert page.pending == 10
    client.close()
    assert requests.get(f"{served}/elsewhere", timeout=30).status_code == 404
    assert requests.get(f"{served}/_requests", timeout=30).text.strip() == "4"
