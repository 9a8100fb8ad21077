"""Targets that are lakes: Delta and Iceberg tables in a folder or an object store.

What lies there is what an object store's warehouse is (:mod:`synthkit.store.objectstore`): rows, receipts and a log,
whose next entry publishes. Each folder of rows is a table of the lake besides, of which the published Parquet file is
the one data file: what others read is the very file that was audited, and its hash is the receipt's.
"""
