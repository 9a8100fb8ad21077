"""Versions of published tables: git keeps receipts and pointers, DVC the Parquet files that they name."""
