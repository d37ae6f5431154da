"""A warehouse with one empty source, `demo/medic`."""

from collections.abc import Iterator

import pytest

from tests.spec.staged import Staged, opened


@pytest.fixture
def staged(warehouse: str) -> Iterator[Staged]:
    with opened(warehouse) as found:
        found.source()
        yield found
