"""How many cases the tests try: `make test` tries a sample, `make proof` (CHT_SYNC_PROOF=1) all of them."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

PROOF = bool(os.environ.get("CHT_SYNC_PROOF"))

#: The number of a task's statements at which it is killed; a proof kills it at each.
MOMENTS = 15


def examples(test: int, proof: int, **others: Any) -> settings:
    """Settings of a property: how many histories `make test` draws, and how many `make proof` draws."""
    return settings(
        max_examples=proof if PROOF else test,
        deadline=None,
        print_blob=True,
        # the tests empty their fixtures themselves, and a run of the models takes longer than hypothesis expects
        suppress_health_check=list(HealthCheck),
        **others,
    )


def moments(statements: int) -> list[int]:
    """The statements of a task, from 1 to that number, before which it is killed: the first, the last, and between."""
    if PROOF or statements <= MOMENTS:
        return list(range(1, statements + 1))
    return sorted({1 + round(part * (statements - 1) / (MOMENTS - 1)) for part in range(MOMENTS)})
