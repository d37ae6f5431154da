"""The first copy of a large database, in ranges side by side.

In: ranges of ids, read from CouchDB or from couch2pg's table. Out: a source from which the feed is copied on.
May import: copy, and what copy may import.
"""
