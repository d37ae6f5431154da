"""A warehouse with one empty source, `demo/medic`, and what the spec tests say of it."""

from collections.abc import Iterator

import pytest

from tests.lib import databases
from tests.spec.spec import Spec
from tests.spec.staged import Staged, opened


@pytest.fixture
def warehouse(postgres: str, template: str, modelled: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a new warehouse with the empty tables of all models; without them for a test marked `unmodelled`."""
    with databases.new(postgres, template if request.node.get_closest_marker("unmodelled") else modelled) as dsn:
        yield dsn


@pytest.fixture
def staged(warehouse: str) -> Iterator[Staged]:
    with opened(warehouse) as found:
        found.source()
        yield found


@pytest.fixture
def spec(staged: Staged) -> Spec:
    return Spec(staged)
