"""What a model declares of its source's columns, over what the rows say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from synthkit.formats.columns import said_otherwise
from synthkit.project.types import ColumnSpec
from synthkit.schema import Column, Schema


def overridden(schema: Schema, columns: Sequence[ColumnSpec]) -> Schema:
    """The source's schema with the types, written forms and Faker columns that the model itself declares."""
    said = {c.name: c for c in columns}

    def over(column: Column) -> Column:
        own = said.get(column.name)
        if own is None:
            return column
        return said_otherwise(column, type=own.type, format=own.format, pii=own.pii, rare=own.rare)

    return replace(schema, columns=tuple(over(c) for c in schema.columns))
