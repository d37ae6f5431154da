"""Tables of documents, and the counts of areas.

In: documents of staging that have changed. Out: models, views, tallies and counts, one transaction a run.
May import: warehouse, errors, instances, sql.
"""
