"""Events of people and places, and their effect on the counts: one test per row of the events in docs/counts.md."""

import pytest

from tests.lib.spec import Spec

TWO_DISTRICTS = """
    _id | type     | parent
    d   | district |
    e   | district |
    c   | centre   | d
    h   | clinic   | c d
    p   | person   | h c d
    q   | person   | h c d
"""


@pytest.fixture(autouse=True)
def _two_districts(spec: Spec) -> None:
    spec.stage(TWO_DISTRICTS)
    spec.shows("""
        area | direct_persons | total_persons
        d    | 0              | 2
        e    | 0              | 0
        c    | 0              | 2
        h    | 2              | 2
    """)


def test_registered(spec: Spec) -> None:
    spec.stage("""
        _id | type   | parent
        r   | person | h c d
    """)
    spec.shows("""
        area | direct_persons | total_persons
        d    | 0              | 3
        e    | 0              | 0
        c    | 0              | 3
        h    | 3              | 3
    """)


def test_deleted_then_written_again(spec: Spec) -> None:
    spec.stage(deleted="p")
    spec.shows("""
        area | direct_persons | total_persons
        d    | 0              | 1
        e    | 0              | 0
        c    | 0              | 1
        h    | 1              | 1
    """)
    spec.stage("""
        _id | type   | parent
        p   | person | h c d
    """)
    assert spec.staged.counts()["d"]["total_persons"] == 2


def test_moved_one_document_after_another(spec: Spec) -> None:
    for moved in ("c | centre | e", "h | clinic | c e", "p | person | h c e", "q | person | h c e"):
        spec.stage(f"_id | type | parent\n{moved}")
        assert spec.orphans() == {}
        spec.shows("""
            area | direct_persons | total_persons
            d    | 0              | 0
            e    | 0              | 2
            c    | 0              | 2
            h    | 2              | 2
        """)


def test_moved_in_the_other_order(spec: Spec) -> None:
    for moved in ("p | person | h c e", "q | person | h c e", "h | clinic | c e"):
        spec.stage(f"_id | type | parent\n{moved}")
        assert spec.staged.counts()["d"]["total_persons"] == 2
    spec.stage("_id | type | parent\nc | centre | e")
    assert spec.staged.counts()["e"]["total_persons"] == 2


def test_places_merged(spec: Spec) -> None:
    spec.stage("_id | type | parent\ni | clinic | c d")
    spec.stage("_id | type | parent\np | person | i c d")
    spec.stage("_id | type | parent\nq | person | i c d", deleted="h")
    spec.shows("""
        area | direct_persons | total_persons
        d    | 0              | 2
        e    | 0              | 0
        c    | 0              | 2
        i    | 2              | 2
    """)


def test_patients_merged(spec: Spec) -> None:
    spec.stage("_id | type | parent | patient_id\np | person | h c d | 1\nq | person | h c d | 2")
    spec.stage(deleted="q")
    spec.shows("""
        area | total_persons | total_patients
        d    | 1             | 1
        e    | 0             | 0
        c    | 1             | 1
        h    | 1             | 1
    """)


def test_place_deleted_alone(spec: Spec) -> None:
    spec.stage(deleted="h")
    spec.shows("""
        area | direct_persons | total_persons
        d    | 0              | 2
        e    | 0              | 0
        c    | 0              | 2
    """)
    assert spec.orphans() == {"p": "c", "q": "c"}
    spec.stage("_id | type | parent\nh | clinic | c d")
    assert spec.orphans() == {}
    assert spec.staged.counts()["h"]["direct_persons"] == 2


def test_a_document_with_conflicts_counts_once_as_its_winning_revision(spec: Spec) -> None:
    """The feed has one row for a document, that of the winning revision; another revision may win later."""
    for parent, d, e in (("e", 1, 1), ("h c d", 2, 0), ("e", 1, 1)):
        spec.stage(f"_id | type | parent\np | person | {parent}")
        counts = spec.staged.counts()
        assert (counts["d"]["total_persons"], counts["e"]["total_persons"]) == (d, e)


def test_died(spec: Spec) -> None:
    spec.stage("_id | type | parent | date_of_death\np | person | h c d | 2024-02-01")
    spec.shows("""
        area | total_persons | total_persons_active | total_persons_deceased
        d    | 2             | 1                    | 1
        e    | 0             | 0                    | 0
        c    | 2             | 1                    | 1
        h    | 2             | 1                    | 1
    """)


def test_muted_and_unmuted(spec: Spec) -> None:
    spec.stage("_id | type | parent | muted\nd | district | | 2024-02-01T00:00:00Z")
    spec.shows("""
        area | total_persons | total_persons_muted | direct_persons_muted
        d    | 2             | 2                   | 0
        e    | 0             | 0                   | 0
        c    | 2             | 2                   | 0
        h    | 2             | 2                   | 2
    """)
    spec.stage("_id | type | parent\nd | district |")
    spec.shows("""
        area | total_persons | total_persons_muted | direct_persons_muted
        d    | 2             | 0                   | 0
        e    | 0             | 0                   | 0
        c    | 2             | 0                   | 0
        h    | 2             | 0                   | 0
    """)


def test_late_parents(spec: Spec) -> None:
    spec.stage("_id | type | parent\nr | person | i f e")
    assert spec.orphans() == {"r": "e"}
    spec.stage("_id | type | parent\ni | clinic | f e")
    assert spec.orphans() == {"i": "e"}
    assert spec.staged.counts()["i"]["direct_persons"] == 1
    spec.stage("_id | type | parent\nf | centre | e")
    assert spec.orphans() == {}
    assert spec.staged.counts()["f"]["total_persons"] == 1


def test_a_document_that_changes_its_type(spec: Spec) -> None:
    spec.stage("_id | type | parent\np | clinic | c d", {"_id": "q", "type": "data_record", "form": "x"})
    spec.shows("""
        area | direct_persons | total_persons
        d    | 0              | 0
        e    | 0              | 0
        c    | 0              | 0
        h    | 0              | 0
        p    | 0              | 0
    """)
    assert spec.staged.values("select uuid from models.person") == []
    assert spec.staged.values("select uuid from models.data_record") == ["q"]
    spec.stage("_id | type | parent\nq | person | p c d")
    assert spec.staged.values("select uuid from models.data_record") == []
    assert spec.staged.counts()["p"]["direct_persons"] == 1


@pytest.mark.parametrize("how", ["purged", "archived", "replaced"])
def test_a_document_that_disappears_without_a_deletion(spec: Spec, how: str) -> None:
    spec.vanish("p", how)
    assert spec.staged.counts()["d"]["total_persons"] == 1
    spec.stage("_id | type | parent\np | person | h c d")
    assert spec.staged.counts()["d"]["total_persons"] == 2


def test_a_cycle_comes_and_goes(spec: Spec) -> None:
    spec.stage("_id | type | parent\nd | district | h")
    assert spec.cycles() == {"c": "c", "d": "c", "h": "c"}
    spec.shows("""
        area | total_persons
        c    | 2
        h    | 2
        d    | 0
        e    | 0
    """)
    spec.stage("_id | type | parent\nd | district |")
    assert spec.cycles() == {}
    assert spec.staged.counts()["d"]["total_persons"] == 2
