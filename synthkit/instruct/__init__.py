"""Instruction tables: what an item is, how it is asked for, filtered and kept.

Seeds and a teacher's answers come in; items that passed every filter, with their counts, go out. Imports nothing of
``generators`` or what follows it.
"""
