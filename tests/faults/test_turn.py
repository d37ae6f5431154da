"""The end of a turn: late requests to the proxy do not change the source that the verdict reads."""

import random
from typing import Any, cast

import pytest

from tests.faults import writes
from tests.faults.plan import Plan
from tests.faults.proxy import Proxy
from tests.faults.script import Script
from tests.faults.server import Server
from tests.faults.source import Database
from tests.faults.turn import Turn


class Standing:
    """In place of a proxy."""

    script: Script


def test_a_request_that_outlives_its_run_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(writes, "write", lambda *given: written.append(given))
    standing = Standing()
    nothing: Any = None
    turn = Turn(cast(Server, nothing), "", cast(Proxy, standing), cast(Database, nothing))
    turn.take(Plan((), 0, frozenset(), writes=(1, 2.5)), Script("a turn without runs"), random.Random(1))
    standing.script.meanwhile(3)
    assert not written
