"""Targets in databases: tables that everybody reads in SQL, beside what synthkit needs to know them again.

``<schema>`` holds the tables, ``<schema>_synth_meta`` what a DuckDB file has in ``synth_meta``, and beside it the log
(``publications``), the receipts, and the Parquet bytes of every version that is kept (``files``): by these rows are
verified, compared and brought back.
"""
