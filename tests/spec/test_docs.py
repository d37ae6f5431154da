"""What docs/counts.md shows is so."""

from pathlib import Path

from tests.spec.spec import Spec
from tests.spec.staged import COLUMNS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "counts.md").read_text(encoding="utf-8")


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
