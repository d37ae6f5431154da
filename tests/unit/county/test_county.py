"""The invented county: the same for the same seed, and counted by two who know nothing of each other."""

import datetime
import itertools
from collections import Counter
from typing import Any

import pytest

from county import examples, generator
from county.contacts import PERSON_FATES
from county.plan import AREA_FATES
from county.writes import text
from tests.lib import expected

SIZES = [0, 4_000]


@pytest.fixture(scope="module", params=SIZES)
def built(request: pytest.FixtureRequest) -> generator.County:
    return generator.build(seed=7, size=request.param)


def texts(built: generator.County) -> list[list[tuple[str, bytes]]]:
    return [[(write.database, text(write).json) for write in writes] for writes in built.writes]


def test_the_generator_s_own_bookkeeping_is_what_the_oracle_counts(built: generator.County) -> None:
    rows, ledger = built.expected(), built.ledger
    assert {uuid: row.total for uuid, row in rows.items() if uuid in ledger.places} == {
        uuid: filled(ledger.total[uuid]) for uuid in ledger.places
    }
    assert {uuid: row.direct for uuid, row in rows.items() if uuid in ledger.places} == {
        uuid: filled(ledger.direct[uuid]) for uuid in ledger.places
    }


def filled(counter: Counter[str]) -> dict[str, int]:
    return {column: counter[column] for column in expected.COLUMNS}


#: The places of the example documents with their persons, counted by hand. c1 has 8 of rd_*, 9 of dob_*, 3 of par_*,
#: 4 of mut_*, 3 of dod_*, 5 of pid_* and `both`; it is the smaller in its cycle with h1. `dk` is a clinic at last.
EXAMPLES = {
    "11111111-0000-4000-8000-000000000001": 6,
    "11111111-0000-4000-8000-000000000002": 6,
    "11111111-0000-4000-8000-000000000003": 4,
    "c1": 33,
    "h1": 0,
    "dk": 0,
    "e-hh": 1,
}
#: `f`, `k` and six of par_* name no parent; par_48 and `deep` one that is not there.
UNPLACED_EXAMPLES = 10


def test_what_else_is_counted_are_the_examples(built: generator.County) -> None:
    rows, ledger = built.expected(), built.ledger
    others = {uuid: row.total["persons"] for uuid, row in rows.items() if uuid not in ledger.places}
    assert others == EXAMPLES | {"": ledger.total[""]["persons"] + UNPLACED_EXAMPLES}


def test_the_tops_and_the_unplaced_are_everybody(built: generator.County) -> None:
    found, rows = expected.County(built.final()), built.expected()
    tops = [uuid for uuid, place in found.places.items() if not list(found.ancestors(place))]
    everybody = len(list(found.persons()))
    assert sum(rows[uuid].total["persons"] for uuid in [*tops, expected.UNPLACED]) == everybody


def test_the_same_seed_gives_the_same_documents() -> None:
    assert texts(generator.build(3, 500)) == texts(generator.build(3, 500))


def test_another_seed_gives_another_county() -> None:
    assert generator.build(3, 500).plan.county.id != generator.build(4, 500).plan.county.id


def test_the_first_round_can_be_read_again(built: generator.County) -> None:
    first = built.writes[0]
    assert [write.doc for write in first] == [write.doc for write in first]
    assert len(list(first)) == len(first)


def test_a_county_is_about_as_large_as_asked() -> None:
    documents = [text(write) for write in generator.build(1, 10_000).writes[0]]
    assert len(documents) == pytest.approx(10_000, rel=0.05)
    assert sum(len(document.json) for document in documents) / len(documents) == pytest.approx(1400, rel=0.1)


def test_a_round_names_no_document_twice(built: generator.County) -> None:
    for writes in built.writes:
        ids = Counter((write.database, text(write).id) for write in writes)
        assert [id_ for id_, times in ids.items() if times > 1] == []


def test_dates_end_with_the_given_day() -> None:
    today = datetime.date(2025, 3, 1)
    end = datetime.datetime(2025, 3, 1, tzinfo=datetime.UTC).timestamp() * 1000
    built = generator.build(1, 1000, today)
    dates = [date for doc in documents(built) if (date := doc.get("reported_date")) and "form_version" in doc]
    ours = [date for date in dates if isinstance(date, int) and date > 1_500_000_000_000]
    assert len(ours) > 300
    assert max(date for date in ours if date < 10**13) < end


def test_the_day_changes_dates_only() -> None:
    """So that who compares need not know on which day the county was built."""
    assert generator.build(1, 1000).expected() == generator.build(1, 1000, datetime.date(2024, 2, 29)).expected()


def documents(built: generator.County) -> list[dict[str, Any]]:
    return [dict(w.doc) for w in itertools.chain(*built.writes) if not isinstance(w.doc, bytes)]


def test_every_fate_is_met_also_in_the_smallest_county() -> None:
    built = generator.build(1, 0)
    clients = [doc for doc in documents(built) if doc.get("contact_type") == "f_client"]
    deleted = [dict(w.doc) for w in itertools.chain(*built.writes) if w.delete and not isinstance(w.doc, bytes)]
    assert {area.fate for area in built.plan.areas} == set(AREA_FATES)
    assert len(clients) > len(PERSON_FATES)
    for mark in (
        any("date_of_death" in doc for doc in clients),
        any(isinstance(doc.get("muted"), str) for doc in clients),
        any(doc.get("muted") is True for doc in clients),
        any(isinstance(doc.get("patient_id"), int) for doc in clients),
        any("patient_id" not in doc for doc in clients),
        any(doc.get("notes") == "written again" for doc in clients),
        any(len(doc) == 1 for doc in deleted),
        any("name" in doc for doc in deleted),
    ):
        assert mark


def test_the_county_has_its_orphans_and_cycles(built: generator.County) -> None:
    final = built.final()
    assert expected.cycles(final) == [["c1", "h1"]]
    centre_deleted = any(centre.deleted for centre in built.plan.centres)
    assert len(expected.orphans(final)) > 10
    assert centre_deleted == (len(built.plan.centres) > 3)


def test_what_the_server_refused_is_not_expected() -> None:
    built = generator.build(1, 0)
    assert "dk" not in built.expected(refused={"dk"})
    assert built.expected(refused={"mut_56"})["c1"].total["persons"] == 32


def test_every_example_is_written() -> None:
    rounds = examples.rounds()
    assert sum(len(writes) for writes in rounds) == 56 + 50 + 1
    stubs = [write for write in itertools.chain(*rounds) if b'"stub"' in text(write).json]
    assert stubs == []


def test_the_example_that_is_deleted_twice_is_written_again_in_between() -> None:
    id_ = "11111111-0000-4000-8000-000000000004"
    said = [write.delete for write in itertools.chain(*examples.rounds()) if text(write).id == id_]
    assert said == [False, True, False, True]
