"""Jobs as tasks of a Ray cluster (https://docs.ray.io); only :mod:`.driver` and :mod:`.task` import Ray.

A process of its own is the cluster's driver: jobs go in to it as JSON lines, their progress and results come out. So
whatever becomes of the cluster (Ray ends a driver that loses it) cannot end the build, which holds ledger and locks.
Rows go through the project's storage, which each node must see; Ray carries a few kilobytes of JSON a job.
"""
