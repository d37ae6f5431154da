"""After any writes and any runs: once a run says "caught up", the copy equals the database.

Hypothesis draws the steps: writes, deletions, branches, purges, another database under the same name; runs in every
mode with pages of every size, killed at any statement, out of time, overtaken by one another, with writes in between.
After every step, nothing may be staged that CouchDB never sent, and a reader of the batches must have missed nothing.
"""

import sys
from functools import partial

from cht_sync.copy import extract
from cht_sync.copy.reading import reader
from cht_sync.couchdb import changes
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from demo.settings import CouchDB
from tests.lib import extent
from tests.lib.copying import Copying
from tests.lib.disturbed import Reader
from tests.lib.written import DELETED

STEPS = 100 if extent.PROOF else 50
PROFILE = extent.examples(test=5, proof=500, stateful_step_count=STEPS)

#: Few, so that steps hit the same document. The last four are left out or rejected.
NAMES = st.sampled_from(["a", "b", "é"] * 3 + ["_design/a", "token:login:a", "n\0l", "x" * 1001])

#: Members of a document, by their kind.
CONTENTS = {
    "number": b'"n":1',
    "person": b'"type":"person","name":"Ana"',
    "nul": rb'"text":"a\u0000b","k\u0000":"\\u0000"',
    # two that jsonb cannot hold: too many levels (the stand-in refuses it), half a surrogate pair (CouchDB refuses it)
    "deep": b'"deep":' + b"[" * 20_000 + b"]" * 20_000,
    "half": rb'"half":"\ud83d"',
    "long": rb'"nul":"\u0000","pad":"' + b"x" * 1_200_000 + b'"',
    "deleted": DELETED,
    "deleted person": DELETED + b',"type":"person"',
}
KINDS = st.sampled_from([*CONTENTS, "number", "person", "deep", "half", "deleted"])
DOCUMENTS = st.lists(st.tuples(NAMES, KINDS), max_size=6)

#: The options of a run: its pages end after this number of rows or bytes; its time may be up with the first page.
OPTIONS = st.builds(
    extract.Options,
    page_rows=st.sampled_from([1, 2, 3, 100]),
    page_bytes=st.sampled_from([1, reader.PAGE_BYTES]),
    seconds=st.sampled_from([60, 60, 0]),
    wait=st.just(30),
    mode=st.sampled_from([*["incremental"] * 3, "resync", "replace", "replace", "replay"]),
)

Documents = list[tuple[str, str]]


class Machine(RuleBasedStateMachine):
    """The steps; Copying checks what must be true after each."""

    def __init__(self, server: CouchDB, warehouse: str) -> None:
        super().__init__()
        self.copying = Copying(server, warehouse)
        self.written = self.copying.written
        self.purges = self.written.original.can_purge()
        self.reader: Reader | None = None

    @initialize(longest=st.sampled_from([changes.LONGEST, 1_000_000]), documents=DOCUMENTS)
    def begin(self, longest: int, documents: Documents) -> None:
        self.copying.longest = longest
        self.put(documents)

    @invariant()
    def check(self) -> None:
        self.copying.check()

    @rule(documents=DOCUMENTS)
    def put(self, documents: Documents) -> None:
        self.written.put((name, CONTENTS[kind]) for name, kind in documents)

    @rule(name=NAMES, letter=st.sampled_from("0f7"), length=st.integers(1, 4))
    def branch(self, name: str, letter: str, length: int) -> None:
        self.written.branch(name, letter, length)

    @precondition(lambda self: self.purges)
    @rule(name=NAMES, whole=st.booleans())
    def purge(self, name: str, whole: bool) -> None:
        self.written.purge(name, whole=whole)

    @rule(documents=DOCUMENTS, is_copied=st.sampled_from([True, True, False]))
    def recreate(self, documents: Documents, is_copied: bool) -> None:
        """Creates another database under the same name, and may copy it at once in place of the first."""
        self._recreate(documents)
        if is_copied:
            self.copying.run(extract.Options(mode="replace"))

    def _recreate(self, documents: Documents) -> None:
        self.written.recreate()
        self.put(documents)

    @rule(documents=DOCUMENTS, options=OPTIONS)
    def run(self, documents: Documents, options: extract.Options) -> None:
        self.put(documents)
        self.copying.run(options)

    @rule(options=OPTIONS, number=st.integers(1, 3), documents=DOCUMENTS)
    def run_while_documents_are_written(self, options: extract.Options, number: int, documents: Documents) -> None:
        self.copying.run(options, number, partial(self.put, documents))

    @precondition(lambda self: self.purges)
    @rule(options=OPTIONS, number=st.integers(1, 3), name=NAMES)
    def run_while_a_document_vanishes(self, options: extract.Options, number: int, name: str) -> None:
        self.copying.run(options, number, partial(self.written.purge, name, whole=True))

    @rule(options=OPTIONS, number=st.integers(1, 3), documents=DOCUMENTS)
    def run_while_the_database_is_replaced(self, options: extract.Options, number: int, documents: Documents) -> None:
        self.copying.run(options, number, partial(self._recreate, documents), is_replaced=True)

    @rule(documents=DOCUMENTS, options=OPTIONS, statement=st.integers(1, 60))
    def kill(self, documents: Documents, options: extract.Options, statement: int) -> None:
        self.put(documents)
        self.copying.kill(options, statement)

    @rule(options=OPTIONS)
    def read(self, options: extract.Options) -> None:
        self.reader = self.copying.read(options)

    @precondition(lambda self: self.reader is not None)
    @rule()
    def write(self) -> None:
        if self.reader:
            self.copying.write(self.reader)
        self.reader = None

    @rule(documents=DOCUMENTS, options=OPTIONS, other=OPTIONS)
    def run_overtaken(self, documents: Documents, options: extract.Options, other: extract.Options) -> None:
        self.put(documents)
        reader = self.copying.read(options)
        self.copying.run(other)
        self.copying.write(reader)

    @rule()
    def compare(self) -> None:
        self.copying.compare()

    def teardown(self) -> None:
        """At the end two undisturbed runs correct everything, after any steps."""
        try:
            if sys.exc_info()[0] is None:
                self.copying.run(extract.Options(mode="replace"))
                self.copying.run(extract.Options(mode="resync"))
                self.copying.check()
        finally:
            self.copying.stack.close()


def test_the_copy_equals_the_database_after_any_steps(couchdb: CouchDB, warehouse: str) -> None:
    run_state_machine_as_test(partial(Machine, couchdb, warehouse), settings=PROFILE)
