"""The feed, read ahead in a thread of its own.

In: pages of the feed, from couchdb. Out: pages as chunks of COPY lines, each with its end.
May import: copy.encoding, couchdb, errors. The transaction that writes a page is in copy.write.
"""
