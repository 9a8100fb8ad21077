"""Readers: every source becomes one columnar table at rest, with a schema and a train/holdout split.

``describe`` gives names and types without reading rows into memory, ``fingerprint`` a hash of the content, and
``ingest`` the rows. All of them see a source as one DuckDB view (``relation``), whatever it is made of: ``csvfile``,
``jsonfile`` and ``files``, ``duckdbfile``, ``sqlite`` and ``postgres``; under a budget ``rowwise``.
"""
