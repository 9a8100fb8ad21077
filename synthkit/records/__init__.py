"""What is kept of a table beside its rows: its receipt and what its audits found, as frozen values.

JSON as it lies on disk comes in; typed values go out that give that very JSON back. Imports nothing of ``formats`` or
what follows it.
"""
