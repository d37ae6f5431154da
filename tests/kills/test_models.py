"""A run of the models is killed at any statement, again and again: the next one ends as if nothing had happened."""

from functools import partial

import pytest

from tests.lib import extent
from tests.lib.past import BEFORE_AND_AFTER, PERSON, PLACES, Past
from tests.lib.recording import killed, recording
from tests.lib.road import COUNTY, everything, run
from tests.lib.staged import Staged, opened

STEPS = ("first", "change", "rebuilt")


def begin(staged: Staged, step: str) -> None:
    """Up to the run that is to be killed."""
    staged.source()
    staged.page(COUNTY)
    if step != "first":
        run(staged)
    if step == "change":
        staged.page([{**COUNTY[1], "muted": True}, {"_id": "q", "type": "clinic"}], deleted=["d"])
    if step == "rebuilt":
        staged.connection.execute("update ops.relation set hash = 'another'")
        staged.connection.execute("update ops.mart_state set hash = 'another'")


@pytest.mark.parametrize("step", STEPS)
def test_killed_anywhere_the_next_run_ends_the_same(warehouse: str, other_warehouse: str, step: str) -> None:
    sent = length(other_warehouse, step)
    with opened(warehouse) as staged:
        begin(staged, step)
        for at in extent.moments(sent):
            with opened(warehouse) as other:
                if killed(other.connection, at, partial(run, other)):
                    other.connection.close()
        run(staged)
        kept = everything(staged)
        staged.connection.execute("delete from ops.relation")
        run(staged)
        assert everything(staged) == kept
        assert len(kept[1]) > 0


def length(dsn: str, step: str) -> int:
    """The statements of an undisturbed run."""
    with opened(dsn) as staged:
        begin(staged, step)
        with recording(staged.connection) as statements:
            run(staged)
    assert len(statements) > 20
    return len(statements)


def test_a_killed_run_keeps_nobody_and_loses_nobody(warehouse: str, other_warehouse: str) -> None:
    """A person was deleted; a killed run has noted all of that, or nothing."""
    with opened(other_warehouse) as staged:
        past = deleted(staged)
        with recording(staged.connection) as statements:
            staged.update()
        assert past.removed() == ["p"]
    with opened(warehouse) as staged:
        past, noted = deleted(staged), "select count(*) from ops.touched where run > %s"
        (last,) = staged.row("select max(run) from ops.touched")
        for at in extent.moments(len(statements)):
            assert killed(staged.connection, at, staged.update)
            seen = past.removed(), staged.values(noted, [last])
            assert seen in (([], [0]), (["p"], [1]))
            if seen[0]:  # killed after its commit
                break
        staged.update()
        assert past.removed() == ["p"]
        assert staged.values(noted, [last]) == [1]
        staged.update()
        past.shows(BEFORE_AND_AFTER)


def deleted(staged: Staged) -> Past:
    """A day of one person, and a deletion that no run has taken in."""
    staged.source()
    past = Past(staged)
    past.at("2024-03-05 13:00", PLACES)
    past.at("2024-03-05 13:00", PERSON)
    past.at("2024-03-10 12:00", deleted="p", run=False)
    return past
