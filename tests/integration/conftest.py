"""A migrated warehouse with one prepared source."""

from collections.abc import Iterator

import pytest

from tests.lib.pages import Warehouse, opened


@pytest.fixture
def staged(warehouse: str) -> Iterator[Warehouse]:
    with opened(warehouse) as found:
        yield found
