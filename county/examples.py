"""The example documents of county/data: one of each kind, and those that have broken pipelines.

They are written in addition to the invented county, with their own ids. Parts that a server does not accept from a copy
are changed: an attachment's stub gets a few bytes of data, and `_rev` is left out on writing. Documents of databases
that are never copied (medic-logs, -audit, -vault, -archive, the users' own) are not written.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from county.writes import Write

_DATA = Path(__file__).parent / "data"
_DATABASES = frozenset({"medic", "medic-sentinel", "medic-users-meta", "_users"})


def rounds() -> list[list[Write]]:
    """Each document in the round after the one that it edits or deletes."""
    found: list[list[Write]] = [[Write("medic", line["raw"].encode()) for line in _lines("dirty.ndjson")]]
    before: dict[tuple[str, str], list[Write]] = {}
    for id_, write in _kinds():
        earlier = before.setdefault((write.database, id_), [])
        if earlier and earlier[-1].delete:  # it is deleted: first there must be a document to delete
            _put(found, len(earlier), earlier[0])
            earlier.append(earlier[0])
        _put(found, len(earlier), write)
        earlier.append(write)
    return found


def _kinds() -> Iterator[tuple[str, Write]]:
    for line in _lines("doc-types.ndjson"):
        if line["db"] in _DATABASES:
            doc = _with_data(line["doc"])
            yield doc["_id"], Write(line["db"], doc, delete=doc.get("_deleted") is True)


def _lines(name: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in (_DATA / name).read_bytes().splitlines()]


def _put(found: list[list[Write]], number: int, write: Write) -> None:
    found.extend([] for _ in range(number + 1 - len(found)))
    found[number].append(write)


def _with_data(doc: dict[str, Any]) -> dict[str, Any]:
    if "_attachments" not in doc:
        return doc
    data = base64.b64encode(b"invented").decode()
    attachments = {
        name: {"content_type": stub["content_type"], "data": data} for name, stub in doc["_attachments"].items()
    }
    return {**doc, "_attachments": attachments}
