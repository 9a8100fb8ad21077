"""Between a table and a generator: what is learnt, and what is made up.

A table and its schema come in; cells of few values and their residuals go out, and come back as rows in the source's
types. Imports nothing of ``llm`` or what follows it.
"""
