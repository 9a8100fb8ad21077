"""Instruction tables: what an item is, how it is asked for, filtered and kept."""
