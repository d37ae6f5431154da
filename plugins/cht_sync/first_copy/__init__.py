"""The first copy of a large database, in parallel ranges.

In: ranges of ids, read from CouchDB or from couch2pg's table. Out: a source that is handed over to its feed.
May import: copy, and what copy may import.
"""
