"""Warehouses for any history, with the empty tables of all models."""

from collections.abc import Iterator

import pytest

from tests.lib import databases
from tests.lib.spec import Spec
from tests.lib.staged import Staged, opened


@pytest.fixture
def warehouse(postgres: str, modelled: str) -> Iterator[str]:
    with databases.new(postgres, modelled) as dsn:
        yield dsn


@pytest.fixture
def staged(warehouse: str) -> Iterator[Staged]:
    with opened(warehouse) as found:
        found.source()
        yield found


@pytest.fixture
def spec(staged: Staged) -> Spec:
    return Spec(staged)
