"""A row of the feed that came without its document: the document, asked for by its id."""

from cht_sync import changes, couchdb, documents, retry
from cht_sync.errors import PassingError

#: So often it is asked for, then the row is refused as unreadable.
TRIES = 5


def document(
    client: couchdb.Client, database: str, row: documents.Row, backoff: retry.Backoff, longest: int
) -> documents.Row:
    """The row with its document, which may be of a later revision; without it where CouchDB does not give it.

    One that was deleted meanwhile comes again in the feed, as deleted: until then it is refused, not skipped.
    """
    for attempt in range(TRIES):
        try:
            found = client.document(database, row.id, longest)
        except PassingError as error:
            backoff.wait(error)
            # a server that answers this is well: then it is the document, and must not hold up all others for ever
            backoff.insist(lambda: client.identity(database))
        else:
            if found is not None:
                rev, body = found
                held, excess = (None, body) if isinstance(body, changes.Excess) else (body, None)
                return documents.Row(row.id, rev or row.rev, row.seq, False, held, excess=excess)
        if attempt < TRIES - 1:
            backoff.pause(2**attempt)
    return row
