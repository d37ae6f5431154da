"""The page of a PouchDB server: all of it on one line, a row's document not its last member. Pure, no I/O.

https://github.com/pouchdb/pouchdb-server: it holds the whole page in memory itself, so that there is nothing to stream.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A string, or what gives an object or array its form. A parser would give up at a document of a thousand levels.
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],]', re.DOTALL)
MEMBER = re.compile(rb'\s*"((?:[^"\\]|\\.)*)"\s*:(.*)\Z', re.DOTALL)

#: Those of a row that are read, in CouchDB's order.
MEMBERS = (b"seq", b"id", b"changes", b"deleted", b"doc")


@dataclass(frozen=True)
class Page:
    """`rows` are as CouchDB writes them."""

    rows: Iterator[bytes]
    last_seq: str
    pending: int | None


def page(text: bytes) -> Page | None:
    """The page; None where it was cut off."""
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
    """Of an object, by the texts of their keys; none where it was cut off."""
    found = (MEMBER.match(part) for part in _split(text) or ())
    return {member[1]: member[2].strip() for member in found if member}


def _split(text: bytes) -> list[bytes] | None:
    """The texts between the commas of an object or an array; None where it does not end."""
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
