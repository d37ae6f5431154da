"""Values that deployments have written, and how each is read: an unreadable value is null and stops nothing."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from cht_sync.warehouse import migrations
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo

from tests.lib.staged import Staged, opened

NOVEMBER = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


MOMENTS: list[tuple[Any, datetime | None]] = [
    (1700000000000, NOVEMBER),
    (1700000000000.5, datetime(2023, 11, 14, 22, 13, 20, 500, tzinfo=UTC)),
    (1.7e12, NOVEMBER),
    ("1700000000000", NOVEMBER),
    ("1700000000000.0", NOVEMBER),
    ("2023-11-14T22:13:20.000Z", NOVEMBER),
    ("2023-11-15T01:13:20+03:00", NOVEMBER),
    ("2023-11-15 01:13:20 +0300", NOVEMBER),
    ("2023-11-14T22:13:20", NOVEMBER),
    ("2023-11-14", datetime(2023, 11, 14, tzinfo=UTC)),
    (1700000000, datetime(1970, 1, 20, 16, 13, 20, tzinfo=UTC)),
    (0, datetime(1970, 1, 1, tzinfo=UTC)),
    (-1000, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (10**40, None),
    (1e308, None),
    (-(10**16), None),
    ("9" * 40, None),
    ("1e12", None),
    ("", None),
    ("  ", None),
    ("now", None),
    ("today", None),
    ("infinity", None),
    ("Invalid date", None),
    ("NaN", None),
    ("2021-02-31", None),
    ("2021-02-31T00:00:00Z", None),
    ("2021-02-01T25:00:00Z", None),
    ("1990-0-0", None),
    ("01/02/2000", None),
    ("2000/02/01", None),
    (True, None),
    (None, None),
    ({}, None),
    ([1700000000000], None),
]


def test_moments(staged: Staged) -> None:
    assert read(staged, "cht.instant", [value for value, _ in MOMENTS]) == [moment for _, moment in MOMENTS]


DAYS: list[tuple[Any, date | None]] = [
    ("2024-02-29", date(2024, 2, 29)),
    ("2023-02-29", None),
    ("2024-02-29T10:00:00Z", None),
    ("2024-2-29", None),
    ("today", None),
    ("", None),
    (20240229, None),
    (True, None),
    (None, None),
]


def test_days(staged: Staged) -> None:
    assert read(staged, "cht.day", [value for value, _ in DAYS]) == [day for _, day in DAYS]


REFERENCES: list[tuple[Any, str | None]] = [
    ({"_id": "a"}, "a"),
    ({"_id": "a", "parent": {"_id": "b"}}, "a"),
    ({"_id": ""}, None),
    ({"_id": None}, None),
    ({"_id": 5}, None),
    ({"_id": {"_id": "a"}}, None),
    ({"_id": "a" * 1000}, "a" * 1000),
    ({"_id": "a" * 1001}, "a" * 200 + "…"),
    ({"_id": "é" * 500}, "é" * 500),
    ({"_id": "é" * 501}, "é" * 200 + "…"),
    ({}, None),
    (["_id"], None),
    ([{"_id": "a"}], None),
    ("a", None),
    (None, None),
]


def test_references(staged: Staged) -> None:
    assert read(staged, "cht.reference", [value for value, _ in REFERENCES]) == [named for _, named in REFERENCES]


NUMBERS: list[tuple[Any, Decimal | None]] = [
    (2.5, Decimal("2.5")),
    (10**40, Decimal(10**40)),
    ("-3.5", Decimal("-3.5")),
    ("+7", Decimal(7)),
    ("", None),
    ("1e3", None),
    ("9" * 16, None),
    ("NaN", None),
    ("Infinity", None),
    (True, None),
    ([1], None),
    ({}, None),
    (None, None),
]


def test_numbers(staged: Staged) -> None:
    assert read(staged, "cht.number", [value for value, _ in NUMBERS]) == [number for _, number in NUMBERS]


def read(staged: Staged, cast: str, values: list[Any]) -> list[Any]:
    """Each is read as the cast reads it, in a column and as a constant: Postgres evaluates constants early."""
    texts = [json.dumps(value) for value in values]
    asked = (
        f"select {cast}(value) from unnest(%s::jsonb[]) with ordinality as given (value, position) order by position"
    )
    columns = staged.values(asked, [texts])
    for text, column in zip(texts, columns, strict=True):
        literal = text.replace("'", "''")
        assert staged.values(f"select {cast}('{literal}'::jsonb)") == [column]
    return columns


def test_a_lineage_ends_at_a_place_without_an_id(staged: Staged) -> None:
    lineage = {"_id": "a", "name": "x", "parent": {"_id": "b", "parent": {"_id": "", "parent": {"_id": "c"}}}}
    assert staged.values("select cht.lineage(%s::jsonb)", [json.dumps(lineage)]) == [["a", "b"]]
    assert staged.values("select cht.lineage('\"a\"')") == [[]]
    assert staged.values("select cht.lineage(null)") == [[]]


def test_a_value_too_long_for_an_index_stops_nothing(staged: Staged) -> None:
    long = "x" * 5000
    staged.page(
        [
            {"_id": "p", "type": "person", "patient_id": long, "parent": {"_id": long, "parent": {"_id": "h"}}},
            {"_id": "h", "type": "clinic", "place_id": long, "name": long},
            {"_id": "c", "type": "contact", "contact_type": long},
            {"_id": "r", "type": "data_record", "form": long, "patient_id": long, "contact": {"_id": long}},
            {"_id": "u", "type": "user-settings", "contact_id": long},
            {"_id": "settings", "settings": {"contact_types": [{"id": long}]}},
        ]
    )
    staged.update()
    assert staged.rows("select patient_id, is_patient from models.person") == [(None, True)]
    assert staged.rows("select uuid, effective_parent from models.orphan") == [("p", "h")]
    assert staged.values("select id from models.configured_type") == []


def test_columns_whose_values_were_not_texts(staged: Staged) -> None:
    staged.page(
        [
            {"_id": "p", "type": "person", "name": 5, "sex": ["f"], "phone": 254, "notes": {}, "muted": {"a": 1}},
            {"_id": "r", "type": "data_record", "form": 7, "fields": "none", "contact": "c", "from": None},
            {"_id": "u", "type": "user-settings", "roles": ["chw"], "facility_id": ["f"], "language": 1},
        ]
    )
    staged.update()
    assert staged.rows("select name, notes, muted, is_muted from models.contact") == [("5", "{}", '{"a": 1}', True)]
    assert staged.rows("select sex, phone from models.person") == [('["f"]', "254")]
    assert staged.rows("select form, patient_id, contact_uuid from models.data_record") == [("7", None, None)]
    assert staged.rows('select contact_uuid, roles, contact_id from models."user"') == [('["f"]', '["chw"]', None)]


def test_reports_subject_and_submitter(staged: Staged) -> None:
    submitter = {"_id": "w", "parent": {"_id": "a", "parent": {"_id": "d"}}}
    report = {"type": "data_record", "form": "f", "from": "+254", "reported_date": 1700000000000, "contact": submitter}
    staged.page(
        [
            {**report, "_id": "1", "patient_id": "12", "fields": {"patient_id": "x", "place_id": "h"}},
            {**report, "_id": "2", "fields": {"patient_id": 12, "patient_uuid": "p"}},
            {**report, "_id": "3", "patient_id": "", "fields": {"patient_uuid": "p"}, "place_id": "i"},
        ]
    )
    staged.update()
    columns = "uuid, patient_id, place_id, contact_uuid, parent_uuid, grandparent_uuid, form, from_phone, reported"
    rest = ("w", "a", "d", "f", "+254", NOVEMBER)
    assert staged.rows(f"select {columns} from models.data_record order by uuid") == [
        ("1", "12", "h", *rest),
        ("2", "12", None, *rest),
        ("3", "p", "i", *rest),
    ]


def nepali(text: str) -> str:
    return text.translate({ord(str(n)): chr(0x966 + n) for n in range(10)})


def test_digits_of_other_scripts_are_not_numbers_in_any_locale(warehouse: str) -> None:
    """A database's locale may call them digits, but a cast does not accept them."""
    name = "locale_" + psycopg.conninfo.conninfo_to_dict(warehouse)["dbname"]
    with psycopg.connect(warehouse, autocommit=True) as server:
        try:
            server.execute(
                f"create database {name} template template0 encoding 'UTF8' locale_provider builtin "
                "builtin_locale 'PG_UNICODE_FAST'".encode()
            )
        except (pg.InvalidParameterValue, pg.WrongObjectType, pg.SyntaxError, pg.InsufficientPrivilege):
            pytest.skip("before Postgres 18 there is no such locale without ICU, or the login may make no database")
        try:
            with opened(make_conninfo(warehouse, dbname=name)) as staged:
                migrations.migrate(staged.connection)
                assert staged.values("select %s ~ '\\d'", [nepali("2")]) == [True]
                assert read(staged, "cht.instant", [nepali("2045"), nepali("1700000000000")]) == [None, None]
                assert read(staged, "cht.number", [nepali("2"), nepali("-3.5")]) == [None, None]
                assert staged.values("select cht.version(%s)", [nepali("4.15.0")]) == [None]
                staged.source()
                born = nepali("2045")
                staged.page([{"_id": "p", "type": "person", "date_of_birth": born, "date_of_death": born}])
                staged.update()
                assert staged.values("select count(*) from models.person") == [1]
        finally:
            server.execute(f"drop database if exists {name} with (force)".encode())
