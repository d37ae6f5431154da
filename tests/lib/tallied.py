"""The tallies of a warehouse, compared with a plain recount."""

from datetime import date
from typing import Any

from cht_sync.models import runner

from tests.lib.months import ZONE, Months
from tests.lib.staged import Staged

#: The last and the first millisecond of a month in Nairobi, and a time in the middle of one.
LAST_OF_MARCH, FIRST_OF_APRIL, IN_MAY = 1711918799999, 1711918800000, 1715000000000


TODAY = date(2026, 11, 24)


def update(staged: Staged) -> runner.Update:
    return runner.update(staged.connection, timezone=ZONE.key)


TALLIES = {
    "report_month": "area_uuid, nullif(month, '-infinity'), form, reports",
    "submission_month": "contact_uuid, nullif(month, '-infinity'), reports",
    "visit_month": "place_uuid, nullif(month, '-infinity'), reports",
    "registration_month": "area_uuid, nullif(month, '-infinity'), persons",
}


def hold(staged: Staged, wanted: Months) -> None:
    found = {name: counted(staged, f"select {columns} from models.{name}") for name, columns in TALLIES.items()}
    assert found == {
        "report_month": wanted.by_area(),
        "submission_month": wanted.submitted(),
        "visit_month": wanted.visited(),
        "registration_month": wanted.registered(),
    }
    given = "area_uuid, nullif(month, '-infinity'), patients"
    patients = f"select {given} from models.registration_month where patients > 0"
    assert counted(staged, patients) == wanted.registered_patients()


def counted(staged: Staged, query: str) -> dict[tuple[Any, ...], int]:
    return {tuple(key): number for *key, number in staged.rows(query)}
