"""Logical types from the training rows: what is a key, a category, free text; declared types win.

| found | becomes |
| --- | --- |
| the only column of ``primary_key`` | id |
| named like a key (``id``, ``*_id``, ``*Id``, ``uuid``), and unique or of many values | id |
| named like a key, integer, of few values (a code) | categorical |
| text of few values | categorical |
| text of many values, or all different | text |
| everything else | what its SQL type says |

Few: at most 50 values, or at most 1,000 and 5 % of the rows. Constant and all-null columns keep their SQL type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.schema import Column, LogicalType, Schema
from synthkit.sources.types import quote, text
from synthkit.spec.types import SourceTableSpec

if TYPE_CHECKING:
    import duckdb

ALWAYS_FEW = 50
MOST_CATEGORIES = 1_000
FEW_SHARE = 0.05
FEWEST_ROWS = 3
_KEY_NAME = re.compile(r"(?:^|_)(?:id|uuid|guid|key)$|[a-z](?:Id|ID|UUID)$", re.ASCII)


@dataclass(frozen=True)
class Profile:
    """Counts of one column over the training rows."""

    rows: int
    nulls: int
    distinct: int

    @property
    def unique(self) -> bool:
        return self.distinct == self.rows - self.nulls and self.distinct > 1

    @property
    def few(self) -> bool:
        return self.distinct <= ALWAYS_FEW or (
            self.distinct <= MOST_CATEGORIES and self.distinct <= FEW_SHARE * self.rows
        )


def infer(connection: duckdb.DuckDBPyConnection, schema: Schema, spec: SourceTableSpec | None, train: Path) -> Schema:
    """The schema with the logical types that the training rows suggest."""
    profiles = profile(connection, schema, train)
    declared = {c.name: c for c in spec.columns} if spec is not None else {}
    columns = []
    for column in schema.columns:
        found = profiles[column.name]
        said = declared.get(column.name)
        if said is None or said.type is None:
            column = replace(column, type=logical_type(column, found, schema.primary_key))
        if said is None or said.nullable is None:
            column = replace(column, nullable=found.nulls > 0)
        columns.append(column)
    return replace(schema, columns=tuple(columns))


def profile(connection: duckdb.DuckDBPyConnection, schema: Schema, train: Path) -> dict[str, Profile]:
    """Rows, nulls and distinct values of every column, in one pass."""
    parts = ["count(*)"]
    for column in schema.columns:
        parts += [f"count({quote(column.name)})", f"count(DISTINCT {quote(column.name)})"]
    row = connection.execute(f"SELECT {', '.join(parts)} FROM read_parquet({text(str(train))})").fetchone()
    assert row is not None
    rows = int(row[0])
    return {
        c.name: Profile(rows, rows - int(row[1 + 2 * i]), int(row[2 + 2 * i])) for i, c in enumerate(schema.columns)
    }


def logical_type(column: Column, found: Profile, primary_key: tuple[str, ...]) -> LogicalType:
    """The logical type of an undeclared column."""
    if primary_key == (column.name,):
        return "id"
    key_like = bool(_KEY_NAME.search(column.name)) or column.name in primary_key
    if column.type == "integer" and key_like:
        if found.unique or not found.few:
            return "id"
        return "categorical"
    if column.type == "categorical":  # text, so far
        if key_like and (found.unique or not found.few):
            return "id"
        # Values that are all different identify their row: as categories they would be published as they are.
        return "categorical" if found.few and not (found.unique and found.rows > FEWEST_ROWS) else "text"
    return column.type
