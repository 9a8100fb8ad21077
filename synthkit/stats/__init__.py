"""What builds took, kept and reckoned with: rates, peaks, money, waiting, cache hits, verdicts, and what comes next.

The lines that builds left come in, with declared prices and a plan; summaries with their trends and estimates with
their errors go out. Imports nothing of ``openlineage`` or what follows it.
"""
