"""Two lists side by side: what differs is found, whatever the ids hold and however the list comes in parts."""

from cht_sync.verify.difference import Difference, compare, entry
from hypothesis import given
from hypothesis import strategies as st

IDS = st.text(st.sampled_from("ab\\\t\n\rü\x01"), min_size=1, max_size=3)
SIDE = st.dictionaries(IDS, st.sampled_from(["1-x", "2-y"]), max_size=12)


def line(name: str, rev: str) -> bytes:
    """As COPY writes it."""
    for character, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        name = name.replace(character, escaped)
    return f"{name}\t{rev}\n".encode()


@given(SIDE, SIDE, st.integers(1, 5))
def test_differences_come_in_the_order_of_the_ids(listed: dict[str, str], staged: dict[str, str], size: int) -> None:
    there = sorted((name.encode(), rev.encode()) for name, rev in listed.items())
    here = sorted(staged.items(), key=lambda item: item[0].encode())
    parts = [there[at : at + size] for at in range(0, len(there), size)]
    assert list(compare([[], *parts, []], iter([line(*item) for item in here]))) == [
        Difference(name.encode(), known, found)
        for name in sorted(listed.keys() | staged.keys(), key=str.encode)
        if (known := listed.get(name, "").encode() or None) != (found := staged.get(name, "").encode() or None)
    ]


@given(IDS)
def test_a_line_is_read_as_it_was_written(name: str) -> None:
    assert entry(memoryview(line(name, "1-x"))) == (name.encode(), b"1-x")


def test_what_is_never_copied_is_not_missing() -> None:
    assert list(compare([[(b"_design/medic", b"1-x"), (b"a", b"1-x")]], iter([line("a", "1-x")]))) == []
