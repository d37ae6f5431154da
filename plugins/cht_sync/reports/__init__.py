"""The numbers that people read, and the checks of these numbers.

In: models and counts. Out: marts, findings of checks, the counts of past days.
May import: models, warehouse, errors, instances, sql.
"""
