import base64
from hashlib import sha256

import pytest
from cht_sync import errors
from cht_sync.couchdb import Client, Identity, changes, rows
from cht_sync.couchdb.changes import Excess
from cht_sync.couchdb.client import Server
from cht_sync.couchdb.rows import Row

from tests.lib.replay import Answer, Request, recorded, serving

PASSWORD = "p@ss:wörd/%"


def client(url: str) -> Client:
    return Client(Server(url, "admin", PASSWORD))


def read(answer: Answer, limit: int = 100) -> tuple[list[Row], changes.Page]:
    with serving(lambda _: answer) as (url, _), client(url).changes("recorded", "0", limit, 50) as page:
        return [rows.parse(text) for text in page], page


def test_a_page_gives_its_rows_in_order_then_last_seq_and_pending() -> None:
    rows, page = read(recorded("changes_first_page"))
    assert [row.id for row in rows] == ["district", "bignum", "hc"]
    assert rows[0].rev == "1-944fa26120d401991ccfb5cd1f0da360"
    assert page.last_seq is not None
    assert page.last_seq.startswith("3-g1AAAA")
    assert page.pending == 4


def test_a_document_passes_through_byte_by_byte() -> None:
    rows, _ = read(recorded("changes_first_page"))
    assert rows[1].body is not None
    assert rows[1].body.endswith(b'"f":1700000000000.0,"e":1e+308,"nn":9999999999999999999999999999999999999999}')


def test_most_rows_have_no_seq_where_an_interval_is_asked_for() -> None:
    rows, _ = read(recorded("changes_seq_interval"))
    assert [row.seq is not None for row in rows] == [True, False, False, False, True, False, False]


def test_deletions_recreations_and_conflicts_come_as_the_winner() -> None:
    rows, _ = read(recorded("changes_after_edits"))
    said = {row.id: (row.rev.split("-")[0], row.deleted) for row in rows}
    assert said["hc"] == ("2", True)
    assert said["home"] == ("2", True)
    assert said["p2"] == ("3", False)


def test_nothing_new_is_a_page_without_rows() -> None:
    rows, page = read(recorded("changes_up_to_date"))
    assert rows == []
    assert page.pending == 0
    assert page.last_seq is not None


def test_what_is_asked_for() -> None:
    answer = recorded("changes_up_to_date")
    with serving(lambda _: answer) as (url, requests), client(url).changes("a/b", "5-g1AA+/=", 1000, 50) as page:
        list(page)
    token = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    assert requests == [
        Request(
            "/a%2Fb/_changes",
            {"since": "5-g1AA+/=", "limit": "1000", "seq_interval": "50", "include_docs": "true"},
            f"Basic {token}",
        )
    ]


def test_the_path_of_a_proxy_stands_before_the_database() -> None:
    with serving(lambda _: recorded("database_info")) as (url, requests):
        client(url + "/couch").identity("medic")
    assert requests[0].path == "/couch/medic"


@pytest.mark.parametrize("cut_at", [0, 5, 20, 100, 1000, -40, -5])
def test_a_body_cut_off_anywhere_is_no_whole_page(cut_at: int) -> None:
    whole = recorded("changes_first_page")
    with pytest.raises(errors.PageCut):
        read(Answer(200, whole.body, whole.headers, cut_at))


def test_a_body_that_ends_early_without_a_cut_connection_is_no_whole_page() -> None:
    with pytest.raises(errors.PageCut):
        read(Answer(200, recorded("changes_first_page").body.partition(b"],")[0]))


def test_an_identity_is_the_creation_time() -> None:
    said = {}
    for name in ("database_info_before_recreation", "database_info_recreated"):
        with serving(lambda _, name=name: recorded(name)) as (url, _):
            said[name] = client(url).identity("recreated")
    assert said["database_info_before_recreation"] == Identity("instance_start_time", "1795480070")
    assert said["database_info_recreated"] == Identity("instance_start_time", "1795480073")


def test_an_identity_is_the_servers_uuid_where_it_gives_no_creation_time() -> None:
    def answer(request: Request) -> Answer:
        old = Answer(200, b'{"db_name":"medic","instance_start_time":"0"}')
        return recorded("server_info") if request.path == "/" else old

    with serving(answer) as (url, _):
        assert client(url).identity("medic") == Identity("uuid", "0123456789abcdef0123456789abcdef")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (recorded("error_unauthorized"), errors.LoginRefused),
        (recorded("error_bad_password"), errors.LoginRefused),
        (recorded("error_forbidden_member"), errors.LoginRefused),
        (recorded("error_no_database"), errors.DatabaseMissing),
        (recorded("error_bad_since"), errors.SinceRefused),
        (Answer(429, b"", {"Retry-After": "7"}), errors.ServerBusy),
        (Answer(500, b"<html>"), errors.ServerBusy),
        (Answer(503, b"<html>"), errors.ServerBusy),
        (Answer(302, b"", {"Location": "http://127.0.0.1:1/login"}), errors.NotCouchDB),
        (Answer(200, b"<!doctype html><title>Log in</title>"), errors.NotCouchDB),
        (Answer(200, b""), errors.PageCut),
    ],
)
def test_each_answer_that_is_no_page_has_its_error(answer: Answer, error: type[errors.SyncError]) -> None:
    with pytest.raises(error) as raised:
        read(answer)
    assert PASSWORD not in repr(raised.value)
    assert "html" not in str(raised.value)


def test_only_what_passes_by_itself_is_tried_again() -> None:
    assert issubclass(errors.ServerBusy, errors.PassingError)
    for final in (errors.LoginRefused, errors.DatabaseMissing, errors.SinceRefused, errors.NotCouchDB):
        assert issubclass(final, errors.FinalError)


def test_a_server_says_when_to_come_back() -> None:
    with pytest.raises(errors.ServerBusy) as raised:
        read(Answer(429, b"", {"Retry-After": "7"}))
    assert raised.value.retry_after == 7


def test_a_port_where_nothing_listens() -> None:
    with serving(lambda _: Answer()) as (url, _):
        pass
    with pytest.raises(errors.Unreachable, match="does not answer"):
        client(url).identity("medic")


def test_one_document_in_its_revision() -> None:
    def answer(request: Request) -> Answer:
        found = request.path == "/medic/%C3%BCn%C3%AF%2Fc" and request.query == {"rev": "2-abc"}
        return Answer(200, b'{"_id":"x"}', {"ETag": 'W/"proxy"'}) if found else Answer(404, b'{"reason":"missing"}')

    with serving(answer) as (url, _):
        assert client(url).document("medic", "ünï/c", "2-abc") == b'{"_id":"x"}'
        assert client(url).document("medic", "ünï/c", "3-abc") is None
        assert client(url).document("medic", "y", "2-abc") is None


@pytest.mark.parametrize("cut", [b"", b"{", b'{"a', b'{"a":{"b":1}', b'{"a":1e', b'{"a":"}'])
def test_an_answer_that_ends_before_its_end_was_cut_off(cut: bytes) -> None:
    """Where a proxy gives no length, or that of what has come, HTTP does not show it."""
    with serving(lambda _: Answer(200, cut)) as (url, _):
        with pytest.raises(errors.PageCut, match="was cut off"):
            client(url).document("medic", "x", "1-a")
        with pytest.raises(errors.PageCut, match="was cut off"):
            client(url).identity("medic")
    with serving(lambda _: Answer(200, b'{"a":' + b"[" * 5000)) as (url, _), pytest.raises(errors.PageCut):
        client(url).document("medic", "x", "1-a")


@pytest.mark.parametrize("whole", [b'{"a":01}', b'{"a":"\xff"}', b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"])
def test_a_document_may_be_whole_and_not_be_read_as_json(whole: bytes) -> None:
    with serving(lambda _: Answer(200, whole)) as (url, _):
        assert client(url).document("medic", "x", "1-a") == whole


@pytest.mark.parametrize("sent", [b'{"a":1}', b'{"a":1}\n'])
def test_the_line_feed_after_a_document_is_none_of_it(sent: bytes) -> None:
    """CouchDB sends one where a document is asked for by its id, none where it comes in a row."""
    with serving(lambda _: Answer(200, sent)) as (url, _):
        assert client(url).document("medic", "x", "2-abc") == b'{"a":1}'
        assert client(url).document("medic", "x", "2-abc", 3) == Excess(7, sha256(b'{"a":1}').hexdigest())


def test_only_the_last_line_feed_is_taken_off() -> None:
    assert changes.whole([b"a\n", b"\n", b"b", b"\n"], 100) == b"a\n\nb"
    assert changes.whole([b"a\n", b"", b"\n"], 100) == b"a\n"
    assert changes.whole([b"a", b"\n"], 1) == b"a"


def test_http_to_another_machine_must_be_allowed() -> None:
    with pytest.raises(errors.ConfigurationInvalid, match="without encryption"):
        Server.at("couch.example.org", scheme="http")
    assert Server.at("couch.example.org", scheme="http", allow_http=True).url == "http://couch.example.org"
    assert Server.at("127.0.0.1", scheme="http", port=5984).url == "http://127.0.0.1:5984"
    assert Server.at("couch.example.org", path="/couch/").url == "https://couch.example.org/couch"
    assert Server.at("::1", scheme="http").url == "http://[::1]"


@pytest.mark.parametrize("host", ["", "https://couch.example.org", "me:secret@couch.example.org"])
def test_a_host_is_a_name_alone(host: str) -> None:
    with pytest.raises(errors.ConfigurationInvalid) as raised:
        Server.at(host)
    assert "secret" not in str(raised.value)


def test_a_password_is_not_shown_with_its_server() -> None:
    assert PASSWORD not in repr(Server("https://x", "admin", PASSWORD))
