"""A row of the feed, cut out of its JSON text."""

import pytest
from cht_sync.couchdb import rows
from cht_sync.errors import NotCouchDB


def row(head: bytes, doc: bytes | None = None) -> bytes:
    tail = b"}" if doc is None else b',"doc":' + doc + b"}"
    return b'{"seq":null,' + head + b',"changes":[{"rev":"1-a"}]' + tail


def test_a_document_is_cut_out_not_decoded() -> None:
    doc = b'{"_id":"a","n":12345678901234567890,"f":1.0,"t":",\\"doc\\":"}'
    parsed = rows.parse(row(b'"id":"a"', doc))
    assert (parsed.id, parsed.rev, parsed.deleted, parsed.body) == ("a", "1-a", False, doc)


def test_an_id_that_spells_the_cut_does_not_cut() -> None:
    assert rows.parse(row(b'"id":"x,\\"doc\\":y"', b'{"a":1}')).id == 'x,"doc":y'


@pytest.mark.parametrize("seq", [b'"15-g1AAAA"', b"15"])
def test_a_seq_is_kept_as_text(seq: bytes) -> None:
    text = b'{"seq":' + seq + b',"id":"a","changes":[{"rev":"1-a"}],"doc":{}}'
    assert rows.parse(text).seq == seq.decode().strip('"')


@pytest.mark.parametrize("name", ["_design/medic", "token:login:abc"])
def test_what_is_left_out(name: str) -> None:
    assert rows.left_out(rows.parse(row(b'"id":"' + name.encode() + b'"', b"{}")))


def test_contacts_and_the_like_are_not_left_out() -> None:
    assert not rows.left_out(rows.parse(row(b'"id":"token"', b"{}")))


@pytest.mark.parametrize("text", [b"<html>", b"{}", b'{"id":"a"}', b'{"id":"a","changes":[]}', b'{"error":"timeout"}'])
def test_what_is_no_row_is_not_skipped(text: bytes) -> None:
    with pytest.raises(NotCouchDB):
        rows.parse(text)
