"""The short form of the campaign: some hundred faults, none of which harms a copy. `make faults` is the long one."""

from tests.conftest import CouchDB
from tests.faults import campaign

SEED, FAULTS = 1, 250

#: Some hundred faults have these among them, and more.
AMONG = {
    *("cut off", "reset", "429", "5xx", "HTML as 502", "error in the body"),
    *("stale page", "duplicate row", "older row before", "row without document"),
}

#: What strikes a run strikes only one that is still at work: which of these do differs from one time to the next.
STRIKES = {"SIGKILL", "backend terminated", "statement cancelled", "disk full"}


def test_no_fault_harms_a_copy(couchdb: CouchDB) -> None:
    with campaign.opened(couchdb.url, couchdb.auth) as opened:
        result = opened.run(SEED, FAULTS)
    assert not result.outcome.findings, f"{result}; run them again by make faults SEED={SEED} WORLD=…"
    assert result.faults >= FAULTS
    assert set(result.outcome.injected) >= AMONG
    assert set(result.outcome.injected) & STRIKES
    assert result.outcome.compared
