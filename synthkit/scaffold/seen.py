"""Bounds and values read off the rows of a file, for whoever asks for them: a draft to replace, and never private.

A bound or a category may be one person's, so a declaration made of them is a release that no budget pays for. What is
written here says so above the columns, beside each of them, and on the console.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.formats.columns import form_of
from synthkit.schema import TEMPORAL, Column, Schema
from synthkit.sources.infer import Profile
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import duckdb

MOST_VALUES = 100  # longer lists are nobody's public knowledge by accident
LEFT_OUT = (
    "NOTE: bounds: and values: are left out on purpose. What you declare there is published with the model:"
    " declare only what anyone may know, never what you read off the rows"
)
MARK = "READ OFF THE ROWS, replace"
ABOVE = (
    "# NOT PRIVATE: the bounds:, values: and nullable: below were read off the rows, which no budget pays for. Each",
    "# may be one person's. Before you set epsilon, replace every one by what anyone may know without seeing the file.",
)


def declarations(
    connection: duckdb.DuckDBPyConnection, schema: Schema, profiles: Mapping[str, Profile], rows: Path
) -> dict[str, str]:
    """For each learnt column the YAML of its ``bounds`` or ``values``, as in ``bounds: [18, 90]``, and what is full.

    Left out are keys, free text, what Faker fills, columns without a value, and lists of more than ``MOST_VALUES``.
    """
    found: dict[str, str] = {}
    for column in schema.columns:
        seen = profiles[column.name]
        if not column.modelled:
            continue
        if column.type == "boolean":
            pass  # its values are known
        elif column.continuous:
            ends = [_end(column, at) for at in _range(connection, column, seen, rows)]
            if None not in ends:
                found[column.name] = f"bounds: [{ends[0]}, {ends[1]}]"
        elif 0 < seen.distinct <= MOST_VALUES:
            name, read = quote(column.name), parquet_scan(rows)
            query = f"SELECT DISTINCT {name} FROM {read} WHERE {name} IS NOT NULL ORDER BY 1"
            values = [_scalar(row[0]) for row in connection.execute(query).fetchall()]
            found[column.name] = f"values: [{', '.join(values)}]"
        if seen.nulls == 0 and seen.distinct > 0:
            found[column.name] = ", ".join(filter(None, [found.get(column.name), "nullable: false"]))
    return found


def _range(
    connection: duckdb.DuckDBPyConnection, column: Column, seen: Profile, rows: Path
) -> tuple[str | None, str | None]:
    """The least and the greatest value, of a written form as what it means."""
    import pyarrow.compute as pc

    form = form_of(column)
    if form is None:
        return seen.low, seen.high
    name, read = quote(column.name), parquet_scan(rows)
    query = f"SELECT DISTINCT CAST({name} AS VARCHAR) AS v FROM {read}"
    texts = connection.sql(query).to_arrow_table().combine_chunks().column("v").chunk(0)
    ends = pc.min_max(form.read(texts).values)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    return (None, None) if low is None else (str(low), str(high))


def warning(columns: int) -> str:
    """What the console says."""
    return (
        f"WARNING: bounds:, values: or nullable: of {columns} columns were read off the rows, which is not private."
        " Replace each by what anyone may know without seeing the file, before any model of it gets epsilon"
    )


def _end(column: Column, value: str | None) -> str | None:
    """One bound as YAML; None where there is none, or none that is a number."""
    if value is None:
        return None
    if column.type in TEMPORAL:
        return json.dumps(value)
    return value if math.isfinite(float(value)) else None


def _scalar(value: Any) -> str:
    return json.dumps(value if isinstance(value, bool | int | float) else str(value), ensure_ascii=False)
