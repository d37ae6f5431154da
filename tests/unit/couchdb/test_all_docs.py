"""Answers of `_all_docs`, cut into chunks at every place, cut off at every place, and strange ones."""

import hashlib
import json

import pytest
from cht_sync import errors
from cht_sync.couchdb import Client, all_docs
from cht_sync.couchdb.all_docs import Listing
from cht_sync.couchdb.changes import Excess
from cht_sync.couchdb.client import Server
from cht_sync.couchdb.rows import Row

from tests.lib.replay import Answer, recorded, serving

NAMES = ["B", "a", "aa", 'q"\\{"id":', "x\u0000y", "}}", "ü", "\uffee", "😀"]


def text(names: list[str], end: str = "\r\n]}\n") -> bytes:
    rows = [json.dumps({"id": name, "key": name, "value": {"rev": f"{n}-x"}}, ensure_ascii=False, separators=(",", ":"))
            for n, name in enumerate(names)]  # fmt: skip
    return ('{"total_rows":8,"offset":0,"rows":[\r\n' + ",\r\n".join(rows) + end).encode()


def entries(names: list[str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), b"%d-x" % number) for number, name in enumerate(names)]


def read(body: bytes, size: int = 1 << 20, asked: bytes = b"") -> tuple[Listing, list[tuple[bytes, bytes]]]:
    found = Listing([body[at : at + size] for at in range(0, len(body), size)], asked, "The list")
    return found, [entry for part in found for entry in part]


ORDERED = sorted(NAMES, key=str.encode)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 64, 10_000])
def test_the_order_is_that_of_the_bytes_whatever_the_chunks(size: int) -> None:
    done, found = read(text(ORDERED), size)
    assert found == entries(ORDERED)
    assert (done.complete, done.rows, done.last, done.odd) == (True, len(NAMES), "😀".encode(), [])


def test_a_body_cut_off_anywhere_gives_only_whole_rows_and_says_so() -> None:
    body, whole = text(ORDERED), entries(ORDERED)
    for at in range(len(body) - 2):
        found = Listing([body[:at]], b"", "The list")
        got: list[tuple[bytes, bytes]] = []
        with pytest.raises(errors.PageCut):
            got.extend(entry for part in found for entry in part)
        assert got == whole[: len(got)]
        assert not found.complete


def test_the_row_that_it_was_asked_from_is_not_given_again() -> None:
    assert read(text(["aa", "b"]), asked=b"aa")[1] == [(b"b", b"1-x")]
    assert read(text(["b", "c"]), asked=b"aa")[1] == [(b"b", b"0-x"), (b"c", b"1-x")]


@pytest.mark.parametrize("names", [["b", "a"], ["a", "c", "b"], ["a", "b", "a"], ["a", "c", "b", "d"]])
def test_rows_out_of_order_are_not_couchdbs(names: list[str]) -> None:
    """Also within the rows that are read at once, if the next part begins after all of them."""
    with pytest.raises(errors.NotCouchDB):
        read(text(names))


@pytest.mark.parametrize("body", [text([]), b'{"total_rows":0,"offset":null,"rows":[]}', b'{"rows":[\r\n\r\n]}\n'])
def test_an_empty_list(body: bytes) -> None:
    assert read(body)[1] == []


@pytest.mark.parametrize(
    "body",
    [
        b"<html>gateway</html>",
        text(["b", "a"]),
        text(["a", "a"])[:-4] + b',\r\n{"id":"c","value":{"rev":"1-x"}}\r\n]}',
        text(["a"]).replace(b'"rows"', b'"lines"'),
    ],
)
def test_what_is_not_couchdbs(body: bytes) -> None:
    with pytest.raises(errors.NotCouchDB):
        read(body)


def test_an_error_after_the_rows_is_a_cut() -> None:
    with pytest.raises(errors.PageCut):
        read(text(["a"], '\r\n\n{"error":"timeout","reason":"secret words"}\n'))


def test_ids_that_are_not_utf8_stand_aside() -> None:
    body = text(["a", "b", "c"]).replace(b'"a"', b'"\\ud800"').replace(b'"b"', b'"\xff"')
    done, found = read(body)
    assert found == [(b"c", b"2-x")]
    assert done.odd == [(b'"\\ud800"', b"0-x"), (b'"\xff"', b"1-x")]


def test_a_real_couchdbs_list() -> None:
    with (
        serving(lambda _: recorded("all_docs")) as (url, requests),
        Client(Server(url)).all_docs("recorded", b"", 9) as found,
    ):
        ids = [name.decode() for part in found for name, _ in part]
    assert ids == ["_design/medic", "att", "bignum", "conf", "district", "p1", "p2", "ünï/cødé id?&="]
    assert requests[0].query == {"limit": "9"}


def test_a_list_is_continued_after_an_id() -> None:
    answer = Answer(200, text(['ü"', "ý"]))
    with serving(lambda _: answer) as (url, asked), Client(Server(url)).all_docs("a/b", 'ü"'.encode(), 5) as found:
        assert [entry for part in found for entry in part] == [("ý".encode(), b"1-x")]
    assert (asked[0].path, asked[0].query) == ("/a%2Fb/_all_docs", {"limit": "5", "startkey": '"ü\\""'})


def test_documents_asked_for_by_their_ids() -> None:
    body = recorded("all_docs_keys").body
    found = dict(all_docs.looked_up([body[:99], body[99:]], ["p1", "hc", "nope"], "The list"))
    alive = found["p1"]
    assert alive is not None
    assert (alive.id, alive.rev, alive.deleted) == ("p1", "2-7f3335f325d8347439423a0637924607", False)
    assert json.loads(alive.body or b"")["name"] == "Ana Maria"
    assert found["hc"] == Row("hc", "2-8aca6d50ce477d4602189ad503589cfb", None, True, None)
    assert found["nope"] is None


def test_an_answer_with_fewer_documents_than_asked_for_is_a_cut() -> None:
    body = recorded("all_docs_keys").body
    with pytest.raises(errors.PageCut):
        list(all_docs.looked_up([body[:-30]], ["p1", "hc", "nope"], "The list"))
    for ids in (["p1", "hc"], ["p1", "hc", "nope", "more"]):
        with pytest.raises(errors.NotCouchDB):
            list(all_docs.looked_up([body], ids, "The list"))


def test_a_document_that_could_not_be_read_is_not_taken_for_missing() -> None:
    body = b'{"total_rows":1,"rows":[\r\n{"key":"a","error":"internal_server_error"}\r\n]}\n'
    with pytest.raises(errors.ServerBusy):
        list(all_docs.looked_up([body], ["a"], "The list"))


def whole(name: str, doc: str = '{"n":1}') -> str:
    return f'{{"id":{name},"key":{name},"value":{{"rev":"1-x"}},"doc":{doc}}}'


def page(*rows: str, end: str = "\r\n]}\n") -> bytes:
    return ('{"total_rows":8,"offset":0,"rows":[\r\n' + ",\r\n".join(rows) + end).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("size", [1, 7, 50, 10_000])
def test_documents_come_as_they_are_whatever_the_chunks(size: int) -> None:
    body = page(whole('"a"'), whole('"ü"', '{"doc":",\\"doc\\":"}'), whole('"z"', "null"))
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    assert list(all_docs.documents(chunks, "The list")) == [
        Row("a", "1-x", None, False, b'{"n":1}'),
        Row("ü", "1-x", None, False, b'{"doc":",\\"doc\\":"}'),
        Row("z", "1-x", None, False, None),
    ]


def test_documents_cut_off_anywhere_give_whole_ones_and_say_so() -> None:
    body = page(whole('"a"'), whole('"b"'))
    for at in range(len(body) - 2):
        got = []
        with pytest.raises(errors.PageCut):
            got.extend(all_docs.documents([body[:at]], "The list"))
        assert got == [Row("a", "1-x", None, False, b'{"n":1}'), Row("b", "1-x", None, False, b'{"n":1}')][: len(got)]


def test_a_document_whose_id_is_not_utf8_keeps_its_text() -> None:
    (row,) = all_docs.documents([page(whole('"\\ud800"'))], "The list")
    assert row == Row("", "1-x", None, False, b'{"n":1}', b'"\\ud800"')


def test_a_document_that_is_too_long_has_its_size_and_hash() -> None:
    long = '{"n":"' + "x" * 5000 + '"}'
    first, second = all_docs.documents([page(whole('"a"', long), whole('"b"'))], "The list", longest=1000)
    excess = Excess(len(long), hashlib.sha256(long.encode()).hexdigest())
    assert first == Row("a", "1-x", None, False, None, excess=excess)
    assert second is not None
    assert second.id == "b"


def test_documents_of_something_else_are_not_couchdbs() -> None:
    with pytest.raises(errors.NotCouchDB):
        list(all_docs.documents([b"<html>gateway</html>\n"], "The list"))
