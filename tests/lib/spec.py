"""Documents in, counts out: after each step the models run, and every count is compared with a plain recount."""

from datetime import date
from typing import Any

from tests.lib import expected, expected_bands, expected_groups, tables
from tests.lib.staged import SOURCE, TODAY, Staged

UNPLACED = "unplaced"


class Spec:
    """The current documents of `demo/medic`, and their models."""

    def __init__(self, staged: Staged) -> None:
        self.staged = staged
        self.live: dict[str, dict[str, Any]] = {}
        self.today = TODAY

    def stage(self, table: str = "", *documents: dict[str, Any], deleted: str = "") -> None:
        """Stages a page of documents (a table, and others as given) and deletions, then runs the models."""
        page = [*(tables.documents(table) if table else []), *documents]
        self.live.update({document["_id"]: document for document in page})
        for uuid in deleted.split():
            del self.live[uuid]
        self.staged.page(page, deleted=deleted.split())
        self.staged.update(self.today)
        self.holds()

    def on(self, day: str) -> None:
        """Runs the models on that day, with nothing new in CouchDB."""
        self.today = date.fromisoformat(day)
        self.staged.update(self.today)
        self.holds()

    def vanish(self, uuid: str, how: str) -> None:
        """Lets a document disappear from CouchDB without a deletion in the feed, then runs the models."""
        self.staged.gone(uuid, how)
        del self.live[uuid]
        self.staged.update(self.today)
        self.holds()

    def shows(self, table: str) -> None:
        """Requires the table's columns for every area; without a row for `unplaced`, its counts must be zeros."""
        counts = self.staged.counts()
        counts[UNPLACED] = counts.pop("")
        rows = {row.pop("area"): {column: int(number) for column, number in row.items()} for row in tables.rows(table)}
        rows.setdefault(UNPLACED, dict.fromkeys(next(iter(rows.values())), 0))
        assert {area: {column: counts[area][column] for column in row} for area, row in rows.items()} == rows
        assert set(counts) == set(rows)

    def holds(self) -> None:
        """Requires what is true of all counts: each equals the recount, and the columns add up."""
        counts = self.staged.counts()
        recount = expected.counts(self.live.values())
        groups = expected_groups.counts(self.live.values())
        assert counts == {
            area: {
                **{f"direct_{column}": number for column, number in row.direct.items()},
                **{f"total_{column}": number for column, number in row.total.items()},
                **groups[area],
            }
            for area, row in recount.items()
        }
        described = self.staged.rows(
            "select area_uuid, name, contact_type, parent_uuid, household from models.area_count where source = %s",
            [SOURCE],
        )
        assert {area: tuple(rest) for area, *rest in described} == {
            area: (row.name, row.contact_type, row.parent_uuid, row.in_household) for area, row in recount.items()
        }
        banded = expected_bands.counts(self.live.values(), self.today)
        assert self.staged.bands() == {area: bands for area, bands in banded.items() if bands}
        assert self.places() == expected_groups.places(self.live.values())
        for row in counts.values():
            for kind in ("direct_persons", "direct_patients", "total_persons", "total_patients"):
                assert row[kind] == row[f"{kind}_active"] + row[f"{kind}_muted"] + row[f"{kind}_deceased"]
        persons = self.staged.values("select count(*) from models.person where source = %s", [SOURCE])
        tops = "select sum(total_persons)::bigint from models.area_count where effective_parent is null and source = %s"
        assert self.staged.values(tops, [SOURCE]) == persons

    def places(self) -> dict[str, expected_groups.Place]:
        """Every place with its position in the tree, from models.area_count."""
        columns = "area_uuid, effective_parent, level, is_orphan, in_cycle, is_muted"
        rows = self.staged.rows(
            f"select {columns} from models.area_count where area_uuid <> '' and source = %s", [SOURCE]
        )
        return {uuid: expected_groups.Place(*rest) for uuid, *rest in rows}

    def orphans(self) -> dict[str, str | None]:
        """{uuid: the place in which the orphan is counted}."""
        assert self.staged.values("select uuid from models.orphan order by uuid") == expected.orphans(
            self.live.values()
        )
        return dict(self.staged.rows("select uuid, effective_parent from models.orphan"))

    def cycles(self) -> dict[str, str]:
        """{uuid: the top of its cycle}."""
        found = dict(self.staged.rows("select uuid, top from models.cycle"))
        assert found == {uuid: cycle[0] for cycle in expected.cycles(self.live.values()) for uuid in cycle}
        return found
