"""A page of `_changes` in parts, and what CouchDB, or a proxy before it, can do to it. Pure, no I/O."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

OPENING = b'{"results":['
SEQ = re.compile(rb'^\{"seq":(null|"[^"]*")')
DOCUMENT = b',"doc":'

#: The text that CouchDB writes into a body that it cannot continue, after it has sent 200.
ERROR = b'{"error":"timeout","reason":"The request could not be processed in a reasonable amount of time."}'


@dataclass(frozen=True)
class Row:
    """`seq` is its JSON text; `rest` is the rest of the row, with the document."""

    seq: bytes
    rest: bytes

    @classmethod
    def of(cls, text: bytes) -> "Row":
        found = SEQ.match(text)
        assert found, text[:80]
        return cls(found[1], text[found.end() :])

    @property
    def text(self) -> bytes:
        return b'{"seq":' + self.seq + self.rest

    @property
    def has_seq(self) -> bool:
        return self.seq != b"null"

    @property
    def head(self) -> dict[str, Any]:
        """The row without its document."""
        head, found, _ = self.text.partition(DOCUMENT)
        decoded: dict[str, Any] = json.loads(head + b"}" if found else head)
        return decoded

    @property
    def id(self) -> str:
        return str(self.head["id"])

    @property
    def rev(self) -> str:
        return str(self.head["changes"][0]["rev"])

    @property
    def document(self) -> bytes | None:
        _, found, rest = self.rest.partition(DOCUMENT)
        return rest[:-1] if found else None

    def without_document(self, *, null: bool) -> "Row":
        head = self.rest.partition(DOCUMENT)[0]
        return replace(self, rest=head + (DOCUMENT + b"null}" if null else b"}"))

    def without_seq(self) -> "Row":
        return replace(self, seq=b"null")


@dataclass(frozen=True)
class Page:
    rows: Sequence[Row]
    tail: bytes

    @classmethod
    def of(cls, text: bytes) -> "Page":
        opening, *lines = text.split(b"\n")
        assert opening == OPENING, opening[:80]
        rows = [line.rstrip(b",\r") for line in lines if line.startswith(b'{"seq"')]
        tail = next(line for line in lines if line.startswith(b'"last_seq"'))
        return cls([Row.of(row) for row in rows], tail)

    @property
    def text(self) -> bytes:
        return self.begun + b"\n],\n" + self.tail + b"\n\n"

    @property
    def has_documents(self) -> bool:
        """Whether the request wanted documents; for an empty page it may have."""
        return all(row.document is not None or row.head.get("deleted") for row in self.rows)

    @property
    def begun(self) -> bytes:
        """The page up to its last row."""
        return OPENING + b"\n" + b",\r\n".join(row.text for row in self.rows)

    @property
    def end(self) -> dict[str, Any]:
        """`last_seq` and `pending`."""
        decoded: dict[str, Any] = json.loads(b"{" + self.tail)
        return decoded

    def seqs(self) -> set[str]:
        """The seqs that a reader may continue from."""
        return {str(self.end["last_seq"]), *(str(row.head["seq"]) for row in self.rows if row.has_seq)}


def repeat(page: Page, chance: random.Random) -> Page:
    """Some rows come once more, in a later place."""
    rows = list(page.rows)
    for row in chance.sample(page.rows, min(len(rows), chance.randint(1, 4))):
        rows.insert(chance.randint(rows.index(row) + 1, len(rows)), row.without_seq())
    return replace(page, rows=rows)


def precede(page: Page, earlier: Mapping[str, Sequence[Row]], chance: random.Random) -> Page:
    """Before some rows, a row of an earlier revision comes, if there is one."""
    rows = list(page.rows)
    known = [row for row in rows if earlier.get(row.id)]
    for row in chance.sample(known, min(len(known), 3)):
        older = chance.choice(earlier[row.id])
        rows.insert(chance.randint(0, rows.index(row)), older.without_seq())
    return replace(page, rows=rows)


def reorder(page: Page, chance: random.Random) -> Page:
    """Rows in another order between two that have a seq: each seq keeps its meaning."""
    rows: list[Row] = []
    group: list[Row] = []
    for row in page.rows:
        group.append(row)
        if row.has_seq:
            rows += _shuffled(group, chance)
            group = []
    return replace(page, rows=rows + _shuffled(group, chance))


def _shuffled(group: list[Row], chance: random.Random) -> list[Row]:
    """The seq stays at the last place."""
    mixed = chance.sample(group, len(group))
    return [replace(row, seq=place.seq) for row, place in zip(mixed, group, strict=True)]


def strip(page: Page, chance: random.Random, only: AbstractSet[str] | None = None) -> tuple[Page, set[str]]:
    """Some rows, or the rows of these ids, come without their document; returns the ids."""
    able = [row for row in page.rows if row.document and not row.head.get("deleted")]
    if only is None:
        chosen = {row.id for row in chance.sample(able, min(len(able), chance.randint(1, 3)))}
    else:
        chosen = {row.id for row in able} & only
    rows = [
        row.without_document(null=chance.random() < 0.5) if row.id in chosen and row.document else row
        for row in page.rows
    ]
    return replace(page, rows=rows), chosen


def fail(page: Page, chance: random.Random) -> bytes:
    """A body that ends with CouchDB's own error after some of its rows."""
    begun = replace(page, rows=page.rows[: chance.randint(0, len(page.rows))]).begun
    return begun + b"\n" + ERROR + b"\n"
