"""The short form of the campaign: 250 faults, none of which damages a copy. `make faults` is the long form."""

from demo.settings import CouchDB
from tests.faults import campaign

SEED, FAULTS = 1, 250

#: The kinds of faults between CouchDB and a run. 250 faults have most of them; which ones depends on timing.
BETWEEN = {
    *("cut off", "reset", "429", "5xx", "HTML as 502", "error in the body"),
    *("stale page", "duplicate row", "older row before", "other order", "row without document"),
}


def test_no_fault_harms_a_copy(couchdb: CouchDB) -> None:
    with campaign.opened(couchdb.url, couchdb.auth) as opened:
        result = opened.run(SEED, FAULTS)
    assert not result.outcome.findings, f"{result}; run them again by make faults SEED={SEED} WORLD=…"
    assert result.faults >= FAULTS
    assert len(set(result.outcome.injected) & BETWEEN) > len(BETWEEN) / 2
    assert result.outcome.compared
