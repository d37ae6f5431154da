"""What people read, and what is checked of it.

In: models and counts. Out: marts, findings of checks, the counts of past days.
May import: models, warehouse, errors, instances, sql.
"""
