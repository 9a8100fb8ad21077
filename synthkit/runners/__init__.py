"""Where an action runs.

A job comes in as JSON; rows go out as Parquet, under a key that makes a retry harmless. Imports nothing of
``stats`` or what follows it.
"""
