"""The campaign changes a page only as CouchDB or a proxy may: each seq keeps its meaning."""

import random
from collections.abc import Callable

import pytest

from tests.faults import faulty, pages, wire
from tests.faults.pages import Page, Row
from tests.faults.wire import Answer
from tests.lib.replay import recorded

SEEDS = range(50)


def row(number: int, rev: str = "1-a", *, seq: bool = False) -> Row:
    given = b'"%d-g1"' % number if seq else b"null"
    doc = b'{"_id":"d%d","_rev":"%s","a":"\\"doc\\":"}' % (number, rev.encode())
    return Row.of(b'{"seq":%s,"id":"d%d","changes":[{"rev":"%s"}],"doc":%s}' % (given, number, rev.encode(), doc))


@pytest.fixture
def page() -> Page:
    """Each third row has a seq."""
    rows = [row(number, seq=number % 3 == 0) for number in range(11)]
    return Page(rows, b'"last_seq":"10-g1","pending":2}')


def ids_up_to(page: Page) -> dict[bytes, set[str]]:
    """The ids up to each seq."""
    return {
        row.seq: {earlier.id for earlier in page.rows[: number + 1]}
        for number, row in enumerate(page.rows)
        if row.has_seq
    }


def test_a_page_is_taken_apart_and_put_together() -> None:
    body = recorded("changes_seq_interval").body
    page = Page.of(body)
    assert page.text == body
    assert page.has_documents
    assert not Page.of(recorded("changes_seq_interval_no_docs").body).has_documents
    assert page.seqs() == {str(page.end["last_seq"])} | {str(row.head["seq"]) for row in page.rows if row.has_seq}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("change", [pages.repeat, pages.reorder])
def test_a_seq_stands_for_the_same_rows(change: Callable[[Page, random.Random], Page], seed: int, page: Page) -> None:
    changed = change(page, random.Random(seed))
    assert ids_up_to(changed) == ids_up_to(page)
    assert {row.rest for row in changed.rows} == {row.rest for row in page.rows}
    assert changed.text != page.text or change is pages.reorder


@pytest.mark.parametrize("seed", SEEDS)
def test_an_older_row_stands_before_the_newer(seed: int, page: Page) -> None:
    earlier = {"d4": [row(4, "0-z")], "d7": [row(7, "0-y"), row(7, "0-x")]}
    changed = pages.precede(page, earlier, random.Random(seed))
    assert [row for row in changed.rows if row in page.rows] == page.rows
    added = [number for number, row in enumerate(changed.rows) if row not in page.rows]
    assert added
    assert all(changed.rows[number].id in [later.id for later in changed.rows[number + 1 :]] for number in added)


def test_rows_lose_their_documents(page: Page) -> None:
    stripped, names = pages.strip(page, random.Random(1), {"d1", "d5", "gone"})
    assert names == {"d1", "d5"}
    assert [row.document is None or row.document == b"null" for row in stripped.rows] == [
        row.id in names for row in page.rows
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_failure_leaves_whole_rows_and_no_end(seed: int, page: Page) -> None:
    body = pages.fail(page, random.Random(seed))
    assert b"last_seq" not in body
    assert body.split(b"\n")[-2].startswith(b'{"error":')


def test_a_page_is_cut_inside_a_document(page: Page) -> None:
    cut = faulty.cut_inside(page, frozenset({"d5"}), random.Random(1))
    assert cut is not None
    start = page.text.index(page.rows[5].document or b"?")
    assert start <= cut < start + len(page.rows[5].document or b"")
    assert faulty.cut_inside(page, frozenset({"d99"}), random.Random(1)) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_an_answer_breaks_off_before_its_end(seed: int) -> None:
    chance = random.Random(seed)
    given = Answer(body=b"x" * 500).carried(chance)
    broken = given.broken(chance.choice(wire.ENDINGS), chance)
    assert broken.cut is not None
    assert 0 <= broken.cut < len(given.wire)
