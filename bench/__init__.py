"""Measurements: each prints a table with its goals, and writes both into a file of bench/results."""
