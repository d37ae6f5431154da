"""A row of the feed as lines of COPY. Pure: no input or output.

In: rows, from couchdb. Out: bytes for the table of a page: redacted, or rejected with a reason.
May import: couchdb's rows, and errors.
"""
