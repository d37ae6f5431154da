"""Writing rounds of documents: exact texts, revisions, refusals, servers in trouble, files of one document a line."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from county.writes import NoDocument, Round, Write, members, text
from demo import load
from tests.lib.fake_couchdb import FakeCouchDB

AUTH = ("admin", "hidden")


@pytest.fixture
def server() -> Iterator[FakeCouchDB]:
    with FakeCouchDB() as fake:
        yield fake
        fake.shutdown()


def loaded_by(url: str, rounds: Iterable[Round], progress: load.Progress | None = None) -> load.Loaded:
    """Without pauses between the attempts."""
    return load.load(url, AUTH, rounds, progress, pause=lambda _: None)


def write(id_: str, *, delete: bool = False, **more: object) -> Write:
    return Write("medic", {"_id": id_, **more}, delete)


def bodies(server: FakeCouchDB) -> list[bytes]:
    return [body for _, path, body in server.requests if path.endswith("_bulk_docs")]


def test_the_databases_are_made_also_where_nothing_is_written(server: FakeCouchDB) -> None:
    server.databases["medic"] = {}
    assert loaded_by(server.url, []).written == 0
    assert set(server.databases) == {"medic", "medic-sentinel", "medic-users-meta", "_users"}


def test_a_later_round_edits_deletes_and_writes_again(server: FakeCouchDB) -> None:
    rounds = [
        [write("a", n=1), write("b"), write("c"), write("d")],
        [write("a", n=2), write("b", delete=True), write("c", delete=True)],
        [write("c", n=3)],
    ]
    loaded = loaded_by(server.url, rounds)
    assert server.databases["medic"] == {"a": {"_id": "a", "n": 2}, "c": {"_id": "c", "n": 3}, "d": {"_id": "d"}}
    assert (loaded.written, loaded.refused) == (8, [])


def test_a_deletion_of_nothing_leaves_a_tombstone(server: FakeCouchDB) -> None:
    loaded_by(server.url, [[write("a", delete=True, name="kept")]])
    assert server.databases["medic"] == {}
    assert server.revs["medic", "a"] == 2
    assert b'"name":"kept","_deleted":true' in bodies(server)[-1]


def test_a_text_goes_as_it_is(server: FakeCouchDB) -> None:
    raw = b'{"_id":"a",  "n": 1.0, "big":12345678901234567890, "t":"x\\u0000", "t":"\\u00e9"}'
    loaded_by(server.url, [[Write("medic", raw), write("b")]])
    assert bodies(server)[0] == b'{"docs":[' + raw + b',{"_id":"b"}]}'


def test_a_text_keeps_its_other_members_where_a_revision_is_taken_out() -> None:
    raw = b' { "_rev" : "3-c" , "a" : [1.0, {"_rev":"}"}] , "_id" : "x\\"y" , "b" : "]" } '
    found = text(Write("medic", raw))
    assert found.json == b'{"a":[1.0, {"_rev":"}"}],"_id":"x\\"y","b":"]"}'
    assert (found.id, found.deleted) == ('x"y', False)


@pytest.mark.parametrize("as_text", [True, False])
def test_attachments_without_data_are_left_out(as_text: bool) -> None:
    raw = b'{"_id":"a","_attachments":{"s":{"stub":true,"length":9},"d":{"data":"eA=="}}}'
    doc = {"_id": "a", "_attachments": {"s": {"stub": True, "length": 9}, "d": {"data": "eA=="}}}
    assert text(Write("medic", raw if as_text else doc)).json == b'{"_id":"a","_attachments":{"d":{"data":"eA=="}}}'


@pytest.mark.parametrize("as_text", [True, False])
def test_a_deletion_keeps_the_body(as_text: bool) -> None:
    doc = b'{"_id":"a","name":"kept"}' if as_text else {"_id": "a", "name": "kept"}
    found = text(Write("medic", doc, delete=True))
    assert (found.json, found.deleted) == (b'{"_id":"a","name":"kept","_deleted":true}', True)


@pytest.mark.parametrize("raw", [b"", b"[]", b"5", b'"a"', b"{", b'{"a":1}}', b'{"a":1} {"b":2}', b'{"a":"'])
def test_what_is_no_object_has_no_members(raw: bytes) -> None:
    with pytest.raises(NoDocument):
        members(raw)


def test_what_no_parser_reads_keeps_its_members_too() -> None:
    deep = b"[" * 20_000 + b"]" * 20_000
    raw = b'{"_rev":"1-x","_id":"a","n":1.0,"a":' + deep + b',"s":"\\ud83d"}'
    assert text(Write("medic", raw)).json == b'{"_id":"a","n":1.0,"a":' + deep + b',"s":"\\ud83d"}'


def test_requests_are_bounded_by_count_and_by_bytes(server: FakeCouchDB) -> None:
    load.load(
        server.url, AUTH, [[write(f"{n}") for n in range(1201)], [write(f"b{n}", x="y" * 900_000) for n in range(5)]]
    )
    assert [body.count(b'"_id"') for body in bodies(server)] == [500, 500, 201, 2, 2, 1]


def test_progress_is_printed(server: FakeCouchDB) -> None:
    said: list[tuple[int, int | None]] = []
    rounds = [[write("a"), write("b")], [write("a")]]
    loaded_by(server.url, rounds, lambda done, total: said.append((done, total)))
    loaded_by(server.url, iter(rounds), lambda done, total: said.append((done, total)))
    assert said == [(2, 3), (3, 3), (2, None), (3, None)]


def test_refused_documents_are_counted_by_the_server_s_word(server: FakeCouchDB) -> None:
    rounds = [[write("a", type="forbidden"), write("b"), write("c", type="forbidden")]]
    loaded = loaded_by(server.url, rounds)
    assert loaded.refused == [load.Refused("medic", "forbidden", 2)]
    assert loaded.ids == {"medic": {"a", "c"}}
    assert set(server.databases["medic"]) == {"b"}


def test_one_that_spoils_the_request_is_found_and_the_others_are_written(server: FakeCouchDB) -> None:
    documents = [write(f"{n}") for n in range(9)] + [write("bad", x="spoils the request")]
    loaded = loaded_by(server.url, [documents])
    assert loaded.refused == [load.Refused("medic", "HTTP 400", 1)]
    assert (loaded.written, loaded.ids) == (9, {"medic": {"bad"}})


def test_one_that_somebody_else_keeps_changing_is_refused(server: FakeCouchDB) -> None:
    server.changed_meanwhile = {"a"}
    loaded = loaded_by(server.url, [[write("a")], [write("a", n=2), write("b")]])
    assert (loaded.refused, loaded.written) == ([load.Refused("medic", "conflict", 1)], 2)


@pytest.mark.parametrize("trouble", [0, 429, 503])
def test_a_passing_trouble_passes(server: FakeCouchDB, trouble: int) -> None:
    server.troubles = [trouble, trouble]
    assert loaded_by(server.url, [[write("a")]]).written == 1


@pytest.mark.parametrize(
    ("troubles", "what"),
    [
        ([0, 0, 0], "does not answer"),
        ([503, 503, 503], "is too busy (HTTP 503)"),
        ([401], "refused documents for medic (HTTP 401). Check the login and the password"),
        ([404], "HTTP 404"),
        ([200], "refused documents for medic (HTTP 200). Check whether a CouchDB is at that address"),
    ],
)
def test_a_lasting_failure_is_a_sentence_without_secrets(server: FakeCouchDB, troubles: list[int], what: str) -> None:
    server.troubles = troubles
    with pytest.raises(load.LoadError) as error:
        loaded_by(server.url.replace("//", "//admin:hidden@"), [[write("a", name="Adriana")]])
    assert what in str(error.value)
    for secret in ("hidden", "secret", "Adriana"):
        assert secret not in str(error.value)


def test_nobody_at_that_address() -> None:
    with FakeCouchDB() as fake:
        fake.shutdown()
    with pytest.raises(load.LoadError, match="does not answer"):
        loaded_by(fake.url, [])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(load.LoadError, match="is no file"):
        load.read_ndjson(tmp_path / "none.ndjson")


def lines(path: Path, content: bytes) -> load.Lines:
    file = path / "documents.ndjson"
    file.write_bytes(content)
    return load.read_ndjson(file)


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    found = lines(tmp_path, b'\xef\xbb\xbf{"_id":"a"}\r\n\r\n  \n {"_id":"b","_rev":"1-x"}\n{"_id":"c"}')
    assert [[write.doc for write in writes] for writes in found] == [
        [b'{"_id":"a"}', b'{"_id":"b","_rev":"1-x"}', b'{"_id":"c"}']
    ]
    assert found.bad == []


def test_an_id_that_comes_again_is_a_later_edit(tmp_path: Path, server: FakeCouchDB) -> None:
    content = b'{"_id":"a","n":1}\n{"_id":"b"}\n{"_id":"a","n":2}\n{"_id":"b","_deleted":true}\n{"_id":"a","n":3}\n'
    loaded = loaded_by(server.url, lines(tmp_path, content + b'{"_id":"never","_deleted":true}\n'))
    assert server.databases["medic"] == {"a": {"_id": "a", "n": 3}}
    assert loaded.refused == []


def test_what_is_no_document_is_reported_by_its_line(tmp_path: Path) -> None:
    content = (
        b'{"_id":"a"}\nnot json\n[1]\n{"name":"Adriana"}\n{"_id":5}\n{"_id":"\xff"}\n{"_id":"x","n":NaN}\n{"_id":"z"\n'
    )
    found = lines(tmp_path, content)
    assert sum(len(writes) for writes in found) == 1
    reasons = ["not JSON", "not an object", "no _id", "no _id", "not JSON", "not JSON", "not JSON"]
    assert found.bad == [load.BadLine(number, reason) for number, reason in enumerate(reasons, start=2)]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"_id":"deep","a":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"_id":"huge","a":1e200000,"b":' + b"9" * 5000 + b"}",
        b'{"_id":"surrogate","a":"\\ud83d"}',
        b'{"_id":"nul\\u0000","a\\u0000":1}',
    ],
)
def test_what_a_server_may_take_is_left_to_the_server(tmp_path: Path, raw: bytes) -> None:
    found = lines(tmp_path, raw + b"\n")
    assert [write.doc for writes in found for write in writes] == [raw]
    assert found.bad == []


def test_a_long_file_is_read_in_bounded_rounds(tmp_path: Path) -> None:
    found = lines(tmp_path, b"".join(b'{"_id":"%d"}\n' % number for number in range(2500)))
    assert [len(writes) for writes in found] == [1000, 1000, 500]
