"""After any history of persons, places and reports the tallies and the marts by month equal a plain recount."""

from typing import Any

from cht_sync.reports import checks, marts
from hypothesis import given
from hypothesis import strategies as st

from tests.lib import extent
from tests.lib.contents import content, forget
from tests.lib.histories import SETTINGS, UUIDS, documents, users
from tests.lib.months import Months
from tests.lib.spec import Spec
from tests.lib.staged import Staged
from tests.lib.tallied import FIRST_OF_APRIL, IN_MAY, LAST_OF_MARCH, TODAY, counted, hold, update


def reports() -> st.SearchStrategy[dict[str, Any]]:
    named = st.sampled_from([None, "1", "2", *UUIDS])
    return st.builds(
        a_report,
        st.sampled_from(["r", "s", "t", "p", "q"]),
        st.sampled_from(["f", "f", "g", None]),
        st.sampled_from([LAST_OF_MARCH, FIRST_OF_APRIL, IN_MAY, "nonsense", None]),
        named,
        named,
        named,
        st.sampled_from([None, None, *UUIDS]),
    )


def a_report(
    uuid: str, form: str | None, reported: Any, submitter: Any, patient: Any, patient_uuid: Any, visited: Any
) -> dict[str, Any]:
    fields = {"patient_uuid": patient_uuid, "visited_contact_uuid": visited}
    document = {
        "form": form,
        "reported_date": reported,
        "patient_id": patient,
        "contact": {"_id": submitter} if submitter else None,
        "fields": {name: value for name, value in fields.items() if value is not None},
    }
    return {
        "_id": uuid,
        "type": "data_record",
        **{name: value for name, value in document.items() if value is not None},
    }


def dated() -> st.SearchStrategy[dict[str, Any]]:
    dates = st.sampled_from([LAST_OF_MARCH, FIRST_OF_APRIL, IN_MAY, "nonsense"])
    return st.builds(lambda document, reported: {**document, "reported_date": reported}, documents(), dates)


EVENTS = st.one_of(
    *(dated(), dated(), dated(), reports(), reports(), reports(), users()),
    *(st.sampled_from(SETTINGS), st.sampled_from([*UUIDS, "s", "t", "settings"])),
)


HISTORIES = st.lists(st.lists(EVENTS, max_size=12), min_size=1, max_size=5)


@extent.examples(test=12, proof=1000)
@given(HISTORIES, st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_tallies_equal_a_recount_after_any_history(
    spec: Spec, history: list[list[dict[str, Any] | str]], split: list[int]
) -> None:
    staged, live = spec.staged, dict[str, dict[str, Any]]()
    forget(staged)
    for number, page in enumerate(history):
        last = {event if isinstance(event, str) else event["_id"]: event for event in page}
        gone = [uuid for uuid, event in last.items() if isinstance(event, str) and uuid in live]
        written = [event for event in last.values() if isinstance(event, dict)]
        live = {uuid: document for uuid, document in live.items() if uuid not in gone}
        live |= {document["_id"]: document for document in written}
        staged.page(written[: split[number]], deleted=gone)
        if split[number] == 1:
            update(staged)
        staged.page(written[split[number] :])
        update(staged)
        hold(staged, Months(live.values()))
        assert checks.run(staged.connection, TODAY) == []
    kept = content(staged)
    staged.connection.execute("delete from ops.relation")
    update(staged)
    assert content(staged) == kept
    staged.connection.execute("delete from ops.mart_state")
    marts.refresh(staged.connection)
    add_up(staged, Months(live.values()))


def add_up(staged: Staged, wanted: Months) -> None:
    reports = "select area_uuid, month, form, reports from marts.reports_by_area_and_month"
    assert counted(staged, reports) == wanted.by_every_area()
    visits = "select area_uuid, month, households_visited from marts.chw_activity where households_visited > 0"
    assert counted(staged, visits) == wanted.households_visited()
