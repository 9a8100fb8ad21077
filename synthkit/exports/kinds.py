"""What the columns of a Parquet file are, in the few words that every standard has one of its own for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal[
    "boolean", "integer", "float", "decimal", "date", "time", "timestamp", "instant", "text", "list", "struct", "map"
]


def kind_of(type_: pa.DataType) -> Kind:
    """Of an Arrow type; an ``instant`` is a timestamp with a time zone.

    >>> import pyarrow as pa
    >>> kind_of(pa.int64()), kind_of(pa.timestamp("us", "UTC")), kind_of(pa.list_(pa.string()))
    ('integer', 'instant', 'list')
    """
    import pyarrow.types as t

    if t.is_timestamp(type_):
        return "timestamp" if type_.tz is None else "instant"
    if t.is_list(type_) or t.is_large_list(type_) or t.is_fixed_size_list(type_):
        return "list"
    tests: Mapping[Kind, Callable[[pa.DataType], bool]] = {
        "boolean": t.is_boolean,
        "integer": t.is_integer,
        "float": t.is_floating,
        "decimal": t.is_decimal,
        "date": t.is_date,
        "time": t.is_time,
        "struct": t.is_struct,
        "map": t.is_map,
    }
    return next((kind for kind, holds in tests.items() if holds(type_)), "text")


def kinds(schema: pa.Schema) -> dict[str, Kind]:
    """Column → what it is."""
    return {column.name: kind_of(column.type) for column in schema}
