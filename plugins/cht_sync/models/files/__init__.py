"""The SQL files of relations, ours and a deployment's.

In: files of include/sql and include/deployment. Out: their headers as values, and as comments in Postgres.
May import: warehouse, errors, sql.
"""
