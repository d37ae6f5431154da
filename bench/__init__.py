"""Measurements: each prints a table and writes a file of bench/results, with what was wanted beside it."""
