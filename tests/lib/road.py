"""A small county, its models and marts, and everything that they hold."""

from typing import Any

from cht_sync.models import runner
from cht_sync.reports import marts

from tests.lib import tables
from tests.lib.contents import content
from tests.lib.staged import Staged

COUNTY = tables.documents("""
    _id | type     | parent | patient_id
    d   | district |        |
    h   | clinic   | d      |
    p   | person   | h d    | 1
    q   | person   | gone d |
""")


def run(staged: Staged) -> list[str]:
    """Updates the models, then refreshes the marts, as the DAG does."""
    runner.update(staged.connection)
    return marts.refresh(staged.connection)


def everything(staged: Staged) -> Any:
    mart = "select to_jsonb(mart) from marts.patients_by_area as mart order by to_jsonb(mart)::text"
    freshness = (
        "select source, as_of, complete, is_current from marts.freshness where mart = 'patients_by_area' order by 1"
    )
    return content(staged), staged.rows(mart), staged.rows(freshness)
