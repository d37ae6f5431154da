"""The table of areas: each below its parent, whatever the documents say."""

from demo import report
from demo.report import Area

ZEROS = (0,) * 8


def area(uuid: str, parent: str | None = None, name: str | None = None, source: str = "demo/medic") -> Area:
    return Area(source, uuid, parent, name or uuid, "place", ZEROS)


def tree(*areas: Area) -> list[tuple[str, int]]:
    return [(area.uuid, depth) for area, depth in report._tree(areas)]


def test_each_area_stands_below_its_parent_and_the_unplaced_last() -> None:
    areas = (area(""), area("a1", "a"), area("b"), area("a"), area("a2", "a"), area("a11", "a1"))
    assert tree(*areas) == [("b", 0), ("a", 0), ("a1", 1), ("a11", 2), ("a2", 1), ("", 0)]


def test_an_area_whose_parent_is_not_shown_stands_at_the_top() -> None:
    assert tree(area("c", "household")) == [("c", 0)]


def test_the_same_uuid_in_two_sources_stays_apart() -> None:
    first, second = area("a", source="one"), area("a1", "a", source="two")
    assert [(a.source, d) for a, d in report._tree([first, second])] == [("one", 0), ("two", 0)]


def test_numbers_are_aligned_and_names_cannot_command_the_terminal() -> None:
    big = Area("s", "a", None, "\x1b[31mRed\nNorth", "district", (1234567, *ZEROS[1:]))
    head, rule, line = report._aligned([report._head(), report._line(big, 0)]).splitlines()
    assert line.startswith("?[31mRed?North  district")
    assert "1,234,567" in line
    assert len(head) == len(rule) == len(line)
