"""Parses the page of a PouchDB server. It is one line, and a row's document is not its last member. Pure, no I/O.

https://github.com/pouchdb/pouchdb-server holds a whole page in memory itself, so nothing would be gained by streaming.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A string, or a character of JSON's structure. A recursive parser would fail at a document of a thousand levels.
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],]', re.DOTALL)
MEMBER = re.compile(rb'\s*"((?:[^"\\]|\\.)*)"\s*:(.*)\Z', re.DOTALL)

#: The members of a row that are read, in CouchDB's order.
MEMBERS = (b"seq", b"id", b"changes", b"deleted", b"doc")


@dataclass(frozen=True)
class Page:
    """A page; its `rows` have the form that CouchDB gives them."""

    rows: Iterator[bytes]
    last_seq: str
    pending: int | None


def page(text: bytes) -> Page | None:
    """The page; None if it is truncated."""
    members = _members(text)
    rows = _split(members.get(b"results", b""))
    last_seq, pending = members.get(b"last_seq"), members.get(b"pending", b"")
    if rows is None or last_seq is None:
        return None
    return Page(map(_row, rows), last_seq.decode().strip('"'), int(pending) if pending.isdigit() else None)


def _row(text: bytes) -> bytes:
    members = _members(text)
    return b"{" + b",".join(b'"%s":%s' % (key, members[key]) for key in MEMBERS if key in members) + b"}"


def _members(text: bytes) -> dict[bytes, bytes]:
    """The members of an object by the texts of their keys; empty if it is truncated."""
    found = (MEMBER.match(part) for part in _split(text) or ())
    return {member[1]: member[2].strip() for member in found if member}


def _split(text: bytes) -> list[bytes] | None:
    """The texts between the commas of an object or an array; None if it is truncated."""
    found: list[bytes] = []
    depth, start = 0, 1
    for token in TOKEN.finditer(text):
        mark = token[0]
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                last = text[start : token.start()]
                return [*found, last] if found or last.strip() else []
        elif mark == b"," and depth == 1:
            found.append(text[start : token.start()])
            start = token.end()
    return None
