"""The files of SQL that models are made of, ours and a deployment's.

In: files of include/sql/models and include/deployment. Out: their headers as values, and as comments in Postgres.
It imports warehouse, errors, sql.
"""
