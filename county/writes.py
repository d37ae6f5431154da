"""Writes to CouchDB: a document as a dict or as its exact JSON text, prepared for sending."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

# A string, a mark, or the text between them. This finds the members of an object without a parser: the parsers of
# Python and msgspec fail at one or two thousand levels of nesting, which CouchDB accepts.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+|"', re.DOTALL)

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])

Member = tuple[bytes, bytes]


class NoDocument(ValueError):
    """The reason why a text is no document; never its content."""


@dataclass(frozen=True, slots=True)
class Write:
    """One document for one database; `delete` makes it a tombstone that keeps its body."""

    database: str
    doc: Mapping[str, Any] | bytes
    delete: bool = False


#: Writes of different documents; rounds are applied one after another, so that a later one edits or deletes.
Round = Iterable[Write]


@dataclass(frozen=True, slots=True)
class Text:
    """A document as it is sent: JSON without a revision."""

    id: str
    json: bytes
    deleted: bool

    def with_rev(self, rev: str) -> bytes:
        return b'{"_rev":"' + rev.encode() + b'",' + self.json[1:]


def text(write: Write) -> Text:
    """The document without the parts that CouchDB does not accept: its `_rev`, and attachments without their data.

    A text keeps every byte of its other members. NoDocument if it is no JSON object with an `_id`.
    """
    if isinstance(write.doc, bytes):
        return _exact(write.doc, delete=write.delete)
    doc = {key: value for key, value in write.doc.items() if key != "_rev"}
    if "_attachments" in doc:
        doc["_attachments"] = with_data(doc["_attachments"])
    if write.delete:
        doc["_deleted"] = True
    return Text(doc["_id"], msgspec.json.encode(doc), doc.get("_deleted") is True)


def members(body: bytes) -> list[Member]:
    """The members of a JSON object, each as the texts of key and value; NoDocument if it is none."""
    try:
        return [(msgspec.json.encode(key), bytes(value)) for key, value in _OBJECT.decode(body).items()]
    except msgspec.ValidationError:
        raise NoDocument("not an object") from None
    except (msgspec.DecodeError, RecursionError):
        return _scanned(body)


def _scanned(body: bytes) -> list[Member]:
    """The same for texts that msgspec does not read: deep nesting, half a surrogate pair."""
    try:
        # Numbers stay texts: any length and exponent is accepted here; the server decides.
        json.loads(body, parse_int=str, parse_float=str, parse_constant=_no_number)
    except RecursionError:
        pass  # nested deeper than Python reads, too: only its brackets are checked
    except ValueError:
        raise NoDocument("not JSON") from None
    found: list[Member] = []
    key, start, depth, ended = b"", -1, 0, False
    for token in _TOKEN.finditer(body):
        mark = token[0]
        if ended or (depth == 0 and mark != b"{"):
            raise NoDocument("not an object")
        if depth == 1 and start < 0 and mark.startswith(b'"'):
            key = mark
        elif depth == 1 and start < 0 and mark == b":":
            start = token.end()
        elif depth == 1 and start >= 0 and mark in (b",", b"}"):
            found.append((key, body[start : token.start()].strip()))
            start = -1
        depth += (mark in (b"{", b"[")) - (mark in (b"}", b"]"))
        ended = depth == 0
    if not ended:
        raise NoDocument("not an object")
    return found


def with_data(attachments: Any) -> dict[str, Any]:
    """The attachments with data; the server refuses a stub without its earlier revision."""
    items = attachments.items() if isinstance(attachments, dict) else ()
    return {name: value for name, value in items if isinstance(value, dict) and "data" in value}


def _exact(body: bytes, *, delete: bool) -> Text:
    found = members(body)
    last = dict(found)
    try:
        id_ = json.loads(last.get(b'"_id"', b"null"))
    except ValueError:  # not UTF-8
        raise NoDocument("not JSON") from None
    if not isinstance(id_, str):
        raise NoDocument("no _id")
    deleted = delete or last.get(b'"_deleted"') == b"true"
    if b'"_rev"' in last or b'"_attachments"' in last or delete:
        body = _join(_cleaned(found, delete=delete))
    return Text(id_, body.strip(), deleted)


def _cleaned(found: list[Member], *, delete: bool) -> list[Member]:
    dropped = {b'"_rev"', b'"_attachments"'} | ({b'"_deleted"'} if delete else set())
    kept = [member for member in found if member[0] not in dropped]
    attachments = with_data(json.loads(dict(found).get(b'"_attachments"', b"null")))
    if attachments:
        kept.append((b'"_attachments"', msgspec.json.encode(attachments)))
    return [*kept, (b'"_deleted"', b"true")] if delete else kept


def _join(found: list[Member]) -> bytes:
    return b"{" + b",".join(key + b":" + value for key, value in found) + b"}"


def _no_number(name: str) -> float:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(name)
