"""The copy of one database compared with CouchDB.

In: CouchDB's list of ids, and staging. Out: the differences, and their repair.
May import: copy, and what copy may import.
"""
