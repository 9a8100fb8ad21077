"""Where in the YAML a source was declared, for errors."""

from __future__ import annotations

from pathlib import Path

from synthkit.errors import Location
from synthkit.project.types import SourceTableSpec

_NOWHERE = Path("?")


def place(spec: SourceTableSpec, *keys: str | int, key: bool = False) -> Location | None:
    """The place of a value below ``spec``; None where the spec was not read from a file."""
    return None if spec.origin.file == _NOWHERE else spec.origin.at(*keys, key=key)


def column_place(spec: SourceTableSpec, column: str) -> Location | None:
    """Where a column is declared, else the source table's own name."""
    for index, declared in enumerate(spec.columns):
        if declared.name == column:
            return declared.origin.at("name") if declared.origin.path else place(spec, "columns", index)
    return place(spec, "name")
