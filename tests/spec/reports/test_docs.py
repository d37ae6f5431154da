"""The examples and tables of docs/counts.md are true."""

import re
from datetime import date, timedelta

from tests.lib.paths import ROOT
from tests.lib.spec import Spec
from tests.lib.staged import COLUMNS, TODAY

TEXT = (ROOT / "docs" / "counts.md").read_text(encoding="utf-8")


def test_the_example(spec: Spec) -> None:
    spec.stage("""
        _id      | type     | parent       | muted | date_of_death
        Kitui    | district |              |       |
        Kyuso    | centre   | Kitui        |       |
        M        | clinic   | Kyuso Kitui  |       |
        O        | clinic   | Kyuso Kitui  | true  |
        Mutua    | person   | M Kyuso      |       |
        Wanjiru  | person   | M Kyuso      |       | 2024-01-01
        Otieno   | person   | O Kyuso      |       |
        Akinyi   | person   | O Kyuso      |       | 2024-01-01
        nurse    | person   | Kitui        |       |
    """)
    counts = spec.staged.counts()
    shown = {"Kitui (": "Kitui", "Kyuso (": "Kyuso", "Household of Mutua": "M", "Household of Otieno": "O"}
    for start, area in shown.items():
        (line,) = [line for line in TEXT.splitlines() if line.startswith(f"| {start}")]
        numbers = [int(cell) for cell in line.split("|")[3:7]]
        states = ("persons", "persons_active", "persons_muted", "persons_deceased")
        assert numbers == [counts[area][f"total_{state}"] for state in states]
    assert [counts[area]["direct_persons"] for area in ("Kitui", "Kyuso", "M", "O")] == [1, 0, 2, 2]


def table(column: str) -> dict[str, str]:
    """The first two columns of the table that begins with this column: {name without backticks: text}."""
    lines = TEXT.split(f"\n| `{column}` |")[1].split("\n\n")[0].splitlines()[2:]
    rows = ([cell.strip() for cell in line.split("|")[1:3]] for line in lines)
    return {name.strip("`"): text for name, text in rows}


def test_bands_begin_as_documented(spec: Spec) -> None:
    said = {band: re.findall(r"from the (\d+)", text) for band, text in table("band").items()}
    begins = {"0": 0} | {band: int(ages[0]) for band, ages in said.items() if ages}
    order = ["unknown", *sorted(begins, key=begins.__getitem__)]
    assert set(order) == set(said)
    births = {band: date(TODAY.year - age, TODAY.month, TODAY.day) for band, age in begins.items()}
    spec.stage("", *({"_id": band, "type": "clinic"} for band in begins), *(
        {"_id": f"{band} {day}", "type": "person", "parent": {"_id": band}, "date_of_birth": str(day)}
        for band, born in births.items()
        for day in (born, born + timedelta(days=1))
    ))  # fmt: skip
    for home, found in spec.staged.bands().items():
        assert {band for _, band in found} == {home, order[order.index(home) - 1]}


def test_sexes_are_written_as_documented(spec: Spec) -> None:
    for sex, text in table("sex").items():
        for written in text.split(", "):
            given = {"nothing": "", "anything else": "5"}.get(written, written)
            assert spec.staged.values("select cht.sex(%s)", [given]) == [sex]


def test_every_column_of_area_count_is_named(spec: Spec) -> None:
    spec.stage("")
    columns = spec.staged.values("""
        select attname from pg_attribute where attrelid = 'models.area_count'::regclass and attnum > 0
    """)
    counted = {f"{kind}_{column}" for kind in ("direct", "total") for column in COLUMNS}
    assert counted < set(columns)
    for column in set(columns) - counted:
        assert f"`{column}`" in TEXT


def test_every_column_of_history_is_named(spec: Spec) -> None:
    columns = spec.staged.values("""
        select attname from pg_attribute where attrelid = 'history.area_day'::regclass and attnum > 3
    """)
    assert [column for column in columns if f"| `{column}` |" not in TEXT] == []
