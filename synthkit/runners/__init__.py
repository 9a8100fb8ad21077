"""Where an action runs.

A job comes in as JSON; rows go out as Parquet, under a key that makes a retry harmless. Imports nothing of
``openlineage`` or what follows it.
"""
