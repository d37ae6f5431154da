"""v1.couchdb and v1.couchdb_progress: software that was written for couch2pg reads them, and misses nothing."""

import json
import random
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from cht_sync import instances
from cht_sync import warehouse as warehouses
from cht_sync.models import v1
from cht_sync.operate import removal

from tests.lib.staged import SOURCE, Staged

OTHER, USERS, COUNTY = "other/medic", "demo/_users", "county/medic"

#: The columns of couch2pg's tables.
COUCHDB = [
    ("saved_timestamp", "timestamp without time zone"),
    ("_id", "character varying"),
    ("_deleted", "boolean"),
    ("source", "character varying"),
    ("doc", "jsonb"),
]
PROGRESS = [
    ("seq", "character varying"),
    ("pending", "integer"),
    ("updated_at", "timestamp with time zone"),
    ("source", "character varying"),
]

#: The query of an incremental model; `time` is the column by which it finds new rows.
LATER = """
    select _id, {time} as time, doc ->> '_rev' as rev
    from {relation}
    where {time} {operator} coalesce((select max(time) from mine), '-infinity')
"""


class Reader:
    """An incremental model: it reads the rows that are later than its latest one, and keeps them by _id."""

    def __init__(
        self, staged: Staged, operator: str = ">", relation: str = "v1.couchdb", time: str = "saved_timestamp"
    ) -> None:
        self._staged = staged
        self._later = LATER.format(operator=operator, relation=relation, time=time)
        staged.connection.execute("create temporary table mine (_id text primary key, time timestamptz, rev text)")

    def read(self) -> None:
        self._staged.connection.execute(
            "insert into mine select _id, time, rev from (" + self._later + ") as later "
            "on conflict (_id) do update set time = excluded.time, rev = excluded.rev"
        )

    def found(self) -> dict[str, Any]:
        return dict(self._staged.rows("select _id, rev from mine"))


def document(uuid: str, **fields: Any) -> dict[str, Any]:
    return {"_id": uuid, "_rev": "1-a", "type": "person"} | fields


def shown(staged: Staged, column: str = "doc ->> 'name'") -> dict[str, Any]:
    return dict(staged.rows(f"select _id, {column} from v1.couchdb"))


def stamps(staged: Staged) -> dict[str, datetime]:
    return shown(staged, "saved_timestamp")


@pytest.mark.parametrize(("view", "columns"), [("couchdb", COUCHDB), ("couchdb_progress", PROGRESS)])
def test_the_columns_are_those_of_couch2pg(staged: Staged, view: str, columns: list[tuple[str, str]]) -> None:
    found = staged.rows(
        """
        select column_name::text, data_type::text
        from information_schema.columns
        where table_schema = 'v1' and table_name = %s
        order by ordinal_position
        """,
        [view],
    )
    assert found == columns


def test_documents_that_the_models_have_taken_in_are_shown(staged: Staged) -> None:
    staged.page([document("p", name="A")])
    assert shown(staged) == {}
    staged.update()
    assert shown(staged) == {"p": "A"}
    assert shown(staged, "doc") == {"p": document("p", name="A")}
    assert shown(staged, "source") == {"p": SOURCE}


def test_a_run_publishes_everything_at_one_time(staged: Staged) -> None:
    staged.source(OTHER)
    staged.page([document("p")])
    staged.page([document("q")])
    staged.page([document("r")], source=OTHER)
    before = staged.row("select clock_timestamp() at time zone 'UTC' - interval '1 millisecond'")[0]
    staged.update()
    (moment,) = set(stamps(staged).values())
    assert before <= moment <= staged.row("select clock_timestamp() at time zone 'UTC'")[0]


def test_the_time_of_a_run_is_in_whole_milliseconds(staged: Staged) -> None:
    """JavaScript and many tools know no smaller unit: they would round the latest time to another one."""
    for n in range(3):
        staged.page([document(f"p{n}")])
        staged.update()
    assert all(moment.microsecond % 1000 == 0 for moment in stamps(staged).values())


def test_each_run_is_later_than_all_before_over_all_sources(staged: Staged) -> None:
    staged.source(OTHER)
    for n, source in enumerate([SOURCE, OTHER, SOURCE, OTHER, OTHER]):
        staged.page([document(f"p{n}")], source=source)
        staged.update()
    moments = [moment for _, moment in sorted(stamps(staged).items())]
    assert all(one < other for one, other in pairwise(moments))


def test_a_run_is_later_even_if_the_clock_went_back(staged: Staged) -> None:
    staged.page([document("p")])
    staged.update()
    staged.connection.execute("update ops.publication set published_at = '2999-01-01'")
    staged.page([document("q")])
    staged.update()
    assert stamps(staged)["q"] == datetime(2999, 1, 1) + timedelta(milliseconds=1)


def test_the_time_of_a_document_stays_until_it_changes(staged: Staged) -> None:
    staged.page([document("p"), document("q")])
    staged.update()
    first = stamps(staged)
    staged.page([document("q", name="B")])
    staged.update()
    assert stamps(staged)["p"] == first["p"]
    assert stamps(staged)["q"] > first["q"]


def test_a_run_with_nothing_new_publishes_nothing(staged: Staged) -> None:
    staged.page([document("p")])
    staged.update()
    before = staged.rows("table ops.published")
    staged.page()
    staged.update()
    assert staged.rows("table ops.published") == before


@pytest.mark.parametrize("operator", [">", ">="])
def test_a_page_that_is_committed_late_is_read(staged: Staged, warehouse: str, operator: str) -> None:
    """Its transaction began before another source's page, and is committed after that page was read."""
    staged.source(OTHER)
    reader = Reader(staged, operator)
    commit_late(staged, warehouse, reader)
    assert reader.found() == shown(staged, "doc ->> '_rev'")
    assert set(reader.found()) == {"early", "late"}


def test_by_the_time_of_its_page_a_document_would_be_missed(staged: Staged, warehouse: str) -> None:
    """The time of the models' run prevents this defect."""
    staged.source(OTHER)
    reader = Reader(staged, relation="staging.document")
    commit_late(staged, warehouse, reader)
    assert set(reader.found()) == {"early"}


def commit_late(staged: Staged, dsn: str, reader: Reader) -> None:
    with warehouses.connect(partial(psycopg.connect, dsn)) as connection:
        slow = Staged(connection)
        with connection.transaction():
            slow.page([document("late")], source=OTHER)
            staged.page([document("early")])
            staged.update()
            reader.read()
    staged.update()
    reader.read()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("operator", [">", ">="])
def test_a_reader_ends_with_the_rows_of_the_view(staged: Staged, operator: str, seed: int) -> None:
    """Pages, deletions, runs and reads come in any order, in sources that share ids."""
    chance = random.Random(f"{operator} {seed}")
    sources = [SOURCE, OTHER, USERS]
    for source in sources[1:]:
        staged.source(source)
    reader = Reader(staged, operator)
    for n in range(40):
        source, uuid = chance.choice(sources), f"p{chance.randrange(8)}"
        match chance.choice(["page", "page", "delete", "gone", "update", "update", "read"]):
            case "page":
                staged.page([document(uuid, _rev=f"{n}-a")], source=source)
            case "delete":
                staged.page(deleted=[uuid], source=source)
            case "gone":
                staged.gone(uuid, "purged", source)
            case "update":
                staged.update()
            case "read":
                reader.read()
    staged.update()
    reader.read()
    assert reader.found() == shown(staged, "doc ->> '_rev'")
    assert len(reader.found()) == staged.row("select count(distinct _id) from staging.document")[0]


SAME = [
    pytest.param([USERS, SOURCE], SOURCE, id="the main database before its companions"),
    pytest.param([SOURCE, OTHER], SOURCE, id="instances by their names"),
    pytest.param([SOURCE, OTHER, COUNTY], COUNTY, id="of three the first"),
    pytest.param([USERS, OTHER], OTHER, id="the main database of another instance, too"),
]


@pytest.mark.parametrize(("backwards", "at_once"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize(("sources", "first"), SAME)
def test_of_two_documents_with_one_id_the_first_source_is_shown(
    staged: Staged, sources: list[str], first: str, backwards: bool, at_once: bool
) -> None:
    for source in {*sources} - {SOURCE}:
        staged.source(source)
    for source in reversed(sources) if backwards else sources:
        staged.page([document("settings", name=source), document(source)], source=source)
        if not at_once:
            staged.update()
    staged.update()
    assert shown(staged)["settings"] == first
    assert set(shown(staged)) == {"settings", *sources}
    assert staged.row("select count(*) from v1.couchdb") == (len(sources) + 1,)


def test_a_document_that_is_deleted_in_the_first_source_is_shown_as_deleted(staged: Staged) -> None:
    """If only live documents had a rank, an old row of another source would appear, which no reader reads again."""
    staged.source(OTHER)
    for source in (SOURCE, OTHER):
        staged.page([document("p", name=source)], source=source)
    staged.update()
    staged.page(deleted=["p"])
    staged.update()
    assert shown(staged, "_deleted") == {"p": True}
    assert shown(staged, "source") == {"p": SOURCE}


def test_a_source_that_is_not_shown_hides_nothing(staged: Staged) -> None:
    """Its first copy is still running."""
    staged.source(OTHER)
    staged.page([document("p", name=OTHER)], source=OTHER)
    staged.page([document("p", name=SOURCE)])
    staged.connection.execute("update ops.checkpoint set mode = 'copying' where source = %s", [SOURCE])
    staged.update()
    assert shown(staged) == {"p": OTHER}
    staged.connection.execute("update ops.checkpoint set mode = 'incremental' where source = %s", [SOURCE])
    staged.update()
    assert shown(staged) == {"p": SOURCE}


def test_a_removed_instance_hides_nothing_any_more(staged: Staged) -> None:
    staged.source(OTHER)
    for source in (SOURCE, OTHER):
        staged.page([document("p", name=source)], source=source)
    staged.update()
    removal.remove(staged.connection, instances.Configuration(timezone="UTC"), "demo")
    staged.update()
    assert shown(staged) == {"p": OTHER}
    assert staged.rows("select source from ops.published where source = %s", [SOURCE]) == []


def test_changes_after_the_removal_of_an_instance_are_still_later(staged: Staged) -> None:
    staged.source(OTHER)
    staged.page([document("p")])
    staged.update()
    staged.connection.execute("update ops.publication set published_at = '2999-01-01'")
    removal.remove(staged.connection, instances.Configuration(timezone="UTC"), "demo")
    staged.page([document("q")], source=OTHER)
    staged.update()
    assert stamps(staged)["q"] > datetime(2999, 1, 1)


def test_a_deleted_document_is_a_stub(staged: Staged) -> None:
    staged.page([document("p", name="A"), document("q", name="B")])
    staged.update()
    staged.page(deleted=["p"])
    staged.update()
    (rev,) = staged.row("select _rev from staging.document where _id = 'p'")
    assert shown(staged, "_deleted") == {"p": True, "q": False}
    assert shown(staged, "doc")["p"] == {"_id": "p", "_rev": rev, "_deleted": True}


@pytest.mark.parametrize("how", ["purged", "archived", "replaced", "erased"])
def test_a_document_that_left_couchdb_is_shown_as_deleted(staged: Staged, how: str) -> None:
    """Nothing else would remove it from an incremental model. The stub of an erased person has no contents."""
    staged.page([document("p", name="A")])
    staged.update()
    before = stamps(staged)["p"]
    staged.gone("p", how)
    staged.update()
    assert shown(staged, "_deleted") == {"p": True}
    assert shown(staged) == {"p": None}
    assert stamps(staged)["p"] > before


def test_archived_reports_stay(staged: Staged) -> None:
    """They stay in the models too, and in couch2pg, which never learns that they were archived."""
    report = {"_id": "r", "_rev": "1-a", "type": "data_record", "form": "visit"}
    staged.page([report, document("p")])
    staged.update()
    for uuid in ("r", "p"):
        staged.gone(uuid, "archived")
    staged.update()
    assert shown(staged, "_deleted") == {"r": False, "p": True}
    assert shown(staged, "doc")["r"] == report
    staged.gone("r", "purged")
    staged.update()
    assert shown(staged, "_deleted") == {"r": True, "p": True}


def test_no_column_is_null(staged: Staged) -> None:
    staged.page([document("p"), {"_id": "q"}, {"_id": "r", "type": None}], deleted=["s"])
    staged.update()
    staged.gone("p", "purged")
    staged.update()
    assert staged.row("select count(*) from v1.couchdb") == (4,)
    nulls = "select sum(num_nulls(saved_timestamp, _id, _deleted, source, doc)) from v1.couchdb"
    assert staged.row(nulls) == (0,)


def test_the_name_of_a_source_is_that_of_its_instance(staged: Staged) -> None:
    staged.source(USERS)
    staged.page([document("p")])
    staged.page([document("q")], source=USERS)
    staged.update()
    given = instances.Instance("demo", "couchdb_demo", ("medic", "_users"), source_name="cht.example.org")
    v1.name(staged.connection, given)
    assert shown(staged, "source") == {"p": "cht.example.org/medic", "q": "cht.example.org/_users"}
    assert staged.values("select source from v1.couchdb_progress order by 1") == [
        "cht.example.org/_users",
        "cht.example.org/medic",
    ]
    v1.name(staged.connection, instances.Instance("demo", "couchdb_demo", ("medic", "_users")))
    assert shown(staged, "source") == {"p": "demo/medic", "q": "demo/_users"}


def test_a_warehouse_with_earlier_models_shows_their_documents(staged: Staged) -> None:
    staged.page([document("p", name="A")])
    staged.update()
    staged.connection.execute("truncate ops.published, ops.publication, ops.published_source, ops.shadowed")
    staged.update()
    assert shown(staged) == {"p": "A"}


MONITORING = """
    select
        split_part(seq, '-', 1) as sequence,
        pending as pending,
        case when updated_at < now() - interval '1 minute' then 0 else 1 end as liveness,
        split_part(source, '/', 2) as db,
        split_part(source, '/', 1) as cht_instance
    from v1.couchdb_progress
    where source like '%/%' and seq like '%-%'
    order by cht_instance, db
"""


def test_a_query_of_monitoring_reads_the_progress(staged: Staged) -> None:
    staged.source(OTHER)
    staged.source("third/medic")
    change = "update ops.checkpoint set seq = %s, pending = %s, updated_at = now() - %s::interval where source = %s"
    for source, seq, pending, age in [
        (SOURCE, "15-g1AAAA", 12, "2 minutes"),
        (OTHER, "7-g1AAAB", 5_000_000_000, "0"),
        ("third/medic", "0", None, "0"),
    ]:
        staged.connection.execute(change, [seq, pending, age, source])
    assert staged.rows(MONITORING) == [
        ("15", 12, 0, "medic", "demo"),
        ("7", 2147483647, 1, "medic", "other"),
    ]


QUERIES = {
    "a subquery": "select * from v1.couchdb where saved_timestamp >= (select max(saved_timestamp) from mine)",
    "a subquery, strictly": "select * from v1.couchdb where saved_timestamp > (select max(saved_timestamp) from mine)",
    "a constant": "select * from v1.couchdb where saved_timestamp > timestamp '{latest}'",
    "an id": "select * from v1.couchdb where _id = 'id-7'",
    "ids": "select couchdb.* from mine join v1.couchdb on couchdb._id = mine.uuid",
}


def test_the_query_of_an_incremental_model_reads_no_whole_table_of_documents(staged: Staged) -> None:
    """The last run has published 50 of 60,000 documents in three sources."""
    fill(staged)
    (latest,) = staged.row("select max(published_at) from ops.published")
    staged.connection.execute(
        "create temporary table mine as select _id::text as uuid, saved_timestamp from v1.couchdb "
        "where saved_timestamp = %s",
        [latest],
    )
    staged.connection.execute("analyze mine")
    for name, query in QUERIES.items():
        (plan,) = staged.row("explain (analyze, format json) " + query.format(latest=latest))
        steps = [step for step in nodes(plan[0]["Plan"]) if is_document(step)]
        assert steps, name
        whole = [step["Relation Name"] for step in steps if step["Node Type"].endswith("Seq Scan")]
        assert whole == [], f"{name}: {json.dumps(plan)}"
        assert sum(step["Actual Rows"] * step["Actual Loops"] for step in steps) <= 200, name


def fill(staged: Staged) -> None:
    for source in (OTHER, COUNTY):
        staged.source(source)
    staged.connection.execute(
        """
        insert into staging.document (source, _id, _rev, _deleted, type, saved_timestamp, batch, redaction_version, doc)
        select source, 'id-' || n, '1-a', false, 'task', now(), 1 + n / 3000, 1, jsonb_build_object('_id', 'id-' || n)
        from unnest(%s::text[]) with ordinality as given (source, number)
        cross join lateral generate_series((number - 1) * 20000, number * 20000 - 1) as n
        """,
        [[SOURCE, OTHER, COUNTY]],
    )
    staged.connection.execute("analyze")
    staged.connection.execute("update ops.checkpoint set batch = 21, caught_up_at = now()")
    staged.update()
    for n in range(9):
        staged.page([document(f"id-{n}-{m}") for m in range(50)], source=(SOURCE, OTHER, COUNTY)[n % 3])
        staged.update()
    staged.connection.execute("analyze")


def is_document(step: dict[str, Any]) -> bool:
    return str(step.get("Relation Name", "")).startswith("document_")


def nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)
