"""The copy compared with CouchDB: what is wrong is found and made right, what changed since is left to the feed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest
from cht_sync import couchdb, errors
from cht_sync import warehouse as warehouses
from cht_sync.copy.job import Job
from cht_sync.verify import repair, verification

from tests.lib import replaced
from tests.lib.feeds import Fault
from tests.lib.pages import SOURCE, Warehouse
from tests.lib.replaced import Source, live
from tests.lib.replay import Answer

Verify = Callable[..., verification.Verification]


@pytest.fixture
def source() -> Iterator[Source]:
    """Nine persons, one of them with an id that needs escapes, and what is never copied."""
    with replaced.serve() as source:
        for number in range(8):
            source.fake.put(f"p{number}", f'{{"type":"person","n":{number}}}')
        source.fake.put("ü\t\\n\"'", '{"type":"person"}')
        source.fake.put("_design/medic", "{}")
        source.fake.put("token:login:x", "{}")
        yield source


@pytest.fixture
def copied(source: Source, staged: Warehouse) -> Warehouse:
    source.copy(staged.connection)
    return staged


@pytest.fixture
def check(source: Source, copied: Warehouse, warehouse: str) -> Verify:
    """Compares once."""
    return partial(compare, source, copied, warehouse)


def compare(source: Source, copied: Warehouse, warehouse: str, **options: Any) -> verification.Verification:
    client = partial(couchdb.Client, couchdb.Server(source.url))
    second = partial(warehouses.connect, partial(psycopg.connect, warehouse))
    job = Job(copied.connection, client, SOURCE, "medic", lambda _: None, lambda _: None, second)
    return verification.run(job, verification.Options(**({"seconds": 60} | options)))


def found(done: verification.Verification) -> dict[str, int]:
    """What is not nothing."""
    return {name: value for name, value in vars(done).items() if isinstance(value, int) and value}


def same(source: Source, copied: Warehouse) -> bool:
    never = ("_design/", "token:login:")
    return replaced.staged(copied.connection) == [row for row in source.documents() if not row[0].startswith(never)]


def test_a_copy_that_is_the_same(copied: Warehouse, check: Verify) -> None:
    before = copied.rows("_id, ctid, xmin::text, batch")
    assert found(check()) == {"documents": 11}
    assert copied.rows("_id, ctid, xmin::text, batch") == before
    assert copied.rows("documents, left_over, repair, message", "ops.verification", "1") == [(11, 0, True, None)]
    assert copied.rows("documents, wrong, gone, is_equal", "marts.compared", "1") == [(11, 0, 0, True)]


def spoil(copied: Warehouse) -> None:
    """As a bug, a disk or a hand might leave it."""
    copied.connection.execute("delete from staging.document where _id in ('p0', 'ü\t\\n\"''')")
    copied.connection.execute("update staging.document set _rev = '0-old', doc = '{}' where _id = 'p1'")
    copied.connection.execute("update staging.document set _deleted = true, doc = null where _id = 'p2'")
    copied.connection.execute("update staging.document set gone = 'purged' where _id = 'p3'")


def test_what_is_missing_or_stale_is_read_again(source: Source, copied: Warehouse, check: Verify) -> None:
    spoil(copied)
    before = copied.checkpoint()
    assert found(check()) == {"documents": 11, "missing": 4, "stale": 1, "repaired": 5}
    assert same(source, copied)
    assert copied.checkpoint() == replace(before, batch=before.batch + 1)
    assert {row[0] for row in copied.rows("batch")} == {before.batch, before.batch + 1}
    assert found(check()) == {"documents": 11}


def test_with_repair_off_it_only_reports(copied: Warehouse, check: Verify) -> None:
    spoil(copied)
    before, at = copied.rows("_id, ctid, xmin::text"), copied.checkpoint()
    done = check(repair=False)
    assert found(done) == {"documents": 11, "missing": 4, "stale": 1, "left_over": 5}
    assert copied.rows("_id, ctid, xmin::text") == before
    assert copied.checkpoint() == at
    assert copied.rows("is_equal", "marts.compared", "1") == [(False,)]
    with pytest.raises(errors.CopyDiffers, match="5 documents of kitui/medic"):
        verification.require_equal(done)


def test_deleted_purged_and_archived_are_distinguished(source: Source, copied: Warehouse, check: Verify) -> None:
    before = copied.checkpoint()
    source.fake.delete("p0")
    copied.connection.execute("update ops.checkpoint set seq = '12-g1AAAA'")  # as if the feed had lost the deletion
    for name in ("p1", "p2"):
        source.purge(name)
    source.fake.archive = {"p2"}
    done = check()
    assert found(done) == {"documents": 8, "extra": 1, "purged": 1, "archived": 1, "repaired": 3}
    assert copied.rows("_id, _deleted, gone, doc is null")[:4] == [
        ("p0", True, None, True),
        ("p1", False, "purged", False),
        ("p2", False, "archived", False),
        ("p3", False, None, False),
    ]
    assert copied.checkpoint().batch > before.batch
    verification.require_equal(done)
    assert found(check()) == {"documents": 8}


def test_what_has_changed_since_the_last_page_is_not_wrong(source: Source, copied: Warehouse, check: Verify) -> None:
    source.fake.put("new")
    source.fake.put("p0", '{"n":1}', "2-b")
    source.fake.delete("p1")
    before = copied.rows("_id, ctid, xmin::text")
    assert found(check()) == {"documents": 11, "not_yet": 3}
    assert copied.rows("_id, ctid, xmin::text") == before
    source.copy(copied.connection)
    assert same(source, copied)


def test_what_changes_while_it_lists_is_not_wrong(source: Source, check: Verify) -> None:
    def change(answer: Answer) -> Answer:
        source.fake.listed = None
        source.fake.put("p7", '{"n":70}', "2-b")
        source.fake.delete("p6")
        return answer

    source.fake.listed = change
    assert found(check()) == {"documents": 11}
    source.fake.put("p5", '{"n":50}', "2-b")
    assert found(check()) == {"documents": 10, "not_yet": 3}


def test_a_repair_never_goes_over_what_an_extraction_has_written_since(
    source: Source, copied: Warehouse, check: Verify, warehouse: str
) -> None:
    """It reads p0 again as it was listed, and before it can write that, an extraction brings the next revision."""
    copied.connection.execute("update staging.document set _rev = '0-old' where _id = 'p0'")

    def overtake(answer: Answer) -> Answer:
        if b'"doc":' in answer.body:
            source.fake.listed = None
            source.fake.put("p0", '{"n":"later"}', "2-b")
            with warehouses.connect(partial(psycopg.connect, warehouse)) as other:
                source.copy(other)
        return answer

    source.fake.listed = overtake
    assert found(check()) == {"documents": 11, "stale": 1, "not_yet": 1}
    assert copied.rows("_rev, doc ->> 'n'")[0] == ("2-b", "later")


def test_what_has_changed_before_it_is_read_again_comes_by_the_feed(
    source: Source, copied: Warehouse, check: Verify
) -> None:
    copied.connection.execute("delete from staging.document where _id in ('p0', 'p1')")
    page = source.fake._page

    def change(query: dict[str, str]) -> bytes:
        answer = page(query)
        source.fake.put("p0", '{"n":"later"}', "2-b")
        source.fake.delete("p1")
        return answer

    source.fake._page = change  # type: ignore[method-assign]
    assert found(check()) == {"documents": 11, "missing": 2, "not_yet": 2}
    source.fake._page = page  # type: ignore[method-assign]
    source.copy(copied.connection)
    assert same(source, copied)


def test_what_is_known_to_be_rejected_is_not_wrong(source: Source, copied: Warehouse, check: Verify) -> None:
    source.fake.put("p0", '{"n":1e200000}', "2-b")
    source.fake.put("bad", '{"n":1e200000}')
    source.copy(copied.connection)
    assert found(check()) == {"documents": 12, "rejected": 2}
    assert len(copied.rejected()) == 2


def test_what_was_rejected_and_is_gone_is_rejected_no_longer(source: Source, copied: Warehouse, check: Verify) -> None:
    source.fake.put("bad", '{"n":1e200000}')
    source.fake.put("nul\0", "{}")
    source.copy(copied.connection)
    source.purge("bad")
    assert found(check()) == {"documents": 12, "rejected": 1, "purged": 1, "repaired": 1}
    assert [row[0] for row in copied.rejected()] == [b"nul\0"]


def test_a_missing_document_that_cannot_be_held_is_rejected(source: Source, copied: Warehouse, check: Verify) -> None:
    source.fake.put("bad", '{"n":1e200000}')
    source.copy(copied.connection)
    copied.connection.execute("delete from ops.rejected_document")
    assert found(check()) == {"documents": 12, "missing": 1, "repaired": 1}
    assert [row[0] for row in copied.rejected()] == [b"bad"]


def test_a_document_that_couchdb_does_not_give_is_left_and_reported(
    source: Source, copied: Warehouse, check: Verify
) -> None:
    copied.connection.execute("delete from staging.document where _id in ('p0', 'p1')")
    source.fake.listed = lambda answer: replace(answer, body=answer.body.replace(b'{"type":"person","n":0}', b"null"))
    done = check()
    assert found(done) == {"documents": 11, "missing": 2, "repaired": 1, "left_over": 1}
    with pytest.raises(errors.CopyDiffers, match="CouchDB did not give them"):
        verification.require_equal(done)


def test_a_document_whose_answer_is_always_cut_off_does_not_hold_up_the_others(
    source: Source, copied: Warehouse, check: Verify
) -> None:
    copied.connection.execute("delete from staging.document where _id in ('p0', 'p1', 'p2')")

    def cut(answer: Answer) -> Answer:
        at = answer.body.find(b'"n":1}')
        return answer if at < 0 else replace(answer, cut_at=at)

    source.fake.listed = cut
    assert found(check()) == {"documents": 11, "missing": 3, "repaired": 2, "left_over": 1}
    assert "p2" in live(copied.connection)


def test_a_listing_that_is_cut_off_or_busy_goes_on_where_it_was(
    source: Source, copied: Warehouse, check: Verify
) -> None:
    spoil(copied)
    faults: list[Fault] = [
        lambda answer: replace(answer, cut_at=300),
        lambda _: Answer(503),
        lambda answer: replace(answer, cut_at=9),
    ]
    source.fake.listed = lambda answer: faults.pop(0)(answer) if faults else answer
    assert found(check()) == {"documents": 11, "missing": 4, "stale": 1, "repaired": 5}
    assert same(source, copied)


def test_a_server_that_lost_much_takes_nothing_out(
    source: Source, copied: Warehouse, check: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "FEW", 2)
    for name in ("p0", "p1", "p2"):
        source.purge(name)
    done = check()
    assert found(done) == {"documents": 8, "purged": 3, "left_over": 3}
    assert len(live(copied.connection)) == 9
    with pytest.raises(errors.CopyDiffers, match=r"3 of 11 .*: the removal limit was exceeded; nothing was removed"):
        verification.require_equal(done)
    assert found(check(most_gone=50)) == {"documents": 8, "purged": 3, "repaired": 3}
    assert same(source, copied)


def test_who_was_erased_is_not_missing(source: Source, copied: Warehouse, check: Verify) -> None:
    copied.connection.execute("select cht.erase('kitui', 'p0')")
    assert found(check()) == {"documents": 11}
    source.purge("p0")
    assert found(check()) == {"documents": 10}
    copied.connection.execute("delete from staging.document where _id = 'p0'")
    source.fake.put("p0", '{"type":"person","n":0}')
    source.fake.seqs["p0"] = 1
    assert found(check()) == {"documents": 11, "missing": 1, "repaired": 1}
    assert copied.rows("_id, gone, doc")[0] == ("p0", "erased", None)


def test_another_database_is_not_compared(source: Source, copied: Warehouse, check: Verify) -> None:
    source.replace().put("q")
    with pytest.raises(errors.SourceReplaced):
        check()
    assert len(live(copied.connection)) == 9
    ((left_over, message),) = copied.rows("left_over, message", "ops.verification", "1")
    assert left_over is None
    assert "another database" in message
    assert copied.rows("1", "marts.compared", "1") == []


def test_a_database_that_was_never_copied_to_its_end_is_not_compared(
    source: Source, staged: Warehouse, warehouse: str
) -> None:
    source.copy(staged.connection, page_rows=2, seconds=0)
    done = compare(source, staged, warehouse)
    assert done.waits == "not compared: it has not been copied to its end yet"
    assert staged.rows("1", "ops.verification", "1") == []


def test_a_source_that_is_copied_again_is_not_compared(source: Source, copied: Warehouse, check: Verify) -> None:
    source.copy(copied.connection, "resync", page_rows=2, seconds=0)
    assert "(resync)" in check().waits
    assert "(resync)" in str(check())


def test_a_copy_that_is_begun_again_meanwhile_is_not_repaired(
    source: Source, copied: Warehouse, check: Verify, warehouse: str
) -> None:
    copied.connection.execute("delete from staging.document where _id = 'p0'")

    def begin(answer: Answer) -> Answer:
        source.fake.listed = None
        with warehouses.connect(partial(psycopg.connect, warehouse)) as other:
            source.copy(other, "resync", page_rows=2, seconds=0)
        return answer

    source.fake.listed = begin
    with pytest.raises(errors.CheckpointMoved):
        check()


def test_two_comparisons_of_a_source_do_not_run_at_once(check: Verify, warehouse: str) -> None:
    with (
        warehouses.connect(partial(psycopg.connect, warehouse)) as other,
        warehouses.lock(other, f"cht-sync verify {SOURCE}"),
        pytest.raises(errors.AnotherRun),
    ):
        check(wait=0.1)


def test_it_says_what_it_found() -> None:
    done = verification.Verification(SOURCE, 1000, missing=1, purged=2, repaired=3, not_yet=4)
    assert str(done) == (
        "kitui/medic: 1,000 documents compared; 1 missing, 0 stale, 0 deleted in CouchDB only, 2 purged, 0 archived; "
        "3 repaired, 0 left over (4 pending, 0 rejected)"
    )
