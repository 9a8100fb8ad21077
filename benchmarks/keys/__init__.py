"""How well keys between tables are found: ``python -m benchmarks keys``."""
