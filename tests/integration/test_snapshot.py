"""A parallel first copy: ranges in any order, killed anywhere, with writes between, end as the feed does."""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest
from cht_sync import couchdb, errors
from cht_sync import warehouse as warehouses
from cht_sync.copy import checkpoint
from cht_sync.copy.job import Job
from cht_sync.first_copy import plan
from cht_sync.first_copy import ranges as one_range
from cht_sync.models import runner
from cht_sync.verify import verification

from tests.lib import replaced
from tests.lib.feeds import Fault
from tests.lib.kills import kill, run
from tests.lib.pages import SOURCE, Warehouse
from tests.lib.replaced import Source, live
from tests.lib.replay import Answer

NAMES = [f"p{number:02}" for number in range(20)]
BAD = '{"n":1e200000}'


@pytest.fixture
def source() -> Iterator[Source]:
    """Twenty persons and three others, written in no order."""
    with replaced.serve() as source:
        for name in random.Random(1).sample(NAMES, len(NAMES)):
            source.fake.put(name, f'{{"type":"person","name":"{name}"}}')
        source.fake.put("ü\t\\n\"'", '{"type":"person"}')
        source.fake.put("_design/medic", "{}")
        source.fake.delete("gone")
        yield source


class Snapshot:
    """The steps of a first copy of that source."""

    def __init__(self, source: Source, **options: Any) -> None:
        self.source = source
        self.options = plan.Options(**({"page_rows": 3, "seconds": 60, "range_rows": 5} | options))
        self.said: list[str] = []

    def client(self) -> couchdb.Client:
        return couchdb.Client(couchdb.Server(self.source.url))

    def job(self, connection: warehouses.Connection) -> Job:
        return Job(connection, self.client, SOURCE, "medic", lambda said: self.said.append(str(said)), self.pause)

    def plan(self, connection: warehouses.Connection) -> list[int]:
        return plan.make(self.job(connection), self.options)

    def copy(self, connection: warehouses.Connection, number: int) -> Any:
        return one_range.copy(self.job(connection), number, self.options)

    def hand_over(self, connection: warehouses.Connection) -> bool:
        return plan.hand_over(self.job(connection), self.options)

    def whole(self, connection: warehouses.Connection) -> None:
        for number in self.plan(connection):
            self.copy(connection, number)
        assert self.hand_over(connection)

    @staticmethod
    def pause(_seconds: float) -> None:
        """Not waited for."""


def same(source: Source, staged: Warehouse) -> bool:
    return replaced.staged(staged.connection) == [
        row for row in source.documents() if not row[0].startswith("_design/")
    ]


def ranges(staged: Warehouse) -> list[tuple[Any, ...]]:
    return staged.rows("number, copied_to, until", "ops.snapshot_range", "number")


def test_the_ranges_are_of_about_one_size_and_leave_nothing_between(source: Source, staged: Warehouse) -> None:
    assert Snapshot(source).plan(staged.connection) == [1, 2, 3, 4]
    found = ranges(staged)
    assert [row[1] for row in found] == ["", *(row[2] for row in found[:-1])]
    assert found[-1][2] is None
    ids = sorted([*NAMES, "ü", "_design/medic"], key=str.encode)
    sizes = [sum(after < id_ and (until is None or id_ <= until) for id_ in ids) for _, after, until in found]
    assert sum(sizes) == 22
    assert max(sizes) - min(sizes) <= 2


def test_a_copy_in_ranges_then_the_feed(source: Source, staged: Warehouse) -> None:
    first = Snapshot(source)
    first.whole(staged.connection)
    assert same(source, staged)
    assert ranges(staged) == []
    assert {row[0] for row in staged.rows("batch")} == {1}
    begun = staged.checkpoint()
    assert (begun.mode, begun.batch, begun.reads, begun.generation) == ("incremental", 1, 1, 2)
    assert begun.seq == "23-g1AAAA"
    source.fake.put("later")
    source.fake.delete("p03")
    assert source.copy(staged.connection).rows == 2
    assert same(source, staged)


def test_the_checkpoint_is_that_of_before_the_first_range_was_read(source: Source, staged: Warehouse) -> None:
    """Whatever is written, changed or deleted while ranges are read comes by the feed."""
    first = Snapshot(source)
    numbers = first.plan(staged.connection)
    chance = random.Random(2)
    for round_, number in enumerate(chance.sample(numbers, len(numbers))):
        first.copy(staged.connection, number)
        for name in chance.sample(NAMES, 5):
            source.fake.put(name, f'{{"round":{round_}}}', f"{round_ + 2}-x")
        source.fake.put(f"new{round_}")
        source.fake.delete(NAMES[chance.randrange(20)])
    assert first.hand_over(staged.connection)
    source.copy(staged.connection)
    assert same(source, staged)


def test_until_it_has_ended_neither_feed_nor_models_nor_comparison_touch_it(
    source: Source, staged: Warehouse, warehouse: str
) -> None:
    first = Snapshot(source)
    numbers = first.plan(staged.connection)
    first.copy(staged.connection, numbers[0])
    for mode in ("incremental", "resync", "replace", "replay"):
        with pytest.raises(errors.FirstCopy):
            source.copy(staged.connection, mode)
    assert not first.hand_over(staged.connection)
    runner.update(staged.connection)
    assert staged.connection.execute("select count(*) from models.person").fetchone() == (0,)
    assert runner.update(staged.connection).changed == 0
    second = partial(warehouses.connect, partial(psycopg.connect, warehouse))
    compared = verification.run(replace(first.job(staged.connection), open=second), verification.Options())
    assert "(copying)" in compared.waits
    for number in numbers:
        first.copy(staged.connection, number)
    assert first.hand_over(staged.connection)
    runner.update(staged.connection)
    assert staged.connection.execute("select count(*) from models.person").fetchone() == (21,)


def test_a_source_that_is_copied_already_is_left_alone(source: Source, staged: Warehouse) -> None:
    source.copy(staged.connection, page_rows=2, seconds=0)
    before = staged.checkpoint()
    assert Snapshot(source).plan(staged.connection) == []
    assert Snapshot(source, restart=True).plan(staged.connection) == []
    assert staged.checkpoint() == before


def test_each_step_done_twice_is_done_once(source: Source, staged: Warehouse) -> None:
    first = Snapshot(source)
    assert first.plan(staged.connection) == first.plan(staged.connection) == [1, 2, 3, 4]
    for number in (1, 2, 2, 3, 4, 1):
        first.copy(staged.connection, number)
    rows = staged.rows("_id, ctid, xmin::text")
    assert first.hand_over(staged.connection)
    assert first.hand_over(staged.connection)
    first.copy(staged.connection, 1)
    assert staged.rows("_id, ctid, xmin::text") == rows
    assert staged.checkpoint().batch == 1


def test_a_range_resumes_after_its_last_page(source: Source, staged: Warehouse) -> None:
    first = Snapshot(source)
    first.plan(staged.connection)
    answers: list[Fault] = [lambda answer: answer, lambda answer: replace(answer, status=404)]
    source.fake.listed = lambda answer: answers.pop(0)(answer)
    with pytest.raises(errors.DatabaseMissing):
        first.copy(staged.connection, 2)
    (kept,) = {row[1] for row in ranges(staged) if row[0] == 2}
    assert len(live(staged.connection)) == 3
    assert live(staged.connection)[-1] == kept
    source.fake.listed = None
    first.whole(staged.connection)
    assert same(source, staged)


def test_a_range_that_somebody_else_has_moved_is_not_written(source: Source, staged: Warehouse, warehouse: str) -> None:
    first = Snapshot(source)
    first.plan(staged.connection)

    def overtake(answer: Answer) -> Answer:
        source.fake.listed = None
        with psycopg.connect(warehouse) as other:
            other.execute("update ops.snapshot_range set copied_to = 'p01' where number = 1")
        return answer

    source.fake.listed = overtake
    with pytest.raises(errors.CheckpointMoved):
        first.copy(staged.connection, 1)
    assert live(staged.connection) == []


def test_a_copy_that_was_begun_again_is_not_written_by_the_ranges_of_before(
    source: Source, staged: Warehouse, warehouse: str
) -> None:
    first = Snapshot(source)
    first.plan(staged.connection)
    first.copy(staged.connection, 1)

    def begin(answer: Answer) -> Answer:
        source.fake.listed = None
        with warehouses.connect(partial(psycopg.connect, warehouse)) as other:
            Snapshot(source, restart=True).plan(other)
        return answer

    source.fake.listed = begin
    with pytest.raises(errors.CheckpointMoved):
        first.copy(staged.connection, 2)
    assert live(staged.connection) == []
    first.whole(staged.connection)
    assert same(source, staged)


def test_another_database_is_copied_only_again(source: Source, staged: Warehouse) -> None:
    first = Snapshot(source)
    numbers = first.plan(staged.connection)
    first.copy(staged.connection, 1)
    source.replace().put("q")
    for step in (first.plan, first.hand_over, lambda connection: first.copy(connection, numbers[1])):
        with pytest.raises(errors.SourceReplaced, match="Start again"):
            step(staged.connection)
    Snapshot(source, restart=True).whole(staged.connection)
    assert live(staged.connection) == ["q"]
    assert same(source, staged)


def test_an_empty_database(staged: Warehouse) -> None:
    with replaced.serve() as source:
        Snapshot(source).whole(staged.connection)
        assert live(staged.connection) == []
        source.fake.put("a")
        source.copy(staged.connection)
        assert live(staged.connection) == ["a"]


def test_what_cannot_be_held_is_rejected_and_what_comes_without_its_document_is_read_by_its_id(
    source: Source, staged: Warehouse
) -> None:
    source.fake.put("p05", BAD, "2-b")
    source.fake.put("p06", "null")
    source.fake.put("p07", "null")
    source.fake.alone["p06"] = '{"type":"person","name":"alone"}'
    Snapshot(source).whole(staged.connection)
    assert [(row[0], row[2].split()[0]) for row in staged.rejected()] == [(b"p05", "not"), (b"p07", "unreadable:")]
    assert dict(staged.rows("_id, doc ->> 'name'"))["p06"] == "alone"


def test_answers_cut_off_anywhere_are_kept_up_to_there(source: Source, staged: Warehouse) -> None:
    chance = random.Random(3)
    cuts = [60]

    def cut(answer: Answer) -> Answer:
        if cuts[0] and chance.random() < 0.7:
            cuts[0] -= 1
            return replace(answer, cut_at=chance.randrange(len(answer.body)))
        return answer

    source.fake.listed = cut
    source.fake.alone = {name: f'{{"type":"person","name":"{name}"}}' for name in NAMES}
    Snapshot(source).whole(staged.connection)
    assert cuts[0] <= 50  # ten answers at least
    assert live(staged.connection) == [row[0] for row in source.documents() if row[0] != "_design/medic"]
    assert staged.rejected() == []


def test_a_document_that_is_always_cut_off_does_not_hold_up_later_ones(source: Source, staged: Warehouse) -> None:
    source.fake.put("p09", '{"name":"' + "x" * 5000 + '"}', "2-b")
    source.fake.put("p19", '{"name":"' + "x" * 5000 + '"}', "2-b")
    source.fake.alone["p19"] = '{"name":"alone"}'

    def cut(answer: Answer) -> Answer:
        at = answer.body.find(b"xxxx")
        return answer if at < 0 else replace(answer, cut_at=at + 100)

    source.fake.listed = cut
    Snapshot(source).whole(staged.connection)
    assert [row[0] for row in staged.rejected()] == [b"p09"]
    assert len(live(staged.connection)) == 20
    assert dict(staged.rows("_id, doc ->> 'name'"))["p19"] == "alone"


def test_pages_end_at_enough_bytes(source: Source, staged: Warehouse) -> None:
    Snapshot(source, page_rows=100, page_bytes=60).whole(staged.connection)
    assert same(source, staged)
    assert sum(row[0] for row in staged.rows("pages", "ops.extract_run", "run")) > 8


def test_progress_is_logged_and_kept(source: Source, staged: Warehouse) -> None:
    first = Snapshot(source)
    first.whole(staged.connection)
    assert first.said[0].startswith("kitui/medic (snapshot, range 1): 5 rows read")
    said = staged.rows("mode, rows_read, caught_up, ended_at is not null", "ops.extract_run", "run")
    assert [row[0] for row in said] == [f"snapshot, range {number}" for number in (1, 2, 3, 4)]
    assert sum(row[1] for row in said) == 22
    assert {row[2:] for row in said} == {(True, True)}


@pytest.mark.parametrize("moment", [0, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("step", ["plan", "copy", "hand_over"])
def test_a_kill_at_any_statement(step: str, moment: float, source: Source, staged: Warehouse, warehouse: str) -> None:
    first = Snapshot(source)
    before = {
        "plan": [],
        "copy": [first.plan],
        "hand_over": [first.plan, *(partial(first.copy, number=number) for number in (1, 2, 3, 4))],
    }[step]
    task = {"plan": first.plan, "copy": partial(first.copy, number=2), "hand_over": first.hand_over}[step]
    sent = {"plan": 8, "copy": 30, "hand_over": 6}[step]
    run(warehouse, before)
    try:
        kill(warehouse, task, 1 + round(moment * (sent - 1)))
    except AssertionError:
        """It has come to its end before."""
    source.fake.put("p10", '{"after":"the kill"}', "2-b")
    source.fake.delete("p11")
    first.whole(staged.connection)
    source.copy(staged.connection)
    assert same(source, staged)


@pytest.mark.parametrize("seed", range(8))
def test_ranges_kills_and_writes_in_any_order(seed: int, source: Source, staged: Warehouse, warehouse: str) -> None:
    """Until nothing is left to do, one of: a range runs, is killed at some statement, or something is written."""
    first, chance = Snapshot(source, page_rows=1 + seed % 4), random.Random(seed)
    numbers = first.plan(staged.connection)
    writes = 0
    for _ in range(25):
        number, act = chance.choice(numbers), chance.random()
        if act < 0.4:
            source.fake.put(chance.choice(NAMES), f'{{"write":{writes}}}', f"{writes + 2}-x")
            writes += 1
        elif act < 0.6:
            source.fake.delete(chance.choice(NAMES), f"{writes + 2}-d")
            writes += 1
        elif act < 0.9:
            try:
                kill(warehouse, partial(first.copy, number=number), chance.randrange(1, 30))
            except AssertionError:
                """It has come to its end before."""
        else:
            first.copy(staged.connection, number)
    first.whole(staged.connection)
    source.copy(staged.connection)
    assert same(source, staged)
    assert checkpoint.read(staged.connection, SOURCE).mode == "incremental"
