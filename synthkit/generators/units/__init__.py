"""Families under differential privacy: each unit (a row of the root with all that is its own) is one to a mechanism.

Of the tables, a *unit* is seen as the row of the root, and of each table below through one of its rows, which is chosen
by that unit's rows alone. So every table is learnt from at most one row of each unit, by the mechanisms of
:mod:`..marginals`, whose sensitivity is that of a table in which each row is somebody else's. What of a unit is read is
decided in :mod:`.bounding`, what is planned in :mod:`.schedule`; drawing (:mod:`.draw`) looks at no row.
"""
