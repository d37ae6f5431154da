"""Whether the faults explain the end of a run: an error without a cause is a finding, too. Pure, no I/O."""

from collections.abc import Iterable, Mapping

from tests.faults import script
from tests.faults.plan import Plan
from tests.faults.runs import Ended
from tests.faults.verdict import Finding

#: Errors by their cause, other than faults between reader and CouchDB.
CAUSES = {
    "backend terminated": "WarehouseUnreachable",
    "server stopped": "WarehouseUnreachable",
    "disk full": "WarehouseUnreachable",
    "statement cancelled": "QueryCanceled",
    "wait for the run's lock": "AnotherRun",
    "two runs at once": "AnotherRun",
    "two runs without a lock": "CheckpointMoved",
    "another database": "SourceReplaced",
}

#: Errors that every passing fault can cause once the run's time is over; a slow machine can, too.
PASSING = ("Unreachable", "ServerBusy", "PageCut")


def explain(ended: Ended, plan: Plan, injected: Mapping[str, int], *, replaced: bool) -> Iterable[Finding]:
    """The findings about the end of a run."""
    if ended.hung:
        yield Finding("hung", "a run did not end")
    if ended.signal is not None and not any(blow.kind == "SIGKILL" for blow in plan.blows):
        yield Finding("error", f"a run ended by signal {ended.signal}")
    causes = {blow.kind for blow in plan.blows} | set(injected)
    causes |= {"disk full"} if plan.room is not None else set()
    causes |= {"another database"} if replaced else set()
    allowed = {CAUSES.get(cause) or script.FINAL.get(cause) for cause in causes}
    if ended.error and ended.error not in PASSING and ended.error not in allowed:
        yield Finding("error", f"a run ended with {ended.error} ({ended.text}), which nothing caused")
