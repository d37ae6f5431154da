"""Checks: queries that return what is wrong with the models and the counts. Findings of level fail fail a task.

A check is one `select` of (source, area_uuid, problem), in include/sql/reports/checks, or in include/deployment/checks
if it is a deployment's own. Its header has `level`, which is fail or warn; `every`, which is run, hour or day; `reads`,
the relations whose versions make it due, which may be empty if the hour or the day is enough; and `repair`, what to do.
A check reads the models, and `document`, `area` and `fresh_within` (see include/sql/reports/check_run). These hold
everything on the first run of a day, else the changes. After a finding they hold everything until nothing is found.

`problem` is one of a few fixed texts, and is shown. No id of a person or a document is returned.
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

#: The fields that only a check's header has.
NAMES = ("level", "repair")

LIMITS = 'create temporary table fresh_within (source text collate "C", seconds float8) on commit drop'

#: Names up to 20 of the areas where something is wrong, not all of a country's.
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
    """A check that finds `found` wrong rows in a source, and their problems; `is_notified`: within the last day."""

    name: str
    level: str
    source: str
    found: int
    problems: list[str]
    is_notified: bool

    def __str__(self) -> str:
        return f"{self.name} finds {self.found} in {self.source} ({', '.join(self.problems)})"


def run(
    connection: warehouse.Connection,
    today: datetime.date,
    limits: Mapping[str, float] | None = None,
    include: sql.Include = sql.INCLUDE,
) -> list[Finding]:
    """Executes the checks that are due; returns the findings that only warn. If none is due, it costs one statement.

    `today` is the day in the deployment's time zone. `limits`: the greatest age of each source's numbers, in seconds.
    Raises CheckFailed while a check of level fail finds something, ModelFailed if the SQL of a check fails, AnotherRun,
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
    """Our checks, then the deployment's; if one of these cannot be used, it fails alone."""
    known, failures = catalogue.read(include), Failures()
    files = deployment.extend("checks", definition.folder("reports/checks", include), include, failures)
    for file in files:
        with failures.catch(file):
            if strays := [name for name, _ in file.columns if name not in NAMES]:
                raise definition.invalid(file, f"has `{strays[0]}:` in its header, which is not a field of a check")
            if file.level not in LEVELS or file.every not in EVERY or not file.repair:
                raise ConfigurationInvalid(
                    f"The check {file.name} lacks a level ({', '.join(LEVELS)}), an every ({', '.join(EVERY)}) "
                    "or a repair",
                    f"Write them into the header of {file.file}",
                )
            known.require_readable("check", file, may_be_empty=file.every != "run")
    return [file for file in files if not failures.have(file)], failures


def _due(connection: warehouse.Connection, files: list[Relation], today: datetime.date) -> tuple[dict[str, str], bool]:
    """The checks that are due, by name: `whole` or `change`; and whether the last ones found nothing."""
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
    """Executes the due checks and notes their findings; returns the failures of those whose SQL fails."""
    due, _ = _due(connection, files, today)
    connection.execute(LIMITS)
    for source, seconds in limits.items():
        connection.execute("insert into pg_temp.fresh_within values (%s, %s)", [source, seconds])
    broken = []
    for how in ("change", "whole"):
        chosen = [file for file in files if due.get(file.name) == how]
        if not chosen:
            continue
        # as in the models: changed rows are looked up by their keys
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
    with definition.translated(file, head=HEAD):
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
        is_notified = all(finding.is_notified for finding in failing)
        connection.execute(sql.read("reports/check_run/note_notified"))
        raise CheckFailed(
            "; ".join([*map(str, failing), *(failure.what for failure in broken)]),
            "; ".join(dict.fromkeys(repairs[finding.name] for finding in failing)) + "; see docs/operating.md",
            is_notified=is_notified,
        )
    if broken:
        raise ModelFailed("; ".join(failure.what for failure in broken), broken[0].advice)
