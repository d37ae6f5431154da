"""python -m bench.counts [SIZE …]: how long a change of the counts takes, compared with counting everything again.

The benchmark makes a county in the database, of a million persons by default. `10m` makes ten times as many, compares
the time of changes with a county of a million, and leaves out the rest, which would take hours. The models and counts
are made from all documents. Then a thousand persons change, a place with 5,000 descendants moves, and a district is
muted. For comparison, the same numbers are counted from the contacts in one statement, and by refreshing a materialized
view of it, as one would without this package. The numbers must be equal. Then follow a whole run of cht_marts after
another thousand changes, and a day of history.
"""

import datetime
import statistics
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg
from cht_sync import warehouse
from cht_sync.copy import write as staging
from cht_sync.models import runner
from cht_sync.reports import checks, history, marts
from cht_sync.warehouse import migrations

from bench import report, server, timed
from bench.county import CHANGES, PERSONS, SIZES, Change, Size

SOURCE = "bench/medic"
SQL = Path(__file__).parent / "sql"

#: How often a change is measured; the median counts.
ROUNDS = 5

#: The deployment's time zone, and a day with registrations and reports.
TIMEZONE, DAY = "Africa/Nairobi", datetime.date(2024, 6, 3)

#: The materialized views that are compared with the kept counts, with their keys.
VIEWS = {"area_totals": ("source", "area_uuid"), "area_bands": ("source", "area_uuid", "sex", "band")}

#: The settings that docs/operating.md recommends, on a machine of its own.
SETTINGS = {
    "shared_buffers": f"{psutil.virtual_memory().total // 2**22}MB",  # a quarter
    "maintenance_work_mem": "256MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}


def main(names: list[str], folder: Path = report.RESULTS) -> int:
    """Returns 0, because it has measured. 10m is compared with 1m, so 1m is measured first."""
    chosen = [SIZES[name] for name in names or ["1m"]]
    is_short = SIZES["10m"] in chosen
    if is_short and SIZES["1m"] not in chosen:
        chosen.insert(0, SIZES["1m"])
    found = {}
    for size in chosen:
        with server.running(SETTINGS) as postgres, warehouse.connect(partial(psycopg.connect, postgres.dsn())) as own:
            found[size.name] = measure(own, size, is_short=is_short)
            version = own.info.parameter_status("server_version") or ""
    rows = [{"size": name, **row} for name, measured in found.items() for row in measured]
    # its own file: it measures less of a million than the other
    name = "counts-10m" if is_short else "counts"
    report.write(name, rows, goals(rows), {"postgres": version}, folder=folder)
    return 0


def measure(connection: warehouse.Connection, size: Size, *, is_short: bool) -> list[dict[str, Any]]:
    """The rows of one size, in the order of the measurement."""
    rows = [make(connection, size), rebuild(connection), *compare(connection)]
    for change in CHANGES:
        rows.append(keep(connection, size, change))
        if change is PERSONS or not is_short:
            rows.extend(compare(connection, change))
    rows.append(turn(connection))
    if not is_short:
        rows += [*run_of_marts(connection, size), day_of_history(connection)]
    return [*rows, sizes(connection)]


def make(connection: warehouse.Connection, size: Size) -> dict[str, Any]:
    """The documents."""
    started = time.monotonic()
    migrations.migrate(connection)
    staging.prepare(connection, {SOURCE: ("bench", "medic")})
    execute(connection, "county", {"source": SOURCE, "households": size.households, "reports": size.reports})
    connection.execute("vacuum analyze staging.document")
    documents = number(connection, "select count(*) from staging.document")
    return say({"what": "the county is made", "documents": documents, "seconds": time.monotonic() - started})


def rebuild(connection: warehouse.Connection) -> dict[str, Any]:
    """Makes all models and counts from all documents, on one backend."""
    connection.execute("set max_parallel_workers_per_gather = 0")
    with timed.statements(connection) as took:
        runner.update(connection)
    connection.execute("reset max_parallel_workers_per_gather")
    connection.execute("vacuum analyze")
    marts.refresh(connection)
    row = connection.execute("select count(*) from staging.document where not _deleted and gone is null").fetchone()
    documents = row[0] if row else 0
    return say(
        {
            "what": "all models from nothing",
            "documents": documents,
            "seconds": took.seconds,
            "fold": took.of("fold_"),
            "documents a second": documents / took.seconds,
        }
    )


def compare(connection: warehouse.Connection, change: Change | None = None) -> list[dict[str, Any]]:
    """The same numbers without kept counts: in one statement each, and by refreshing views. They must be equal."""
    once = {name: counted(connection, name) for name in VIEWS}
    viewed = {name: refreshed(connection, name) if change else created(connection, name) for name in VIEWS}
    after = f" after {change.name}" if change else ""
    return [
        say({"what": f"{what}{after}", "seconds": sum(took.values()), **took})
        for what, took in (
            ("counted in one statement", once),
            (f"materialized view {'refreshed' if change else 'made'}", viewed),
        )
    ]


def counted(connection: warehouse.Connection, name: str) -> float:
    with connection.transaction(force_rollback=True), timed.statements(connection) as took:
        connection.execute("set local work_mem = '128MB'")
        connection.execute(f"create temporary table recount as {_query(name)}".encode())
    return took.seconds


def created(connection: warehouse.Connection, name: str) -> float:
    with connection.transaction(), timed.statements(connection) as took:
        connection.execute("set local work_mem = '128MB'")
        connection.execute(f"create materialized view bench.{name} as {_query(name)}".encode())
        connection.execute(f"create unique index on bench.{name} ({', '.join(VIEWS[name])})".encode())
    _require_same(connection, name)
    return took.seconds


def refreshed(connection: warehouse.Connection, name: str) -> float:
    with connection.transaction(), timed.statements(connection) as took:
        connection.execute("set local work_mem = '128MB'")
        connection.execute(f"refresh materialized view concurrently bench.{name}".encode())
    _require_same(connection, name)
    return took.seconds


def _query(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def _require_same(connection: warehouse.Connection, name: str) -> None:
    if different := number(connection, _query(f"{name}_differ")):
        raise SystemExit(f"{different} counts differ from the materialized view {name}")


def keep(connection: warehouse.Connection, size: Size, change: Change) -> dict[str, Any]:
    """Applies a change to the models and counts, several times."""
    whole, fold, documents = [], [], []
    for round_ in range(ROUNDS):
        write(connection, size, change, round_)
        with timed.statements(connection) as took:
            documents.append(runner.update(connection).changed)
        whole.append(took.seconds)
        fold.append(took.of("fold_"))
    return say(
        {
            "what": f"{change.name}: update_models",
            "documents": max(documents),
            "seconds": statistics.median(whole),
            "fold": statistics.median(fold),
        }
    )


def turn(connection: warehouse.Connection) -> dict[str, Any]:
    """New days: on each, some persons reach the next age band, and no document has changed."""
    (first,) = connection.execute("select max(as_of) from ops.band_day").fetchone() or (DAY,)
    whole, fold = [], []
    for days in range(1, ROUNDS + 1):
        with timed.statements(connection) as took:
            runner.update(connection, today=first + datetime.timedelta(days))
        whole.append(took.seconds)
        fold.append(took.of("fold_"))
    what = "another day begins: update_models"
    return say({"what": what, "documents": 0, "seconds": statistics.median(whole), "fold": statistics.median(fold)})


def write(connection: warehouse.Connection, size: Size, change: Change, round_: int) -> None:
    """A page of changes, another one each round."""
    parameters = {
        "source": SOURCE,
        "round": round_,
        "rows": change.rows,
        "persons": size.persons,
        "households": size.households,
        "centre": round_ % size.centres,
        "district": round_ % size.districts,
    }
    with connection.transaction():
        execute(connection, change.file, parameters)


def run_of_marts(connection: warehouse.Connection, size: Size) -> list[dict[str, Any]]:
    """All checks, as once a day; then the database time of a run of cht_marts after a page of persons."""
    with timed.statements(connection) as daily:
        checks.run(connection, DAY)
    rows = [say({"what": "all checks of everything, daily", "seconds": daily.database})]
    runs = []
    for round_ in range(ROUNDS, 2 * ROUNDS):
        write(connection, size, PERSONS, round_)
        with timed.statements(connection) as modelled:
            runner.update(connection)
        with timed.statements(connection) as refreshed:
            marts.refresh(connection)
        with timed.statements(connection) as checked:
            checks.run(connection, DAY)
        runs.append([took.database for took in (modelled, refreshed, checked)])
    runs.sort(key=sum)
    update, refresh, check = runs[ROUNDS // 2]
    row = {"seconds": update + refresh + check, "models": update, "marts": refresh, "checks": check}
    rows.append(say({"what": f"a run of cht_marts after {PERSONS.name}", **row}))
    connection.execute("update ops.mart_state set refreshed_at = refreshed_at - interval '1 hour'")
    connection.execute("update ops.check_state set checked_at = checked_at - interval '1 hour'")
    with timed.statements(connection) as refreshed:
        marts.refresh(connection)
    with timed.statements(connection) as checked:
        checks.run(connection, DAY)
    took = [done.database for done in (refreshed, checked)]
    row = {"seconds": sum(took), "marts": took[0], "checks": took[1]}
    return [*rows, say({"what": "once an hour: the other marts and checks", **row})]


def day_of_history(connection: warehouse.Connection) -> dict[str, Any]:
    """One day, as a backfill counts each."""
    took = []
    for days in range(ROUNDS):
        with timed.statements(connection) as counted:
            history.count_day(connection, DAY + datetime.timedelta(days), TIMEZONE)
        took.append(counted.database)
    return say({"what": "a day of history", "seconds": statistics.median(took)})


def sizes(connection: warehouse.Connection) -> dict[str, Any]:
    """The sizes on disk, as multiples of the raw JSON."""
    cursor = connection.execute((SQL / "sizes.sql").read_bytes())
    row = cursor.fetchone()
    names = [column.name for column in cursor.description or ()]
    found = dict(zip(names, map(int, row or ()), strict=True))
    raw = found.pop("raw")
    return say({"what": "on disk, of the raw JSON", "raw GB": raw / 1e9} | {k: v / raw for k, v in found.items()})


def goals(rows: list[dict[str, Any]]) -> list[report.Goal]:
    """The goals of the measured sizes of a million persons or more."""
    found = {(row["size"], row["what"]): row for row in rows}
    wanted = []
    for size in [name for name in dict.fromkeys(row["size"] for row in rows) if SIZES[name].persons >= 1_000_000]:
        kept = found[size, f"{PERSONS.name}: update_models"]
        refresh = found[size, f"materialized view refreshed after {PERSONS.name}"]["seconds"]
        pace = found[size, "all models from nothing"]["documents a second"]
        wanted += [
            report.Goal(f"{size}, 1,000 persons: refresh / fold", refresh / kept["fold"], 100, at_most=False),
            report.Goal(
                f"{size}, 1,000 persons: refresh / update_models", refresh / kept["seconds"], 20, at_most=False
            ),
            report.Goal(f"{size}, all models: documents a second", pace, 20_000, at_most=False),
        ]
    if run := found.get(("1m", f"a run of cht_marts after {PERSONS.name}")):
        wanted += [
            report.Goal("1m, a run of cht_marts: seconds", run["seconds"], 3),
            report.Goal("1m, a day of history: seconds", found["1m", "a day of history"]["seconds"], 2),
        ]
    small, large = (found.get((size, f"{PERSONS.name}: update_models")) for size in ("1m", "10m"))
    if small and large:
        wanted += [
            report.Goal(f"1,000 persons, {name}: 10m / 1m", large[column] / small[column], 1.5)
            for name, column in (("fold", "fold"), ("update_models", "seconds"))
        ]
    return wanted


def execute(connection: warehouse.Connection, name: str, parameters: Mapping[str, Any]) -> None:
    """Executes a file of bench/sql: several statements with parameters."""
    psycopg.ClientCursor(connection).execute((SQL / f"{name}.sql").read_bytes(), parameters)


def number(connection: warehouse.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def say(row: dict[str, Any]) -> dict[str, Any]:
    """Prints a row at once, because a large county takes long."""
    print(", ".join(f"{key} {report.text(value)}" for key, value in row.items()), flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
