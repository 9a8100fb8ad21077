"""Tables of warehouses and database servers that are read through their makers' own drivers, in Arrow or row by row.

One file a kind, which is an :class:`.engine.Engine`: how a connection is opened, what becomes of its types, how its
catalogue is asked. What they share is written once: urls (:mod:`.address`), the reading (:mod:`.rows`), catalogues by
the standard's INFORMATION_SCHEMA (:mod:`.catalogue`).
"""
