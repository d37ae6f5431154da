"""A row of the feed to a line for staging. What Postgres makes of the line is in integration/test_staging.py."""

import csv
import io

import pytest
from cht_sync.copy.encoding import lines
from cht_sync.couchdb import rows

NAMES = ("line", "id", "reject_id", "rev", "deleted", "altered", "body", "raw", "reason")


def row(head: bytes, doc: bytes | None = None) -> bytes:
    tail = b"}" if doc is None else b',"doc":' + doc + b"}"
    return b'{"seq":null,' + head + b',"changes":[{"rev":"1-a"}]' + tail


def line(text: bytes, database: str = "medic") -> dict[str, str]:
    """The fields of the line that the row becomes, as COPY reads them."""
    written = lines.line(7, rows.parse(text), database)
    (fields,) = csv.reader(io.StringIO(written.decode()), delimiter="\x02", quotechar="\x01")
    return dict(zip(NAMES, fields, strict=True))


def raw(given: dict[str, str]) -> bytes:
    return bytes.fromhex(given["raw"].removeprefix("\\x"))


def test_a_good_document_goes_on_as_it_came() -> None:
    given = line(row(b'"id":"a"', '{"_id":"a","name":"Ünï \\\\u0000 \\" 😀"}'.encode()))
    assert given["body"] == '{"_id":"a","name":"Ünï \\\\u0000 \\" 😀"}'
    assert (given["id"], given["rev"], given["altered"], given["reason"]) == ("a", "1-a", "f", "")


@pytest.mark.parametrize(
    ("came", "goes"),
    [
        (rb'{"a":"x\u0000y"}', r'{"a":"x\ufffdy"}'),
        (rb'{"a":"\u0000\u0000"}', r'{"a":"\ufffd\ufffd"}'),
        (rb'{"a\u0000b":1}', r'{"a\ufffdb":1}'),
        (rb'{"a":"\\\u0000"}', r'{"a":"\\\ufffd"}'),
    ],
)
def test_a_nul_becomes_a_replacement_character_and_is_marked(came: bytes, goes: str) -> None:
    given = line(row(b'"id":"a"', came))
    assert given["body"] == goes
    assert given["altered"] == "t"
    assert raw(given) == came


@pytest.mark.parametrize("came", [rb'{"a":"\\u0000"}', rb'{"a":"\\\\u0000"}', rb'{"a":"\\\\\\u0000 \\u0000"}'])
def test_a_text_that_spells_a_nul_stays(came: bytes) -> None:
    given = line(row(b'"id":"a"', came))
    assert given["body"] == came.decode()
    assert given["altered"] == "f"


@pytest.mark.parametrize(
    ("head", "doc", "reason", "named"),
    [
        (b'"id":"a\\u0000b"', b"{}", "its _id holds a NUL", b"a\0b"),
        (b'"id":"' + b"x" * 1001 + b'"', b"{}", "its _id is longer than 1000 bytes", b"x" * 1001),
        (b'"id":"\xff"', b"{}", "its _id is not valid UTF-8", b'"\xff"'),
        (b'"id":"\\ud83d"', b"{}", "its _id is not valid UTF-8", b'"\\ud83d"'),
        (b'"id":"a"', b'{"n":"\xff"}', "it is not valid UTF-8", b"a"),
        (b'"id":"a"', b'{"n":"\x01"}', "it holds a raw control character, which JSON does not allow", b"a"),
        (b'"id":"a"', b'{"n":"\x02"}', "it holds a raw control character, which JSON does not allow", b"a"),
        (b'"id":"a"', b'{"n":"\0"}', "it holds a raw control character, which JSON does not allow", b"a"),
        (b'"id":"a"', b'{"n":"\r"}', "it holds a raw control character, which JSON does not allow", b"a"),
        (b'"id":"a"', b'{"n":"\n"}', "it holds a raw control character, which JSON does not allow", b"a"),
        (b'"id":"a"', None, "unreadable: CouchDB gave the row without its document", b"a"),
        (b'"id":"a"', b"null", "unreadable: CouchDB gave the row without its document", b"a"),
    ],
)
def test_what_cannot_be_held_is_rejected_whole_with_its_reason(
    head: bytes, doc: bytes | None, reason: str, named: bytes
) -> None:
    given = line(row(head, doc))
    assert given["reason"] == reason
    assert bytes.fromhex(given["reject_id"].removeprefix("\\x")) == named
    assert (given["id"], given["body"]) == ("a" if reason.startswith("unreadable") else "", "")
    assert raw(given) == (b"" if doc in (None, b"null") else doc)


def test_a_deletion_has_no_body() -> None:
    given = line(b'{"seq":null,"id":"a","changes":[{"rev":"2-b"}],"deleted":true,"doc":{"_id":"a","name":"Ana"}}')
    assert (given["deleted"], given["body"], given["raw"]) == ("t", "", "")


def test_an_account_keeps_only_what_is_allowed() -> None:
    account = (
        b'{"_id":"org.couchdb.user:ana","_rev":"1-a","name":"ana","type":"user","roles":["chw"],"contact_id":"p",'
        b'"facility_id":["h"],"salt":"S","derived_key":"D","iterations":10,"password":"P","password_scheme":"pbkdf2",'
        b'"token_login":{"token":"T"},"oidc_username":"O","something_new":"N"}'
    )
    given = line(row(b'"id":"org.couchdb.user:ana"', account), "_users")
    assert given["body"] == (
        '{"_id":"org.couchdb.user:ana","_rev":"1-a","name":"ana","type":"user","roles":["chw"],"contact_id":"p",'
        '"facility_id":["h"]}'
    )
    assert given["raw"] == ""


@pytest.mark.parametrize("doc", [b'{"salt":', b'["salt"]', b'"salt"', b"[" * 5000 + b"]" * 5000])
def test_an_account_that_cannot_be_read_is_rejected_without_its_body(doc: bytes) -> None:
    given = line(row(b'"id":"org.couchdb.user:ana"', doc), "_users")
    assert given["reason"] == "an account that is not a JSON object"
    assert given["raw"] == ""


def test_an_account_with_a_bad_id_is_redacted_before_it_is_rejected() -> None:
    given = line(row(b'"id":"x\\u0000"', b'{"name":"ana","salt":"S"}'), "_users")
    assert raw(given) == b'{"name":"ana"}'
