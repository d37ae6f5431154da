"""Whatever happens to contacts, in any order and split into any pages, the counts equal a plain recount in the end, and
the tables equal those made anew."""

from datetime import date
from typing import Any

from cht_sync import checks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo import expected
from tests.spec import tables
from tests.spec.spec import Spec
from tests.spec.staged import Staged

TODAY = date(2026, 11, 24)

#: Few ids, so that they meet: as places, as persons, as both one after the other.
UUIDS = ["A", "b", "c", "d", "e", "é", "p", "q", "r"]
TYPES = ["district", "centre", "clinic", "clinic", "person", "person", "person", "area", "hut", "client", "tombstone"]
SETTINGS = [
    tables.settings(),
    tables.settings("area", "hut < area", "client! < hut"),
    tables.settings("area", "hut! < area", "client < area hut", "clinic < area"),
]


def documents() -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        contact,
        st.sampled_from(UUIDS),
        st.sampled_from(TYPES),
        st.lists(st.sampled_from([*UUIDS, "missing"]), max_size=3),
        st.sampled_from([None, "", "1", 2]),
        st.sampled_from([None, None, "2024-01-01", False]),
        st.sampled_from([None, None, True, "false"]),
    )


def contact(uuid: str, kind: str, above: list[str], patient_id: Any, died: Any, muted: Any) -> dict[str, Any]:
    document = tables.documents(f"_id | type | name\n{uuid} | {kind} | {uuid}{len(above)}")[0]
    given = {"parent": tables.lineage(above), "patient_id": patient_id, "date_of_death": died, "muted": muted}
    return {**document, **{field: value for field, value in given.items() if value is not None}}


def users() -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda uuid, contact_id: {"_id": uuid, "type": "user-settings", "contact_id": contact_id},
        st.sampled_from(["u", "v", "p"]),
        st.sampled_from(UUIDS),
    )


#: A document written, or an id deleted.
EVENTS = st.one_of(
    documents(), documents(), documents(), documents(), users(), st.sampled_from(SETTINGS), st.sampled_from(UUIDS)
)
HISTORIES = st.lists(st.lists(EVENTS, max_size=12), min_size=1, max_size=5)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def forget(staged: Staged) -> None:
    """Empties the warehouse, as quickly as one of a few rows can be."""
    for table in relations(staged):
        staged.connection.execute(f'delete from model_data."{table}"')
    for table in ("staging.document", "ops.model_state", "ops.model_source", "ops.check_state", "ops.check_source"):
        staged.connection.execute(f"delete from {table}")
    staged.connection.execute("update ops.checkpoint set batch = 0, caught_up_at = null")


def relations(staged: Staged) -> list[str]:
    return staged.values(
        "select relname from pg_class where relnamespace = 'model_data'::regnamespace and relkind = 'r'"
    )


def content(staged: Staged) -> dict[str, list[Any]]:
    """Every row of every table behind the models."""
    return {
        table: staged.rows(f'select to_jsonb(kept) from model_data."{table}" as kept order by to_jsonb(kept)::text')
        for table in sorted(relations(staged))
    }
