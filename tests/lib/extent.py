"""How much of what could be tried is tried: a sample by `make test`, all of it by `make proof` (CHT_SYNC_PROOF=1)."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

PROOF = bool(os.environ.get("CHT_SYNC_PROOF"))

#: At how many of a task's statements it is killed; a proof kills it at each.
MOMENTS = 15


def examples(test: int, proof: int, **others: Any) -> settings:
    """Settings of a property: how many histories `make test` draws, and how many `make proof` does."""
    return settings(
        max_examples=proof if PROOF else test,
        deadline=None,
        print_blob=True,
        # fixtures are emptied by the tests themselves; a run of the models takes longer than hypothesis expects
        suppress_health_check=list(HealthCheck),
        **others,
    )


def moments(statements: int) -> list[int]:
    """The statements of a task, from 1 to that number, before which it is killed: the first, the last, and between."""
    if PROOF or statements <= MOMENTS:
        return list(range(1, statements + 1))
    return sorted({1 + round(part * (statements - 1) / (MOMENTS - 1)) for part in range(MOMENTS)})
