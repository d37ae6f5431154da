"""The places in which a person is counted: one test per rule of docs/counts.md."""

from tests.lib.spec import Spec

HOUSEHOLD = """
    _id | type     | parent
    d   | district |
    c   | centre   | d
    h   | clinic   | c d
"""


def test_a_person_counts_in_every_place_above_once(spec: Spec) -> None:
    spec.stage(
        HOUSEHOLD
        + """
    p   | person   | h c d
    q   | person   | c d
    """
    )
    spec.shows("""
        area | direct_persons | total_persons
        d    | 0              | 2
        c    | 1              | 2
        h    | 1              | 1
    """)


def test_places_without_persons_are_rows_of_zeros(spec: Spec) -> None:
    spec.stage(HOUSEHOLD)
    spec.shows("""
        area | direct_persons | total_persons | total_patients_deceased
        d    | 0              | 0             | 0
        c    | 0              | 0             | 0
        h    | 0              | 0             | 0
    """)


def test_a_source_without_documents_has_a_row_unplaced(spec: Spec) -> None:
    spec.stage()
    spec.shows("""
        area     | direct_persons | total_persons
        unplaced | 0              | 0
    """)


def test_current_documents_decide_instead_of_the_persons_own_lineage(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent
        d   | district |
        e   | district |
        h   | clinic   | e
        p   | person   | h d
    """)
    spec.shows("""
        area | total_persons
        d    | 0
        e    | 1
        h    | 1
    """)


def test_a_patient_is_a_person_with_a_patient_id(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent | patient_id
        h   | clinic   |        |
        a   | person   | h      | "00012"
        b   | person   | h      | 12
        c   | person   | h      | 0
        d   | person   | h      | ""
        e   | person   | h      | null
        f   | person   | h      | true
        g   | person   | h      | {}
        i   | person   | h      | ["1"]
        j   | person   | h      |
    """)
    spec.shows("""
        area | total_persons | total_patients
        h    | 9             | 3
    """)
    assert spec.staged.values("select patient_id from models.patient order by uuid") == ["00012", "12", "0"]


def test_a_place_with_a_patient_id_is_not_a_patient(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent | patient_id
        h   | clinic   |        | 1
    """)
    spec.shows("""
        area | total_patients
        h    | 0
    """)


def test_deceased_is_anything_but_nothing(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent | date_of_death
        h   | clinic   |        |
        a   | person   | h      | 2024-01-01
        b   | person   | h      | 1700000000000
        c   | person   | h      | Invalid date
        d   | person   | h      | true
        e   | person   | h      | null
        f   | person   | h      | false
        g   | person   | h      | 0
        i   | person   | h      | ""
        j   | person   | h      |
    """)
    assert spec.staged.values("select uuid from models.person where is_deceased order by uuid") == ["a", "b", "c", "d"]
    spec.shows("""
        area | total_persons_active | total_persons_deceased
        h    | 5                    | 4
    """)


def test_muted_is_anything_but_nothing_or_false(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent | muted
        h   | clinic   |        |
        a   | person   | h      | 2021-04-07T13:41:09.769Z
        b   | person   | h      | true
        c   | person   | h      | "true"
        d   | person   | h      | 1617802869769
        e   | person   | h      | false
        f   | person   | h      | "false"
        g   | person   | h      | 0
        i   | person   | h      | ""
        j   | person   | h      | null
        k   | person   | h      |
    """)
    assert spec.staged.values("select uuid from models.person where is_muted order by uuid") == ["a", "b", "c", "d"]
    spec.shows("""
        area | total_persons_active | total_persons_muted
        h    | 6                    | 4
    """)


def test_a_muted_place_mutes_everybody_below_but_not_above(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent | muted | patient_id
        d   | district |        |       |
        c   | centre   | d      | true  |
        h   | clinic   | c d    |       |
        p   | person   | h c d  |       | 1
        q   | person   | d      |       |
    """)
    spec.shows("""
        area | total_persons | total_persons_active | total_persons_muted | total_patients_muted | direct_persons_muted
        d    | 2             | 1                    | 1                   | 1                    | 0
        c    | 1             | 0                    | 1                   | 1                    | 0
        h    | 1             | 0                    | 1                   | 1                    | 1
    """)


def test_the_deceased_are_not_muted_too(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent | muted | date_of_death | patient_id
        h   | clinic   |        | true  |               |
        p   | person   | h      | true  | 2024-01-01    | 1
        q   | person   | h      | true  |               | 2
        i   | clinic   |        |       |               |
        r   | person   | i      | true  | 2024-01-01    | 3
    """)
    spec.shows("""
        area | total_persons | total_persons_active | total_persons_muted | total_persons_deceased
        h    | 2             | 0                    | 1                   | 1
        i    | 1             | 0                    | 0                   | 1
    """)


def test_a_place_without_a_parent_is_at_the_top(spec: Spec) -> None:
    parents = [None, "", "h", {}, {"_id": ""}, {"_id": 5}, {"_id": None}, [], [{"_id": "h"}], 0, True]
    spec.stage(HOUSEHOLD, *({"_id": f"p{n}", "type": "person", "parent": p} for n, p in enumerate(parents)))
    spec.shows(f"""
        area     | direct_persons | total_persons
        d        | 0              | 0
        c        | 0              | 0
        h        | 0              | 0
        unplaced | {len(parents)} | {len(parents)}
    """)
    assert spec.orphans() == {}


def test_an_orphan_counts_in_the_totals_of_its_nearest_live_place_only(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent
        d   | district |
        c   | centre   | d
        p   | person   | gone c d
    """)
    spec.shows("""
        area | direct_persons | total_persons
        d    | 0              | 1
        c    | 0              | 1
    """)
    assert spec.orphans() == {"p": "c"}


def test_an_orphaned_place_keeps_the_persons_in_it(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent   | muted
        d   | district |          | true
        h   | clinic   | gone d   |
        p   | person   | h gone d |
    """)
    spec.shows("""
        area | direct_persons | total_persons | total_persons_muted
        d    | 0              | 1             | 1
        h    | 1              | 1             | 1
    """)
    assert spec.orphans() == {"h": "d"}


def test_above_its_nearest_place_an_orphan_follows_the_current_documents(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent
        d   | district |
        e   | district |
        c   | centre   | e
        p   | person   | gone c d
    """)
    spec.shows("""
        area | total_persons
        d    | 0
        e    | 1
        c    | 1
    """)


def test_an_orphan_with_nobody_alive_above_is_unplaced(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent
        p   | person   | gone too
    """)
    spec.shows("""
        area     | direct_persons | total_persons
        unplaced | 1              | 1
    """)
    assert spec.orphans() == {"p": None}


def test_a_parent_that_is_a_person_makes_an_orphan(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent
        h   | clinic   |
        p   | person   | h
        q   | person   | p h
        s   | clinic   | p
    """)
    spec.shows("""
        area | direct_persons | total_persons
        h    | 1              | 2
        s    | 0              | 0
    """)
    assert spec.orphans() == {"q": "h", "s": None}


def test_the_smallest_id_of_a_cycle_is_its_top(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent
        é   | centre   | b
        b   | centre   | Z
        Z   | centre   | é
        h   | clinic   | b
        p   | person   | h
    """)
    spec.shows("""
        area | total_persons
        Z    | 1
        b    | 1
        é    | 0
        h    | 1
    """)
    assert spec.cycles() == {"Z": "Z", "b": "Z", "é": "Z"}


def test_a_place_that_is_its_own_parent_is_a_top(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent
        d   | district | d
        h   | clinic   | d
        p   | person   | h d
        q   | person   | d
    """)
    spec.shows("""
        area | direct_persons | total_persons
        d    | 1              | 2
        h    | 1              | 1
    """)
    assert spec.cycles() == {"d": "d"}


def test_a_cycle_can_go_through_an_orphan(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent
        a   | centre   | b
        b   | centre   | gone a
        p   | person   | b
    """)
    spec.shows("""
        area | direct_persons | total_persons
        a    | 0              | 1
        b    | 1              | 1
    """)
    assert spec.cycles() == {"a": "a", "b": "a"}
    assert spec.orphans() == {"b": "a"}


def test_a_cycle_mutes_downwards_from_its_top_only(spec: Spec) -> None:
    spec.stage("""
        _id | type     | parent | muted
        a   | centre   | b      |
        b   | centre   | a      | true
        p   | person   | a      |
        q   | person   | b      |
    """)
    spec.shows("""
        area | total_persons | total_persons_muted
        a    | 2             | 1
        b    | 1             | 1
    """)


def test_a_hundred_levels(spec: Spec) -> None:
    places = [{"_id": "l0", "type": "clinic", "muted": True}]
    places += [{"_id": f"l{n}", "type": "clinic", "parent": {"_id": f"l{n - 1}"}} for n in range(1, 100)]
    spec.stage("", *places, {"_id": "p", "type": "person", "parent": {"_id": "l99"}})
    counts = spec.staged.counts()
    assert [counts[f"l{n}"]["total_persons_muted"] for n in range(100)] == [1] * 100
    assert spec.staged.row("select max(level) from models.area_count") == (100,)


def test_only_contacts_count(spec: Spec) -> None:
    person = {"_id": "x", "type": "person", "parent": {"_id": "h"}}
    spec.stage(
        HOUSEHOLD,
        {"_id": "r", "type": "data_record", "form": "f", "patient_id": "1", "parent": {"_id": "h"}},
        {"_id": "x____1-a____tombstone", "type": "tombstone", "tombstone": person},
        {"_id": "n", "type": 5, "parent": {"_id": "h"}},
        {"_id": "m", "parent": {"_id": "h"}, "patient_id": "2"},
    )
    spec.shows("""
        area | total_persons
        d    | 0
        c    | 0
        h    | 0
    """)


def test_the_same_id_in_two_instances_counts_in_each(spec: Spec) -> None:
    spec.staged.source("other/medic")
    documents = [{"_id": "h", "type": "clinic"}, {"_id": "p", "type": "person", "parent": {"_id": "h"}}]
    spec.staged.page([*documents, {"_id": "q", "type": "person", "parent": {"_id": "h"}}], source="other/medic")
    spec.stage("", *documents)
    assert spec.staged.counts()["h"]["total_persons"] == 1
    assert spec.staged.counts("other/medic")["h"]["total_persons"] == 2


def test_only_main_databases_have_contacts(spec: Spec) -> None:
    household = [{"_id": "h", "type": "clinic"}, {"_id": "p", "type": "person", "parent": {"_id": "h"}}]
    for database in (
        "medic-archive", "medic-sentinel", "medic-audit", "_users", "medic-users-meta", "medic-logs", "medic-vault",
        "medic-user-jane-meta", "medic-purged-role-0123abcd",
    ):  # fmt: skip
        spec.staged.source(f"demo/{database}")
        spec.staged.page(household, source=f"demo/{database}")
    spec.stage(HOUSEHOLD)
    assert spec.staged.values("select distinct source from models.area_count") == ["demo/medic"]
    assert spec.staged.counts()["h"]["total_persons"] == 0


def test_ids_are_compared_byte_by_byte(spec: Spec) -> None:
    spec.stage("""
        _id | type   | parent
        H   | clinic |
        h   | clinic |
        p   | person | H
    """)
    spec.shows("""
        area | total_persons
        H    | 1
        h    | 0
    """)
