"""What an operator asks for.

In: an instance or a source. Out: its removal, whether it is fresh, what is to be computed again.
May import: every other package but airflow.
"""
