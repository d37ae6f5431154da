"""The copy of one database compared with CouchDB.

In: CouchDB's list of ids and staging. Out: what differs, and its repair.
May import: copy, and what copy may import.
"""
