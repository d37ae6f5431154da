"""A source copied again: by resync, where the database is the same, and by replace, where it is another."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import psycopg
import pytest
from cht_sync import couchdb, errors
from cht_sync import warehouse as warehouses
from cht_sync.copy import checkpoint, modes, progress, write
from cht_sync.models import runner
from cht_sync.reports import marts

from tests.lib import replaced
from tests.lib.pages import IDENTITY, SOURCE, Page, Warehouse, doc
from tests.lib.replaced import OTHER, Source, live


@pytest.fixture
def source() -> Iterator[Source]:
    """Five persons."""
    with replaced.serve() as source:
        for number in range(5):
            source.fake.put(f"p{number}", f'{{"type":"person","n":{number}}}')
        yield source


@pytest.fixture
def copied(source: Source, staged: Warehouse) -> Warehouse:
    source.copy(staged.connection)
    assert same(source, staged)
    return staged


def same(source: Source, copied: Warehouse) -> bool:
    return replaced.staged(copied.connection) == source.documents()


def aside(copied: Warehouse) -> list[int]:
    """What is left of an unfinished mode."""
    tables = ("staging.seen", "staging.next", "staging.next_rejected")
    return [len(copied.rows("1", table, "1")) for table in tables]


def unchanged(copied: Warehouse) -> list[tuple[object, ...]]:
    return copied.rows("_id, ctid, xmin::text, batch")


def test_a_resync_marks_as_purged_what_is_not_there_any_more(source: Source, copied: Warehouse) -> None:
    source.purge("p1")
    source.copy(copied.connection)
    assert live(copied.connection) == ["p0", "p1", "p2", "p3", "p4"]
    done = source.copy(copied.connection, "resync")
    assert same(source, copied)
    assert copied.rows("_id, gone, batch")[1] == ("p1", "purged", 2)
    assert (done.rows, done.changed, done.caught_up) == (4, 1, True)
    assert aside(copied) == [0, 0, 0]


def test_a_resync_reads_from_the_start_and_rewrites_no_row_that_is_the_same(source: Source, copied: Warehouse) -> None:
    before, known = unchanged(copied), copied.checkpoint()
    source.copy(copied.connection, "resync", page_rows=2)
    assert unchanged(copied) == before
    after = copied.checkpoint()
    assert after == replace(known, generation=known.generation + 1, reads=known.reads + 3)


def test_a_resync_brings_what_was_lost_and_what_is_stale(source: Source, copied: Warehouse) -> None:
    copied.connection.execute("delete from staging.document where _id = 'p1'")
    copied.connection.execute("update staging.document set _rev = '0-old' where _id = 'p2'")
    copied.connection.execute("update staging.document set gone = 'archived' where _id = 'p3'")
    source.copy(copied.connection, "resync")
    assert same(source, copied)


def test_a_document_that_was_gone_comes_back_with_its_next_write(source: Source, copied: Warehouse) -> None:
    for name in ("p1", "p2"):
        source.purge(name)
    source.copy(copied.connection, "resync")
    assert live(copied.connection) == ["p0", "p3", "p4"]
    source.fake.put("p1", rev="1-a")
    source.copy(copied.connection)
    assert live(copied.connection) == ["p0", "p1", "p3", "p4"]


@pytest.mark.parametrize("mode", ["resync", "replace"])
def test_deletions_are_no_documents_that_are_missing(mode: str, source: Source, copied: Warehouse) -> None:
    source.fake.delete("p0")
    source.copy(copied.connection)
    source.fake.delete("p1")
    source.fake.delete("never-copied")
    source.purge("p0")
    source.copy(copied.connection, mode)
    assert same(source, copied)
    rows = dict(copied.connection.execute("select _id, gone from staging.document where _deleted").fetchall())
    assert rows == {"p0": None, "p1": None, "never-copied": None}


def test_only_replace_takes_another_database(source: Source, copied: Warehouse) -> None:
    before, known = unchanged(copied), copied.checkpoint()
    source.replace().put("q")
    for mode in ("incremental", "resync", "replay"):
        with pytest.raises(errors.SourceReplaced, match="run the mode replace"):
            source.copy(copied.connection, mode)
    assert unchanged(copied) == before
    assert copied.checkpoint() == known
    source.copy(copied.connection, "replace")
    assert same(source, copied)
    assert copied.checkpoint().identity == couchdb.Identity(IDENTITY.kind, OTHER)
    assert source.copy(copied.connection).rows == 0


def test_a_replace_gives_a_new_batch_only_to_what_differs(source: Source, copied: Warehouse) -> None:
    other = source.replace()
    other.put("p0", '{"type":"person","n":0}')
    other.put("p1", '{"type":"person","n":1}', "2-b")
    other.put("p2", '{"type":"person","n":"another, under the same revision"}')
    other.delete("p3")
    other.put("q")
    done = source.copy(copied.connection, "replace")
    assert same(source, copied)
    assert copied.rows("_id, batch, _deleted, gone") == [
        ("p0", 1, False, None),
        ("p1", 2, False, None),
        ("p2", 2, False, None),
        ("p3", 2, True, None),
        ("p4", 2, False, "replaced"),
        ("q", 2, False, None),
    ]
    assert done.changed > 0
    assert aside(copied) == [0, 0, 0]


@pytest.mark.parametrize("mode", ["resync", "replace"])
def test_an_empty_database_leaves_nothing(mode: str, source: Source, copied: Warehouse) -> None:
    if mode == "replace":
        source.replace()
    else:
        source.fake.writes = []
    with_rows = len(copied.rows("run", "ops.extract_run", "run"))
    source.copy(copied.connection, mode)
    assert live(copied.connection) == []
    assert copied.checkpoint().mode == "incremental"
    assert len(copied.rows("run", "ops.extract_run", "run")) == with_rows + 1


def test_a_database_recreated_and_still_empty_is_recognised(source: Source, copied: Warehouse) -> None:
    source.replace()
    with pytest.raises(errors.SourceReplaced):
        source.copy(copied.connection)
    assert len(live(copied.connection)) == 5


def test_a_replace_of_the_same_database_changes_nothing(source: Source, copied: Warehouse) -> None:
    before = unchanged(copied)
    source.copy(copied.connection, "replace")
    assert unchanged(copied) == before
    assert copied.checkpoint().batch == 1


def test_there_and_back_again(source: Source, copied: Warehouse) -> None:
    first, other = source.fake, source.replace()
    before = unchanged(copied)
    other.put("p0", '{"type":"person","n":0}')
    other.put("q")
    source.copy(copied.connection, "replace", page_rows=1, seconds=0)
    source.fake = first
    with pytest.raises(errors.SourceReplaced):
        source.copy(copied.connection)
    source.copy(copied.connection, "replace")
    assert unchanged(copied) == before
    source.fake = other
    source.copy(copied.connection, "replace")
    assert same(source, copied)
    source.fake = first
    source.copy(copied.connection, "replace")
    assert same(source, copied)


def test_another_database_in_the_middle_of_a_replace_stops_it_and_forgets_nothing(
    source: Source, copied: Warehouse
) -> None:
    for name in ("a", "b", "c"):
        source.replace().put(name)
    source.fake.put("d")
    source.copy(copied.connection, "replace", page_rows=1, seconds=0)
    kept = aside(copied), copied.checkpoint()
    third = source.replace("1795000000")
    third.put("z")
    with pytest.raises(errors.SourceReplaced):
        source.copy(copied.connection)
    assert (aside(copied), copied.checkpoint()) == kept
    source.copy(copied.connection, "replace")
    assert live(copied.connection) == ["z"]


@pytest.mark.parametrize("mode", ["resync", "replace"])
def test_a_database_replaced_before_the_last_page_takes_nothing_away(
    mode: str, source: Source, copied: Warehouse
) -> None:
    asked: list[int] = []

    def become_another() -> None:
        asked.append(1)
        if len(asked) == 3:
            source.replace().put("q")

    source.between = become_another
    with pytest.raises(errors.SourceReplaced):
        source.copy(copied.connection, mode, page_rows=2)
    assert len(live(copied.connection)) == 5
    assert copied.checkpoint().mode == mode


@pytest.mark.parametrize("mode", ["resync", "replace"])
def test_what_is_unfinished_is_continued_by_every_later_run(mode: str, source: Source, copied: Warehouse) -> None:
    if mode == "replace":
        source.replace()
        for number in range(1, 8):
            source.fake.put(f"p{number}", rev="2-b")
    else:
        source.purge("p0")
    runs, done = 1, source.copy(copied.connection, mode, page_rows=1, seconds=0)
    generation = copied.checkpoint().generation
    while not done.caught_up:
        assert "p0" in live(copied.connection)
        assert (copied.checkpoint().mode, done.mode) == (mode, mode)
        runs, done = runs + 1, source.copy(copied.connection, page_rows=1, seconds=0)
    assert runs == len(source.documents())
    assert copied.checkpoint().generation == generation
    assert same(source, copied)
    assert {row[0] for row in copied.rows("mode", "ops.extract_run", "run")} == {"incremental", mode}
    assert source.copy(copied.connection).mode == "incremental"


@pytest.mark.parametrize("mode", ["resync", "replace"])
def test_a_second_try_goes_on_with_what_the_first_has_begun(mode: str, source: Source, copied: Warehouse) -> None:
    source.copy(copied.connection, mode, page_rows=2, seconds=0)
    again = source.copy(copied.connection, mode, page_rows=2)
    assert again.rows == 3
    assert again.caught_up


def test_a_replace_does_not_wait_for_a_resync_to_end(source: Source, copied: Warehouse) -> None:
    source.copy(copied.connection, "resync", page_rows=2, seconds=0)
    source.replace().put("q")
    source.copy(copied.connection, "replace")
    assert same(source, copied)


def test_a_resync_that_is_asked_for_during_a_replace_goes_on_with_it(source: Source, copied: Warehouse) -> None:
    source.replace()
    for name in ("a", "b", "c"):
        source.fake.put(name)
    source.copy(copied.connection, "replace", page_rows=1, seconds=0)
    assert source.copy(copied.connection, "resync").mode == "replace"
    assert same(source, copied)


@pytest.mark.parametrize("mode", ["resync", "replace"])
def test_of_what_nothing_was_copied_nothing_is_copied_again(mode: str, source: Source, staged: Warehouse) -> None:
    assert source.copy(staged.connection, mode).mode == "incremental"
    assert staged.checkpoint().generation == 1
    assert same(source, staged)


@pytest.mark.parametrize("mode", ["resync", "replace"])
def test_writes_at_the_source_in_between_are_all_there_in_the_end(mode: str, source: Source, copied: Warehouse) -> None:
    """Each page is preceded by a write: also of what was met before, and back to what it was."""
    if mode == "replace":
        source.replace()
        for number in range(5):
            source.fake.put(f"p{number}", f'{{"type":"person","n":{number}}}')
    source.purge("p3")
    writes = [
        lambda: None,
        lambda: source.fake.put("p0", rev="2-b"),
        lambda: source.fake.delete("p1"),
        lambda: source.fake.put("q"),
        lambda: source.fake.put("p0", '{"type":"person","n":0}'),
        lambda: source.fake.delete("q"),
        lambda: source.fake.put("p1", '{"type":"person","n":1}', "3-c"),
        lambda: source.fake.delete("p0", "3-d"),
    ]
    source.between = lambda: writes.pop(0)() if writes else None
    for attempt in range(20):
        if source.copy(copied.connection, "incremental" if attempt else mode, page_rows=1, seconds=0).caught_up:
            break
    source.copy(copied.connection)
    assert writes == []
    assert same(source, copied)
    assert copied.rows("_id, gone")[3] == ("p3", "replaced" if mode == "replace" else "purged")


def test_what_differed_and_is_again_as_it_was_is_not_written(source: Source, copied: Warehouse) -> None:
    before = unchanged(copied)
    source.replace().put("p0", rev="2-b")
    for number in range(1, 5):
        source.fake.put(f"p{number}", f'{{"type":"person","n":{number}}}')
    source.copy(copied.connection, "replace", page_rows=1, seconds=0)
    assert aside(copied) == [0, 1, 0]
    source.fake.put("p0", '{"type":"person","n":0}')
    source.copy(copied.connection)
    assert same(source, copied)
    assert unchanged(copied) == before


def counts(copied: Warehouse) -> list[tuple[object, ...]]:
    runner.update(copied.connection)
    marts.refresh(copied.connection)
    query = "select area_uuid, total_persons from marts.patients_by_area where area_uuid <> '' order by area_uuid"
    return copied.connection.execute(query).fetchall()


def county(source: Source, area: str, persons: range) -> None:
    source.fake.put("settings", '{"settings":{"contact_types":[]}}')
    source.fake.put(area, '{"type":"health_center"}')
    source.fake.put("house", f'{{"type":"clinic","parent":{{"_id":"{area}"}}}}')
    for number in persons:
        source.fake.put(f"p{number}", '{"type":"person","parent":{"_id":"house"}}', "2-b")


def test_the_counts_follow_each_mode(source: Source, copied: Warehouse) -> None:
    county(source, "area", range(5))
    source.copy(copied.connection)
    assert counts(copied) == [("area", 5)]
    source.purge("p4")
    source.copy(copied.connection, "resync")
    assert counts(copied) == [("area", 4)]
    source.fake.put("p4", '{"type":"person","parent":{"_id":"house"}}', "3-c")
    source.copy(copied.connection)
    assert counts(copied) == [("area", 5)]
    first = source.fake
    source.replace()
    county(source, "elsewhere", range(3, 10))
    source.copy(copied.connection, "replace", page_rows=4, seconds=0)
    assert counts(copied) == [("area", 5)]
    source.copy(copied.connection)
    assert counts(copied) == [("elsewhere", 7)]
    source.fake = first
    source.copy(copied.connection, "replace")
    assert counts(copied) == [("area", 5)]


def test_numbers_stay_as_of_the_last_end_of_the_feed_until_the_copy_is_whole(source: Source, copied: Warehouse) -> None:
    as_of = copied.rows("caught_up_at", "ops.checkpoint", "1")
    source.copy(copied.connection, "resync", page_rows=2, seconds=0)
    assert copied.rows("caught_up_at", "ops.checkpoint", "1") == as_of
    source.copy(copied.connection)
    assert copied.rows("caught_up_at", "ops.checkpoint", "1") > as_of


def test_a_reader_in_another_session_sees_the_old_copy_or_the_new_one(
    source: Source, copied: Warehouse, warehouse: str
) -> None:
    old = source.documents()
    source.replace()
    for number in range(2, 40):
        source.fake.put(f"p{number}", f'{{"n":{number * 2}}}')
    new = source.documents()
    met: list[list[tuple[object, ...]]] = []
    ended = threading.Event()

    def read() -> None:
        with warehouses.connect(partial(psycopg.connect, warehouse)) as reader:
            while not ended.is_set():
                found = replaced.staged(reader)
                if found not in met:
                    met.append(found)

    thread = threading.Thread(target=read)
    thread.start()
    source.between = lambda: met or thread.join(0.01)
    source.copy(copied.connection, "replace", page_rows=5)
    with warehouses.connect(partial(psycopg.connect, warehouse)) as reader:
        met.append(replaced.staged(reader))
    ended.set()
    thread.join()
    assert [found for found in met if found not in (old, new)] == []
    assert old in met
    assert met[-1] == new


def test_a_report_that_began_before_the_end_of_a_replace_reads_the_old_copy_to_its_end(
    source: Source, copied: Warehouse, warehouse: str
) -> None:
    old = source.documents()
    source.replace().put("q")
    with warehouses.connect(partial(psycopg.connect, warehouse)) as reader, reader.transaction():
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select 1 from ops.checkpoint")
        source.copy(copied.connection, "replace")
        assert replaced.staged(reader) == old
    assert same(source, copied)


@pytest.mark.parametrize("mode", ["resync", "replace"])
@pytest.mark.parametrize("rows", [[doc("ghost")], []])
def test_a_reader_of_before_can_no_longer_write_whatever_its_seq_says(
    rows: list[object], mode: str, source: Source, copied: Warehouse
) -> None:
    reader = copied.checkpoint()
    source.copy(copied.connection, mode, page_rows=1, seconds=0)
    for _ in range(2):
        now = copied.checkpoint()
        for seq in (reader.seq, now.seq, "0"):
            with pytest.raises(errors.CheckpointMoved):
                write.page(copied.connection, reader, Page(list(rows), seq), lambda: IDENTITY)
            counted = replace(reader, reads=now.reads)
            with pytest.raises(errors.CheckpointMoved):
                write.page(copied.connection, counted, Page(list(rows), seq), lambda: IDENTITY)
        assert copied.checkpoint() == now
        source.copy(copied.connection)
    assert "ghost" not in [row[0] for row in copied.rows("_id")]


def test_a_run_overtaken_by_a_replace_from_another_machine_writes_nothing_more(
    source: Source, copied: Warehouse, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second does not see the first one's lock, which keeps two apart long before the fence has to."""
    monkeypatch.setattr(warehouses, "lock", lambda *_: warehouses.wrapped())
    for number in range(5, 9):
        source.fake.put(f"p{number}")
    pages: list[int] = []

    def overtake() -> None:
        pages.append(1)
        if len(pages) != 3:
            return
        source.between = lambda: None
        source.replace().put("q")
        with warehouses.connect(partial(psycopg.connect, warehouse)) as second:
            while checkpoint.read(second, SOURCE).reads < 3:
                """The two pages before are on their way."""
            source.copy(second, "replace")

    source.between = overtake
    with pytest.raises(errors.CheckpointMoved):
        source.copy(copied.connection, page_rows=1)
    assert live(copied.connection) == ["q"]


@pytest.mark.parametrize("mode", ["resync", "replace"])
def test_two_that_begin_at_once_begin_once(mode: str, copied: Warehouse) -> None:
    before = copied.checkpoint()
    modes.enter(copied.connection, before, mode, IDENTITY)
    with pytest.raises(errors.CheckpointMoved):
        modes.enter(copied.connection, before, mode, IDENTITY)
    assert copied.checkpoint().generation == before.generation + 1


def test_nothing_is_written_to_the_copy_that_is_seen_while_another_is_set_aside(
    source: Source, copied: Warehouse
) -> None:
    before = copied.checkpoint()
    source.copy(copied.connection, "replace", page_rows=1, seconds=0)
    for each in (before, copied.checkpoint()):
        with pytest.raises(errors.CheckpointMoved), copied.connection.transaction():
            write.hold(copied.connection, each)
    with pytest.raises(psycopg.errors.CheckViolation):
        copied.connection.execute("update ops.checkpoint set batch = batch + 1")


BAD = '{"type":"person","n":1e200000}'


@pytest.mark.parametrize("mode", ["resync", "replace"])
def test_what_is_rejected_is_met_and_its_earlier_revision_goes_on(mode: str, source: Source, copied: Warehouse) -> None:
    source.fake.put("p1", BAD, "2-b")
    source.copy(copied.connection)
    source.fake.put("p2", BAD, "2-b")
    source.fake.put("a\0b", "{}")
    source.fake.put("x" * 1001, "{}")
    source.copy(copied.connection, mode)
    assert live(copied.connection) == ["p0", "p1", "p2", "p3", "p4"]
    rejected = [(row[0], row[1]) for row in copied.rejected()]
    assert rejected == [(b"a\0b", "1-a"), (b"p1", "2-b"), (b"p2", "2-b"), (b"x" * 1001, "1-a")]


@pytest.mark.parametrize("mode", ["resync", "replace"])
def test_what_is_not_rejected_any_more_leaves_the_list(mode: str, source: Source, copied: Warehouse) -> None:
    for name in ("gone", "good", "deleted", "p1", "still"):
        source.fake.put(name, BAD, "2-b")
    source.copy(copied.connection)
    assert len(copied.rejected()) == 5
    source.purge("gone")
    source.fake.put("good", "{}", "3-c")
    source.fake.delete("deleted")
    source.fake.put("p1", '{"type":"person","n":1}', "1-a")
    source.copy(copied.connection, mode)
    assert [row[0] for row in copied.rejected()] == [b"still"]
    source.fake.delete("still")
    source.copy(copied.connection)
    assert copied.rejected() == []
    assert same(source, copied)


def test_what_a_replace_rejects_is_listed_when_its_copy_is_seen(source: Source, copied: Warehouse) -> None:
    source.fake.put("old", BAD)
    source.copy(copied.connection)
    source.replace()
    source.fake.put("new", BAD)
    for name in ("a", "b"):
        source.fake.put(name, "{}")
    source.copy(copied.connection, "replace", page_rows=1, seconds=0)
    assert [row[0] for row in copied.rejected()] == [b"old"]
    source.copy(copied.connection)
    assert [(row[0], row[3]) for row in copied.rejected()] == [(b"new", BAD.encode())]
    assert copied.rows("batch", "ops.rejected_document", "id") == [(3,)]


def test_a_document_rejected_in_a_replace_and_then_good_is_staged(source: Source, copied: Warehouse) -> None:
    source.replace()
    source.fake.put("p1", BAD, "2-b")
    source.fake.put("a", "{}")
    source.fake.put("b", "{}")
    source.copy(copied.connection, "replace", page_rows=1, seconds=0)
    source.fake.put("p1", "{}", "3-c")
    source.copy(copied.connection)
    assert copied.rejected() == []
    assert same(source, copied)


def test_a_staged_revision_that_cannot_be_read_now_is_not_rejected(source: Source, copied: Warehouse) -> None:
    source.fake.writes[2] = ("p2", "1-a", False, None)
    source.copy(copied.connection, "resync")
    assert copied.rejected() == []
    assert len(live(copied.connection)) == 5


def test_a_line_of_progress_says_what_is_copied_again() -> None:
    assert str(progress.Progress(SOURCE, "resync")).startswith("kitui/medic (resync): ")


def test_a_resync_reads_what_it_has_met_once(staged: Warehouse) -> None:
    """Also while Postgres has no statistics: once for each document would take hours where there are millions."""
    names = [f"p{number:04}" for number in range(3000)]
    before = staged.write(*map(doc, names)).checkpoint
    begun = modes.enter(staged.connection, before, "resync", IDENTITY)
    with staged.connection.transaction():
        written = write.page(staged.connection, begun, Page([doc(name) for name in names]), lambda: IDENTITY)
        modes.finish(staged.connection, written.checkpoint)
        row = staged.connection.execute(
            "select seq_tup_read from pg_stat_xact_user_tables where relname = 'seen'"
        ).fetchone()
    assert row is not None
    assert 0 < row[0] <= 3 * len(names)
