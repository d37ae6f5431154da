"""A warehouse with one empty source, `demo/medic`, and what the spec tests say of it."""

from collections.abc import Iterator

import pytest

from tests.spec.spec import Spec
from tests.spec.staged import Staged, opened


@pytest.fixture
def staged(warehouse: str) -> Iterator[Staged]:
    with opened(warehouse) as found:
        found.source()
        yield found


@pytest.fixture
def spec(staged: Staged) -> Spec:
    return Spec(staged)
