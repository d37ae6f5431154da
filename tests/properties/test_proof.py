"""Counts are right after any history: some hundreds here, more than ten thousand in `make counts-proof`."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tests.lib import extent
from tests.lib.proof import Proof, histories, needed
from tests.lib.staged import SOURCE, Staged
from tests.lib.world import World

pytestmark = pytest.mark.unmodelled

SIDE_BY_SIDE = 25

#: Their positions in world.COUNTY.
DISTRICT, OTHER_DISTRICT, CENTRE, HOUSEHOLD = 0, 1, 2, 3


@pytest.fixture
def proof(staged: Staged, tmp_path: Path) -> Proof:
    """A warehouse of 25 instances."""
    sources = [f"i{number}/medic" for number in range(SIDE_BY_SIDE)]
    for source in sources:
        staged.source(source)
    return Proof(staged, needed(tmp_path), sources)


@extent.examples(test=4, proof=40)
@given(histories(SIDE_BY_SIDE))
def test_counts_equal_a_recount_after_any_history(proof: Proof, given: Any) -> None:
    proof.hold(given)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        (World.move, (CENTRE, OTHER_DISTRICT, 0)),
        (World.move, (CENTRE, HOUSEHOLD, 0)),
        (World.merge_places, (CENTRE, OTHER_DISTRICT, 0)),
        (World.merge_places, (HOUSEHOLD, CENTRE, 0)),
        (World.delete_with_all_below, (CENTRE, 0, 0)),
        (World.delete_with_all_below, (DISTRICT, 0, 0)),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_nobody_is_counted_twice_or_lost_between_any_two_writes(
    staged: Staged, tmp_path: Path, event: Any, arguments: tuple[int, int, int], *, backwards: bool
) -> None:
    """The CHT moves, merges and deletes by one write per descendant; here in both orders."""
    proof, world = Proof(staged, needed(tmp_path), [SOURCE]), World(SOURCE, empty=False)
    world.copy(proof.staged, len(world.waiting), 0)
    proof.run()
    event(world, *arguments)
    if backwards:
        world.waiting.reverse()
    assert len(world.waiting) > 1
    while world.waiting:
        world.copy(proof.staged, 1, 0)
        proof.run()
        proof.compare([world])
