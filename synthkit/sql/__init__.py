"""SQL that others wrote, before it runs, and the types and values that a published table may hold.

Text and types come in; quoted text, one SELECT in a box without doors, and verdicts on types go out. Imports nothing
of ``formats`` or what follows it.
"""
