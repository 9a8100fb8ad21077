"""Which rules hold in a table, with their evidence: candidates from a sample, proven on all rows.

A table comes in; rules with how many rows speak for them, how many break them and how likely that is by chance go out
(:func:`.search.find_rules`). Nothing here is for tables under ``epsilon``: what is found tells of rows.
"""
