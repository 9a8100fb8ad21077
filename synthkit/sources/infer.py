"""Logical types from the training rows: what is a key, a category, free text; declared types win.

| found | becomes |
| --- | --- |
| the only column of ``primary_key`` | id |
| a column of a foreign key, or the ``entity`` | id |
| text in which every value is a UUID, more than one of them | id |
| integers or text, named like a key (``id``, ``*_id``, ``*Id``, ``uuid``), unique or of more than 50 values | id |
| integers named like a key, of fewer values (a code) | categorical |
| integers named like a row's number (``record``, ``row_number``, ``index``) that count the rows | id |
| text of few values, that are not nearly all different | categorical |
| other text | text |
| everything else, also 0/1 integers | what its SQL type says |

Few: at most 50 values, or at most 1,000 and 5 % of the rows. Nearly all different: more than nine in ten values, of
more than three. Such values identify their row: as categories they would be published as they are. A constant column
keeps its SQL type; one of nulls alone is text in a CSV file, so a category without values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.project.types import SourceTableSpec
from synthkit.schema import Column, LogicalType, Schema
from synthkit.sources.types import provisional_type
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import duckdb

ALWAYS_FEW = 50
MOST_CATEGORIES = 1_000
FEW_SHARE = 0.05
FEWEST_ROWS = 3
FEWEST_COUNTED = 20  # rows, for a column to count them
MOST_LEFT_OUT = 2  # the greatest number of a counter, to one row
IDENTIFYING_SHARE = 0.9
MOST_DECIMALS = 9
AT_ONCE = 16  # columns that one query counts the values of: DuckDB holds a hash table, and buffers, for each of them
_KEY_NAME = re.compile(r"(?:^|_)(?:id|uuid|guid|key)$|(?:^|[a-z ])(?:Id|ID|UUID)$|^(?:unit|row|case)id$", re.ASCII)
_COUNTER = re.compile(
    r"^(record|row|index|idx|line|seq|rownames|unnamed: ?0|column0+)(_?(no|nr|num|number|index|id))?$", re.I
)
_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_KINDS_OF_TEXT = ("categorical", "text")


@dataclass(frozen=True)
class Profile:
    """What the training rows show of one column. Private: it stays beside the rows.

    ``low`` and ``high`` are the least and the greatest value as text, None where there is none; ``decimals`` the most
    that a floating-point or decimal value has, None for other columns and beyond nine.
    """

    rows: int
    nulls: int
    distinct: int
    low: str | None = None
    high: str | None = None
    decimals: int | None = None
    uuids: bool = False

    @property
    def unique(self) -> bool:
        return self.distinct == self.rows - self.nulls and self.distinct > 1

    @property
    def few(self) -> bool:
        return self.distinct <= ALWAYS_FEW or (
            self.distinct <= MOST_CATEGORIES and self.distinct <= FEW_SHARE * self.rows
        )

    @property
    def counts(self) -> bool:
        """Whether whole numbers tell the rows apart and leave out no more than a holdout takes: 0 or 1, and so on."""
        if not self.unique or self.nulls or self.low is None or self.high is None or not self.high.isdigit():
            return False
        return self.low.isdigit() and self.rows >= FEWEST_COUNTED and int(self.high) <= MOST_LEFT_OUT * self.rows

    @property
    def identifying(self) -> bool:
        """Whether nearly every value is one row's alone."""
        return self.distinct > FEWEST_ROWS and self.distinct > IDENTIFYING_SHARE * (self.rows - self.nulls)


def infer(schema: Schema, spec: SourceTableSpec, profiles: dict[str, Profile]) -> Schema:
    """The schema with the logical types that the training rows suggest."""
    declared = {c.name: c for c in spec.columns}
    keys = {spec.entity, *(name for key in spec.foreign_keys or () for name in key.names)}
    columns = []
    for column in schema.columns:
        found = profiles[column.name]
        said = declared.get(column.name)
        if column.name in keys and (said is None or said.type is None):
            column = replace(column, type="id")
        elif (said is None or said.type is None) and column.format is None:
            column = replace(column, type=logical_type(column, found, schema.primary_key))
        if said is None or said.nullable is None:
            column = replace(column, nullable=found.nulls > 0)
        columns.append(column)
    return replace(schema, columns=tuple(columns))


def profile(connection: duckdb.DuckDBPyConnection, schema: Schema, train: Path) -> dict[str, Profile]:
    """What the rows of a Parquet file show of every column, in one pass over each AT_ONCE of them."""
    found: dict[str, Profile] = {}
    for start in range(0, len(schema.columns), AT_ONCE):
        found |= _profiled(connection, schema.columns[start : start + AT_ONCE], train)
    return found


def _profiled(connection: duckdb.DuckDBPyConnection, columns: Sequence[Column], train: Path) -> dict[str, Profile]:
    parts = ["count(*)"]
    for column in columns:
        parts += _measures(column)
    row = connection.execute(f"SELECT {', '.join(parts)} FROM {parquet_scan(train)}").fetchone()
    assert row is not None
    rows, width = int(row[0]), (len(row) - 1) // len(columns)
    found = {}
    for i, column in enumerate(columns):
        filled, distinct, low, high, decimals, uuids = row[1 + width * i : 1 + width * (i + 1)]
        few = decimals is not None and decimals <= MOST_DECIMALS
        found[column.name] = Profile(
            rows, rows - filled, distinct, low, high, int(decimals) if few else None, bool(uuids)
        )
    return found


def _measures(column: Column) -> list[str]:
    """Values, different values, least, greatest, decimals, and whether all are UUIDs."""
    name, as_text = quote(column.name), f"CAST({quote(column.name)} AS VARCHAR)"
    kind = provisional_type(column.sql_type)
    digits = f"length(rtrim(split_part({as_text}, '.', 2), '0'))"
    decimals = f"max(CASE WHEN contains({as_text}, 'e') THEN {MOST_DECIMALS + 1} ELSE {digits} END)"
    uuids = f"bool_and(regexp_matches({name}, {literal(_UUID)}))"
    return [
        f"count({name})",
        f"count(DISTINCT {name})",
        f"CAST(min({name}) AS VARCHAR)",
        f"CAST(max({name}) AS VARCHAR)",
        decimals if kind in ("float", "decimal") else "NULL",
        uuids if column.sql_type == "VARCHAR" else "false",
    ]


def logical_type(column: Column, found: Profile, primary_key: tuple[str, ...]) -> LogicalType:
    """The logical type of an undeclared column."""
    if primary_key == (column.name,):
        return "id"
    key_like = bool(_KEY_NAME.search(column.name)) or column.name in primary_key
    if column.type == "integer" and _COUNTER.search(column.name) and found.counts:
        return "id"
    many = found.unique or found.distinct > ALWAYS_FEW
    if column.type == "integer" and key_like:
        return "id" if many else "categorical"
    if column.type in _KINDS_OF_TEXT:
        if (key_like and many) or (found.uuids and found.distinct > 1):
            return "id"
        return "categorical" if found.few and not found.identifying else "text"
    return column.type
