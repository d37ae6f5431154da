"""Random writes to a database: documents are made, edited, deleted, written again, and get conflicts."""

import json
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.faults.source import Database, Latest
from tests.lib.paths import ROOT

DIRTY = ROOT / "county" / "data" / "dirty.ndjson"

#: Longer documents are rejected here, so that long ones do not take long.
LONGEST = 40_000

#: Levels of nesting that no jsonb can hold; the stand-in refuses them, CouchDB does not.
DEEP = 18_000

#: Documents that the warehouse rejects, if CouchDB accepts them.
POISON = {
    "deep": b'{"_id":"deep","a":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "long": b'{"_id":"long","a":"' + b"x" * 2 * LONGEST + b'"}',
    "long too": b'{"_id":"long too","a":"' + b"y" * 2 * LONGEST + b'"}',
    "i" * 1_100: b'{"_id":"' + b"i" * 1_100 + b'"}',
    "nul\0in it": b'{"_id":"nul\\u0000in it"}',
    "huge": b'{"_id":"huge","n":1e200000}',
    "half": b'{"_id":"half","a":"\\ud83d"}',
}

LETTERS = ["a", "é", "ü", "अ", "漢", "😀", '"', "\\", "\n", "\u2028", "\\u0000", 'x,"doc":{', "\x7f", " "]


def begin(database: Database, chance: random.Random) -> None:
    """Writes the first documents: up to 200, then dirty ones, and some that cannot be held."""
    for _ in range(chance.randint(0, 8)):
        database.write(_fresh(chance, chance.randint(1, 25)))
    dirty = _dirty()
    database.write({name: dirty[name] for name in chance.sample(sorted(dirty), 12)})
    for name in chance.sample(sorted(POISON), 3):
        database.write({name: POISON[name]})
    database.write({"_design/a": b'{"_id":"_design/a","views":{}}', "token:login:b": b'{"_id":"token:login:b"}'})


def go_on(database: Database, chance: random.Random, generation: int) -> bool:
    """Writes between two runs; returns whether documents were purged: sometimes, if the server can."""
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        write(database, chance)
    chosen = chance.sample(database.live, min(3, len(database.live))) if chance.random() < 0.1 else []
    return sum(database.purge(name, generation) for name in chosen) > 0


def take_over(database: Database, old: Mapping[str, Latest], chance: random.Random) -> None:
    """Writes half of the documents of another database, which may get the same revisions here, and new ones."""
    same = [name for name, latest in sorted(old.items()) if isinstance(latest.doc, dict)]
    chosen = chance.sample(same, len(same) // 2)
    database.write({name: _again(name, old[name].doc) for name in chosen})
    for _ in range(3):
        write(database, chance)


def write(database: Database, chance: random.Random, most: int = 25) -> None:
    """Writes one batch, and sometimes a conflict or a document that cannot be held."""
    ids = sorted(name for name in database.latest if not name.startswith("_design/"))
    known = chance.sample(ids, min(len(ids), chance.randint(0, most)))
    database.write(_fresh(chance, chance.randint(0, 5)) | {name: _next(database, name, chance) for name in known})
    if chance.random() < 0.2:
        name = chance.choice(sorted(POISON))
        database.write({name: POISON[name]})
    if ids and chance.random() < 0.3:
        name = chance.choice(ids)
        database.write({name: _conflict(database, name, chance)}, new_edits=False)


def _next(database: Database, name: str, chance: random.Random) -> bytes:
    """An edit, a deletion, or the document again."""
    latest = database.latest[name]
    if latest.deleted:
        return _document(name, chance)
    if chance.random() < 0.25:
        body = {"type": "person", "name": "left"} if chance.random() < 0.5 else {}
        return _text({"_id": name, "_rev": latest.rev, "_deleted": True} | body)
    return _document(name, chance, rev=latest.rev)


def _conflict(database: Database, name: str, chance: random.Random) -> bytes:
    """Writes a revision from another server, which may win or not."""
    generation = int(database.latest[name].rev.partition("-")[0] or 1)
    rev = f"{max(1, generation + chance.choice([-1, 0, 0, 1]))}-{chance.randbytes(16).hex()}"
    return _document(name, chance, rev=rev)


def _again(name: str, value: dict[str, Any]) -> bytes:
    return _text({key: item for key, item in value.items() if key != "_rev"} | {"_id": name})


def _fresh(chance: random.Random, count: int) -> dict[str, bytes]:
    odd = ["", "", "", "é/", "a b+c?d#", "org.couchdb.user:", "%2f", "=\"'"]
    names = [f"{chance.choice(odd)}{chance.randbytes(6).hex()}" for _ in range(count)]
    return {name: _document(name, chance) for name in names}


def _document(name: str, chance: random.Random, rev: str | None = None) -> bytes:
    long = chance.random()
    size = chance.randint(0, 200) if long < 0.85 else chance.randint(1_000, 9_000)
    value: dict[str, object] = {
        "_id": name,
        "type": chance.choice(["person", "clinic", "data_record", "task"]),
        "n": chance.choice([0, -1.5, 12345678901234, 1e300, 0.1, True, None, [], {}]),
        "text": "".join(chance.choice(LETTERS) for _ in range(size)),
        "at": chance.getrandbits(40),
    }
    return _text(value if rev is None else value | {"_rev": rev})


def _text(value: object) -> bytes:
    return json.dumps(value, default=_number).encode()


def _number(value: object) -> int | float:
    assert isinstance(value, Decimal)
    return (
        int(value) if value == value.to_integral() and "." not in str(value) and "E" not in str(value) else float(value)
    )


def _dirty() -> dict[str, bytes]:
    """The documents that CouchDB accepts, and that are shallow enough for Python's parser."""
    raws = [str(json.loads(line)["raw"]) for line in DIRTY.read_text(encoding="utf-8").splitlines()]
    return {json.loads(raw)["_id"]: raw.encode() for raw in raws if "[" * 500 not in raw and "\\ud83d" not in raw}
