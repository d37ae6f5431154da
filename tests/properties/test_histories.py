"""After any history of contacts, in any order and any pages, the counts equal a plain recount.

At the end the tables equal rebuilt ones.
"""

from datetime import date
from typing import Any

from cht_sync.reports import checks
from hypothesis import given
from hypothesis import strategies as st

from tests.lib import expected, extent
from tests.lib.contents import content, forget
from tests.lib.histories import SETTINGS, UUIDS, documents, users
from tests.lib.spec import Spec

TODAY = date(2026, 11, 24)


#: A document that is written, or an id that is deleted.
EVENTS = st.one_of(
    documents(), documents(), documents(), documents(), users(), st.sampled_from(SETTINGS), st.sampled_from(UUIDS)
)
HISTORIES = st.lists(st.lists(EVENTS, max_size=12), min_size=1, max_size=5)


@extent.examples(test=12, proof=1000)
@given(HISTORIES)
def test_counts_equal_a_recount_after_any_history(spec: Spec, history: list[list[dict[str, Any] | str]]) -> None:
    spec.live.clear()
    forget(spec.staged)
    for page in history:
        last = {event if isinstance(event, str) else event["_id"]: event for event in page}
        written = [event for event in last.values() if isinstance(event, dict)]
        gone = [uuid for uuid, event in last.items() if isinstance(event, str) and uuid in spec.live]
        spec.stage("", *written, deleted=" ".join(gone))
        assert set(spec.orphans()) == set(expected.orphans(spec.live.values()))
        spec.cycles()
        assert checks.run(spec.staged.connection, TODAY) == []
    kept = content(spec.staged)
    spec.staged.connection.execute("delete from ops.relation")
    spec.staged.update()
    assert content(spec.staged) == kept
