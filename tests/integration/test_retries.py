"""Each row of the table of what is asked again, played by a server that does just that."""

import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import pytest
from cht_sync import couchdb, errors
from cht_sync.copy import extract, progress
from cht_sync.copy.job import Job
from cht_sync.couchdb import retry

from tests.lib.certificates import Certificates
from tests.lib.feeds import FakeCouchDB
from tests.lib.pages import SOURCE, Warehouse
from tests.lib.replay import Answer, Request, serving

HTML = b"<!doctype html><title>Log in</title>"


@dataclass
class Server:
    """A CouchDB with three documents; the answers in `troubles` come first, in place of its own."""

    fake: FakeCouchDB = field(default_factory=FakeCouchDB)
    troubles: list[Callable[[Answer], Answer]] = field(default_factory=list)
    where: str = "/medic/_changes"
    release: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        for name in ("a", "b", "c"):
            self.fake.put(name)

    def answer(self, request: Request) -> Answer:
        own = self.fake.answer(request)
        return self.troubles.pop(0)(own) if self.troubles and request.path == self.where else own


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.release.set()


class Run:
    """One run on that server, with the pauses that it made."""

    def __init__(self, staged: Warehouse, server: Server) -> None:
        self.staged, self.server, self.pauses = staged, server, list[float]()
        self.asked: list[str] = []

    def __call__(self, seconds: float = 3600, url: str = "") -> progress.Progress:
        with serving(self.server.answer) as (address, requests):
            client = partial(couchdb.Client, couchdb.Server(url or address), (1, 0.3))
            options = extract.Options(20, seconds)  # each row has its seq
            try:
                job = Job(self.staged.connection, client, SOURCE, "medic", lambda _: None, self.pauses.append)
                return extract.run(job, options)
            finally:
                self.server.release.set()
                self.asked = [request.path for request in requests]

    def names(self) -> list[str]:
        return [row[0] for row in self.staged.rows("_id")]


@pytest.fixture
def run(staged: Warehouse, server: Server) -> Run:
    return Run(staged, server)


def status(number: int, **headers: str) -> Callable[[Answer], Answer]:
    return lambda _: Answer(number, b'{"error":"x","reason":"x"}', {k.replace("_", "-"): v for k, v in headers.items()})


def passing(server: Server) -> dict[str, list[Callable[[Answer], Answer]]]:
    """By the rows of retry.TABLE: what the server does, each once."""
    return {
        "refused, reset, or a name that is not found": [lambda answer: replace(answer, reset=True)],
        "no answer in time": [lambda answer: replace(answer, hold=server.release)],
        "a body cut off, or that stalls": [
            lambda answer: replace(answer, cut_at=20),
            lambda answer: replace(answer, cut_at=len(answer.body) - 9),
            lambda answer: replace(answer, cut_at=20, hold=server.release),
            lambda answer: replace(answer, cut_at=len(answer.body) - 9, reset=True),
        ],
        "408": [status(408)],
        "425": [status(425)],
        "429": [status(429), status(429, Retry_After="7")],
        "5xx": [status(500), status(502), status(503), status(504), status(520)],
    }


def final() -> dict[str, list[Callable[[Answer], Answer]]]:
    return {
        "400": [status(400)],
        "401": [status(401)],
        "403": [status(403)],
        "404": [status(404)],
        "a redirect, another status, or a body that is not CouchDB's": [
            status(302, Location="http://127.0.0.1:1/"),
            status(304),
            status(418),
            lambda _: Answer(200, HTML),
            lambda _: Answer(200, b'{"results":[\n<html>\n],\n"last_seq":"9","pending":0}\n'),
        ],
    }


#: Those that have a test of their own below.
ALONE = {"a certificate that is not trusted", "another identity of the database"}


def test_every_row_of_the_table_is_played_here() -> None:
    assert {case.what for case in retry.TABLE} == {*passing(Server()), *final(), *ALONE}


@pytest.mark.parametrize("what", passing(Server()))
def test_what_passes_is_asked_again(what: str, run: Run, server: Server) -> None:
    server.troubles = passing(server)[what]
    expected = len(server.troubles) + 1
    assert run().caught_up
    assert run.names() == ["a", "b", "c"]
    assert run.asked.count("/medic/_changes") == expected


@pytest.mark.parametrize("what", passing(Server()))
def test_what_passes_is_asked_again_before_the_first_page_too(what: str, run: Run, server: Server) -> None:
    server.where = "/medic"
    server.troubles = passing(server)[what]
    expected = len(server.troubles) + 2
    assert run().caught_up
    assert run.asked.count("/medic") == expected


@pytest.mark.parametrize("what", final())
def test_a_final_error_is_raised_after_one_request(what: str, run: Run, server: Server) -> None:
    for trouble in final()[what]:
        server.troubles = [trouble] * 9
        with pytest.raises(errors.FinalError) as raised:
            run()
        (error,) = [case.error for case in retry.TABLE if case.what == what]
        assert type(raised.value) is error
        assert run.asked == ["/medic", "/medic/_changes"]
        assert run.pauses == []
        assert run.names() == []


@pytest.mark.parametrize("number", [401, 403, 404])
def test_a_final_error_before_the_first_page_is_raised_after_one_request(number: int, run: Run, server: Server) -> None:
    server.where, server.troubles = "/medic", [status(number)] * 9
    with pytest.raises(errors.FinalError):
        run()
    assert run.asked == ["/medic"]


def test_the_pause_is_what_the_server_asks_for(run: Run, server: Server) -> None:
    server.troubles = [
        status(429, Retry_After="7"),
        status(503, Retry_After="Tue, 24 Nov 2026 08:00:30 GMT", Date="Tue, 24 Nov 2026 08:00:10 GMT"),
        status(503, Retry_After="soon"),
    ]
    run()
    seconds, date, neither = run.pauses
    assert 7 <= seconds <= 7.5
    assert 20 <= date <= 21
    assert 0 <= neither <= 2


def test_it_goes_on_from_the_last_row_that_was_kept(run: Run, server: Server) -> None:
    pages: list[str] = []

    def trouble(answer: Answer) -> Answer:
        pages.append(answer.body.decode())
        # after the row b: of three rows that each have a seq
        return replace(answer, cut_at=answer.body.index(b'"id":"c"')) if len(pages) == 1 else Answer(503)

    server.troubles = [trouble, trouble]
    run()
    assert pages[1].count('"id":') == 1
    assert run.names() == ["a", "b", "c"]


def test_trouble_that_lasts_ends_with_the_time_and_is_a_passing_error(run: Run, server: Server) -> None:
    server.troubles = [status(503)] * 10_000
    with pytest.raises(errors.ServerBusy):
        run(seconds=600)
    assert 500 < sum(run.pauses) <= 600
    assert len(run.pauses) < 100


def test_a_name_that_is_not_found_passes(run: Run) -> None:
    with pytest.raises(errors.Unreachable):
        run(seconds=1, url="http://nowhere.invalid")


def test_a_certificate_that_is_not_trusted_is_final(run: Run, certificates: Certificates) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    trusted = pytest.raises(errors.ConfigurationInvalid, match="is not trusted")
    with serving(run.server.answer, context) as (url, requests), trusted:
        run(url=url)
    assert requests == []
    assert run.pauses == []


def test_another_identity_is_final(run: Run, server: Server) -> None:
    run()
    server.fake.started = "1795999999"
    run.pauses.clear()
    with pytest.raises(errors.SourceReplaced):
        run()
    assert run.asked == ["/medic"]
    assert run.pauses == []
