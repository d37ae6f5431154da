"""The counts that are made from the models.

In: previous and new rows of models. Out: counts of areas and tallies, kept by the change; the past days that change.
May import: the other modules of models.
"""
