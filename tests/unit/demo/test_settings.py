"""What the demo is asked for, and what it says where that cannot be."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import connections, content, settings
from demo.settings import CouchDB as Server
from demo.settings import Settings
from servers import airflow
from servers.errors import DemoError


def test_nothing_asked_for_is_the_county() -> None:
    assert settings.read({}) == Settings()
    assert settings.read({"SIZE": "", "ONCE": "0", "DATA": ""}) == Settings()


def test_what_is_asked_for_is_taken(tmp_path: Path) -> None:
    data = tmp_path / "data.ndjson"
    data.touch()
    given = settings.read(
        {"SIZE": "1_000", "SEED": "3", "ONCE": "1", "PORT": "8080", "DATA": str(data), "OUT": "o.csv"}
    )
    assert given == Settings(size=1000, seed=3, once=True, port=8080, data=data, out=Path("o.csv"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SIZE": "many"}, "SIZE is 'many'"),
        ({"SIZE": "5"}, "SIZE is '5'"),
        ({"PORT": "70000"}, "PORT is '70000'"),
        ({"SEED": "-1"}, "SEED is '-1'"),
        ({"DATA": "missing.ndjson"}, "There is no readable file missing.ndjson"),
        ({"OUT": "missing/out.csv"}, "missing/out.csv cannot be written"),
        ({"COUCHDB_URL": "localhost:5984"}, "COUCHDB_URL lacks"),
        ({"COUCHDB_URL": "http://localhost:5984"}, "COUCHDB_URL lacks"),
        ({"COUCHDB_URL": "http://a:b@localhost:port"}, "COUCHDB_URL is not an address"),
        ({"CHT_WAREHOUSE_DSN": "somewhere"}, "CHT_WAREHOUSE_DSN is not an address"),
    ],
)
def test_an_impossible_value_is_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(DemoError) as raised:
        settings.read(given)
    assert raised.value.what.startswith(said)
    assert raised.value.advice


@pytest.mark.parametrize(
    "url", ["http://admin:s3cr%40t@localhost:x", "ftp://admin:s3cr%40t@localhost", "//admin:s3cr%40t@h"]
)
def test_an_error_about_an_address_does_not_repeat_its_password(url: str) -> None:
    with pytest.raises(DemoError) as raised:
        settings.read({"COUCHDB_URL": url})
    assert "s3cr" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_login_and_password_are_taken_out_of_the_address() -> None:
    given = settings.read({"COUCHDB_URL": "https://ad%40min:p%3A%2F@couch.example.org/couch/"}).couchdb
    assert given == settings.CouchDB("https://couch.example.org/couch", "ad@min", "p:/")


def test_the_same_content_is_distinguished_from_another(tmp_path: Path) -> None:
    data = tmp_path / "data.ndjson"
    data.write_text("{}\n")
    first = Settings(data=data).content
    data.write_text("[]\n")
    others = [
        first,
        Settings(data=data).content,
        Settings().content,
        Settings(seed=2).content,
        Settings(size=100).content,
    ]
    others.append(Settings(warehouse="postgresql://u:secret@h/d").content)
    assert len(set(others)) == len(others)
    assert Settings(once=True, port=1, out=tmp_path).content == Settings().content
    assert "secret" not in others[-1]


def test_connections_are_as_their_hooks_read_them() -> None:
    couch = connections.couchdb(settings.CouchDB("http://127.0.0.1:5984/couch", "admin", "p"))
    assert (couch["host"], couch["port"], couch["schema"]) == ("127.0.0.1", 5984, "http")
    assert couch["extra"] == '{"path": "/couch", "allow_http": true}'
    warehouse = connections.warehouse("postgresql://u:p%40@h:5433/w?sslmode=require")
    assert [warehouse[key] for key in ("host", "port", "schema", "login", "password")] == ["h", 5433, "w", "u", "p@"]
    assert warehouse["extra"] == '{"sslmode": "require"}'


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_one_sentence(taken: int) -> None:
    with pytest.raises(DemoError, match=f"^The port {taken} is in use. Name another"):
        airflow.free_port(taken)


def test_a_couchdb_that_is_none_is_one_sentence(couchdb: Server) -> None:
    wrong = settings.CouchDB(couchdb.url, couchdb.login, "wrong")
    with pytest.raises(DemoError, match=r"^CouchDB refuses the login of COUCHDB_URL\. "):
        content.count(wrong)
    with pytest.raises(DemoError, match=r"^Nothing answers at the address of COUCHDB_URL\. "):
        content.count(settings.CouchDB("http://127.0.0.1:1", "a", "b"))
    assert content.count(settings.CouchDB(couchdb.url, couchdb.login, couchdb.password)) >= 0
