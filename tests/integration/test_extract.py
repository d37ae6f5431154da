"""A run: from the stored checkpoint to the end of the feed, whatever comes between."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count

import psycopg
import pytest
from cht_sync import couchdb, errors
from cht_sync import warehouse as warehouses
from cht_sync.copy import checkpoint, extract, progress
from cht_sync.copy.job import Job
from cht_sync.copy.reading import feed, page, reader
from cht_sync.models import runner

from tests.lib.feeds import FakeCouchDB
from tests.lib.pages import SOURCE, Warehouse
from tests.lib.replay import Answer, Request, serving

Run = Callable[..., progress.Progress]


class Source:
    """The fake, its address, and the requests that it has had."""

    def __init__(self, fake: FakeCouchDB, url: str, requests: list[Request]) -> None:
        self.fake, self.url, self.requests = fake, url, requests

    def asked(self) -> list[str]:
        """The paths asked for since the last call."""
        paths = [request.path for request in self.requests]
        self.requests.clear()
        return paths


@pytest.fixture
def source() -> Iterator[Source]:
    fake = FakeCouchDB()
    with serving(fake.answer) as (url, requests):
        yield Source(fake, url, requests)


@pytest.fixture
def run(staged: Warehouse, source: Source) -> Run:
    """Runs once; `reports` of it are kept as run.reports."""

    def once(rows: int = 100, seconds: float = 3600, wait: float = 30) -> progress.Progress:
        client = partial(couchdb.Client, couchdb.Server(source.url))
        options = extract.Options(rows, seconds, wait)
        return extract.run(Job(staged.connection, client, SOURCE, "medic", lambda _: None, lambda _: None), options)

    return once


def names(staged: Warehouse) -> list[str]:
    return [row[0] for row in staged.rows("_id")]


def test_everything_is_copied_page_after_page(staged: Warehouse, source: Source, run: Run) -> None:
    for number in range(25):
        source.fake.put(f"p{number:02}")
    done = run(rows=10)
    assert names(staged) == [f"p{number:02}" for number in range(25)]
    assert (done.pages, done.rows, done.changed, done.pending, done.caught_up) == (3, 25, 25, 0, True)
    assert [request.query["since"] for request in source.requests if "since" in request.query] == [
        "0",
        "10-g1AAAA",
        "20-g1AAAA",
    ]


def test_nothing_new_is_two_requests_and_one_written_row(staged: Warehouse, source: Source, run: Run) -> None:
    source.fake.put("a")
    run()
    source.asked()
    before = staged.checkpoint()
    runs = staged.rows("run", "ops.extract_run", "run")
    done = run()
    assert source.asked() == ["/medic", "/medic/_changes"]
    assert (done.rows, done.changed, done.caught_up) == (0, 0, True)
    assert staged.checkpoint() == replace(before, reads=before.reads + 1)
    assert staged.rows("run", "ops.extract_run", "run") == runs


def test_the_identity_is_asked_again_before_the_first_rows_are_committed(source: Source, run: Run) -> None:
    for number in range(5):
        source.fake.put(f"p{number}")
    run(rows=2)
    assert source.asked().count("/medic") == 2


def test_edits_and_deletions_follow(staged: Warehouse, source: Source, run: Run) -> None:
    source.fake.put("a")
    source.fake.put("b")
    run()
    source.fake.put("a", '{"type":"clinic"}', "2-b")
    source.fake.delete("b")
    run()
    assert staged.rows("_id, _rev, _deleted, type") == [("a", "2-b", False, "clinic"), ("b", "2-d", True, None)]


def test_what_is_left_out_is_counted(staged: Warehouse, source: Source, run: Run) -> None:
    source.fake.put("_design/medic")
    source.fake.put("token:login:x", '{"tasks":[{"message":"https://host/login/token/secret"}]}')
    source.fake.put("a")
    done = run()
    assert (done.rows, done.left_out, done.changed) == (3, 2, 1)
    assert names(staged) == ["a"]
    assert staged.rows("rows_read, left_out, changed, caught_up", "ops.extract_run", "run") == [(3, 2, 1, True)]


def test_a_page_with_nothing_to_keep_moves_on(staged: Warehouse, source: Source, run: Run) -> None:
    source.fake.put("_design/medic")
    assert run().caught_up
    assert staged.checkpoint().seq == "1-g1AAAA"


def test_time_that_is_up_ends_on_a_committed_page_and_the_next_run_goes_on(
    staged: Warehouse, source: Source, run: Run
) -> None:
    for number in range(5):
        source.fake.put(f"p{number}")
    done = run(rows=2, seconds=0)
    assert (done.rows, done.caught_up) == (2, False)
    assert names(staged) == ["p0", "p1"]
    assert run(rows=2).rows == 3
    assert names(staged) == ["p0", "p1", "p2", "p3", "p4"]


def test_a_page_cut_off_is_kept_up_to_its_last_seq_and_read_on(staged: Warehouse, source: Source, run: Run) -> None:
    for number in range(100):
        source.fake.put(f"p{number:02}")
    cuts = [4000]

    def cut(page: Answer) -> Answer:
        return replace(page, cut_at=cuts.pop()) if cuts else page

    source.fake.fault = cut
    run()
    assert names(staged) == [f"p{number:02}" for number in range(100)]
    (_, again) = [request.query for request in source.requests if "since" in request.query]
    assert again["since"] not in ("0", "100-g1AAAA")
    assert again["limit"] == "100"


def test_the_parts_of_a_long_page_are_as_of_when_it_was_asked_for(source: Source) -> None:
    """What was written since then is not in it, however long its parts wait for those before them."""
    for name in ("a", "b", "c"):
        source.fake.put(name, '{"a":"' + "x" * page.CHUNK + '"}')
    seconds = count()
    client = couchdb.Client(couchdb.Server(source.url))
    limits = reader.Limits(3, page_bytes=1, seconds=60)

    def now() -> datetime:
        return datetime.fromtimestamp(next(seconds), UTC)

    with feed.reading(client, "medic", "0", limits, now=now) as pages:
        asked = [page.end.asked_at for page in pages for _ in [list(page)]]
    assert len(asked) > 2
    assert len(set(asked)) == 1


def test_a_long_page_that_is_repeated_is_not_the_end(source: Source) -> None:
    """Out of a proxy's cache: it ends where the page was asked from, though there is more."""
    for name in ("a", "b"):
        source.fake.put(name, '{"a":"' + "x" * page.CHUNK + '"}')
    answers: list[Answer] = []

    def repeat(page: Answer) -> Answer:
        answers.append(page)
        return answers[0] if len(answers) == 2 else page

    source.fake.fault = repeat
    client = couchdb.Client(couchdb.Server(source.url))
    with feed.reading(client, "medic", "0", reader.Limits(1, page_bytes=1, seconds=60)) as pages:
        ends = [page.end for page in pages for _ in [list(page)]]
    assert [end.pending for end in ends if end.caught_up] == [0]
    assert ends[-1].seq == "2-g1AAAA"


def test_a_page_always_cut_off_is_asked_for_smaller_and_smaller(staged: Warehouse, source: Source, run: Run) -> None:
    for number in range(20):
        source.fake.put(f"p{number:02}", '{"a":"' + "x" * 300 + '"}')
    source.fake.fault = lambda page: replace(page, cut_at=450) if len(page.body) > 450 else page
    run(rows=20)
    assert len(names(staged)) == 20


def test_a_row_that_is_always_cut_off_is_rejected_and_does_not_hold_up_later_ones(
    staged: Warehouse, source: Source, run: Run
) -> None:
    source.fake.put("a")
    source.fake.put("huge", '{"a":"' + "x" * 3000 + '"}')
    source.fake.put("z")
    source.fake.fault = lambda page: replace(page, cut_at=1000)
    assert run().caught_up
    assert names(staged) == ["a", "z"]
    ((name, rev, reason, body),) = staged.rejected()
    assert (name, rev, body) == (b"huge", "1-a", None)
    assert reason.startswith("unreadable")


def test_a_row_that_is_always_cut_off_is_read_by_its_id(staged: Warehouse, source: Source, run: Run) -> None:
    source.fake.put("huge", '{"a":"' + "x" * 3000 + '"}')
    source.fake.alone["huge"] = '{"type":"person"}'
    source.fake.fault = lambda page: replace(page, cut_at=1000)
    run()
    assert staged.rows("_id, _rev, type") == [("huge", "1-a", "person")]


def test_a_page_cut_off_until_the_time_is_up_is_an_error_and_keeps_the_rows_before_it(
    staged: Warehouse, source: Source, run: Run
) -> None:
    source.fake.put("a")
    source.fake.put("huge", '{"a":"' + "x" * 3000 + '"}')
    source.fake.fault = lambda page: replace(page, cut_at=min(len(page.body) - 1, 1000))
    with pytest.raises(errors.PageCut, match="cut off each time"):
        run()
    assert names(staged) == ["a"]
    ((message, ended),) = staged.rows("message, ended_at is not null", "ops.extract_run", "run")
    assert "cut off each time" in message
    assert ended


def test_a_page_of_html_keeps_the_pages_before_it(staged: Warehouse, source: Source, run: Run) -> None:
    for number in range(4):
        source.fake.put(f"p{number}")
    answers = [lambda page: page, lambda _: Answer(200, b"<html>gateway</html>")]
    source.fake.fault = lambda page: answers.pop(0)(page)
    with pytest.raises(errors.NotCouchDB):
        run(rows=2)
    assert names(staged) == ["p0", "p1"]


def test_a_row_without_its_document_is_read_by_its_id(staged: Warehouse, source: Source, run: Run) -> None:
    source.fake.put("a", None)
    source.fake.put("b", "null")
    source.fake.alone = {"a": '{"type":"person"}', "b": '{"type":"clinic"}'}
    run()
    assert staged.rows("_id, _rev, type") == [("a", "1-a", "person"), ("b", "1-a", "clinic")]


def test_of_a_row_without_its_document_no_other_revision_is_taken(staged: Warehouse, source: Source, run: Run) -> None:
    """CouchDB has another revision: an older one, from a node that lags, would stay, as no later row names it."""
    source.fake.put("a")
    run()
    source.fake.put("a", None, "2-b")
    answer = source.fake.answer
    old = Answer(200, b'{"type":"person"}\n', {"ETag": '"1-a"'})
    source.fake.answer = lambda request: (  # type: ignore[method-assign]
        old if request.path == "/medic/a" and request.query.get("rev") in (None, "1-a") else answer(request)
    )
    run()
    assert staged.rows("_id, _rev") == [("a", "1-a")]
    assert [row[:2] for row in staged.rejected()] == [(b"a", "2-b")]


def test_a_document_that_was_cut_off_is_not_taken_for_a_whole_one(staged: Warehouse, source: Source, run: Run) -> None:
    """Without a length, HTTP does not show that it was."""
    source.fake.put("a", None)
    source.fake.alone["a"] = '{"type":"person"}'
    answer, bodies = source.fake.answer, [b"", b'{"type":"per', b'{"type":"person"']
    source.fake.answer = lambda request: (  # type: ignore[method-assign]
        Answer(200, bodies.pop()) if request.path == "/medic/a" and bodies else answer(request)
    )
    run()
    assert staged.rows("_id, _rev, type") == [("a", "1-a", "person")]
    assert staged.rejected() == []


def test_a_row_whose_document_cannot_be_read_is_rejected_not_skipped(
    staged: Warehouse, source: Source, run: Run
) -> None:
    source.fake.put("a", None)
    source.fake.put("b")
    run()
    assert names(staged) == ["b"]
    ((name, _, reason, body),) = staged.rejected()
    assert (name, body) == (b"a", None)
    assert reason.startswith("unreadable")


def test_another_database_of_the_same_name_stops_the_copy(staged: Warehouse, source: Source, run: Run) -> None:
    source.fake.put("a")
    run()
    source.fake.started = "1795999999"
    source.fake.writes = []
    before = staged.checkpoint()
    with pytest.raises(errors.SourceReplaced):
        run()
    assert names(staged) == ["a"]
    assert staged.checkpoint() == before


def test_a_database_replaced_between_the_question_and_the_page_is_noticed(
    staged: Warehouse, source: Source, run: Run
) -> None:
    source.fake.put("a")

    def replaced(page: Answer) -> Answer:
        source.fake.started = "1795999999"
        return page

    source.fake.fault = replaced
    with pytest.raises(errors.SourceReplaced):
        run()
    assert names(staged) == []


def test_a_second_run_waits_for_the_first_and_then_gives_way(
    staged: Warehouse, source: Source, run: Run, warehouse: str
) -> None:
    source.fake.put("a")
    with (
        warehouses.connect(partial(psycopg.connect, warehouse)) as other,
        warehouses.lock(other, f"cht-sync extract {SOURCE}"),
        pytest.raises(errors.AnotherRun),
    ):
        run(wait=0.1)
    assert names(staged) == []
    assert source.asked() == []


def test_a_run_that_was_overtaken_fails_and_the_next_goes_on(
    staged: Warehouse, source: Source, run: Run, warehouse: str
) -> None:
    for number in range(4):
        source.fake.put(f"p{number}")

    def overtake(page: Answer) -> Answer:
        source.fake.fault = None
        staged_elsewhere.execute("update ops.checkpoint set reads = reads + 1")
        return page

    with psycopg.connect(warehouse, autocommit=True) as staged_elsewhere:
        source.fake.fault = overtake
        with pytest.raises(errors.CheckpointMoved):
            run(rows=2)
    assert names(staged) == []
    run(rows=2)
    assert len(names(staged)) == 4


def test_a_source_that_was_caught_up_waits_for_the_models_until_they_took_it_in(
    staged: Warehouse, source: Source, run: Run
) -> None:
    assert not runner.is_waiting(staged.connection, "kitui")
    source.fake.put("a")
    run()
    assert runner.is_waiting(staged.connection, "kitui")
    staged.connection.execute(
        "insert into ops.model_source (source, batch, caught_up_at)"
        " select source, batch, caught_up_at from ops.checkpoint"
    )
    assert not runner.is_waiting(staged.connection, "kitui")
    run()
    assert not runner.is_waiting(staged.connection, "kitui")


def test_a_progress_line_says_rate_and_time_left() -> None:
    line = str(progress.Progress(SOURCE, seconds=2, rows=2000, changed=1500, bytes=3_000_000, pending=60_000))
    assert line == (
        "kitui/medic: 2,000 rows read (1,000/s, 3.0 MB), 1,500 changed, 60,000 pending, about 1 min 0 s left"
    )
    assert "pending" not in str(progress.Progress(SOURCE))


def test_a_source_that_was_not_prepared_is_an_error(staged: Warehouse) -> None:
    with pytest.raises(LookupError):
        checkpoint.read(staged.connection, "nowhere/medic")
