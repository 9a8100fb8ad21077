"""Where in the YAML a source was declared, for errors."""

from __future__ import annotations

from pathlib import Path

from synthkit.earlier import names
from synthkit.errors import Location
from synthkit.project.types import SourceTableSpec

_NOWHERE = Path("?")


def location(spec: SourceTableSpec, *keys: str | int, key: bool = False) -> Location | None:
    """Of a value below ``spec``; None where the spec was not read from a file."""
    return None if spec.origin.file == _NOWHERE else spec.origin.at(*keys, key=key)


def column_location(spec: SourceTableSpec, column: str) -> Location | None:
    """Where a column is declared, else the source table's own name."""
    for index, declared in enumerate(spec.columns):
        if declared.name == column:
            return declared.origin.at("name") if declared.origin.path else location(spec, "columns", index)
    return location(spec, "name")


__getattr__ = names(__name__, {"place": location, "column_place": column_location})
