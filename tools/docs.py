"""python -m tools.docs: writes docs/models.md, from the headers in include/sql and the columns of a warehouse."""

import tempfile
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
from cht_sync import sql, warehouse
from cht_sync.models import runner
from cht_sync.models.files import comments, definition
from cht_sync.models.files.definition import Relation
from cht_sync.reports import marts
from cht_sync.warehouse import migrations as tables

from demo.stack import ROOT
from servers.postgres import Postgres

PAGE = ROOT / "docs" / "models.md"

#: The chapters of the page: a folder of include/sql, the schema of its relations, the title, and a description.
CHAPTERS = {
    "models": (
        "models",
        "Tables of documents",
        "Updated with each change of a document; one row or more a document.",
    ),
    "models/tallies": (
        "models",
        "Tallies",
        "The number of rows of a model by a few of their columns, updated with each change: for the marts by month.",
    ),
    "models/views": ("models", "Views", "Made from the tables and from the counts of areas."),
    "reports/marts": ("marts", "Marts", "Small; refreshed when their input has changed."),
}

INTRODUCTION = """# Models

`make docs` writes this page from the headers of the files in `include/sql`; the same words are comments in Postgres
(`\\d+ models.person`).

A model holds the documents of every source. `source` is `<instance>/<database>`, and part of every key: two instances
may have the same ids. Contacts, reports, tasks, targets and users come from an instance's main database; telemetry and
feedback mostly from `medic-users-meta`. Documents that were deleted, purged, archived or erased are in no model, except
archived reports: these stay.

A value that cannot be read as its column's type is null, and stops nothing. Moments come from the clock of the device
that wrote them; how they are read: [counts.md](counts.md#past-days). Rows come, change and go with their document. If a
row also depends on other documents, it follows them, in whatever order they come.

Whole documents, in couch2pg's form, are in `v1.couchdb`: [adopting.md](adopting.md).
You can add what is missing here, by SQL alone: [see below](#your-own).
"""

OWN = """## Your own
A SQL file in `include/deployment` becomes a model, a view, a mart or a check like those above, with the next run of
`cht_marts`; nothing is restarted. Begin with the example files, and delete those that you do not want:

    cp -r include/deployment.example include/deployment

| folder | a file is | which becomes |
|---|---|---|
| `models/` | a `select` from `document` | a table, updated with each change, shown as `models.<file>` |
| `views/` | a `select` from models | the view `models.<file>` |
| `marts/` | a `select` from models | the materialized view `marts.<file>`, refreshed when what it reads has changed |
| `checks/` | a `select` of what is wrong | a finding of the task `run_checks`, and a row of `marts.checked` |

Comments at the top of a file describe it. First, in words, the meaning of a row; then these, a line each:

| line | in | |
|---|---|---|
| `<column>: …` | models, views, marts | The meaning of that column, in words; `source`, `_id`, `uuid` and \
`saved_timestamp` need none. A name that is not one of its columns is an error: it may be a line below, misspelt |
| `key:` | models, marts | The columns that are unique. `source` is the first of them; in a model `_id` is another |
| `index:` | models | Columns of one more index |
| `after:` | models | All models that it reads: a model that is not named may be older or newer than its documents |
| `affected:` | models | The rows that are made again when *another* document changes: \
[deployment.md](deployment.md#a-model) |
| `reads:` | marts, checks | The models whose changes refresh or start it. For a view, write the names that are \
given above with the view: for `models.area_count` it is `place_count`; `rejected` are documents that the copy \
rejected. Only a check of every hour or day can do without |
| `every: hour` | marts | Refreshed once an hour at most: for marts that take longer than a second or two |
| `every:` | checks | `run`; `hour`: once in an hour of the clock, if what it reads has changed; or `day` |
| `level:` | checks | `fail` makes the task red, `warn` does not |
| `repair:` | checks | What to do, in words |

Always join by `source`: two instances may have the same ids. `document` has the columns `source`, `_id`, `_rev`,
`type`, `saved_timestamp`, `doc` (the document as jsonb), and `is_main`, which is false if the source is a companion
such as `medic-sentinel`. In a run it holds the changed documents. To see the members of a `doc`, look into
`staging.document`, with `select doc from staging.document where type = 'data_record' limit 3`.

A check selects `source`, `area_uuid` and `problem`, which is one of a few fixed words. If it begins with
`from document`, it looks at the changes since the last check, and at everything the first time and once a day; there,
`document` has neither `doc` nor `is_main`. Otherwise it looks at everything each time.

For an area with everything below it: join `models.area_above` by the nearest area, and group by its `area_uuid`. The
nearest area of a person is in `models.person_area`, that of a place in `models.place_area`. The deployment's time zone
is `ops.deployment.timezone`: `cht.month(report.reported, deployment.timezone)` is the month of a moment in it.

A plain cast fails on a value that was typed wrongly once in five years, and then the model fails. These functions give
null instead: `cht.number(jsonb)`, `cht.day(jsonb)`, `cht.instant(jsonb)` (a moment), `cht.code(jsonb)` (a text or
number that is not empty), `cht.reference(jsonb)` (the `_id` in it) and `cht.string(jsonb)`. An indexed value goes
through `cht.key(text)`.

The task `report_failing` of `cht_marts` is red while a file fails. It shows Postgres' error code, and the line, if
Postgres knows it. For a cast that fails it knows no line, and the value may be a patient's. All other files continue.
The table `ops.failing` has the same. If a check fails, `run_checks` is red instead, whatever its level. For files that
are changed or deleted, and everything else: [deployment.md](deployment.md).
"""

EXAMPLES = {
    "models": "A model",
    "marts": "A mart, of that model",
    "checks": "A check, of that model",
}


def write(dsn: str) -> None:
    """From an empty database."""
    with warehouse.connect(partial(psycopg.connect, dsn)) as connection:
        tables.migrate(connection)
        runner.update(connection)
        marts.refresh(connection)
        PAGE.write_text(page(connection), encoding="utf-8")


def main() -> None:
    """Uses a Postgres of its own, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="cht-sync-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root the server runs as `nobody`
        server = Postgres(Path(folder) / "postgres")
        try:
            write(server.start())
        finally:
            server.stop()


def page(connection: warehouse.Connection, include: sql.Include = sql.INCLUDE) -> str:
    """docs/models.md: the relations of the files, with their columns in a warehouse."""
    return "\n".join([INTRODUCTION, *_chapters(connection, include), OWN, *_examples()])


def _chapters(connection: warehouse.Connection, include: sql.Include) -> Iterator[str]:
    for folder, (schema, title, about) in CHAPTERS.items():
        yield f"## {title}\n{about}\n"
        for file in sorted(definition.folder(folder, include), key=lambda file: file.name):
            yield _section(connection, schema, file)


def _section(connection: warehouse.Connection, schema: str, file: Relation) -> str:
    lines = [f"### {schema}.{file.name}", textwrap.fill(file.about, 120, break_on_hyphens=False)]
    lines += [f"Key: {', '.join(f'`{name}`' for name in file.key)}"] if file.key else []
    reads = ", ".join(f"`{name}`" for name in file.reads)
    lines += ["", f"A mart that reads it has {reads} in `reads:`."] if file.folder == "models/views" and reads else []
    lines += ["", "| column | type | |", "|---|---|---|"]
    for column, kind in comments.columns(connection, f"{schema}.{file.name}"):
        lines.append(f"| `{column}` | {kind} | {file.meaning(column) or ''} |")
    return "\n".join([*lines, ""])


def _examples() -> Iterator[str]:
    for folder, title in EXAMPLES.items():
        for file in sorted((ROOT / "include" / "deployment.example" / folder).glob("*.sql")):
            lines = [f"    {line}".rstrip() for line in file.read_text(encoding="utf-8").splitlines()]
            yield "\n".join([f"**{title}** (`{folder}/{file.name}`)\n", *lines, ""])


if __name__ == "__main__":
    main()
