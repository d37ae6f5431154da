"""Whether a copy is correct, compared with CouchDB and with the copy before. Pure, no I/O.

At any moment, also after a run that was killed, each document must be staged in its latest revision, or rejected for a
reason, or the feed must still name it after the checkpoint: then it is not lost, but pending. After a run that has
caught up, only documents that were written since the run requested its last page may be pending.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from tests.faults import values
from tests.faults.copied import Copy, Rejected, Row
from tests.faults.source import Latest

#: Ids with these prefixes are never copied.
LEFT_OUT = ("_design/", "token:login:")

Revisions = Mapping[tuple[str, str], list[Any]]


class Finding(NamedTuple):
    """`kind` is lost, invented, stale, or checkpoint."""

    kind: str
    what: str


@dataclass(frozen=True)
class Facts:
    """The truth. `revisions` are the bodies of each id and revision that ever was the latest, of this database and of
    one that was copied before. `purged` has, by id, the generation of the copy when the document was purged.

    `to_come` are ids that may be missing, or older than in CouchDB. `seqs` are those that CouchDB gave. `unreadable`
    returns whether a document was requested often enough to be rejected. Documents of more than `longest` bytes are
    rejected.
    """

    latest: Mapping[str, Latest]
    revisions: Revisions
    to_come: AbstractSet[str]
    seqs: AbstractSet[str]
    purged: Mapping[str, int] = field(default_factory=dict)
    unreadable: Callable[[str], bool] = lambda _: False
    longest: int = 2**62


def judge(before: Copy, after: Copy, facts: Facts) -> list[Finding]:
    """The errors of `after`; `before` is the last copy that was found correct."""
    rows, rejected = _effective(after)
    findings = [*_missing(rows, rejected, facts), *_rejects(rejected, facts)]
    findings += [*_moved(before, after), *_moves(before, after, facts.seqs)]
    findings += [*_invented(after.rows, after, facts), *_invented(after.aside, after, facts)]
    if before.mode == after.mode == "replace" and before.generation == after.generation and before.rows != after.rows:
        findings.append(Finding("invented", "an unfinished replace changed rows that readers see"))
    return findings


def count(findings: list[Finding]) -> Counter[str]:
    return Counter(finding.kind for finding in findings)


def _effective(copy: Copy) -> tuple[dict[bytes, Row], dict[bytes, Rejected]]:
    """The copy that the checkpoint describes: for an unfinished replace, the result so far."""
    if copy.mode != "replace":
        return copy.rows, copy.rejected
    met = {id_: row for id_, row in copy.rows.items() if id_ in copy.seen or row.deleted}
    return met | copy.aside, copy.aside_rejected


def _missing(rows: Mapping[bytes, Row], rejected: Mapping[bytes, Rejected], facts: Facts) -> Iterator[Finding]:
    for name, latest in facts.latest.items():
        if name.startswith(LEFT_OUT) or name in facts.to_come:
            continue
        id_ = name.encode()
        row = rows.get(id_)
        if latest.deleted:
            if row and row.is_live:
                yield Finding("stale", f"{name!r} is deleted in CouchDB, and staged as {row.rev}")
            elif id_ in rejected:
                yield Finding("stale", f"{name!r} is deleted in CouchDB, and rejected as {rejected[id_].rev}")
        elif (id_ in rejected and rejected[id_].rev == latest.rev) or (row and row.is_live and row.rev == latest.rev):
            continue
        elif row and row.is_live:
            yield Finding("stale", f"{name!r} is {latest.rev} in CouchDB, and staged as {row.rev}")
        else:
            yield Finding("lost", f"{name!r} is {latest.rev} in CouchDB, and not staged")


def _rejects(rejected: Mapping[bytes, Rejected], facts: Facts) -> Iterator[Finding]:
    """A rejected document must have a reason, and be one that CouchDB gave."""
    for id_, each in rejected.items():
        name = id_.decode()
        bodies = facts.revisions.get((name, each.rev))
        if bodies is None:
            yield Finding("invented", f"{name!r} is rejected as {each.rev}, which never existed")
        elif each.reason.startswith("unreadable"):
            if not facts.unreadable(name):
                yield Finding("lost", f"{name!r} is rejected as {each.rev}, though it could be read")
        elif not any(values.unholdable(name, body, _size(each, facts.longest), facts.longest) for body in bodies):
            yield Finding("lost", f"{name!r} is rejected as {each.rev}, though it can be held: {each.reason}")
        elif each.body is not None and values.parse(each.body) not in bodies:
            yield Finding("invented", f"{name!r} is kept as rejected with another body than CouchDB gave")


def _size(rejected: Rejected, longest: int) -> int:
    """The size in bytes; of a document that is too long no body is kept."""
    return longest + 1 if rejected.body is None else len(rejected.body)


def _invented(rows: Mapping[bytes, Row], copy: Copy, facts: Facts) -> Iterator[Finding]:
    for id_, row in rows.items():
        name = id_.decode()
        if not row.is_live:
            if row.deleted and row.doc is not None:
                yield Finding("invented", f"{name!r} is deleted, and staged with a body")
            continue
        bodies = facts.revisions.get((name, row.rev), [])
        if name.startswith(LEFT_OUT) or row.doc not in [values.without_nul(body) for body in bodies]:
            yield Finding("invented", f"{name!r} is staged as {row.rev} with a body that CouchDB never gave")
        elif name not in facts.latest and copy.mode == "incremental" and copy.generation > facts.purged.get(name, 0):
            yield Finding("invented", f"{name!r} is staged as {row.rev}, and not in CouchDB")


def _moves(before: Copy, after: Copy, seqs: AbstractSet[str]) -> Iterator[Finding]:
    """Each move is by one page, or begins a new generation; a run that was overtaken makes no more moves."""
    last = before.generation, before.reads
    for move in after.moves[len(before.moves) :]:
        if (move.generation, move.reads) not in ((last[0], last[1] + 1), (last[0] + 1, last[1])):
            yield Finding("checkpoint", f"it moved from {last} to {(move.generation, move.reads)}")
        if move.seq not in seqs:
            yield Finding("checkpoint", f"{move.seq[:40]} is no seq that CouchDB gave")
        last = move.generation, move.reads
    if last != (after.generation, after.reads) or (after.moves and after.moves[-1].seq != after.seq):
        yield Finding("checkpoint", "it is not at its last move")
    pids = [pid for pid, _ in groupby(move.pid for move in after.moves)]
    if len(set(pids)) != len(pids):
        yield Finding("checkpoint", "a run moved it after another run had overtaken it")


def _moved(before: Copy, after: Copy) -> Iterator[Finding]:
    """The errors of the checkpoint that do not depend on documents."""
    if after.reads < before.reads or after.batch < before.batch or after.generation < before.generation:
        yield Finding("checkpoint", "one of generation, reads and batch went back")
    moved = (after.seq, after.identity, after.caught_up_at) != (before.seq, before.identity, before.caught_up_at)
    if moved and (after.generation, after.reads) == (before.generation, before.reads):
        yield Finding("checkpoint", "it moved without a page")
    if before.caught_up_at and (after.caught_up_at is None or after.caught_up_at < before.caught_up_at):
        yield Finding("checkpoint", "caught_up_at went back")
    for id_, row in after.rows.items():
        old = before.rows.get(id_)
        if row != old and row.batch <= before.batch:
            yield Finding("checkpoint", f"{id_.decode()!r} has changed, and has the earlier batch {row.batch}")
        if row.batch > after.batch:
            yield Finding("checkpoint", f"{id_.decode()!r} has batch {row.batch}, which is after the checkpoint's")
    if gone := before.rows.keys() - after.rows.keys():
        yield Finding("lost", f"{len(gone)} rows are missing, even as deleted")
