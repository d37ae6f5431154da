"""A page and its checkpoint, in one transaction on a real Postgres."""

from dataclasses import replace
from functools import partial

import psycopg
import pytest
from cht_sync import couchdb, errors
from cht_sync import warehouse as warehouses
from cht_sync.copy import checkpoint, write
from cht_sync.copy.checkpoint import Checkpoint
from cht_sync.copy.encoding import lines, redaction
from cht_sync.couchdb.rows import Row

from tests.lib.pages import ASKED_AT, IDENTITY, SOURCE, Page, Warehouse, deleted, doc
from tests.lib.recording import recording


def test_rows_and_checkpoint_move_together(staged: Warehouse) -> None:
    written = staged.write(doc("a"), doc("b"), seq="2-x", pending=7)
    assert written.changed == 2
    assert staged.rows("_id, _rev, _deleted, type, batch, doc ->> 'type'") == [
        ("a", "1-a", False, "person", 1, "person"),
        ("b", "1-a", False, "person", 1, "person"),
    ]
    assert staged.checkpoint() == written.checkpoint
    assert (written.checkpoint.reads, written.checkpoint.batch, written.checkpoint.seq) == (1, 1, "2-x")
    assert staged.rows("pending, caught_up_at", "ops.checkpoint", "source") == [(7, None)]


def test_caught_up_is_when_the_last_page_was_asked_for(staged: Warehouse) -> None:
    staged.write(doc("a"), pending=0)
    staged.write(doc("b"), pending=3)
    assert staged.rows("pending, caught_up_at", "ops.checkpoint", "source") == [(3, ASKED_AT)]


def test_a_page_that_fails_while_it_is_read_leaves_nothing(staged: Warehouse) -> None:
    before = staged.checkpoint()
    with pytest.raises(errors.Unreachable):
        staged.write(doc("a"), doc("b"), fails=errors.Unreachable("x", "y"))
    assert staged.rows("_id") == []
    assert staged.checkpoint() == before


@pytest.mark.parametrize("rows", [[doc("b")], []])
def test_a_reader_that_was_overtaken_writes_nothing(staged: Warehouse, rows: list[Row]) -> None:
    before = staged.checkpoint()
    staged.write(doc("a"), seq="1-x")
    after = staged.checkpoint()
    with pytest.raises(errors.CheckpointMoved):
        write.page(staged.connection, before, Page(rows, "9-y"), lambda: IDENTITY)
    assert staged.rows("_id") == [("a",)]
    assert staged.checkpoint() == after


def test_a_reader_of_an_earlier_generation_writes_nothing_whatever_its_seq(staged: Warehouse) -> None:
    before = staged.checkpoint()
    staged.connection.execute("update ops.checkpoint set generation = generation + 1")
    with pytest.raises(errors.CheckpointMoved):
        write.page(staged.connection, before, Page([doc("a")], before.seq), lambda: IDENTITY)
    assert staged.rows("_id") == []


@pytest.mark.parametrize(("rows", "batch"), [([doc("b")], 6), ([], 5)])
def test_batches_taken_by_a_repair_meanwhile_stay_taken(staged: Warehouse, rows: list[Row], batch: int) -> None:
    before = staged.checkpoint()
    staged.connection.execute("update ops.checkpoint set batch = 5")
    written = write.page(staged.connection, before, Page(rows, "2-x"), lambda: IDENTITY)
    assert staged.checkpoint() == written.checkpoint
    assert written.checkpoint.batch == batch
    assert staged.rows("batch") == [(batch,) for _ in rows]


def amend(staged: Warehouse, before: Checkpoint, *rows: Row, settled: int = 0) -> tuple[int, int]:
    with write.loaded(staged.connection, lines.numbered(rows, "medic")):
        return write.amend(staged.connection, before, write.hold(staged.connection, before), settled)


def test_documents_read_again_take_a_batch_and_move_nothing_else(staged: Warehouse) -> None:
    before = staged.write(doc("a"), doc("b"), seq="2-x").checkpoint
    assert amend(staged, before, doc("a", rev="2-a"), doc("b"), doc("\0")) == (1, 1)
    assert staged.rows("_id, _rev, batch") == [("a", "2-a", 2), ("b", "1-a", 1)]
    assert staged.checkpoint() == replace(before, batch=2)
    running = write.page(staged.connection, before, Page([doc("c")], "3-x"), lambda: IDENTITY)
    assert running.checkpoint.batch == 3


@pytest.mark.parametrize(("settled", "batch"), [(0, 1), (2, 2)])
def test_a_batch_is_taken_only_where_something_changed(staged: Warehouse, settled: int, batch: int) -> None:
    before = staged.write(doc("a")).checkpoint
    assert amend(staged, before, doc("a"), settled=settled) == (settled, 0)
    assert staged.checkpoint().batch == batch


@pytest.mark.parametrize("change", ["generation = generation + 1", "mode = 'resync', base = batch"])
def test_documents_read_again_are_not_written_to_a_copy_begun_again(staged: Warehouse, change: str) -> None:
    before = staged.write(doc("a")).checkpoint
    staged.connection.execute(f"update ops.checkpoint set {change}".encode())
    with pytest.raises(errors.CheckpointMoved):
        amend(staged, before, doc("a", rev="2-a"))
    assert staged.rows("_rev, batch") == [("1-a", 1)]


def test_a_document_read_again_unchanged_is_not_written(staged: Warehouse) -> None:
    staged.write(doc("a"), doc("b"))
    before = staged.rows("_id, ctid, xmin::text, batch")
    assert staged.write(doc("a"), doc("b")).changed == 0
    assert staged.rows("_id, ctid, xmin::text, batch") == before
    assert (staged.checkpoint().batch, staged.checkpoint().reads) == (1, 2)


def test_a_page_without_rows_moves_the_checkpoint_but_no_batch(staged: Warehouse) -> None:
    staged.write(seq="8-z")
    assert (staged.checkpoint().seq, staged.checkpoint().reads, staged.checkpoint().batch) == ("8-z", 1, 0)


def test_what_other_redaction_rules_wrote_is_written_again(staged: Warehouse) -> None:
    staged.write(doc("a"))
    staged.connection.execute("update staging.document set redaction_version = 0")
    assert staged.write(doc("a")).changed == 1
    assert staged.rows("redaction_version") == [(redaction.REDACTION_VERSION,)]


def test_what_was_gone_is_back_with_any_row(staged: Warehouse) -> None:
    staged.write(doc("a"))
    staged.connection.execute("update staging.document set gone = 'purged'")
    staged.write(doc("a"))
    assert staged.rows("gone, batch") == [(None, 2)]


def test_a_lower_revision_that_wins_replaces_a_higher(staged: Warehouse) -> None:
    staged.write(doc("a", rev="7-z"))
    staged.write(doc("a", rev="2-b"))
    assert staged.rows("_rev") == [("2-b",)]


def test_the_last_row_of_a_document_in_a_page_wins(staged: Warehouse) -> None:
    written = staged.write(doc("a", rev="1-a"), doc("b"), deleted("a", "2-b"), doc("a", '{"n":3}', "3-c"))
    assert written.changed == 2
    assert staged.rows("_id, _rev, doc ->> 'n'") == [("a", "3-c", "3"), ("b", "1-a", None)]


def test_a_page_is_kept_up_to_a_line(staged: Warehouse) -> None:
    written = staged.write(doc("a"), doc("b"), doc("c\0"), doc("a", rev="2-b"), until=1)
    assert (written.changed, written.rejected) == (2, 0)
    assert staged.rows("_id, _rev") == [("a", "1-a"), ("b", "1-a")]


def test_a_deletion_leaves_no_body_and_no_type(staged: Warehouse) -> None:
    staged.write(doc("a"))
    staged.write(deleted("a"))
    assert staged.rows("_rev, _deleted, type, doc") == [("2-d", True, None, None)]


def test_a_deleted_document_written_again_is_back(staged: Warehouse) -> None:
    staged.write(deleted("a"))
    staged.write(doc("a", rev="3-c"))
    assert staged.rows("_rev, _deleted, type") == [("3-c", False, "person")]


def test_the_same_id_in_two_sources_is_two_documents(staged: Warehouse) -> None:
    write.prepare(staged.connection, {"kitui/_users": ("kitui", "_users")})
    staged.write(doc("org.couchdb.user:ana", '{"type":"user-settings"}'))
    staged.write(doc("org.couchdb.user:ana", '{"type":"user"}'), source="kitui/_users", database="_users")
    rows = staged.connection.execute("select source, type from staging.document order by source").fetchall()
    assert rows == [("kitui/_users", "user"), ("kitui/medic", "user-settings")]


@pytest.mark.parametrize(
    "body", ['{"n":1e200000}', r'{"n":"\ud83d"}', "[" * 20000 + "]" * 20000, '{"n":', "", '{"n":"\t"}', "NaN"]
)
def test_what_jsonb_cannot_hold_is_rejected_whole_and_the_page_goes_on(staged: Warehouse, body: str) -> None:
    written = staged.write(doc("a"), doc("bad", body, "4-x"), doc("c"))
    assert (written.changed, written.rejected) == (2, 1)
    assert staged.rows("_id") == [("a",), ("c",)]
    ((name, rev, reason, kept),) = staged.rejected()
    assert (name, rev) == (b"bad", "4-x")
    assert reason.startswith("not JSON")
    assert (kept or b"") == body.encode()


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (r'{"a\u0000b":"x\u0000"}', {"a\ufffdb": "x\ufffd"}),
        ('{"n":9999999999999999999999999999999999999999}', {"n": 9999999999999999999999999999999999999999}),
        ('{"type":"person","type":"clinic"}', {"type": "clinic"}),
        ('{"t":"tab\\t quote\\" back\\\\slash \\\\N \\\\."}', {"t": 'tab\t quote" back\\slash \\N \\.'}),
        ("[" * 2000 + "]" * 2000, None),
    ],
)
def test_what_jsonb_can_hold_is_staged(staged: Warehouse, body: str, kept: object) -> None:
    assert staged.write(doc("a", body)).changed == 1
    if kept is not None:
        assert staged.rows("doc") == [(kept,)]
    assert staged.rejected() == []


def test_a_rejected_document_is_kept_as_it_came(staged: Warehouse) -> None:
    staged.write(doc("a", r'{"a":"\u0000","n":1e200000}'))
    assert [row[3] for row in staged.rejected()] == [rb'{"a":"\u0000","n":1e200000}']


def test_an_earlier_good_revision_stays_while_a_later_one_is_rejected(staged: Warehouse) -> None:
    staged.write(doc("a", rev="1-a"))
    staged.write(doc("a", '{"n":1e200000}', "2-b"))
    assert staged.rows("_rev, batch") == [("1-a", 1)]
    assert [row[1] for row in staged.rejected()] == ["2-b"]
    assert staged.checkpoint().batch == 2


@pytest.mark.parametrize("cure", [doc("a", rev="3-c"), deleted("a", "3-c"), doc("a", rev="1-a")])
def test_a_later_good_row_clears_what_was_rejected(staged: Warehouse, cure: Row) -> None:
    staged.write(doc("a", rev="1-a"))
    staged.write(doc("a", '{"n":1e200000}', "2-b"))
    staged.write(cure)
    assert staged.rejected() == []
    assert staged.rows("_rev") == [(cure.rev,)]


def test_the_deletion_of_a_document_with_a_bad_id_clears_it(staged: Warehouse) -> None:
    staged.write(doc("a\0b"))
    assert [row[0] for row in staged.rejected()] == [b"a\0b"]
    staged.write(deleted("a\0b"))
    assert staged.rejected() == []
    assert staged.rows("_id") == []


def test_a_type_that_is_no_text_or_too_long_is_none(staged: Warehouse) -> None:
    staged.write(doc("a", '{"type":5}'), doc("b", '{"type":"' + "x" * 501 + '"}'), doc("c", "[1]"))
    assert staged.rows("type") == [(None,), (None,), (None,)]


def test_preparing_twice_changes_nothing(staged: Warehouse) -> None:
    staged.write(doc("a"))
    before = staged.checkpoint()
    write.prepare(staged.connection, {SOURCE: ("kitui", "medic")})
    assert staged.checkpoint() == before


def test_sources_of_one_spelling_have_partitions_of_their_own(staged: Warehouse) -> None:
    write.prepare(staged.connection, {"a/b-c": ("a", "b-c"), "a/b_c": ("a", "b_c")})
    row = staged.connection.execute("select count(*) from pg_inherits where inhparent = 'staging.document'::regclass")
    assert row.fetchone() == (3,)


def test_another_database_than_the_copied_one_is_recognised(staged: Warehouse) -> None:
    staged.write(doc("a"))
    known = staged.checkpoint()
    assert known.identity == IDENTITY
    checkpoint.require_same(known, IDENTITY)
    checkpoint.require_same(known, couchdb.Identity("uuid", "of another kind"))
    with pytest.raises(errors.SourceReplaced, match="Nothing was changed"):
        checkpoint.require_same(known, couchdb.Identity("instance_start_time", "1"))


def test_batches_of_a_source_become_visible_in_their_order(staged: Warehouse, warehouse: str) -> None:
    """The checkpoint is locked until the commit: a second writer cannot take a batch that shows before the first's."""
    before = staged.checkpoint()
    with (
        warehouses.connect(partial(psycopg.connect, warehouse)) as other,
        staged.connection.transaction(),
    ):
        write.page(staged.connection, before, Page([doc("a")]), lambda: IDENTITY)
        other.execute("set lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            write.page(other, before, Page([doc("b")]), lambda: IDENTITY)
    assert staged.rows("_id, batch") == [("a", 1)]


def test_no_repair_takes_a_batch_while_a_page_is_written(staged: Warehouse, warehouse: str) -> None:
    """It would be the page's own: the models would take in the repair's documents alone, and miss the page's."""
    before = staged.checkpoint()
    is_locked = list[bool]()

    def repair(_number: int) -> None:
        try:
            with other.transaction(force_rollback=True):
                write.hold(other, before)
            is_locked.append(False)
        except psycopg.errors.LockNotAvailable:
            is_locked.append(True)

    with warehouses.connect(partial(psycopg.connect, warehouse)) as other:
        other.execute("set lock_timeout = '50ms'")
        with recording(staged.connection, repair) as statements:
            write.page(staged.connection, before, Page([doc("a")]), lambda: IDENTITY)
    read = next(number for number, text in enumerate(statements) if "from ops.checkpoint where source" in text)
    assert len(statements) > read + 2
    assert is_locked == [number > read for number in range(len(statements))]


def test_a_page_reads_no_more_of_a_source_than_its_own_documents(staged: Warehouse) -> None:
    """Also while Postgres has no statistics of it: in a first copy each page would cost more than the one before."""
    staged.write(*(doc(f"p{number:04}") for number in range(2000)))
    with staged.connection.transaction():
        staged.write(doc("p0007", rev="2-b"), doc("p0008"), doc("q"))
        row = staged.connection.execute(
            "select sum(seq_tup_read + idx_tup_fetch) from pg_stat_xact_user_tables where relname like 'document_%'"
        ).fetchone()
    assert row is not None
    assert 0 < row[0] < 20


def test_where_nobody_was_erased_no_document_is_looked_at_for_it(staged: Warehouse) -> None:
    staged.connection.execute("set track_functions = 'all'")
    calls = "select coalesce(sum(calls), 0) from pg_stat_xact_user_functions where funcname like 'is_erased%'"
    with staged.connection.transaction():
        staged.write(doc("a"), doc("bad", "{"))
        assert staged.connection.execute(calls).fetchone() == (0,)
    staged.connection.execute("insert into ops.erased (instance, digest) values ('kitui', 'x')")
    with staged.connection.transaction():
        staged.write(doc("a", rev="2-b"), doc("bad", "{", "2-b"))
        assert staged.connection.execute(calls).fetchone() == (2,)
