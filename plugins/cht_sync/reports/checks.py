"""Checks: queries that return what is wrong with the models and the counts, for cht_marts to be red by.

A check is one `select` of (source, area_uuid, problem), in include/sql/reports/checks or, a deployment's own, in
include/deployment/checks. Its header: `level`, fail or warn; `every`: run, hour or day; `reads`: the relations by whose
version it is due, none where the hour or the day is enough; `repair`: what to do. Besides the models it may read what
it is to look at: `document`, `area` and `fresh_within` (see include/sql/reports/check_run). On the first run of a day
that is everything, otherwise what has changed; where it has found something, everything until it finds nothing.

`problem` is of a few fixed words, and is shown. No id of a person or a document is returned.
"""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql as statement

from cht_sync import sql, warehouse
from cht_sync.errors import CheckFailed, ConfigurationInvalid, ModelFailed, SyncError
from cht_sync.models import catalogue
from cht_sync.models.files import definition, deployment
from cht_sync.models.files.definition import Relation
from cht_sync.models.files.deployment import Failures

LEVELS = ("fail", "warn")
EVERY = ("run", "hour", "day")

#: What its header has beside the fields of any file.
NAMES = ("level", "repair")

LIMITS = 'create temporary table fresh_within (source text collate "C", seconds float8) on commit drop'

#: Of the areas where it is wrong some are named, not all of a country's.
HEAD = """
    select source, count(*), array_agg(distinct problem), (array_agg(distinct area_uuid))[:20]
    from (
"""
TAIL = """
    ) as offending (source, area_uuid, problem)
    group by source
"""


@dataclass(frozen=True)
class Finding:
    """A check that finds `found` rows wrong in a source, and what about them; `is_told`: somebody knows of it."""

    name: str
    level: str
    source: str
    found: int
    problems: list[str]
    is_told: bool

    def __str__(self) -> str:
        return f"{self.name} finds {self.found} in {self.source} ({', '.join(self.problems)})"


def run(
    connection: warehouse.Connection,
    today: datetime.date,
    limits: Mapping[str, float] | None = None,
    include: sql.Include = sql.INCLUDE,
) -> list[Finding]:
    """Makes the checks that are due; what those find that only warn. Nothing to do costs one statement.

    `today` is the day in the deployment's time zone; `limits`, seconds by source, how old its figures may be. Raises
    CheckFailed while one that fails finds something, ModelFailed where the SQL of one fails, AnotherRun,
    ConfigurationInvalid.
    """
    files, failures = _files(include)
    due, is_clean = _due(connection, files, today)
    broken: list[SyncError] = [failure.error for failure in failures.values()]
    if due:
        with warehouse.lock(connection, "cht-sync checks"), connection.transaction():
            # all of them see the models as of one moment
            connection.execute("set transaction isolation level repeatable read")
            connection.execute("set local work_mem = '128MB'")
            broken += _make(connection, files, today, limits or {})
            names = {file.name for file in files} | failures.names
            connection.execute(sql.read("reports/check_run/looked"), {"names": sorted(names)})
    elif is_clean and not broken:
        return []
    found = _found(connection, files)
    _require_passed(connection, files, found, broken)
    return found


def _files(include: sql.Include) -> tuple[list[Relation], Failures]:
    """Ours, then the deployment's; one of these that can't be used fails alone."""
    known, failures = catalogue.read(include), Failures()
    files = deployment.extend("checks", definition.folder("reports/checks", include), include, failures)
    for file in files:
        with failures.catch(file):
            if strays := [name for name, _ in file.columns if name not in NAMES]:
                raise definition.invalid(file, f"has `{strays[0]}:` in its header, which is no field of a check")
            if file.level not in LEVELS or file.every not in EVERY or not file.repair:
                raise ConfigurationInvalid(
                    f"The check {file.name} lacks a level ({', '.join(LEVELS)}), an every ({', '.join(EVERY)}) "
                    "or a repair",
                    f"Write them into the header of {file.file}",
                )
            known.require_readable("check", file, may_be_empty=file.every != "run")
    return [file for file in files if not failures.have(file)], failures


def _due(connection: warehouse.Connection, files: list[Relation], today: datetime.date) -> tuple[dict[str, str], bool]:
    """The checks to be made, by name: `whole` or `change`; and whether the last ones found nothing."""
    rows = connection.execute(
        sql.read("reports/check_run/due"),
        {
            "today": today,
            "names": [file.name for file in files],
            "hashes": [file.hash for file in files],
            "reads": [",".join(file.reads) for file in files],
            "every": [file.every for file in files],
        },
    ).fetchall()
    return {name: how for name, how, _ in rows if how}, not any(found for _, _, found in rows)


def _make(
    connection: warehouse.Connection, files: list[Relation], today: datetime.date, limits: Mapping[str, float]
) -> list[ModelFailed]:
    """Makes those that are due and notes what they find; the failures of those whose SQL fails."""
    due, _ = _due(connection, files, today)
    connection.execute(LIMITS)
    for source, seconds in limits.items():
        connection.execute("insert into pg_temp.fresh_within values (%s, %s)", [source, seconds])
    broken = []
    for how in ("change", "whole"):
        chosen = [file for file in files if due.get(file.name) == how]
        if not chosen:
            continue
        # as by the models: what has changed is looked up by its keys
        connection.execute(f"set local random_page_cost = {1.1 if how == 'change' else 'default'}".encode())
        connection.execute(sql.read(f"reports/check_run/{how}").encode())
        for file in chosen:
            try:
                with connection.transaction():
                    found = _ask(connection, file)
            except ModelFailed as failure:
                broken.append(failure)
                continue
            _note(connection, file, found, today)
        kind = "table" if how == "change" else "view"
        connection.execute(f"drop {kind} pg_temp.document, pg_temp.area".encode())
    return broken


def _ask(connection: warehouse.Connection, file: Relation) -> list[dict[str, object]]:
    with definition.telling(file, head=HEAD):
        rows = connection.execute(statement.SQL(HEAD) + file.select() + statement.SQL(TAIL)).fetchall()
    return [
        {"source": source, "found": found, "problems": problems, "areas": [area for area in areas if area is not None]}
        for source, found, problems, areas in rows
    ]


def _note(
    connection: warehouse.Connection, file: Relation, found: list[dict[str, object]], today: datetime.date
) -> None:
    connection.execute(
        sql.read("reports/check_run/note"),
        {
            "name": file.name,
            "hash": file.hash,
            "level": file.level,
            "reads": list(file.reads),
            "whole_on": today,
            "found": json.dumps(found),
        },
    )


def _found(connection: warehouse.Connection, files: list[Relation]) -> list[Finding]:
    rows = connection.execute(sql.read("reports/check_run/found"), [[file.name for file in files]]).fetchall()
    return [Finding(*row) for row in rows]


def _require_passed(
    connection: warehouse.Connection, files: list[Relation], found: list[Finding], broken: list[SyncError]
) -> None:
    failing = [finding for finding in found if finding.level == "fail"]
    if failing:
        repairs = {file.name: file.repair for file in files}
        is_told = all(finding.is_told for finding in failing)
        connection.execute(sql.read("reports/check_run/tell"))
        raise CheckFailed(
            "; ".join([*map(str, failing), *(failure.what for failure in broken)]),
            "; ".join(dict.fromkeys(repairs[finding.name] for finding in failing)) + "; see docs/operating.md",
            is_told=is_told,
        )
    if broken:
        raise ModelFailed("; ".join(failure.what for failure in broken), broken[0].advice)
