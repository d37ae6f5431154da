"""A small CHT: the events of its contacts, the documents that were copied, and the counts of these.

Events are plain numbers, so that hypothesis generates and shrinks a history quickly. An event is applied to contacts
that exist when it happens.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from tests.lib import expected, expected_bands, expected_groups, tables
from tests.lib.staged import Staged

Document = dict[str, Any]

#: Few ids, so that events hit the same contact, as a place, as a person, or as both in turn. They are not sorted.
UUIDS = ("d", "e", "c", "h", "i", "p", "q", "A", "b", "é", "r", "s")
PLACES = ("district", "centre", "clinic", "clinic", "area", "hut")
TYPES = (*PLACES, "person", "person", "client", "data_record", "tombstone")
SETTINGS = (
    tables.settings(),
    tables.settings("area", "hut < area", "client! < hut"),
    tables.settings("area", "hut! < area", "client < area hut", "clinic < area"),
    tables.settings("district_hospital", "health_center < district_hospital", "clinic! < health_center"),
)
#: From staged.TODAY on: the days before, on and after a birthday that begins an age band, and invalid values.
BIRTHS = (
    *("2026-11-24", "2026-11-25", "2025-11-25", "2025-11-24", "2022-10-15", "2021-11-25", "2016-11-26", "2012-02-29"),
    *("2011-11-24", "1977-01-01", "1976-11-25", "1940-07-01", "2028-01-01", "2024-02-29", "2021-11-24T23:30:00-01:00"),
    *("Invalid date", "", None, 1637800000000),
)
SEXES = ("female", "male", "F", "Man", "intersex", "", None)
COUNTY = tables.documents("""
    _id | type     | parent | patient_id | muted
    d   | district |        |            |
    e   | district |        |            | true
    c   | centre   | d      |            |
    h   | clinic   | c d    |            |
    i   | clinic   | c d    |            |
    p   | person   | h c d  | 1          |
    q   | person   | i c d  |            |
""")


class World:
    """One instance's CouchDB as it is now, and the part of it that was copied."""

    def __init__(self, source: str, *, empty: bool) -> None:
        self.source = source
        self.documents: dict[str, Document] = {}
        self.copied: dict[str, Document] = {}
        self.waiting: list[str] = []
        for document in () if empty else COUNTY:
            self.write(document)

    def happen(self, event: int) -> None:
        """Applies one event: its kind, and three numbers that choose the contacts."""
        kind, rest = event % len(EVENTS), event // len(EVENTS)
        EVENTS[kind](self, rest % 12, rest // 12 % 12, rest // 144 % 12)

    def copy(self, staged: Staged, rows: int, start: int) -> None:
        """Copies a page of waiting changes from any position: shards of a database send changes independently."""
        start %= len(self.waiting) or 1
        turned = self.waiting[start:] + self.waiting[:start]
        page, self.waiting = turned[:rows], turned[rows:]
        written = [self.documents[uuid] for uuid in page if uuid in self.documents]
        deleted = [uuid for uuid in page if uuid not in self.documents]
        staged.page(written, deleted=deleted, source=self.source)
        for uuid in page:
            self.copied.pop(uuid, None)
        self.copied.update({document["_id"]: document for document in written})

    def vanish(self, staged: Staged, number: int) -> None:
        """Lets a contact disappear from CouchDB without a deletion in the feed, as a comparison of the ids finds."""
        if uuid := self.contact(number):
            del self.documents[uuid]
            self.waiting = [waiting for waiting in self.waiting if waiting != uuid]
            if self.copied.pop(uuid, None) is not None:
                staged.gone(uuid, ("purged", "archived", "replaced")[number % 3], self.source)

    def wanted(self) -> dict[str, dict[str, Any]]:
        """The rows that models.area_count must have for the copied documents, by place."""
        live = list(self.copied.values())
        counts, groups, places = expected.counts(live), expected_groups.counts(live), expected_groups.places(live)
        return {uuid: {**numbers(row), **groups[uuid], **described(places.get(uuid))} for uuid, row in counts.items()}

    def bands(self, today: date) -> dict[str, expected_bands.Bands]:
        """The rows that models.area_band must have for the copied documents, by place."""
        return expected_bands.counts(self.copied.values(), today)

    # Changes of a single document.

    def write(self, document: Document) -> None:
        self.documents[document["_id"]] = document
        self._wait(document["_id"])

    def delete(self, uuid: str) -> None:
        if self.documents.pop(uuid, None) is not None:
            self._wait(uuid)

    def change(self, uuid: str, **fields: Any) -> None:
        """Sets fields of a document; a field set to None is removed."""
        document = {**self.documents[uuid], **fields}
        self.write({field: value for field, value in document.items() if value is not None})

    def _wait(self, uuid: str) -> None:
        self.waiting = [*(waiting for waiting in self.waiting if waiting != uuid), uuid]

    # The contacts of an event.

    def contact(self, number: int) -> str | None:
        """An existing document of one of the ids, which may be a report."""
        there = [uuid for uuid in UUIDS if uuid in self.documents]
        return there[number % len(there)] if there else None

    def free(self, number: int) -> str | None:
        free = [uuid for uuid in UUIDS if uuid not in self.documents]
        return free[number % len(free)] if free else None

    def lineage(self, uuid: str | None) -> Document | None:
        """The lineage that a document in `uuid` embeds: that place, and the lineage of that place."""
        if uuid is None:
            return None
        above = self.documents[uuid].get("parent") if uuid in self.documents else None
        return {"_id": uuid, **({"parent": above} if above else {})}

    def below(self, uuid: str) -> Iterator[tuple[str, list[str]]]:
        """The documents whose lineage names `uuid`, each with its lineage up to that id."""
        for other, document in list(self.documents.items()):
            above = list(expected.lineage(document))
            if uuid in above and other != uuid:
                yield other, above[: above.index(uuid) + 1]

    # The events.

    def register_person(self, who: int, where: int, code: int) -> None:
        if uuid := self.free(who):
            born = BIRTHS[(who + 12 * code + 5 * where) % len(BIRTHS)]
            given: Document = {"date_of_birth": born, "sex": SEXES[(where + code) % len(SEXES)]}
            given |= {"patient_id": str(code)} if code % 2 else {}
            self.write({"_id": uuid, "type": "person", "name": uuid, **self._in(where), **given})

    def register_place(self, who: int, where: int, kind: int) -> None:
        if uuid := self.free(who):
            typed = tables.documents(f"_id | type\n{uuid} | {PLACES[kind % len(PLACES)]}")[0]
            self.write({**typed, "name": uuid, **self._in(where)})

    def _in(self, where: int) -> Document:
        above = self.lineage(self.contact(where)) if where else None
        return {"parent": above} if above else {}

    def delete_alone(self, who: int, _: int, __: int) -> None:
        if uuid := self.contact(who):
            self.delete(uuid)

    def delete_with_all_below(self, who: int, _: int, __: int) -> None:
        if uuid := self.contact(who):
            for below, _above in self.below(uuid):
                self.delete(below)
            self.delete(uuid)

    def move(self, who: int, where: int, order: int) -> None:
        """Writes the contact and each of its descendants, each with its new lineage."""
        uuid, to = self.contact(who), self.contact(where) if where else None
        if uuid is None or uuid == to:
            return
        above = self.lineage(to)
        writes = [(uuid, above), *((below, embedded(path, above)) for below, path in self.below(uuid))]
        for below, lineage in writes if order % 2 else reversed(writes):
            self.change(below, parent=lineage)

    def merge_places(self, who: int, where: int, _: int) -> None:
        """Moves the contents of one place into another, then deletes the first."""
        uuid, to = self.contact(who), self.contact(where)
        if uuid is None or to is None or uuid == to:
            return
        for below, path in self.below(uuid):
            self.change(below, parent=embedded(path[:-1], self.lineage(to)))
        self.delete(uuid)

    def die(self, who: int, when: int, _: int) -> None:
        if uuid := self.contact(who):
            self.change(uuid, date_of_death=("2024-01-01", None, "Invalid date", False)[when % 4])

    def mute(self, who: int, how: int, _: int) -> None:
        if uuid := self.contact(who):
            self.change(uuid, muted=("2024-01-01T00:00:00Z", None, True, "false")[how % 4])

    def get_code(self, who: int, code: int, _: int) -> None:
        if uuid := self.contact(who):
            self.change(uuid, patient_id=(str(code), code, "", None)[code % 4])

    def say_born(self, who: int, when: int, sex: int) -> None:
        if uuid := self.contact(who):
            born, field = BIRTHS[(when + 12 * sex) % len(BIRTHS)], ("date_of_birth", "dob_iso")[sex % 2]
            self.change(uuid, **{field: born}, sex=SEXES[sex % len(SEXES)])

    def change_type(self, who: int, kind: int, _: int) -> None:
        if uuid := self.contact(who):
            typed = tables.documents(f"_id | type\n{uuid} | {TYPES[kind % len(TYPES)]}")[0]
            self.write({**self.documents[uuid], "contact_type": None, **typed})

    def configure(self, which: int, _: int, __: int) -> None:
        if which % 5 == 4:
            self.delete("settings")
        else:
            self.write(SETTINGS[which % 5])

    def employ(self, user: int, whom: int, _: int) -> None:
        name = "uv"[user % 2]
        if whom == 0:
            self.delete(name)
        else:
            self.write({"_id": name, "type": "user-settings", "contact_id": UUIDS[whom]})

    def write_anything(self, who: int, kind: int, above: int) -> None:
        """Writes a document with a wrong lineage: missing ids, its own id, ids below it."""
        uuid = UUIDS[who]
        typed = tables.documents(f"_id | type\n{uuid} | {TYPES[kind % len(TYPES)]}")[0]
        chain = [[*UUIDS, "gone"][number % 13] for number in (above, above + kind, kind)][: above % 4]
        self.write({**typed, "name": f"{uuid}{above}", "parent": tables.lineage(chain)})

    def turn_round(self, who: int, whom: int, _: int) -> None:
        """Makes two contacts each other's parent, or one its own parent."""
        uuid, other = self.contact(who), self.contact(whom)
        if uuid and other:
            self.change(uuid, parent={"_id": other})
            self.change(other, parent={"_id": uuid})


Event = Callable[[World, int, int, int], None]

#: Frequent events are listed more than once.
EVENTS: tuple[Event, ...] = (
    *(World.register_person, World.register_person, World.register_place, World.register_place),
    *(World.move, World.move, World.write_anything, World.write_anything, World.delete_alone, World.mute, World.die),
    *(World.say_born, World.say_born),
    *(World.delete_with_all_below, World.merge_places, World.get_code, World.change_type, World.configure),
    *(World.employ, World.turn_round),
)


def embedded(path: list[str], above: Document | None) -> Document | None:
    """The `parent` of a document: the ids of a lineage, and `above` them another lineage."""
    for uuid in reversed(path):
        above = {"_id": uuid, **({"parent": above} if above else {})}
    return above


def numbers(row: expected.Counts) -> dict[str, Any]:
    both = {"direct": row.direct, "total": row.total}
    counted = {f"{kind}_{column}": number for kind, part in both.items() for column, number in part.items()}
    return {**counted, "name": row.name, "contact_type": row.contact_type, "household": row.in_household}


def described(place: expected_groups.Place | None) -> dict[str, Any]:
    """The columns of a place's position; unplaced has none, on level 0."""
    place = place or expected_groups.Place(None, 0, orphan=False, in_cycle=False, muted=False)
    return {
        "effective_parent": place.effective_parent,
        "level": place.level,
        "is_orphan": place.orphan,
        "in_cycle": place.in_cycle,
        "is_muted": place.muted,
    }
