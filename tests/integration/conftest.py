from collections.abc import Iterator
from functools import partial

import psycopg
import pytest
from cht_sync import warehouse as warehouses

from tests.integration.pages import Warehouse


@pytest.fixture
def staged(warehouse: str) -> Iterator[Warehouse]:
    """A migrated warehouse with one prepared source."""
    with warehouses.connect(partial(psycopg.connect, warehouse)) as connection:
        yield Warehouse(connection)
