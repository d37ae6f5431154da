"""Generated documents of contacts and users, with few ids, so that events hit the same contact."""

from typing import Any

from hypothesis import strategies as st

from tests.lib import tables

#: Each is a place, a person, or both in turn.
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
