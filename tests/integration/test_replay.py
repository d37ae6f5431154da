"""Rejected documents: kept whole, listed, said to count as before, and tried again."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from cht_sync import couchdb, errors
from cht_sync import warehouse as warehouses
from cht_sync.copy import checkpoint, rejects, write
from cht_sync.copy.encoding import lines
from cht_sync.couchdb.rows import Row
from cht_sync.models import runner
from cht_sync.reports import marts

from tests.lib import replaced
from tests.lib.kills import connect, kill, prepare, run, statements
from tests.lib.pages import SOURCE, Warehouse
from tests.lib.replaced import Source, live
from tests.lib.replay import Answer, Request

BAD = '{"type":"person","n":1e200000}'

#: A Postgres, or a version of this code, that holds nothing of `n`.
WORSE = """
    create or replace function cht.try_jsonb(body text) returns jsonb language sql immutable parallel safe
    return case when body not like '%"n"%' then body::jsonb end
"""
MENDED = """
    create or replace function cht.try_jsonb(body text) returns jsonb language sql immutable parallel safe
    return body::jsonb
"""


@pytest.fixture
def source() -> Iterator[Source]:
    with replaced.serve() as source:
        yield source


@pytest.fixture
def rejected(source: Source, staged: Warehouse) -> Warehouse:
    """a, b and c wait to be held; b in its second revision, and d never can be."""
    source.fake.put("b", '{"type":"person"}')
    source.copy(staged.connection)
    staged.connection.execute(WORSE)
    source.fake.put("a", '{"type":"person","n":1}')
    source.fake.put("b", '{"type":"person","n":2}', "2-b")
    source.fake.put("c", '{"type":"person","n":3}')
    source.fake.put("d\0", '{"n":4}')
    source.copy(staged.connection)
    assert live(staged.connection) == ["b"]
    assert len(staged.rejected()) == 4
    return staged


def test_after_a_fix_what_was_rejected_is_staged_as_it_was_received(source: Source, rejected: Warehouse) -> None:
    before = rejected.checkpoint()
    rejected.connection.execute(MENDED)
    done = source.copy(rejected.connection, "replay")
    assert rejected.rows("_id, _rev, doc ->> 'n'") == [("a", "1-a", "1"), ("b", "2-b", "2"), ("c", "1-a", "3")]
    assert [row[0] for row in rejected.rejected()] == [b"d\0"]
    assert (done.mode, done.tried, done.cured, done.changed) == ("replay", 4, 3, 3)
    assert str(done).endswith("3 changed, 4 rejected tried again, 3 good now, 0 pending")
    after = rejected.checkpoint()
    assert (after.generation, after.seq, after.batch) == (before.generation, before.seq, before.batch + 1)
    assert after.replay is None
    assert rejected.rows("mode, changed", "ops.extract_run", "run")[-1] == ("replay", 3)


def test_nothing_is_read_from_couchdb_of_what_was_kept(source: Source, rejected: Warehouse) -> None:
    asked: list[Request] = []
    answer = source.fake.answer

    def note(request: Request) -> Answer:
        asked.append(request)
        return answer(request)

    source.fake.answer = note  # type: ignore[method-assign]
    rejected.connection.execute(MENDED)
    source.copy(rejected.connection, "replay")
    assert [request.path for request in asked] == ["/medic", "/medic/_changes"]


def test_what_still_cannot_be_held_stays_as_it_is(source: Source, rejected: Warehouse) -> None:
    rows = "id, _rev, reason, batch, rejected_at, body"
    before, batch = rejected.rows(rows, "ops.rejected_document", "id"), rejected.checkpoint().batch
    done = source.copy(rejected.connection, "replay")
    assert (done.tried, done.cured) == (4, 0)
    assert rejected.rows(rows, "ops.rejected_document", "id") == before
    assert rejected.checkpoint().batch == batch


def test_changes_are_copied_after_a_replay(source: Source, rejected: Warehouse) -> None:
    source.fake.put("new")
    assert source.copy(rejected.connection, "replay").caught_up
    assert live(rejected.connection) == ["b", "new"]


def test_a_later_revision_that_came_meanwhile_is_not_overwritten(rejected: Warehouse) -> None:
    """Between the reading of what was rejected and its writing b is repaired, and a rejected in another revision."""
    rejected.connection.execute(MENDED)
    before = rejected.checkpoint()
    done = partial(rejects.replay, rejected.connection, before, lambda *_: None, "medic", lambda: False)

    class Meanwhile:
        """As write.loaded, after somebody else's page."""

        def __init__(self) -> None:
            self.loaded = write.loaded

        def __call__(self, *args: Any) -> AbstractContextManager[None]:
            newer = Row("b", "3-c", None, False, b'{"type":"clinic"}')
            with self.loaded(rejected.connection, lines.numbered([newer], "medic")):
                write.amend(rejected.connection, before, write.hold(rejected.connection, before))
            rejected.connection.execute("update ops.rejected_document set _rev = '9-z' where id = 'a'")
            return self.loaded(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "loaded", Meanwhile())
        assert done().cured == 2
    assert rejected.rows("_id, _rev") == [("b", "3-c"), ("c", "1-a")]
    assert [row[:2] for row in rejected.rejected()] == [(b"a", "9-z"), (b"d\0", "1-a")]


def test_a_replay_of_a_copy_begun_again_writes_nothing(source: Source, rejected: Warehouse) -> None:
    before = rejected.checkpoint()
    rejected.connection.execute(MENDED)
    source.copy(rejected.connection, "resync", page_rows=1, seconds=0)
    with pytest.raises(errors.CheckpointMoved):
        rejects.replay(rejected.connection, before, lambda *_: None, "medic", lambda: False)


def test_a_replay_requested_during_a_resync_comes_after_it(source: Source, rejected: Warehouse) -> None:
    source.copy(rejected.connection, "resync", page_rows=3, seconds=0)
    rejected.connection.execute(MENDED)
    assert source.copy(rejected.connection, "replay").mode == "resync"
    assert source.copy(rejected.connection).mode == "replay"
    assert [row[0] for row in rejected.rejected()] == [b"d\0"]
    assert source.copy(rejected.connection).mode == "incremental"


def test_what_is_unfinished_is_continued_by_later_runs_in_the_order_of_ids(
    source: Source, rejected: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejects, "ROWS", 1)
    rejected.connection.execute(MENDED)
    source.copy(rejected.connection, "replay", seconds=0)
    assert live(rejected.connection) == ["a", "b"]
    assert rejected.checkpoint().replay == b"a"
    runs = [source.copy(rejected.connection, seconds=0).mode for _ in range(5)]
    assert runs == ["replay", "replay", "replay", "replay", "incremental"]
    assert live(rejected.connection) == ["a", "b", "c"]


def test_large_ones_are_tried_one_by_one(source: Source, rejected: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejects, "BYTES", 20)
    rejected.connection.execute(MENDED)
    source.copy(rejected.connection, "replay")
    assert live(rejected.connection) == ["a", "b", "c"]


@pytest.mark.parametrize("moment", [0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
def test_a_killed_replay_is_continued_by_the_next_run(
    moment: float, source: Source, warehouse: str, other_warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejects, "ROWS", 1)
    for number in range(5):
        source.fake.put(f"p{number}", f'{{"n":{number}}}')

    def worse(connection: warehouses.Connection) -> None:
        connection.execute(WORSE)

    def mended(connection: warehouses.Connection) -> None:
        connection.execute(MENDED)

    begin = [prepare, worse, source.copy, mended]
    task = partial(source.copy, mode="replay")
    run(other_warehouse, begin)
    sent = statements(other_warehouse, task)
    run(warehouse, begin)
    kill(warehouse, task, 1 + round(moment * (sent - 1)))
    with connect(warehouse) as connection:
        asked = checkpoint.read(connection, SOURCE).replay is not None or live(connection)
        run(warehouse, [source.copy if asked else task])
        assert replaced.staged(connection) == source.documents()
        assert connection.execute("select 1 from ops.rejected_document").fetchall() == []


UNREADABLE = Answer(500, b'{"error":"badmatch"}')


def test_what_could_not_be_read_is_read_by_its_id(source: Source, staged: Warehouse) -> None:
    for name in ("a", "b", "c"):
        source.fake.put(name, None)
    source.copy(staged.connection)
    assert live(staged.connection) == []
    source.fake.alone = {"a": '{"type":"person"}', "b": BAD}
    done = source.copy(staged.connection, "replay")
    assert (done.tried, done.cured) == (3, 1)
    assert staged.rows("_id, _rev") == [("a", "1-a")]
    waiting = [(row[0], row[1], row[3]) for row in staged.rejected()]
    assert waiting == [(b"b", "1-a", BAD.encode()), (b"c", "1-a", None)]


def test_one_that_couchdb_still_cannot_read_does_not_stop_the_others(source: Source, staged: Warehouse) -> None:
    for name in ("a", "b"):
        source.fake.put(name, None)
    source.copy(staged.connection)
    source.fake.alone = {"b": "{}"}
    answer = source.fake.answer
    source.fake.answer = lambda request: UNREADABLE if request.path == "/medic/a" else answer(request)  # type: ignore[method-assign]
    source.copy(staged.connection, "replay")
    assert live(staged.connection) == ["b"]


def test_ids_that_are_no_text_are_tried_again_and_listed(source: Source, staged: Warehouse) -> None:
    for row in (
        Row("", "1-a", None, False, b"{}", b'"\xff"'),
        Row("a\0", "1-a", None, False, b"{}"),
        Row("", "1-a", None, False, None, b'"\\ud83d"'),
    ):
        staged.write(row)
    done = source.copy(staged.connection, "replay")
    assert (done.tried, done.cured) == (3, 0)
    assert len(staged.rejected()) == 3
    listed = staged.rows("_id, bytes, counted_rev", "ops.rejected", "reason, bytes nulls last")
    assert listed == [(None, 2, None), (None, 2, None), ('"\\ud83d"', None, None)]


def test_a_long_one_that_was_not_kept_is_read_again(source: Source, staged: Warehouse) -> None:
    source.fake.put("a", '{"type":"person","n":"' + "x" * 5000 + '"}')
    source.copy(staged.connection, max_document_bytes=1000)
    assert staged.rejected()[0][2].startswith("too long")
    source.fake.alone = {"a": source.fake.writes[0][3] or ""}
    source.copy(staged.connection, "replay", max_document_bytes=1000)
    assert staged.rejected()[0][2].startswith("too long")
    source.copy(staged.connection, "replay")
    assert live(staged.connection) == ["a"]
    assert staged.rejected() == []


def test_the_list_says_what_counts_meanwhile(rejected: Warehouse) -> None:
    listed = rejected.rows("_id, _rev, batch, bytes, counted_rev", "ops.rejected", "_id")
    assert listed == [
        ("a", "1-a", 2, 23, None),
        ("b", "2-b", 2, 23, "1-a"),
        ("c", "1-a", 2, 23, None),
        (None, "1-a", 2, 7, None),
    ]
    assert rejected.rows("documents, counted_as_before, not_counted", "marts.rejected", "1") == [(4, 1, 3)]


def test_a_document_deleted_or_gone_counts_in_no_revision(rejected: Warehouse) -> None:
    rejected.connection.execute("update staging.document set gone = 'purged'")
    assert rejected.rows("counted_rev", "ops.rejected", "_id") == [(None,)] * 4


def test_while_one_waits_its_earlier_revision_goes_on_counting(source: Source, staged: Warehouse) -> None:
    source.fake.put("settings", '{"settings":{"contact_types":[]}}')
    source.fake.put("area", '{"type":"health_center"}')
    source.fake.put("a", '{"type":"person","parent":{"_id":"area"}}')
    source.copy(staged.connection)
    source.fake.put("a", '{"type":"person","parent":{"_id":"area"},"date_of_death":1e200000}', "2-b")
    source.copy(staged.connection)
    counted = "select total_persons_active, total_persons_deceased from models.area_count where area_uuid = 'area'"

    def count() -> list[tuple[int, int]]:
        runner.update(staged.connection)
        marts.refresh(staged.connection)
        return staged.connection.execute(counted).fetchall()

    assert count() == [(1, 0)]
    assert staged.rows("counted_as_before, not_counted", "marts.rejected", "1") == [(1, 0)]
    source.fake.put("a", '{"type":"person","parent":{"_id":"area"},"date_of_death":1}', "3-c")
    source.copy(staged.connection)
    assert count() == [(0, 1)]
    assert staged.rows("1", "marts.rejected", "1") == []


def test_an_account_that_could_not_be_redacted_is_read_again(staged: Warehouse) -> None:
    write.prepare(staged.connection, {"kitui/_users": ("kitui", "_users")})
    row = Row("org.couchdb.user:ana", "1-a", None, False, b"[]")
    staged.write(row, source="kitui/_users", database="_users")
    before = checkpoint.read(staged.connection, "kitui/_users")
    body = b'{"_id":"org.couchdb.user:ana","name":"ana","derived_key":"secret"}'
    found = rejects.replay(staged.connection, before, lambda *_: body, "_users", lambda: False)
    assert found == rejects.Replayed(1, 1, finished=True)
    kept = staged.connection.execute("select doc from staging.document where source = 'kitui/_users'").fetchall()
    assert kept == [({"_id": "org.couchdb.user:ana", "name": "ana"},)]


def test_the_identity_is_asked_before_anything_is_tried(source: Source, rejected: Warehouse) -> None:
    rejected.connection.execute(MENDED)
    source.replace()
    with pytest.raises(errors.SourceReplaced):
        source.copy(rejected.connection, "replay")
    assert live(rejected.connection) == ["b"]
    assert rejected.checkpoint().identity != couchdb.Identity("instance_start_time", source.fake.started)
