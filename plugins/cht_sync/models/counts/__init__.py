"""What is counted of the models.

In: rows of models as they were and as they are. Out: counts of areas and tallies, kept by the change; days touched.
May import: the other modules of models.
"""
