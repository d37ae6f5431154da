"""The two ways in which a run counts, recognized by their statements; and files of SQL that a test changes."""

from cht_sync import sql

from tests.lib.recording import recording
from tests.lib.staged import Staged

#: The first relation of each way of counting.
WHOLE, CHANGE = 'create temporary table "fold_stranded"', 'create temporary table "fold_look"'


def ways(staged: Staged) -> set[str]:
    """The ways in which a run counts."""
    with recording(staged.connection) as statements:
        staged.update()
    return {way for way in (WHOLE, CHANGE) if any(way in text for text in statements)}


def change(include: sql.Include, model: str, old: str, new: str) -> None:
    file = include.sql / f"{model}.sql"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
