"""Readers: every source becomes one columnar table at rest, with a schema and a train/holdout split.

Declarations of sources come in; names and types (:mod:`.describe`), a hash of the content (:mod:`.fingerprint`) and
rows at rest (:mod:`.ingest`) go out, each value cast by itself. Imports nothing of ``privacy`` or what follows it.
"""
