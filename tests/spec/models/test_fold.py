"""Counts are updated by changes: the number of rows that a change writes; the result equals a count from nothing."""

import pytest
from cht_sync import sql
from cht_sync.models import runner
from cht_sync.models.counts import areas
from cht_sync.reports import marts

from tests.lib import tables
from tests.lib.contents import content
from tests.lib.spec import Spec
from tests.lib.staged import Staged
from tests.lib.ways import CHANGE, WHOLE, change, ways

TREE = """
    _id | type     | parent
    d   | district |
    e   | district |
    c   | centre   | d
    h   | clinic   | c d
    i   | clinic   | c d
    p   | person   | h c d
    q   | person   | i c d
"""


def written(spec: Spec, table: str) -> int:
    """The number of rows of counts, orphans and cycles that a page changes."""
    spec.staged.page(tables.documents(table))
    return spec.staged.update().models["place_count"]


def test_a_source_is_counted_as_a_whole_once_then_by_changes(staged: Staged) -> None:
    staged.page(tables.documents(TREE))
    assert ways(staged) == {WHOLE}
    staged.page(tables.documents("_id | type | parent\np | person | i"))
    assert ways(staged) == {CHANGE}
    staged.page(tables.documents("_id | type\nr | data_record"))
    assert ways(staged) == set()


def test_a_known_source_is_counted_by_changes_next_to_a_new_one(staged: Staged) -> None:
    staged.page(tables.documents(TREE))
    staged.update()
    staged.source("other/medic")
    staged.page(tables.documents(TREE), source="other/medic")
    staged.page(tables.documents("_id | type | parent\nc | centre | gone\np | person | q i"))
    assert ways(staged) == {WHOLE, CHANGE}
    assert staged.counts("other/medic")["d"]["total_persons"] == 2
    assert staged.counts()["d"]["total_persons"] == 0
    assert staged.rows("select source, uuid, effective_parent from models.orphan order by uuid") == [
        ("demo/medic", "c", None),
        ("demo/medic", "p", "i"),
    ]


def test_new_settings_are_counted_by_changes(spec: Spec) -> None:
    spec.stage(TREE)
    spec.staged.page([tables.settings("district_hospital", "health_center! < district_hospital")])
    assert ways(spec.staged) == {CHANGE}
    assert spec.staged.counts()["d"]["total_persons"] == 3


def test_muting_a_district_writes_one_row(spec: Spec) -> None:
    spec.stage(TREE)
    assert written(spec, "_id | type | muted\nd | district | true") == 1
    assert spec.staged.counts()["h"]["total_persons_muted"] == 1


def test_muting_below_writes_the_path(spec: Spec) -> None:
    spec.stage(TREE)
    assert written(spec, "_id | type | parent | muted\nh | clinic | c d | true") == 3


def test_a_move_writes_both_paths_and_nothing_below(spec: Spec) -> None:
    spec.stage(TREE)
    assert written(spec, "_id | type | parent\nc | centre | e") == 3


def test_a_new_name_writes_one_row(spec: Spec) -> None:
    spec.stage(TREE)
    assert written(spec, "_id | type | parent | name\nc | centre | d | Kyuso") == 1


def test_a_change_without_effect_on_counts_writes_nothing(spec: Spec) -> None:
    spec.stage(TREE)
    assert written(spec, "_id | type | parent | phone\np | person | h c d | 1\nc | centre | d |") == 0


def test_only_orphans_keep_their_lineage(spec: Spec) -> None:
    chain = "select uuid, position, ancestor from model_data.orphan_chain order by 1, 2"
    spec.stage("_id | type | parent\nx | person | a b c\ny | person |\nz | person | b c")
    assert spec.staged.rows(chain) == [
        *(("x", 1, "a"), ("x", 2, "b"), ("x", 3, "c")),
        *(("z", 1, "b"), ("z", 2, "c")),
    ]
    spec.stage("_id | type\nb | clinic")
    assert spec.orphans() == {"x": "b"}
    spec.stage("_id | type | parent\nx | person | a c")
    assert spec.orphans() == {"x": None}
    spec.stage("_id | type\nc | centre")
    assert spec.orphans() == {"x": "c"}
    assert spec.staged.rows(chain) == [("x", 1, "a"), ("x", 2, "c")]
    spec.stage(deleted="b x")
    assert spec.staged.rows(chain) == [("z", 1, "b"), ("z", 2, "c")]


def test_an_orphan_moves_to_a_nearer_place_of_its_lineage(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent
        d   | district |
        e   | district |
        p   | person   | gone c d
        h   | clinic   | gone c d
        q   | person   | h
    """)
    assert spec.staged.counts()["d"]["total_persons"] == 2
    spec.stage("_id | type | parent\nc | centre | e")
    assert spec.staged.counts()["e"]["total_persons"] == 2
    spec.stage("_id | type | parent\nc | person | e")
    assert spec.staged.counts()["d"]["total_persons"] == 2
    assert spec.staged.counts()["e"]["total_persons"] == 1


def test_a_place_below_a_cycle_that_opens_elsewhere(spec: Spec) -> None:
    spec.stage("""
        _id | type   | parent
        a   | centre | b
        b   | centre | c
        c   | centre | a
        h   | clinic | c
        p   | person | h
    """)
    assert spec.cycles() == {"a": "a", "b": "a", "c": "a"}
    spec.stage("_id | type | parent\nb | centre |")
    assert spec.cycles() == {}
    spec.stage("_id | type | parent\na | centre | h")
    assert spec.cycles() == {"a": "a", "c": "a", "h": "a"}
    assert spec.staged.counts()["b"]["total_persons"] == 0


def test_two_cycles_become_one_and_two_again(spec: Spec) -> None:
    spec.stage("""
        _id | type   | parent
        a   | centre | b
        b   | centre | a
        x   | centre | y
        y   | centre | x
        p   | person | b
        q   | person | y
    """)
    assert spec.cycles() == {"a": "a", "b": "a", "x": "x", "y": "x"}
    spec.stage("_id | type | parent\nb | centre | x\ny | centre | a")
    assert spec.cycles() == {"a": "a", "b": "a", "x": "a", "y": "a"}
    spec.stage("_id | type | parent\nb | centre | a\ny | centre | x")
    assert spec.cycles() == {"a": "a", "b": "a", "x": "x", "y": "x"}


def test_a_hundred_levels_move_at_once(spec: Spec) -> None:
    places = [{"_id": f"l{n}", "type": "clinic", "parent": {"_id": f"l{n - 1}"}} for n in range(1, 101)]
    spec.stage("", {"_id": "l0", "type": "clinic"}, *places, {"_id": "p", "type": "person", "parent": {"_id": "l100"}})
    spec.stage("_id | type | muted\nx | district | true", {"_id": "l1", "type": "clinic", "parent": {"_id": "x"}})
    counted = spec.staged.counts()
    assert [counted[f"l{n}"]["total_persons_muted"] for n in range(101)] == [0] + [1] * 100
    assert counted["x"]["total_persons"] == 1


def test_checks_find_nothing_if_nothing_is_wrong(spec: Spec) -> None:
    spec.stage(TREE, {"_id": "r", "type": "person", "parent": {"_id": "gone"}})
    spec.stage("_id | type | parent\nh | clinic | h")
    before = content(spec.staged)
    assert areas.check(spec.staged.connection) == {}
    assert content(spec.staged) == before


@pytest.mark.parametrize(
    "damage",
    [
        "update model_data.place_count set total_staff = 1 where area_uuid = 'c' and source = 'demo/medic'",
        "delete from model_data.place_count where area_uuid = 'h' and source = 'demo/medic'",
        "update model_data.counted_person set is_muted = true where uuid = 'p' and source = 'demo/medic'",
        "delete from model_data.counted_person where uuid = 'p' and source = 'demo/medic'",
        "insert into model_data.orphan values ('demo/medic', 'p', true, 'x')",
        "insert into model_data.cycle values ('demo/medic', 'h', 'h')",
    ],
)
def test_checking_names_a_source_that_differs(spec: Spec, damage: str) -> None:
    spec.staged.source("other/medic")
    spec.staged.page(tables.documents(TREE), source="other/medic")
    spec.stage(TREE)
    spec.staged.connection.execute(damage)
    assert areas.check(spec.staged.connection) == {"demo/medic": 1}


def test_new_tables_of_counts_do_not_break_their_readers(staged: Staged, include: sql.Include) -> None:
    staged.page(tables.documents(TREE))
    staged.update()
    marts.refresh(staged.connection)
    staged.connection.execute("create view public.mine as select area_uuid, total_persons from models.area_count")
    change(
        include,
        "models/counts/tables/cycle",
        "comment on table model_data.cycle",
        "--\ncomment on table model_data.cycle",
    )
    runner.update(staged.connection, include)
    assert sorted(staged.rows("select * from public.mine")) == [
        *(("", 0), ("c", 2), ("d", 2), ("e", 0), ("h", 1), ("i", 1)),
    ]
    left = "select relname from pg_class where relnamespace = 'model_data'::regnamespace and relname like '%before%'"
    assert staged.values(left) == []
