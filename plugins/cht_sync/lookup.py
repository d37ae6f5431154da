"""A row of the feed that came without its document: the document, asked for by its id."""

from cht_sync import couchdb, retry
from cht_sync.errors import PassingError
from cht_sync.rows import Row

#: So often it is asked for, then the row is refused as unreadable.
TRIES = 5


def document(client: couchdb.Client, database: str, row: Row, backoff: retry.Backoff, longest: int) -> Row:
    """The row with its document; without it where CouchDB does not give it in that revision.

    One that was changed or deleted meanwhile, and is not kept as it was, comes again in the feed: until then it is
    refused, not skipped. Another revision isn't taken instead: it can be an older one, which nothing would correct.
    """
    for attempt in range(TRIES):
        try:
            body = client.document(database, row.id, row.rev, longest)
        except PassingError as error:
            backoff.wait(error)
            # a server that answers this is well: then it is the document, and must not hold up all others for ever
            backoff.insist(lambda: client.identity(database))
        else:
            if body is not None:
                return row.holding(body)
        if attempt < TRIES - 1:
            backoff.pause(2**attempt)
    return row
