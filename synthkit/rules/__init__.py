"""Rules between columns: what they say, which rows break them, and which of them a table shows.

Text, or a table, comes in; frozen rules (:mod:`.language`), masks of the rows that break them, and rules with their
evidence (:mod:`.find`) go out. Imports nothing of ``encoding`` or what follows it.
"""
