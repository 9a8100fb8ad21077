"""Which of the types of a published table Delta and Iceberg have, and what to cast the others to.

A lake's table is the published Parquet file itself, so a type is there as the file has it, or it is refused: another
type would be another file than the one that was audited.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synthkit.sql.types import NoPlaceError, kind_of, parts_of

_UNSIGNED = {"utinyint": "SMALLINT", "usmallint": "INTEGER", "uinteger": "BIGINT", "ubigint": "DECIMAL(20,0)"}
_NANOSECONDS = {
    "timestamp_ns": "TIMESTAMP (microseconds)",
    "timestamptz_ns": "TIMESTAMP WITH TIME ZONE (microseconds)",
}
ICEBERG: Mapping[str, str] = {**_UNSIGNED, **_NANOSECONDS}  # kind of type that has no place → what to cast it to
DELTA: Mapping[str, str] = {**ICEBERG, "time": "VARCHAR"}


def check_type(sql_type: str, lacking: Mapping[str, str], called: str) -> None:
    """Raises NoPlaceError where a type, or one inside it, is among those that are lacking.

    >>> check_type("STRUCT(a DECIMAL(18,2), b VARCHAR[])", DELTA, "Delta")
    >>> check_type("STRUCT(a UINTEGER)[]", DELTA, "Delta")
    Traceback (most recent call last):
    synthkit.sql.types.NoPlaceError: Delta has no type for UINTEGER inside STRUCT(a UINTEGER)[]
    """
    import duckdb

    for inner in _all(duckdb.sqltype(sql_type)):
        cast = lacking.get(kind_of(inner))
        if cast is not None:
            inside = "" if str(inner) == sql_type else f" inside {sql_type}"
            hint = f"cast it to {cast} in an SQL model over this one, or where its rows are made"
            raise NoPlaceError(f"{called} has no type for {inner}{inside}", hint)


def _all(sql_type: Any) -> Iterator[Any]:
    yield sql_type
    for _, inner in parts_of(sql_type):
        yield from _all(inner)
