"""What a model declares of its source's columns, over what the rows say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from synthkit.planning.fingerprint import overrides
from synthkit.project.types import ColumnSpec
from synthkit.schema import Schema


def overridden(schema: Schema, columns: Sequence[ColumnSpec]) -> Schema:
    """The source's schema with the types and Faker columns that the model itself declares."""
    said = {name: {k: v for k, v in keys.items() if v is not None} for name, keys in overrides(columns).items()}
    return replace(schema, columns=tuple(replace(c, **said.get(c.name, {})) for c in schema.columns))
