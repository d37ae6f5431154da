"""Figures older than their limit are reported once, and then once a day."""

from datetime import timedelta

import pytest
from cht_sync.errors import FiguresOld
from cht_sync.instances import Configuration, Instance
from cht_sync.models import runner
from cht_sync.operate import freshness
from cht_sync.reports import marts

from tests.lib.pages import SOURCE, Warehouse, doc


def limited(within: str | None = "2 hours", *, active: bool = True) -> Configuration:
    instance = Instance("kitui", "couchdb", ("medic",), active=active, fresh_within=within)
    return Configuration("Africa/Nairobi", (instance,))


@pytest.fixture
def copied(staged: Warehouse) -> Warehouse:
    staged.write(doc("area", '{"type":"health_center"}'))
    runner.update(staged.connection)
    marts.refresh(staged.connection)
    return staged


def age(staged: Warehouse, hours: float) -> None:
    """Makes all figures so old."""
    since = timedelta(hours=hours)
    staged.connection.execute("update ops.checkpoint set caught_up_at = now() - %s", [since])
    staged.connection.execute("update ops.model_source set caught_up_at = now() - %s", [since])
    staged.connection.execute("update ops.mart_source set as_of = now() - %s", [since])


def test_fresh_figures_are_fine(copied: Warehouse) -> None:
    age(copied, 1.9)
    assert freshness.check(copied.connection, limited()) == []


def test_old_figures_are_reported_once_then_once_a_day_until_they_are_fresh(copied: Warehouse) -> None:
    age(copied, 3)
    with pytest.raises(FiguresOld, match=r"of kitui/medic is 3 hours old \(limit 2 hours\)"):
        freshness.check(copied.connection, limited())
    (late,) = freshness.check(copied.connection, limited())
    assert (late.source, late.limit) == (SOURCE, timedelta(hours=2))
    copied.connection.execute("update ops.stale_source set notified_at = now() - interval '25 hours'")
    with pytest.raises(FiguresOld):
        freshness.check(copied.connection, limited())
    assert freshness.check(copied.connection, limited())
    age(copied, 1)
    assert freshness.check(copied.connection, limited()) == []
    age(copied, 3)
    with pytest.raises(FiguresOld):
        freshness.check(copied.connection, limited())


def test_a_mart_older_than_its_copy_is_reported(copied: Warehouse) -> None:
    age(copied, 0)
    copied.connection.execute("update ops.relation set version = version + 1")
    carried = "update ops.mart_source set as_of = now() - interval '{}' where mart = '{}'"
    copied.connection.execute(carried.format("5 hours", "patients_by_area"))
    with pytest.raises(FiguresOld, match="patients_by_area of kitui/medic is 5 hours old"):
        freshness.check(copied.connection, limited())


def test_a_mart_of_every_hour_may_be_an_hour_older(copied: Warehouse) -> None:
    age(copied, 0)
    copied.connection.execute("update ops.relation set version = version + 1")
    carried = "update ops.mart_source set as_of = now() - interval '{}'"
    copied.connection.execute(carried.format("0") + " where mart = 'patients_by_area'")
    copied.connection.execute(carried.format("170 minutes") + " where mart = 'data_quality'")
    assert freshness.check(copied.connection, limited()) == []
    copied.connection.execute(carried.format("190 minutes") + " where mart = 'data_quality'")
    with pytest.raises(FiguresOld, match="data_quality of kitui/medic is 3 hours old"):
        freshness.check(copied.connection, limited())


def test_a_copy_that_never_came_to_its_end_is_as_old_as_its_first_run(staged: Warehouse) -> None:
    assert freshness.check(staged.connection, limited()) == []
    staged.connection.execute("update ops.source set created_at = now() - interval '3 days'")
    with pytest.raises(FiguresOld, match="the copy of kitui/medic is 3 days old"):
        freshness.check(staged.connection, limited())


@pytest.mark.parametrize("configuration", [limited(None), limited(active=False), Configuration("Africa/Nairobi")])
def test_the_paused_and_those_without_a_limit_are_not_looked_at(
    copied: Warehouse, configuration: Configuration
) -> None:
    age(copied, 1000)
    assert freshness.check(copied.connection, configuration) == []


def test_a_report_names_no_document(copied: Warehouse) -> None:
    age(copied, 3)
    with pytest.raises(FiguresOld) as raised:
        freshness.check(copied.connection, limited())
    assert "area" not in str(raised.value).replace("patients_by_area", "")
