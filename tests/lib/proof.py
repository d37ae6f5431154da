"""Any history of contacts, copied in any parts and order, with failed runs and runs without changes in between.

After each completed run every count equals a recount in plain Python. At the end the tables equal rebuilt ones. Several
histories happen at the same time, one per instance; a run of the models takes in all of them.
"""

import shutil
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cht_sync import sql
from cht_sync.models import runner
from cht_sync.models.counts import areas
from hypothesis import strategies as st

from tests.lib import expected
from tests.lib.recording import Killed, recording
from tests.lib.staged import TODAY, Staged
from tests.lib.world import EVENTS, World

#: One instance between two runs: its events, the contact that vanishes (12 and more: none), and the copied pages.
EVENT = st.integers(0, len(EVENTS) * 12**3 - 1)
PAGE = st.tuples(st.integers(1, 12), st.integers(0, 11))
ROUND = st.tuples(st.lists(EVENT, min_size=1, max_size=6), st.integers(0, 30), st.lists(PAGE, max_size=3))
HISTORY = st.tuples(st.booleans(), st.lists(ROUND, min_size=3, max_size=5))

#: A run: the statement at which it is killed (a number over 150: none), whether a run with nothing new follows, and the
#: days since the run before: usually none, else one, or so many that somebody is some age bands older.
RUN = st.tuples(st.integers(1, 300), st.booleans(), st.sampled_from((0, 0, 0, 1, 1, 40, 366, 1500)))

#: The models that the counts read, and the views that show them; the other models would only take time.
NEEDED = {
    "models": ("configured_type", "contact", "person", "place", "user"),
    "models/views": ("area_band", "area_count", "orphan", "cycle"),
    "models/tallies": (),
}

COLUMNS = (
    *(f"{kind}_{column}" for kind in ("direct", "total") for column in expected.COLUMNS),
    *(f"{kind}_{column}" for kind in ("direct", "total") for column in ("households", "staff", "in_household")),
    *("name", "contact_type", "household", "effective_parent", "level", "is_orphan", "in_cycle", "is_muted"),
)


def histories(side_by_side: int) -> st.SearchStrategy[Any]:
    """The histories of that many instances, and the runs of all of them."""
    lived = st.lists(HISTORY, min_size=side_by_side, max_size=side_by_side)
    return st.tuples(lived, st.lists(RUN, min_size=5, max_size=5))


def needed(folder: Path, files: Mapping[str, Collection[str]] = NEEDED) -> sql.Include:
    """A copy of the SQL files, without the models that the counts do not read."""
    include = sql.Include(folder / "sql", folder / "deployment")
    shutil.copytree(sql.INCLUDE.sql, include.sql)
    for kind, names in files.items():
        for file in sql.files(kind, include):
            if file.stem not in names:
                file.unlink()
    return include


@dataclass
class Tally:
    """The number of cases tried so far."""

    sequences: int = 0
    events: int = 0
    runs: int = 0
    killed: int = 0
    counts: int = 0
    bands: int = 0
    cycles: int = 0
    orphans: int = 0


@dataclass
class Proof:
    """A warehouse with sources to try histories in."""

    staged: Staged
    include: sql.Include
    sources: list[str]
    tally: Tally = field(default_factory=Tally)
    today: date = TODAY

    def hold(self, given: Any) -> None:
        """Runs these histories. Raises AssertionError if a count is wrong."""
        lived, runs = given
        self._forget()
        worlds = [World(source, empty=empty) for source, (empty, _) in zip(self.sources, lived, strict=False)]
        self.today = TODAY
        for number, (kill_at, again, days) in enumerate(runs):
            self.today += timedelta(days)
            for world, (_, rounds) in zip(worlds, lived, strict=True):
                if number < len(rounds):
                    self._continue(world, *rounds[number])
            self.run(kill_at, again=again)
            self.compare(worlds)
        for world in worlds:
            world.copy(self.staged, len(world.waiting), 0)
            assert world.copied == world.documents
        self.run()
        self.compare(worlds)
        self._compare_with_nothing()
        self.tally.sequences += len(worlds)

    def _continue(self, world: World, events: list[int], vanishes: int, pages: list[tuple[int, int]]) -> None:
        for event in events:
            world.happen(event)
        if vanishes < 12:
            world.vanish(self.staged, vanishes)
        for rows, start in pages:
            world.copy(self.staged, rows, start)
        self.tally.events += len(events) + (vanishes < 12)

    def run(self, kill_at: int | None = None, *, again: bool = False) -> None:
        """Runs the models: first a run that is killed at that statement, if it has so many, then a complete run."""

        def kill(number: int) -> None:
            if number == kill_at:
                raise Killed

        try:
            with recording(self.staged.connection, kill):
                self._update()
        except Killed:
            self.tally.killed += 1
            self._update()
        if again:
            assert self._update() == runner.Update()
        self.tally.runs += 1

    def _update(self) -> runner.Update:
        return runner.update(self.staged.connection, self.include, today=self.today)

    def compare(self, worlds: list[World]) -> None:
        """Compares every count, also by sex and age, every orphan and every cycle. Nobody is counted twice or lost."""
        rows = self.staged.rows(f"select source, area_uuid, {', '.join(COLUMNS)} from models.area_count")
        found: dict[str, dict[str, Any]] = defaultdict(dict)
        for source, area, *values in rows:
            found[source][area] = dict(zip(COLUMNS, values, strict=True))
        orphans, cycles = self._listed("models.orphan", "effective_parent"), self._listed("models.cycle", "top")
        for world in worlds:
            assert found[world.source] == world.wanted()
            bands = self.staged.bands(world.source)
            assert bands == {area: found for area, found in world.bands(self.today).items() if found}
            county = expected.County(world.copied.values())
            tops = (row["total_persons"] for row in found[world.source].values() if row["effective_parent"] is None)
            assert sum(tops) == len(list(county.persons()))
            assert orphans[world.source] == wanted_orphans(county)
            assert cycles[world.source] == {uuid: cycle[0] for cycle in county.cycles() for uuid in cycle}
            self.tally.counts += len(found[world.source])
            self.tally.bands += sum(map(len, bands.values()))
            self.tally.orphans += len(orphans[world.source])
            self.tally.cycles += len(cycles[world.source])

    def _listed(self, relation: str, column: str) -> dict[str, dict[str, str | None]]:
        listed: dict[str, dict[str, str | None]] = defaultdict(dict)
        for source, uuid, value in self.staged.rows(f"select source, uuid, {column} from {relation}"):
            listed[source][uuid] = value
        return listed

    def _compare_with_nothing(self) -> None:
        """Requires that rebuilt tables equal the updated ones."""
        kept = self._content()
        self.staged.connection.execute("delete from ops.relation where name = 'place_count'")
        self._update()
        assert self._content() == kept

    def _content(self) -> dict[str, list[Any]]:
        rows = "select to_jsonb(kept) from model_data.{} as kept order by to_jsonb(kept)::text"
        return {table: self.staged.rows(rows.format(table)) for table in areas.TABLES}

    def _forget(self) -> None:
        """Empties the warehouse."""
        kept = self.staged.values(
            "select relname from pg_class where relnamespace = 'model_data'::regnamespace and relkind = 'r'"
        )
        noted = ("ops.model_state", "ops.model_source", "ops.band_day")
        tables = ["staging.document", *noted, *(f'model_data."{name}"' for name in kept)]
        self.staged.connection.execute(f"truncate {', '.join(tables)}")
        self.staged.connection.execute("update ops.checkpoint set batch = 0, caught_up_at = null")


def wanted_orphans(county: expected.County) -> dict[str, str | None]:
    """The contacts whose parent is not a live place, each with the nearest live place of its lineage."""
    found = {}
    for contact in county.contacts.values():
        if contact.chain and contact.chain[0] not in county.places:
            above = county.parent(contact)
            found[contact.id] = above.id if above else None
    return found
