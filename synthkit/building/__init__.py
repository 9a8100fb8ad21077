"""From a plan to published tables: jobs, audits, publishing, the record of the run.

A plan comes in; published tables, charges to the ledger and the results of the run go out. Imports nothing of
``verify`` or what follows it.
"""
