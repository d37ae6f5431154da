"""After any history of persons, places and reports, copied at any time, each day equals a plain recount.

After a daily run, counting any counted day again would change nothing.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cht_sync import sql
from cht_sync.models import runner
from cht_sync.reports import history
from hypothesis import given
from hypothesis import strategies as st

from tests.lib import days, extent, proof, tables
from tests.lib.contents import forget
from tests.lib.expected import County
from tests.lib.past import Past, rebuilt, remodelled
from tests.lib.recording import Killed, recording
from tests.lib.staged import SOURCE, Staged

pytestmark = pytest.mark.unmodelled

#: The clock goes forward on the tenth.
ZONE = ZoneInfo("America/New_York")
DAYS = [date(2024, 3, day) for day in range(8, 14)]
TIMES = ("00:00", "01:59", "12:00", "23:59")
WHEN = st.one_of(
    st.none(), st.builds(lambda day, time: moment(f"{day} {time}"), st.sampled_from(DAYS), st.sampled_from(TIMES))
)
DIED = st.sampled_from([None, None, None, "unknown", *(str(day) for day in DAYS)])

PLACES = {"d": "district", "e": "district", "c": "centre", "h": "clinic", "i": "clinic"}
PERSONS, REPORTS = ("p", "q", "r", "s"), ("x", "y", "z")
LINEAGES = (
    [],
    ["h", "c", "d"],
    ["i", "h", "c", "d"],
    ["i", "c", "d"],
    ["i", "e"],
    ["c", "d"],
    ["c"],
    ["gone", "e"],
    ["gone"],
)


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


def place(uuid: str, above: list[str]) -> dict[str, Any]:
    return {**tables.documents(f"_id | type\n{uuid} | {PLACES[uuid]}")[0], "parent": tables.lineage(above)}


def person(uuid: str, above: list[str], when: int | None, died: str | None, code: str | None) -> dict[str, Any]:
    given = {"reported_date": when, "date_of_death": died, "patient_id": code, "parent": tables.lineage(above)}
    return {"_id": uuid, "type": "person", **{name: value for name, value in given.items() if value is not None}}


def report(uuid: str, form: str, when: int | None, subject: str, by: str, submitter: str) -> dict[str, Any]:
    named = {"uuid": {"fields": {"patient_uuid": subject}}, "id": {"patient_id": subject}, "code": {"patient_id": "1"}}
    submitted = {"contact": {"_id": submitter}} if submitter else {}
    return {"_id": uuid, "type": "data_record", "form": form, "reported_date": when, **named.get(by, {}), **submitted}


PLACED = st.builds(place, st.sampled_from(sorted(PLACES)), st.sampled_from(LINEAGES))
REGISTERED = st.builds(
    person, st.sampled_from(PERSONS), st.sampled_from(LINEAGES), WHEN, DIED, st.sampled_from([None, "1", "2"])
)
REPORTED = st.builds(
    report,
    st.sampled_from(REPORTS),
    st.sampled_from(["f", "f", ""]),
    WHEN,
    st.sampled_from(PERSONS),
    st.sampled_from(["uuid", "id", "code", ""]),
    st.sampled_from(["", *PERSONS]),
)
OTHER = st.builds(lambda uuid, kind: {"_id": uuid, "type": kind}, st.sampled_from(PERSONS), st.just("tombstone"))
DELETED = st.sampled_from([*PERSONS, *PERSONS, *REPORTS, *PLACES])
VANISHED = st.tuples(
    st.sampled_from([*PERSONS, *REPORTS, *PLACES]), st.sampled_from(["purged", "archived", "archived", "replaced"])
)
#: A page; the hours since the page before; what follows it: nothing, a run of the models, a run that is killed first,
#: or a rebuild of everything; and whether a daily run follows.
STEP = st.tuples(
    st.lists(st.one_of(REGISTERED, REGISTERED, REPORTED, PLACED, OTHER, DELETED, VANISHED), min_size=1, max_size=5),
    st.integers(0, 30),
    st.sampled_from(["nothing", "run", "run", "run", "kill", "rebuild", "remodel"]),
    st.booleans(),
)


#: The models from which days are counted; the other models would only take time.
NEEDED = {
    **proof.NEEDED,
    "models": (*proof.NEEDED["models"], "data_record", "report"),
    "models/views": (*proof.NEEDED["models/views"], "place_area", "area_parent", "area_above"),
}


class Lean(Staged):
    """A warehouse with these models only, from the files in `include`."""

    include: sql.Include

    def update(self, today: date | None = None) -> runner.Update:
        return runner.update(self.connection, self.include, today=today)


@pytest.fixture
def lean(staged: Staged, tmp_path: Path) -> Lean:
    lean = Lean(staged.connection)
    lean.include = proof.needed(tmp_path, NEEDED)
    return lean


@dataclass
class World:
    """The documents that were copied, and the persons that the models have counted."""

    past: Past
    clock: datetime = datetime(2024, 3, 8, 9, tzinfo=ZONE)
    live: dict[str, dict[str, Any]] = field(default_factory=dict)
    archived: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    removed: dict[str, days.Removed] = field(default_factory=dict)
    counted: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = field(default_factory=dict)

    def copy(self, events: list[Any]) -> None:
        """Copies one page of writes and deletions; then documents vanish, each at its own time."""
        last = {
            event["_id"] if isinstance(event, dict) else event: event for event in events if type(event) is not tuple
        }
        written = [event for event in last.values() if isinstance(event, dict)]
        deleted = [
            uuid for uuid, event in last.items() if isinstance(event, str) and uuid in {*self.live, *self.archived}
        ]
        self.past.staged.page(written, deleted=deleted, saved=self._tick())
        # the deletion of a missing document is in no feed
        for uuid in [*(document["_id"] for document in written), *deleted]:
            self._change(uuid, "")
        self.live |= {document["_id"]: document for document in written}
        for uuid, how in [event for event in events if type(event) is tuple]:
            if uuid in self.live:
                document = self.live[uuid]
                self.past.staged.gone(uuid, how, saved=self._tick())
                self._change(uuid, how)
                if how == "archived" and document["type"] == "data_record":
                    self.archived[uuid] = document

    def _tick(self) -> datetime:
        self.clock += timedelta(microseconds=1)
        return self.clock

    def _change(self, uuid: str, how: str) -> None:
        self.changed[uuid] = (self.clock, how)
        self.live.pop(uuid, None)
        self.archived.pop(uuid, None)

    def modelled(self) -> None:
        """Notes who was counted and who was removed, after a run of the models."""
        county = County(self.live.values())
        counted = {one.id: (self.live[one.id], tuple(p.id for p in county.ancestors(one))) for one in county.persons()}
        for uuid in set(self.counted) - set(counted):
            when, how = self.changed[uuid]
            if how != "replaced":
                self.removed[uuid] = days.Removed(*self.counted[uuid], when.astimezone(ZONE).date())
        for uuid in counted:
            self.removed.pop(uuid, None)
        self.counted = counted

    def wanted(self) -> dict[tuple[date, str], dict[str, int]]:
        reports = [document for document in self.live.values() if document["type"] == "data_record"]
        return days.days(list(self.live.values()), self.removed, [*reports, *self.archived.values()], DAYS, ZONE)


def kept(past: Past) -> dict[tuple[date, str], dict[str, int]]:
    rows = past.kept([str(day) for day in DAYS])
    return {(date.fromisoformat(day), "" if area == "unplaced" else area): row for (day, area), row in rows.items()}


def begun(staged: Lean) -> World:
    forget(staged)
    for table in ("history.area_day", "history.removed_person", "ops.touched", "ops.counted_day"):
        staged.connection.execute(f"delete from {table}")
    world = World(Past(staged, ZONE.key))
    world.copy([place(uuid, above) for uuid, above in (("d", []), ("c", ["d"]), ("h", ["c", "d"]), ("e", []))])
    staged.update()
    world.modelled()
    return world


def model(world: World, how: str) -> None:
    """Runs the models in the given way."""
    staged = world.past.staged
    assert isinstance(staged, Lean)
    if how == "kill":

        def before(number: int) -> None:
            if number == 40:
                raise Killed

        try:
            with recording(staged.connection, before):
                staged.update()
        except Killed:
            staged.update()
    else:
        {"run": Lean.update, "rebuild": rebuilt, "remodel": remodelled}[how](staged)
    world.modelled()


SLOW = extent.examples(test=8, proof=500)


@SLOW
@given(st.lists(STEP, min_size=1, max_size=6))
def test_each_day_equals_a_plain_recount(lean: Lean, steps: list[Any]) -> None:
    world = begun(lean)
    for events, hours, how, _ in steps:
        world.clock += timedelta(hours=hours)
        world.copy(events)
        if how != "nothing":
            model(world, how)
    model(world, "run")
    removed = lean.values("select uuid from history.removed_person where source = %s order by 1", [SOURCE])
    assert removed == sorted(world.removed)
    for day in DAYS:
        history.count_day(lean.connection, day, ZONE.key)
    assert kept(world.past) == world.wanted()
    lean.connection.execute("delete from history.area_day; delete from ops.counted_day")
    lean.connection.execute("insert into ops.touched (since) values ('2024-03-01')")
    history.catch_up(lean.connection, DAYS[-1], ZONE.key)
    assert kept(world.past) == world.wanted()


STAYING = {"p": ["h", "c", "d"], "q": ["c", "d"], "r": ["e"], "s": []}


def staying(event: Any) -> Any:
    """The same event without moves, since a move does not make a day due. None for a place.

    Each person stays in one place, each report is by a person who is never removed, and all dates can be read: a
    document without a date is late for no day.
    """
    uuid = event["_id"] if isinstance(event, dict) else event[0] if isinstance(event, tuple) else event
    if uuid in PLACES:
        return None
    if not isinstance(event, dict) or event["type"] == "tombstone":
        return event
    if event["type"] == "data_record":
        named = {key: value for key, value in event.items() if key not in ("patient_id", "fields")}
        return {**named, "contact": {"_id": "w"}}
    dated = {key: value for key, value in event.items() if value != "unknown"}
    return {"reported_date": moment("2024-03-09 12:00"), **dated, "parent": tables.lineage(STAYING[uuid])}


@SLOW
@given(st.lists(STEP, min_size=1, max_size=8))
def test_counting_any_day_again_after_a_daily_run_changes_nothing(lean: Lean, steps: list[Any]) -> None:
    world = begun(lean)
    world.copy([person("w", ["c", "d"], moment("2024-03-01 12:00"), None, None)])
    for events, hours, how, daily in steps:
        world.clock += timedelta(hours=hours)
        world.copy([staying(event) for event in events if staying(event)])
        if how != "nothing":
            model(world, how)
        if daily:
            history.catch_up(lean.connection, world.clock.date(), ZONE.key)
    model(world, "run")
    history.catch_up(lean.connection, DAYS[-1], ZONE.key)
    left = kept(world.past)
    for day in {day for day, _ in left}:
        history.count_day(lean.connection, day, ZONE.key)
    assert kept(world.past) == left
