"""Generators that ask a teacher model: text columns, instruction tables."""
