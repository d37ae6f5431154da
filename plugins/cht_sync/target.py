"""Where the pages of a source go: into the copy that is read, or aside until a new copy is whole."""

from dataclasses import dataclass

from psycopg import sql as identifiers

from cht_sync import sql


@dataclass(frozen=True)
class Target:
    """Of a mode. `noted`: ids that are met and not written are put into staging.seen.

    `aside`: rows that differ from staging.document are kept in staging.next, and a document is compared even where its
    revision is the same: in another database that may be another document's.
    """

    document: str
    rejected: str
    noted: bool
    aside: bool

    def statement(self) -> identifiers.Composed:
        """The write of one page."""
        return identifiers.SQL(sql.read("staging/write")).format(
            document=identifiers.Identifier(*self.document.split(".")),
            rejected=identifiers.Identifier(*self.rejected.split(".")),
        )


COPY = Target("staging.document", "ops.rejected_document", noted=False, aside=False)

#: By ops.checkpoint.mode.
TARGETS = {
    "incremental": COPY,
    "resync": Target(COPY.document, COPY.rejected, noted=True, aside=False),
    "replace": Target("staging.next", "staging.next_rejected", noted=True, aside=True),
}
