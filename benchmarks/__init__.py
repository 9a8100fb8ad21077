"""Measurements, each printed as a table. `python -m benchmarks [NAME …]` runs them."""
