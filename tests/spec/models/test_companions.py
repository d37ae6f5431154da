"""Only telemetry and feedback of an instance's companions are modelled, in whatever order they come."""

import pytest
from cht_sync.models.files import definition
from cht_sync.reports import checks

from tests.lib import tables
from tests.lib.staged import Staged
from tests.lib.tree import OTHERS, TODAY, TREE

ALL = [*tables.documents(TREE), *OTHERS, {"_id": "settings", "settings": {"contact_types": [{"id": "district"}]}}]
COMPANIONS = ("demo/medic-sentinel", "demo/medic-archive")


@pytest.mark.parametrize("is_known", [True, False])
def test_companions_have_only_telemetry_and_feedback(staged: Staged, is_known: bool) -> None:
    """The documents of a known companion are changes; a new companion is taken in as a whole."""
    if not is_known:
        staged.page(ALL)
        staged.update()
    for source in COMPANIONS:
        staged.source(source)
        staged.page([{"_id": "before", "type": "form"}] if is_known else ALL, source=source)
    staged.update()
    for source in COMPANIONS if is_known else ():
        staged.page(ALL, source=source)
    staged.update()

    held = {
        file.name: staged.values(f'select _id from models."{file.name}" where source = any(%s)', [list(COMPANIONS)])
        for file in definition.folder("models")
    }
    usage = {"telemetry": ["e", "e"], "telemetry_devices": ["e", "e"], "feedback": ["b", "b"]}
    assert {name: found for name, found in held.items() if found} == usage
    assert checks.run(staged.connection, TODAY) == []

    for source in COMPANIONS:
        staged.page([{**document, "name": "again"} for document in ALL], source=source)
    staged.update()
    assert checks.run(staged.connection, TODAY) == []
