"""The verdict accepts a correct copy, and finds each kind of error in a copy."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults import values, verdict
from tests.faults.copied import Copy, Move, Rejected, Row
from tests.faults.source import Latest
from tests.faults.verdict import Facts

AT = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def live(name: str, rev: str = "1-a", **value: Any) -> Latest:
    return Latest(rev, False, {"_id": name, "_rev": rev, **value}, 50)


LATEST = {
    "a": live("a"),
    "b": live("b", "2-b", n=2),
    "deleted": Latest("2-d", True),
    "nul\0": live("nul\0"),
    "unread": live("unread"),
    "new": live("new"),
    "_design/x": live("_design/x"),
}
FACTS = Facts(
    LATEST,
    {(name, each.rev): [each.doc] for name, each in LATEST.items()}
    | {("b", "1-b"): [live("b", "1-b", n=1).doc], ("old", "1-o"): [{"_id": "old"}]},
    to_come={"new"},
    seqs={"0", "4-x", "5-x"},
    unreadable=lambda name: name == "unread",
)
MOVES = (Move(1, 1, 4, "4-x"), Move(1, 1, 5, "4-x"), Move(2, 1, 6, "5-x"))
BEFORE = Copy(
    *(1, 4, 4, "4-x"),
    identity="7",
    caught_up_at=AT,
    rows={b"a": Row("1-a", False, None, 1, LATEST["a"].doc)},
    moves=MOVES[:1],
)
AFTER = replace(
    BEFORE,
    reads=6,
    batch=6,
    seq="5-x",
    rows={
        b"a": Row("1-a", False, None, 1, LATEST["a"].doc),
        b"b": Row("2-b", False, None, 5, LATEST["b"].doc),
        b"deleted": Row("2-d", True, None, 6, None),
    },
    rejected={
        b"nul\0": Rejected("1-a", "its _id holds a NUL", 5, None),
        b"unread": Rejected("1-a", "unreadable", 5, None),
    },
    moves=MOVES,
)


def with_row(name: str, row: Row | None) -> Copy:
    others = {id_: each for id_, each in AFTER.rows.items() if id_ != name.encode()}
    return replace(AFTER, rows=others | ({name.encode(): row} if row else {}))


def moving(*moves: Move) -> Copy:
    """A copy whose checkpoint made these moves."""
    last = moves[-1]
    return replace(AFTER, generation=last.generation, reads=last.reads, seq=last.seq, moves=MOVES[:2] + moves)


def rejecting(name: str, rejected: Rejected | None) -> Copy:
    others = {id_: each for id_, each in AFTER.rejected.items() if id_ != name.encode()}
    return replace(AFTER, rejected=others | ({name.encode(): rejected} if rejected else {}))


B, OLD_B = LATEST["b"].doc, FACTS.revisions["b", "1-b"][0]

WRONG = {
    "a row is missing": ("lost", with_row("b", None)),
    "a row that was there is gone": ("lost", with_row("a", None)),
    "a live document is taken for deleted": ("lost", with_row("b", Row("2-b", True, None, 5, None))),
    "a live document is taken for purged": ("lost", with_row("b", Row("2-b", False, "purged", 5, B))),
    "a readable document is rejected": ("lost", rejecting("b", Rejected("2-b", "unreadable", 5, None))),
    "a document that can be held is rejected": ("lost", rejecting("b", Rejected("2-b", "not JSON", 5, b"{}"))),
    "a reject is missing": ("lost", rejecting("nul\0", None)),
    "an older revision": ("stale", with_row("b", Row("1-b", False, None, 5, OLD_B))),
    "a deletion is missing": ("stale", with_row("deleted", Row("1-d", False, None, 5, {"_id": "deleted"}))),
    "the older body under the newer revision": ("invented", with_row("b", Row("2-b", False, None, 5, OLD_B))),
    "another document's body": ("invented", with_row("b", Row("2-b", False, None, 5, LATEST["a"].doc))),
    "a document that never existed": ("invented", with_row("z", Row("1-a", False, None, 5, {"_id": "z"}))),
    "a design document": ("invented", with_row("_design/x", Row("1-a", False, None, 5, LATEST["_design/x"].doc))),
    "the body of what is deleted": ("invented", with_row("deleted", Row("2-d", True, None, 5, {"_id": "deleted"}))),
    "a rejected revision that never existed": ("invented", rejecting("nul\0", Rejected("9-z", "NUL", 5, None))),
    "a seq that was never given": ("checkpoint", moving(Move(2, 1, 6, "9-z"))),
    "a seq that moved without a page": ("checkpoint", moving(Move(2, 1, 5, "5-x"))),
    "a seq that moved without a note": ("checkpoint", replace(AFTER, seq="4-x")),
    "reads that rose by two": ("checkpoint", moving(Move(2, 1, 7, "5-x"))),
    "reads that went back": ("checkpoint", moving(Move(2, 1, 4, "5-x"))),
    "a generation that went back": ("checkpoint", moving(Move(2, 0, 6, "5-x"))),
    "a run that was overtaken and went on": ("checkpoint", moving(Move(2, 1, 6, "5-x"), Move(1, 1, 7, "5-x"))),
    "caught up earlier than before": ("checkpoint", replace(AFTER, caught_up_at=AT - timedelta(1))),
    "a change in an old batch": ("checkpoint", with_row("b", Row("2-b", False, None, 4, B))),
    "a batch that is not there yet": ("checkpoint", with_row("b", Row("2-b", False, None, 7, B))),
}


def test_a_copy_that_is_right() -> None:
    assert verdict.judge(BEFORE, AFTER, FACTS) == []


@pytest.mark.parametrize("what", WRONG)
def test_a_copy_that_is_not(what: str) -> None:
    kind, copy = WRONG[what]
    assert kind in verdict.count(verdict.judge(BEFORE, copy, FACTS)), what


@pytest.mark.parametrize("what", ["a row is missing", "an older revision"])
def test_what_is_yet_to_come_is_not_wrong(what: str) -> None:
    _, copy = WRONG[what]
    assert verdict.judge(BEFORE, copy, replace(FACTS, to_come={"new", "b"})) == []


def test_what_was_purged_stays_until_it_is_looked_for() -> None:
    facts = replace(FACTS, latest={name: each for name, each in LATEST.items() if name != "b"}, purged={"b": 1})
    assert verdict.judge(BEFORE, AFTER, facts) == []
    again = moving(Move(2, 2, 5, "0"), Move(2, 2, 6, "5-x"))
    assert verdict.count(verdict.judge(BEFORE, again, facts)) == {"invented": 1}
    gone = replace(again, rows=with_row("b", Row("2-b", False, "purged", 6, B)).rows)
    assert verdict.judge(BEFORE, gone, facts) == []


@pytest.fixture
def replacing() -> Callable[..., Copy]:
    """A copy of another database, half way: a is the same there, b is set aside, and so is a deletion."""

    def copy(**changed: Any) -> Copy:
        given = {
            "mode": "replace",
            "rows": {**BEFORE.rows, b"old": Row("1-o", False, None, 2, FACTS.revisions["old", "1-o"][0])},
            "rejected": {},
            "aside": {b"b": AFTER.rows[b"b"], b"deleted": AFTER.rows[b"deleted"]},
            "aside_rejected": AFTER.rejected,
            "seen": frozenset({b"a"}),
        }
        return replace(AFTER, **(given | changed))

    return copy


def test_a_copy_of_another_database_half_way(replacing: Callable[..., Copy]) -> None:
    before = replacing(reads=5, seq="4-x", moves=MOVES[:2])
    assert verdict.judge(before, replacing(), FACTS) == []
    assert verdict.count(verdict.judge(before, replacing(aside={}), FACTS)) == {"lost": 1}
    assert verdict.count(verdict.judge(before, replacing(seen=frozenset()), FACTS)) == {"lost": 1}
    changed = replacing(rows={**AFTER.rows})
    assert "invented" in verdict.count(verdict.judge(before, changed, FACTS))


def test_values_are_compared_exactly() -> None:
    assert values.parse('{"a":1.0,"b":1e2}') == values.parse('{"b": 100, "a": 1}')
    assert values.parse("[12345678901234567890]") != values.parse("[12345678901234567891]")
    assert values.without_nul({"a\0": ["\0"]}) == {"a\ufffd": ["\ufffd"]}


@pytest.mark.parametrize(
    ("name", "value", "size", "rejected"),
    [
        ("a", {"a": 1}, 10, False),
        ("a\0", {}, 10, True),
        ("a" * 1001, {}, 10, True),
        ("a", {"a": "\ud83d"}, 10, True),
        ("a", values.parse('{"n":1e200000}'), 10, True),
        ("a", {}, 101, True),
    ],
)
def test_what_may_be_rejected(name: str, value: object, size: int, rejected: bool) -> None:
    assert values.unholdable(name, value, size, 100) is rejected
