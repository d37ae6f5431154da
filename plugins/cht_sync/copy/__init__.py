"""The copy of one database into staging.

In: pages of CouchDB's feed. Out: rows, rejected documents and the checkpoint, one transaction a page.
May import: couchdb, warehouse, errors, instances, sql.
"""
