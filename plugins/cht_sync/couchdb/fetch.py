"""Requests that are retried until they succeed: an identity, a document by its id, the feed without documents."""

from collections.abc import Iterator
from dataclasses import dataclass

from cht_sync.couchdb import client, retry, rows, server
from cht_sync.couchdb.rows import Row
from cht_sync.errors import PageCut, PassingError

#: So often a document is requested; then it is rejected as unreadable.
TRIES = 5

#: Rows of the feed in one request, without their documents.
NAMED = 20_000


def identity(client: client.Client, database: str, backoff: retry.Backoff) -> server.Identity:
    """The identity of the database now."""
    return backoff.insist(lambda: client.identity(database))


def document(client: client.Client, database: str, row: Row, backoff: retry.Backoff, longest: int) -> Row:
    """The row with its document; without it if CouchDB does not give the document in that revision.

    A document that was changed or deleted meanwhile comes again in the feed; until then it is rejected, not skipped.
    Another revision is not accepted: it may be an older one, which nothing would correct.
    """
    for attempt in range(TRIES):
        try:
            body = client.document(database, row.id, row.rev, longest)
        except PassingError as error:
            backoff.wait(error)
            # if the server answers this, only the document fails: it must not hold up all others for ever
            identity(client, database, backoff)
        else:
            if body is not None:
                return row.holding(body)
        if attempt < TRIES - 1:
            backoff.pause(2**attempt)
    return row


@dataclass(frozen=True)
class Named:
    """A page of rows without documents; `seq` is the checkpoint at which the feed resumes."""

    rows: list[Row]
    seq: str
    pending: int | None


def named(client: client.Client, database: str, since: str, backoff: retry.Backoff) -> Iterator[Named]:
    """The feed from `since` to its end. A truncated page is requested again, with half as many rows."""
    limit = NAMED
    while True:
        try:
            with client.changed(database, since, limit) as page:
                found = [rows.parse(text) for text in page]
        except PassingError as error:
            if isinstance(error, PageCut):
                limit = max(1, limit // 2)
            backoff.wait(error)
            continue
        backoff.succeeded()
        # only a last_seq can be a checkpoint: update_seq can lose documents
        since = page.last_seq or since
        yield Named(found, since, page.pending)
        if page.pending == 0 or not found:
            return
