"""What a reader must cope with on the way: huge documents, gzip, TLS, proxies' paths, other servers than CouchDB 3."""

import gzip
import json
import os
import ssl
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cht_sync import couchdb
from cht_sync.copy import extract, progress
from cht_sync.copy.job import Job
from cht_sync.couchdb import changes

from tests.lib import replaced
from tests.lib.certificates import Certificates
from tests.lib.feeds import FakeCouchDB
from tests.lib.pages import SOURCE, Warehouse
from tests.lib.replaced import Source, live
from tests.lib.replay import Answer, Request, serving

MB = 1024 * 1024

#: A run in a process of its own, which prints its peak of resident memory above what its imports take, in bytes.
RUN = """
import functools, os, pathlib, psycopg, re
from cht_sync import couchdb, warehouse
from cht_sync.copy import extract
from cht_sync.copy.job import Job
def resident(name):
    return int(re.search(name + r":\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) * 1024
before = resident("VmRSS")
client = functools.partial(couchdb.Client, couchdb.Server(os.environ["TEST_URL"]))
with warehouse.connect(functools.partial(psycopg.connect, os.environ["TEST_DSN"])) as connection:
    extract.run(Job(connection, client, "kitui/medic", "medic", lambda _: None), extract.Options())
print(resident("VmHWM") - before)
"""


@pytest.fixture
def source() -> Iterator[Source]:
    with replaced.serve() as source:
        yield source


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from Linux' /proc")
def test_a_document_of_64_mb_passes_in_bounded_memory(source: Source, staged: Warehouse, warehouse: str) -> None:
    source.fake.put("a")
    source.fake.put("huge", '{"type":"person","text":"' + "x" * (64 * MB) + '"}')
    source.fake.put("z")
    environment = os.environ | {"TEST_URL": source.url, "TEST_DSN": warehouse}
    done = subprocess.run(
        [sys.executable, "-c", RUN], env=environment, stdout=subprocess.PIPE, timeout=300, check=True, text=True
    )
    assert staged.rows("_id, length(doc ->> 'text')") == [("a", None), ("huge", 64 * MB), ("z", None)]
    assert int(done.stdout) <= 150 * MB + 3 * 64 * MB


def test_a_document_that_is_too_long_is_read_past_in_constant_memory() -> None:
    piece, pieces = b"x" * MB, 200

    def body() -> Iterator[bytes]:
        yield b'{"results":[\n{"seq":"1","id":"a","changes":[{"rev":"1-a"}],"doc":{"n":"'
        for _ in range(pieces):
            yield piece
        yield b'"}},\r\n{"seq":"2","id":"b","changes":[{"rev":"1-a"}],"doc":{}}\n],\n"last_seq":"2","pending":0}\n'

    tracemalloc.start()
    try:
        first, second = changes.Page(body(), "A page", longest=4 * MB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(first, changes.Cut)
    assert isinstance(first.body, changes.Excess)
    assert first.body.size == pieces * MB + len(b'{"n":""}')
    assert isinstance(second, bytes)
    assert peak < 16 * MB


def zipped(answer: Answer) -> Answer:
    return replace(answer, body=gzip.compress(answer.body), headers={"Content-Encoding": "gzip"})


def test_a_proxy_that_compresses(source: Source, staged: Warehouse) -> None:
    for number in range(50):
        source.fake.put(f"p{number:02}", json.dumps({"type": "person", "text": str(number) * 200}))
    source.fake.fault = zipped
    source.copy(staged.connection, page_rows=20)
    assert replaced.staged(staged.connection) == source.documents()


def test_a_compressed_page_that_is_cut_off_is_read_on(source: Source, staged: Warehouse) -> None:
    for number in range(50):
        source.fake.put(f"p{number:02}", json.dumps({"type": "person", "text": str(number) * 200}))
    cuts = [0.9, 0.5, 0.1, 0.99]

    def cut(answer: Answer) -> Answer:
        short = zipped(answer)
        return replace(short, cut_at=int(len(short.body) * cuts.pop())) if cuts else short

    source.fake.fault = cut
    source.copy(staged.connection)
    assert not cuts
    assert replaced.staged(staged.connection) == source.documents()


def pouchdb(answer: Answer) -> Answer:
    """As PouchDB's server writes it: one line, whole numbers for seqs, no pending, other orders of members."""
    page = json.loads(answer.body)
    results = []
    for row in page["results"]:
        number = int((row["seq"] or "0").partition("-")[0])
        members: dict[str, Any] = {"id": row["id"], "changes": row["changes"], "doc": row.get("doc"), "seq": number}
        results.append(members | ({"deleted": True} if row.get("deleted") else {}))
    last = int(page["last_seq"].partition("-")[0])
    return Answer(200, json.dumps({"results": results, "last_seq": last}, separators=(",", ":")).encode())


def test_a_pouchdb_server(source: Source, staged: Warehouse) -> None:
    for number in range(9):
        source.fake.put(f"p{number}", json.dumps({"type": "person", "text": 'a "}],\\ b', "n": [number, {}]}))
    source.fake.delete("p8")

    interval = source.fake._page
    source.fake._page = lambda query: interval(query | {"seq_interval": "1"})  # type: ignore[method-assign]
    source.fake.fault = pouchdb
    done = source.copy(staged.connection, page_rows=4)
    assert replaced.staged(staged.connection) == source.documents()
    assert (done.caught_up, done.pending, staged.checkpoint().seq) == (True, None, "10")
    source.fake.put("later")
    assert source.copy(staged.connection).rows == 1
    assert "later" in live(staged.connection)


def extract_from(url: str, staged: Warehouse, **server: Any) -> progress.Progress:
    client = partial(couchdb.Client, couchdb.Server(url, **server))
    job = Job(staged.connection, client, SOURCE, "medic", lambda _: None, lambda _: None)
    return extract.run(job, extract.Options(page_rows=2))


def test_a_certificate_of_an_authority_of_ones_own_and_a_path_before_the_database(
    staged: Warehouse, certificates: Certificates
) -> None:
    fake = FakeCouchDB()
    for number in range(5):
        fake.put(f"p{number}")

    def through_a_proxy(request: Request) -> Answer:
        assert request.path.startswith("/couch/medic")
        return fake.answer(replace(request, path=request.path.removeprefix("/couch")))

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates.server)
    with serving(through_a_proxy, tls) as (url, _):
        extract_from(f"{url}/couch", staged, verify=str(certificates.authority))
    assert len(live(staged.connection)) == 5


def test_the_pages_of_a_run_come_over_one_connection(source: Source, staged: Warehouse) -> None:
    """And the questions about the database's identity over another: the feed is read in a thread of its own."""
    for number in range(20):
        source.fake.put(f"p{number}")
    with serving(source.answer) as (url, requests):
        extract_from(url, staged)
    pages = [request.connection for request in requests if request.path == "/medic/_changes"]
    assert len(pages) == 10
    assert len(set(pages)) == 1
    assert len({request.connection for request in requests}) == 2
