"""What makes rows: a value with ``fit``, ``sample``, ``save`` and ``load``, found by name.

A table, its schema, parameters, a budget and a seed come in; a model, and batches of rows drawn from it, go out.
Imports nothing of ``audits`` or what follows it.
"""
