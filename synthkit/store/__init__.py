"""Published tables, their receipts and versions, and what waits to be published.

Staged Parquet files and passing audits come in; tables, receipts, pointers and a DuckDB file go out, whole or not at
all. Imports nothing of ``planning`` or what follows it.
"""
