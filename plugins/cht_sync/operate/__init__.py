"""What an operator asks for.

In: an instance or a source. Out: its removal, its freshness, requests to compute it again.
May import: every other package but airflow.
"""
