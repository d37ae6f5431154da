"""python -m tools.docs: writes docs/models.md, from the headers in include/sql and what a warehouse makes of them."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
from cht_sync import sql, warehouse
from cht_sync.models import comments, definition, runner
from cht_sync.models.definition import Relation
from cht_sync.reports import marts
from cht_sync.warehouse import migrations as tables

from demo.stack import ROOT
from servers.postgres import Postgres

PAGE = ROOT / "docs" / "models.md"

#: The chapters of the page: a folder of include/sql, the schema of its relations, and what it holds.
CHAPTERS = {
    "models": (
        "models",
        "Tables of documents",
        "Kept up with the documents by the change, one row or more a document.",
    ),
    "models/tallies": (
        "models",
        "Tallies",
        "How many rows of a model there are by a few of their columns, kept by the change: for the marts by month.",
    ),
    "models/views": ("models", "Views", "Made of the tables, and of the counts of areas."),
    "reports/marts": ("marts", "Marts", "Small, refreshed when what they are made of has changed."),
}

INTRODUCTION = """# Models

Made by `make docs` from the headers of the files in `include/sql`; the same words are comments in Postgres
(`\\d+ models.person`).

A model holds the documents of every source; `source` is `<instance>/<database>`, and part of every key: ids of two
instances may be the same. Contacts, reports, tasks, targets and users are those of an instance's main database;
telemetry and feedback are mostly in `medic-users-meta`. What was deleted, purged, archived or erased is in no model,
but for reports that were archived: these stay.

What can't be read as what a column holds is null there, and stops nothing. Moments are by the clock of whoever wrote
them; how they are read: [counts.md](counts.md#past-days). Rows come, change and go with their document; where a row is
made of other documents, too, it follows them, in whatever order they come.

Whole documents, in the form that couch2pg has given them, are in `v1.couchdb`: [adopting.md](adopting.md).
What isn't here can be added, by SQL alone: [see below](#your-own).
"""

OWN = """## Your own
A file of SQL in `include/deployment` becomes a model, a view, a mart or a check like those above with the next run of
`cht_marts`; nothing is restarted. Begin with the files that are shown here, and delete those that you don't want:

    cp -r include/deployment.example include/deployment

| folder | a file is | which becomes |
|---|---|---|
| `models/` | a `select` from `document` | a table, kept up by the change, shown as `models.<file>` |
| `views/` | a `select` from models | the view `models.<file>` |
| `marts/` | a `select` from models | the materialized view `marts.<file>`, refreshed when what it reads has changed |
| `checks/` | a `select` of what is wrong | a finding of the task `run_checks`, and a row of `marts.checked` |

Comments at the top of a file say what it is. First, in words, what a row is; then these, a line each:

| line | in | |
|---|---|---|
| `<column>: …` | models, views, marts | What the column of that name means, in words; `source`, `_id`, `uuid` and \
`saved_timestamp` need none. A name that is no column of it is refused: it may be a line below, misspelt |
| `key:` | models, marts | The columns that are unique. `source` is the first of them; in a model `_id` is another |
| `index:` | models | Columns of one more index |
| `after:` | models | The models that it reads, all of them: another one may be behind its documents, or ahead |
| `affected:` | models | Which rows are made again when *another* document changes: \
[deployment.md](deployment.md#a-model) |
| `reads:` | marts, checks | The models by whose change it is refreshed, or made. For a view what stands there above: \
for `models.area_count` `place_count`; `rejected` are documents that could not be taken in. Only a check of every hour \
or day can do without |
| `every: hour` | marts | Refreshed once an hour at most: for what takes longer than a second or two |
| `every:` | checks | `run`; `hour`: once in an hour of the clock, where what it reads has changed; or `day` |
| `level:` | checks | `fail` makes the task red, `warn` doesn't |
| `repair:` | checks | What to do, in words |

Join by `source`, always: ids of two instances may be the same. `document` has the columns `source`, `_id`, `_rev`,
`type`, `saved_timestamp`, `doc`, the document as jsonb, and `is_main`, false where the source is a companion such as
`medic-sentinel`; in a run it holds what has changed. What stands in a `doc`: look into `staging.document`, with
`select doc from staging.document where type = 'data_record' limit 3`.

A check selects `source`, `area_uuid` and `problem`, which is of a few fixed words. If it begins with `from document`,
it looks at what has changed since the last one, and at everything the first time and once a day; there `document` has
neither `doc` nor `is_main`. Without, it looks at everything each time.

Of an area with all that is below it: join `models.area_above` by the nearest area, and group by its `area_uuid`. The
nearest area of a person is in `models.person_area`, that of a place in `models.place_area`. The deployment's time zone
is `ops.deployment.timezone`: `cht.month(report.reported, deployment.timezone)` is the month of a moment in it.

Casts fail on what somebody has typed once in five years, and then the model fails: `cht.number(jsonb)`,
`cht.day(jsonb)`, `cht.instant(jsonb)` (a moment), `cht.code(jsonb)` (a text or number that isn't empty),
`cht.reference(jsonb)` (the `_id` in it) and `cht.string(jsonb)` give null instead. What is indexed goes through
`cht.key(text)`.

The task `tell_failing` of `cht_marts` is red while a file fails, with Postgres' code for it and the line, where
Postgres knows one: of a cast that fails it doesn't, and the value may be a patient's. Everything else goes on. The
table `ops.failing` has the same. Of a check `run_checks` is red instead, whatever its level. When a file is changed or
taken away, and all else: [deployment.md](deployment.md).
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
    """On a Postgres of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="cht-sync-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root the server runs as `nobody`
        server = Postgres(Path(folder) / "postgres")
        try:
            write(server.start())
        finally:
            server.stop()


def page(connection: warehouse.Connection, include: sql.Include = sql.INCLUDE) -> str:
    """docs/models.md: the relations of the files, with the columns that a warehouse has made of them."""
    return "\n".join([INTRODUCTION, *_chapters(connection, include), OWN, *_examples()])


def _chapters(connection: warehouse.Connection, include: sql.Include) -> Iterator[str]:
    for folder, (schema, title, about) in CHAPTERS.items():
        yield f"## {title}\n{about}\n"
        for file in sorted(definition.folder(folder, include), key=lambda file: file.name):
            yield _section(connection, schema, file)


def _section(connection: warehouse.Connection, schema: str, file: Relation) -> str:
    lines = [f"### {schema}.{file.name}", file.about]
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
