"""After any history of persons and reports, the reports equal rebuilt ones."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.lib import extent
from tests.lib.contents import content, forget
from tests.lib.reported import person, report
from tests.lib.staged import Staged

#: Few ids and codes, so that events hit the same documents.
EVENTS = st.one_of(
    st.builds(person, st.sampled_from("pqrs"), st.sampled_from([None, "1", "2", "p"])),
    st.builds(lambda _id, code, uuid: report(_id, code=code, uuid=uuid), st.sampled_from("rstu"),
              st.sampled_from([None, "1", "2", "p", "q"]), st.sampled_from([None, "p", "q", "r"])),
    st.builds(lambda _id: {"_id": _id, "type": "clinic"}, st.sampled_from("pqr")),
    st.sampled_from("pqrstu"),
)  # fmt: skip


@extent.examples(test=12, proof=1000)
@given(st.lists(st.lists(EVENTS, max_size=6), min_size=1, max_size=6))
def test_reports_equal_rebuilt_ones(staged: Staged, history: list[list[dict[str, Any] | str]]) -> None:
    forget(staged)
    known: set[str] = set()
    for page in history:
        last = {event if isinstance(event, str) else event["_id"]: event for event in page}
        written = [event for event in last.values() if isinstance(event, dict)]
        known |= {event["_id"] for event in written}
        staged.page(written, deleted=[uuid for uuid, event in last.items() if event == uuid and uuid in known])
        staged.update()
    kept = content(staged)
    staged.connection.execute("delete from ops.relation")
    staged.update()
    assert content(staged) == kept
