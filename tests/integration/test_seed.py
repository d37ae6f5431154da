"""A first copy from couch2pg's table: the feed and a comparison make of it what CouchDB has, however wrong it was."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
import pytest
from cht_sync import couchdb, errors
from cht_sync import warehouse as warehouses
from cht_sync.copy import checkpoint, write
from cht_sync.copy.encoding import redaction
from cht_sync.copy.job import Job
from cht_sync.first_copy import couch2pg as from_couch2pg
from cht_sync.first_copy import plan as first_copy
from cht_sync.first_copy import ranges as one_range
from cht_sync.models import runner
from cht_sync.verify import verification
from psycopg import sql as identifiers

from tests.lib import replaced
from tests.lib.couch2pg import NAME, OTHER, Couch2pg
from tests.lib.kills import kill, statements
from tests.lib.pages import SOURCE, Warehouse
from tests.lib.replaced import Source

SECRET = {"password_scheme": "pbkdf2", "derived_key": "5ecre7", "salt": "5a17", "oidc_username": "who@example.org"}


class Seeding:
    """The steps of a first copy of that source from that table, and what comes after it."""

    def __init__(self, source: Source, couch2pg: Couch2pg, dsn: str, database: str = "medic", **old: str) -> None:
        self.source, self.database, self.dsn = source, database, dsn
        self.name = SOURCE.replace("medic", database)
        given = {"schema": "v1", "table": "couchdb", "name": NAME} | old
        self.old = from_couch2pg.Old(couch2pg.open, **given)
        self.options = first_copy.Options(page_rows=3, seconds=60, wait=0)
        self.said: list[str] = []

    def client(self) -> couchdb.Client:
        return couchdb.Client(couchdb.Server(self.source.url))

    def report(self, said: object) -> None:
        self.said.append(str(said))

    def job(self, connection: warehouses.Connection) -> Job:
        return Job(connection, self.client, self.name, self.database, self.report, lambda _: None)

    def plan(self, connection: warehouses.Connection, options: first_copy.Options | None = None) -> list[int]:
        return from_couch2pg.plan(self.job(connection), self.old, options or self.options)

    def copy(self, connection: warehouses.Connection) -> Any:
        return from_couch2pg.copy(self.job(connection), self.old, self.options)

    def hand_over(self, connection: warehouses.Connection) -> bool:
        return first_copy.hand_over(self.job(connection), self.options)

    def whole(self, connection: warehouses.Connection) -> None:
        assert self.plan(connection) == [1]
        self.copy(connection)
        assert self.hand_over(connection)

    def compare(self, connection: warehouses.Connection, **options: Any) -> verification.Verification:
        given = verification.Options(**({"seconds": 60} | options))
        second = partial(warehouses.connect, partial(psycopg.connect, self.dsn))
        return verification.run(Job(connection, self.client, SOURCE, "medic", print, lambda _: None, second), given)


@pytest.fixture
def source() -> Iterator[Source]:
    """Ten persons, one of them with an id that needs escapes, one deleted, and what is never copied."""
    with replaced.serve() as source:
        for n in range(9):
            put(source, f"p{n}", n=n)
        put(source, "ü\t\\n\"'")
        put(source, "_design/medic", views={})
        put(source, "token:login:x", user="x")
        source.fake.delete("p0")
        yield source


def put(source: Source, name: str, rev: str = "1-a", **fields: Any) -> None:
    source.fake.put(name, json.dumps(document(name, rev, **fields)), rev)


def document(name: str, rev: str = "1-a", **fields: Any) -> dict[str, Any]:
    return {"_id": name, "_rev": rev, "type": "person"} | fields


@pytest.fixture
def couch2pg(empty_warehouse: str) -> Couch2pg:
    return Couch2pg(empty_warehouse)


@pytest.fixture
def seeding(source: Source, couch2pg: Couch2pg, warehouse: str) -> Seeding:
    return Seeding(source, couch2pg, warehouse)


def same(source: Source, staged: Warehouse) -> bool:
    return replaced.staged(staged.connection) == [
        row for row in source.documents() if not row[0].startswith(("_design/", "token:login:"))
    ]


def is_complete(staged: Warehouse) -> bool:
    """As the counts say it."""
    runner.update(staged.connection)
    found = staged.connection.execute("select caught_up_at is not null from ops.model_source").fetchall()
    return found == [(True,)]


def requests_for_bodies(source: Source) -> list[str]:
    """Notes, from here on, the ids of the documents that CouchDB is asked for."""
    asked: list[str] = []
    answer = source.fake.answer

    def noted(request: Any) -> Any:
        found = answer(request)
        if "include_docs" in request.query:
            lines = found.body.split(b"\n")
            asked.extend(json.loads(line.strip(b",\r"))["id"] for line in lines if b'"id":' in line)
        return found

    source.fake.answer = noted  # type: ignore[method-assign]
    return asked


def test_what_couch2pg_has_needs_no_copy(
    source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse
) -> None:
    couch2pg.copy(source.fake)
    asked = requests_for_bodies(source)
    seeding.whole(staged.connection)
    assert same(source, staged)
    assert staged.rows("_id, _rev, doc", order="_deleted desc, _id")[0] == ("p0", "2-d", None)
    begun = staged.checkpoint()
    assert (begun.mode, begun.batch, begun.seq) == ("incremental", 1, f"{source.fake.last}-g1AAAA")
    put(source, "later")
    assert source.copy(staged.connection).rows == 1
    assert seeding.compare(staged.connection).wrong == 0
    assert same(source, staged)
    assert asked == ["later"]


def test_it_is_not_complete_until_it_was_compared(
    source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse
) -> None:
    couch2pg.copy(source.fake)
    seeding.whole(staged.connection)
    assert not is_complete(staged)
    assert seeding.compare(staged.connection).waits
    put(source, "later")
    source.copy(staged.connection)
    assert not is_complete(staged)
    assert runner.update(staged.connection) == runner.Update()
    seeding.compare(staged.connection)
    assert staged.connection.execute("select seeded_at from ops.checkpoint").fetchone() == (None,)
    assert is_complete(staged)


def spoil(source: Source, couch2pg: Couch2pg) -> None:
    """Everything that was seen in such tables, and then some."""
    couch2pg.copy(source.fake)
    put(source, "p1", "2-b", n=11)
    couch2pg.note(f"{source.fake.last}-g1AAAA")  # noted, and the row never came
    couch2pg.put("p2", document("p2", "9-z"))  # of a database that was restored since
    couch2pg.run("delete from v1.couchdb where _id = 'p3'")
    couch2pg.put("p4", {"_id": "p4", "_rev": "2-c", "_deleted": True}, deleted=True)  # written again since
    couch2pg.put("p5", document("p5-sentinel"), name=OTHER)  # another database had the same id
    couch2pg.put("p6", {"_id": "p6", "type": "person"})  # no revision
    couch2pg.put("p7", None)
    couch2pg.put("p8", document("p9"))  # another's document
    couch2pg.put("p0", document("p0"))  # deleted since
    couch2pg.put("ghost", document("ghost"))  # purged since
    couch2pg.put("text", "no object")
    couch2pg.put("null", document("null"), deleted=None, name=None)  # of before there was a source


@pytest.mark.parametrize("seq", ["noted", "0", None])
def test_an_old_table_that_is_wrong_is_made_right(
    source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse, seq: str | None
) -> None:
    spoil(source, couch2pg)
    if seq != "noted":
        couch2pg.note(seq)
    seeding.whole(staged.connection)
    source.copy(staged.connection)
    assert not is_complete(staged)
    if seq == "noted":
        assert not same(source, staged)
        assert seeding.compare(staged.connection, repair=False).left_over == 10
        assert not is_complete(staged)
    assert seeding.compare(staged.connection).left_over == 0
    assert same(source, staged)
    assert is_complete(staged)


def test_a_comparison_that_leaves_something_proves_nothing(
    source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse
) -> None:
    couch2pg.copy(source.fake)
    for n in range(150):
        couch2pg.put(f"ghost{n}", document(f"ghost{n}"))
    seeding.whole(staged.connection)
    source.copy(staged.connection)
    assert seeding.compare(staged.connection, most_gone=10).left_over == 150
    assert not is_complete(staged)


def test_reading_it_again_proves_it_too_and_brings_what_couch2pg_had_changed(
    source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse
) -> None:
    """Its JavaScript rounds large numbers, and it takes NUL out of texts: the revision is the same."""
    spoil(source, couch2pg)
    put(source, "large", n=12345678901234567890)
    couch2pg.put("large", document("large", n=12345678901234567000))
    couch2pg.note(f"{source.fake.last}-g1AAAA")
    seeding.whole(staged.connection)
    assert set(staged.rows("redaction_version")) == {(redaction.SEEDED,)}
    source.copy(staged.connection, "resync")
    assert same(source, staged)
    assert set(staged.rows("redaction_version", order="redaction_version")) >= {(redaction.REDACTION_VERSION,)}
    assert is_complete(staged)


def test_what_the_feed_names_again_is_written_again(
    source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse
) -> None:
    put(source, "large", n=12345678901234567890)
    couch2pg.copy(source.fake)
    couch2pg.put("large", document("large", n=12345678901234567000))
    couch2pg.note(f"{source.fake.last - 1}-g1AAAA")
    seeding.whole(staged.connection)
    assert not same(source, staged)
    source.copy(staged.connection)
    assert same(source, staged)


def test_what_changes_while_couch2pg_goes_on_comes_by_the_feed(
    source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse
) -> None:
    """Both run: its note is read before its rows, so that what is later than the note is named again."""
    couch2pg.copy(source.fake)
    assert seeding.plan(staged.connection) == [1]
    put(source, "a new one")
    put(source, "p1", "2-b", n=11)
    source.fake.delete("p2")
    couch2pg.copy(source.fake)
    put(source, "p8", "2-b", n=88)
    seeding.copy(staged.connection)
    seeding.hand_over(staged.connection)
    source.copy(staged.connection)
    assert same(source, staged)


def test_it_is_killed_anywhere_and_goes_on(
    source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse, warehouse: str, other_warehouse: str
) -> None:
    couch2pg.copy(source.fake)

    def task(connection: warehouses.Connection) -> None:
        seeding.whole(connection)

    with warehouses.connect(partial(psycopg.connect, other_warehouse)) as connection:
        Warehouse(connection)
    sent = statements(other_warehouse, task)
    for share in (0.2, 0.35, 0.5, 0.65, 0.8):
        kill(warehouse, task, int(share * sent))
        staged.connection.execute(
            "update ops.checkpoint set mode = 'incremental', reads = 0, batch = 0, seq = '0' where mode <> 'copying'"
        )
        seeding.whole(staged.connection)
        assert same(source, staged)
        begin_again(staged)


def begin_again(staged: Warehouse) -> None:
    """As before the first try."""
    staged.connection.execute("truncate staging.document, ops.snapshot_range, ops.rejected_document")
    staged.connection.execute("update ops.checkpoint set reads = 0, batch = 0, seq = '0', seeded_at = null")


@dataclass(frozen=True)
class Lost(from_couch2pg.Old):
    """The connection to it is lost at the third page."""

    asked: list[str] = field(default_factory=list)

    def query(self, relation: str) -> identifiers.Composed:
        self.asked.append(relation)
        if self.asked.count("page") == 3:
            raise psycopg.OperationalError
        return super().query(relation)


def test_what_was_copied_is_not_copied_again(
    source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse
) -> None:
    couch2pg.copy(source.fake)
    seeding.plan(staged.connection)
    whole = seeding.old
    seeding.old = Lost(whole.connect, whole.schema, whole.table, whole.name)
    with pytest.raises(errors.WarehouseUnreachable):
        seeding.copy(staged.connection)
    assert staged.rows("documents", "ops.snapshot_range", "1") == [(6,)]
    assert not seeding.hand_over(staged.connection)
    seeding.old = whole
    assert seeding.copy(staged.connection).rows == len(source.fake.writes) - 6
    assert seeding.copy(staged.connection).rows == 0
    assert seeding.hand_over(staged.connection)
    assert same(source, staged)


def test_a_page_is_found_by_couch2pgs_own_key(couch2pg: Couch2pg, seeding: Seeding) -> None:
    """In any other order, as that of our ids, it would sort all that it has for each page."""
    couch2pg.run(
        "insert into v1.couchdb select now(), 'id-' || n, false, %s, '{}' from generate_series(1, 20000) as n", [NAME]
    )
    couch2pg.run("analyze v1.couchdb")
    with couch2pg.open() as connection:
        page = {"name": NAME, "after": "id-5", "rows": 100}
        explained = identifiers.SQL("explain {}").format(seeding.old.query("page"))
        plan = "\n".join(row[0] for row in connection.execute(explained, page))
    assert "couchdb_pkey" in plan
    assert "Sort" not in plan


def test_accounts_are_redacted(source: Source, couch2pg: Couch2pg, warehouse: str, staged: Warehouse) -> None:
    write.prepare(staged.connection, {"kitui/_users": ("kitui", "_users")})
    name = "org.couchdb.user:ana"
    couch2pg.put(name, document(name) | {"name": "ana", "roles": ["chw"]} | SECRET, name="cht.example.org/_users")
    couch2pg.note("1-g1AAAA", "cht.example.org/_users")
    seeding = Seeding(source, couch2pg, warehouse, "_users", name="cht.example.org/_users")
    connection = staged.connection
    before = checkpoint.read(connection, "kitui/_users")
    identity = couchdb.Identity("instance_start_time", "1")
    first = first_copy.Begin("1-g1AAAA", [None], 1, seeded=True)
    first_copy.begin(connection, before, identity, first, seeding.options)
    seeding.copy(connection)
    kept = {"_id": name, "_rev": "1-a", "type": "person", "name": "ana", "roles": ["chw"]}
    query = "select doc from staging.document where source = 'kitui/_users'"
    assert connection.execute(query).fetchall() == [(kept,)]
    everything = connection.execute("select array_agg(kept::text) from ops.rejected_document as kept").fetchone()
    assert everything == (None,)


def test_who_was_erased_stays_erased(source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse) -> None:
    couch2pg.copy(source.fake)
    staged.connection.execute("select cht.erase('kitui', 'p5')")
    seeding.whole(staged.connection)
    query = "select _rev, gone, doc from staging.document where _id = 'p5'"
    assert staged.connection.execute(query).fetchall() == [("1-a", "erased", None)]


def test_an_id_that_is_too_long_is_rejected(
    source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse
) -> None:
    couch2pg.copy(source.fake)
    couch2pg.put("x" * 1500, document("x" * 1500))
    seeding.whole(staged.connection)
    assert [row[2] for row in staged.rejected()] == ["its _id is longer than 1000 bytes"]
    assert same(source, staged)


def test_a_source_that_couch2pg_does_not_have_is_named(
    source: Source, couch2pg: Couch2pg, warehouse: str, staged: Warehouse
) -> None:
    couch2pg.copy(source.fake)
    seeding = Seeding(source, couch2pg, warehouse, name="kitui/medic")
    with pytest.raises(errors.ConfigurationInvalid, match=r"no source kitui/medic; it has cht\.example\.org/medic, "):
        seeding.plan(staged.connection)
    assert staged.checkpoint().mode == "incremental"


def test_a_database_that_does_not_answer_is_tried_again(seeding: Seeding, staged: Warehouse) -> None:
    def unreachable() -> psycopg.Connection[Any]:
        return psycopg.connect("host=127.0.0.1 port=1 dbname=x")

    seeding.old = from_couch2pg.Old(unreachable, "v1", "couchdb", NAME)
    with pytest.raises(errors.WarehouseUnreachable, match="couch2pg does not answer"):
        seeding.plan(staged.connection)


def test_what_is_copied_already_is_left_alone(
    source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse
) -> None:
    source.copy(staged.connection)
    before = staged.rows("_id, _rev, batch, redaction_version"), staged.checkpoint()
    spoil(source, couch2pg)
    assert seeding.plan(staged.connection) == []
    assert seeding.copy(staged.connection).rows == 0
    assert (staged.rows("_id, _rev, batch, redaction_version"), staged.checkpoint()) == before


def test_one_way_is_gone_to_its_end(source: Source, couch2pg: Couch2pg, seeding: Seeding, staged: Warehouse) -> None:
    """An unfinished copy from CouchDB is in another order; it can be forgotten."""
    couch2pg.copy(source.fake)

    def ranges(*, restart: bool = False) -> list[int]:
        options = first_copy.Options(seconds=60, restart=restart)
        return first_copy.make(seeding.job(staged.connection), options)

    seeding.plan(staged.connection)
    with pytest.raises(errors.FirstCopy, match="begun from couch2pg's table"):
        ranges()
    assert ranges(restart=True) == [1]
    with pytest.raises(errors.FirstCopy, match="begun from CouchDB"):
        seeding.plan(staged.connection)
    one_range.copy(seeding.job(staged.connection), 1, seeding.options)
    seeding.hand_over(staged.connection)
    assert not staged.checkpoint().seeded
    assert same(source, staged)
