"""What the app records about its use: tasks, targets, telemetry and feedback."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.lib.staged import Staged

META = "demo/medic-users-meta"
USER = "org.couchdb.user:agatha"


def test_a_task_says_for_whom_by_when_and_in_what_state(staged: Staged) -> None:
    task = {
        "_id": "task~1",
        "type": "task",
        "user": USER,
        "owner": "p",
        "requester": "w",
        "state": "Cancelled",
        "stateReason": "invalid",
        "authoredOn": 1700000000000,
        "emission": {
            "_id": "form~r~visit~2",
            "forId": "h",
            "title": "task.visit",
            "priority": "high",
            "startDate": "2024-02-28",
            "dueDate": "2024-02-29",
            "endDate": "2024-02-30",
        },
        "stateHistory": [{"state": "Ready", "timestamp": 1}, {"state": "Cancelled", "timestamp": 1700000000000}],
    }
    staged.page([task, {"_id": "task~2", "type": "task", "emission": "none", "stateHistory": {}, "owner": ""}])
    staged.update()
    columns = "user_id, owner, requester, for_uuid, state, state_reason, title, event, emission_id, priority"
    moment = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    whose = (USER, "p", "w", "h", "Cancelled", "invalid", "task.visit", "visit", "form~r~visit~2", "high")
    assert staged.rows(f"select {columns} from models.task order by _id") == [whose, (None,) * 10]
    days = "authored, state_since, starts_on, due_on, ends_on"
    assert staged.rows(f"select {days} from models.task order by _id") == [
        (moment, moment, date(2024, 2, 28), date(2024, 2, 29), None),
        (None,) * 5,
    ]


def target(_id: str, *targets: Any, **rest: Any) -> dict[str, Any]:
    return {"_id": _id, "type": "target", "owner": "w", "user": USER, "targets": list(targets), **rest}


def test_each_target_of_a_document_is_a_row(staged: Staged) -> None:
    staged.page(
        [
            target(
                f"target~2024-05~w~{USER}",
                {"id": "visits", "type": "percent", "goal": 80, "value": {"pass": 3, "total": 4, "percent": 75}},
                {"id": "deaths", "type": "count", "goal": -1, "value": {"pass": 0, "total": 15}},
                updated_date=1700000000000,
            )
        ]
    )
    staged.update()
    columns = "id, owner, user_id, period, updated, type, goal, passed, total, percent"
    whose = ("w", USER, "2024-05", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))
    assert staged.rows(f"select {columns} from models.target order by id") == [
        ("deaths", *whose, "count", -1, 0, 15, None),
        ("visits", *whose, "percent", 80, 3, 4, 75),
    ]


def test_the_month_in_a_target_document_counts_before_that_in_its_id(staged: Staged) -> None:
    staged.page(
        [
            target("target~2024-05~w~u", {"id": "a"}, reporting_period="2024-06"),
            target("target~w~u", {"id": "a"}),
        ]
    )
    staged.update()
    assert staged.rows("select _id, period from models.target order by _id") == [
        ("target~2024-05~w~u", "2024-06"),
        ("target~w~u", None),
    ]


def test_invalid_targets_are_skipped_and_the_last_of_two_with_one_id_counts(staged: Staged) -> None:
    staged.page(
        [
            target("1", None, 5, {"id": 5}, {"id": ""}, {}, {"id": "x" * 600}),
            target("2", {"id": "a", "goal": 1}, {"id": "a", "goal": "2"}, {"id": "b", "goal": "many", "value": 3}),
            {**target("3"), "targets": "none"},
        ]
    )
    staged.update()
    assert staged.rows("select _id, id, goal, passed from models.target order by id") == [
        ("2", "a", 2, None),
        ("2", "b", None, None),
    ]


def test_numbers(staged: Staged) -> None:
    values = '[1, -2.5, "3", "-4.25", 1e300, "", "1e5", "x", null, true, {}, [1]]'
    found = staged.values("select cht.number(value) from jsonb_array_elements(%s::jsonb) as given (value)", [values])
    assert found == [1, Decimal("-2.5"), 3, Decimal("-4.25"), Decimal("1e300"), *[None] * 7]


def telemetry(_id: str, version: Any = "4.15.0", **metadata: Any) -> dict[str, Any]:
    return {"_id": _id, "type": "telemetry", "metadata": {"versions": {"app": version}, **metadata}}


PERIODS: list[tuple[dict[str, Any], Any, str | None]] = [
    ({"year": 2021, "month": 5, "day": 4}, "4.15.0", "2021-05-04"),
    ({"year": 2021, "month": 12}, "4.15.0-beta.1", "2021-12-01"),
    ({"year": "2021", "month": "5", "day": "14"}, "unknown", "2021-05-14"),
    ({"year": 2019, "month": 0}, "3.7.1", "2019-01-01"),
    ({"year": 2019, "month": 11, "day": 31}, "v3.7.9", "2019-12-31"),
    ({"year": 2019, "month": 11, "day": 30}, "3.8.0", "2019-11-30"),
    ({"year": 2021, "month": 2, "day": 31}, "4.0.0", None),
    ({"year": 2021, "month": 0, "day": 1}, "4.0.0", None),
    ({"year": 2021, "month": None, "day": 1}, "4.0.0", None),
    ({"year": 20210, "month": 5, "day": 1}, "4.0.0", None),
    ({"year": 2021, "month": 123, "day": 1}, "4.0.0", None),
    ({"year": 2021, "month": 5, "day": ""}, "4.0.0", None),
    ({}, {"a": 1}, None),
]


@pytest.mark.parametrize(("metadata", "version", "day"), PERIODS)
def test_telemetry_is_of_a_day(staged: Staged, metadata: dict[str, Any], version: Any, day: str | None) -> None:
    staged.source(META)
    staged.page([telemetry("t", version, **metadata)], source=META)
    staged.update()
    assert staged.values("select (period_start at time zone 'UTC')::text from models.telemetry") == [
        day and f"{day} 00:00:00"
    ]
    assert staged.values("select count(*) from models.telemetry_devices where period_start is not null") == [bool(day)]


def test_telemetry_and_its_device(staged: Staged) -> None:
    staged.source(META)
    software = {"androidVersion": "11"}
    device = {
        "userAgent": "Mozilla",
        "deviceInfo": {
            "app": {"version": "1.2.3"},
            "software": software,
            "hardware": {"manufacturer": "HMD", "model": "C21"},
            "storage": {"free": 5, "total": 32},
            "network": {"upSpeed": 10, "downSpeed": 20},
        },
    }
    document = {
        **telemetry("t", year=2021, month=5, user="adama", deviceId="d"),
        "metrics": {"boot_time": {"min": 0.5, "max": 1.5, "count": 2}},
        "device": device,
        "dbInfo": {"doc_count": 39},
    }
    staged.page([document, {"_id": "u", "type": "telemetry", "metadata": "x", "device": []}], source=META)
    staged.update()
    measured = "user_name, app_version, boot_time_min, boot_time_max, boot_time_count, doc_count_on_local_db, device_id"
    assert staged.rows(f"select {measured} from models.telemetry order by _id") == [
        ("adama", "4.15.0", "0.5", "1.5", "2", "39", "d"),
        (None,) * 7,
    ]
    columns = (
        "device_manufacturer, device_model, user_agent, cht_android_version, android_version, storage_free,"
        " storage_total, network_up_speed, network_down_speed"
    )
    assert staged.rows(f"select {columns} from models.telemetry_devices order by _id") == [
        ("HMD", "C21", "Mozilla", "1.2.3", "11", "5", "32", "10", "20"),
        (None,) * 9,
    ]


def test_feedback(staged: Staged) -> None:
    staged.source(META)
    meta = {"time": "2023-11-14T22:13:20.000Z", "user": {"name": "adama"}, "url": "/#/tasks", "source": "manual"}
    staged.page(
        [
            {"_id": "1", "type": "feedback", "meta": meta, "info": {"message": "It is slow", "cause": "me"}},
            {"_id": "2", "type": "feedback", "meta": {**meta, "version": "4.9.0", "deviceId": "d"}, "info": "Oh"},
            {"_id": "3", "type": "feedback", "meta": "x", "info": {"message": {"a": 1}}},
            {"_id": "4", "type": "feedback"},
        ],
        source=META,
    )
    staged.update()
    moment = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    whose = ("manual", "/#/tasks", "adama", "2023-11-14T22:13:20.000Z", moment)
    columns = "origin, url, user_name, period_start, reported, cause, message, app_version, device_id"
    assert staged.rows(f"select {columns} from models.feedback order by _id") == [
        (*whose, "me", "It is slow", None, None),
        (*whose, "Oh", None, "4.9.0", "d"),
        (*[None] * 5, '{"message": {"a": 1}}', '{"a": 1}', None, None),
        (None,) * 9,
    ]
