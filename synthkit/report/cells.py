"""A value on paper: as the text of a cell, in CSV and in tables, and as JSON. No value loses a digit on the way.

What JSON has no word for is written so that readers know it again: an infinite number as the text ``"Infinity"``, dates
and times as text, decimals as numbers with all their digits. NaN is null, as in every published table.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values in Python; as DuckDB writes them where Python has none: binary data, 24:00, the year 12345, no end."""
    import pyarrow.types as t

    try:
        found: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):
        return _in_words(column)
    odd = "binary" in str(column.type) or (t.is_time64(column.type) and _midnight_at_the_end(column))
    return _in_words(column) if odd else found


def _midnight_at_the_end(column: Any) -> bool:
    """Whether there is a 24:00, which Arrow gives to Python as 00:00."""
    import pyarrow.compute as pc

    latest = pc.max(column.cast("int64")).as_py()
    return latest is not None and latest >= 86_400 * (10**9 if column.type.unit == "ns" else 10**6)


def _in_words(column: Any) -> list[Any]:
    import duckdb
    import pyarrow as pa

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("found", pa.table({"cell": column}))
        return [row[0] for row in connection.execute("SELECT CAST(cell AS VARCHAR) FROM found").fetchall()]


def as_text(value: Any, kind: pa.DataType) -> str:
    """A value of an Arrow type; a nested one as JSON, nothing where there is none."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    return as_json(value, kind) if isinstance(value, dict | list) else str(value)


def as_json(value: Any, kind: pa.DataType) -> str:
    """A value of an Arrow type. Maps are objects, their keys text."""
    import pyarrow.types as t

    if isinstance(value, dict):
        fields = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
        return "{" + ", ".join(f"{_quoted(k)}: {as_json(v, fields[k])}" for k, v in value.items()) + "}"
    if isinstance(value, list) and t.is_map(kind):
        pairs = ((as_text(k, kind.key_type), as_json(v, kind.item_type)) for k, v in value)
        return "{" + ", ".join(f"{_quoted(k)}: {v}" for k, v in pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_json(v, kind.value_type) for v in value) + "]"
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        return str(int(value)) if whole else format(value, "f").rstrip("0")
    if isinstance(value, float):
        return "null" if math.isnan(value) else repr(value) if math.isfinite(value) else _endless(value)
    return json.dumps(value) if value is None or isinstance(value, bool | int) else _quoted(str(value))


def _endless(value: float) -> str:
    return '"Infinity"' if value > 0 else '"-Infinity"'


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
