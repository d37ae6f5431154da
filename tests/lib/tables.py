"""Documents and counts written as small tables.

        _id | type   | parent | patient_id
        d   | district
        h   | clinic | d
        p   | person | h d    | 12345

An empty cell leaves its field out. A cell in JSON is that value; every other cell is a text. `parent` is the embedded
lineage, the nearest place first, or JSON.
"""

import json
from typing import Any

TYPES = {"district": "district_hospital", "centre": "health_center"}


def documents(text: str) -> list[dict[str, Any]]:
    """The documents of a table. `type` may be short; a type that is not one of CHT's own is a `contact_type`."""
    return [_document(row) for row in rows(text)]


def rows(text: str) -> list[dict[str, str]]:
    """The lines of a table as {column: cell}."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines() if line.strip()]
    head = lines[0]
    return [dict(zip(head, line + [""] * (len(head) - len(line)), strict=True)) for line in lines[1:]]


def lineage(uuids: list[str]) -> dict[str, Any] | None:
    """{"_id": the first, "parent": {…}}; None for no ids."""
    return {"_id": uuids[0], **_above(uuids[1:])} if uuids else None


def settings(*types: str) -> dict[str, Any]:
    """A settings document. A place type is written `household < area other_area`, a person type `client! < hut`."""
    entries = []
    for text in types:
        name, _, parents = (part.strip() for part in text.partition("<"))
        entries.append(
            {"id": name.rstrip("!"), "parents": parents.split(), **({"person": True} if "!" in name else {})}
        )
    return {"_id": "settings", "settings": {"contact_types": entries}}


def value(cell: str) -> Any:
    try:
        return json.loads(cell)
    except json.JSONDecodeError:
        return cell


def _document(row: dict[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {"_id": row["_id"], **_type(row["type"])}
    for field, cell in row.items():
        if field in ("_id", "type") or not cell:
            continue
        document[field] = lineage(cell.split()) if field == "parent" and cell[0] not in '{["n0' else value(cell)
    return document


def _type(short: str) -> dict[str, str]:
    if short in {"clinic", "person", "data_record", "user-settings", "tombstone", *TYPES, *TYPES.values()}:
        return {"type": TYPES.get(short, short)}
    return {"type": "contact", "contact_type": short} if short else {}


def _above(uuids: list[str]) -> dict[str, Any]:
    return {"parent": lineage(uuids)} if uuids else {}
