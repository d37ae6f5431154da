"""A warehouse with one empty source, `demo/medic`, for the spec tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cht_sync import sql

from tests.lib import databases
from tests.lib.spec import Spec
from tests.lib.staged import Staged, opened


@pytest.fixture
def warehouse(postgres: str, template: str, modelled: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A new warehouse with the empty tables of all models; without them for a test marked `unmodelled`."""
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


@pytest.fixture
def include(tmp_path: Path) -> sql.Include:
    """A copy of the SQL files, which a test may change."""
    shutil.copytree(sql.INCLUDE.sql, tmp_path / "sql")
    return sql.Include(tmp_path / "sql", tmp_path / "deployment")
