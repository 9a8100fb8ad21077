"""Columns whose values lie at the limits of what a source's type can hold, or are alike in all rows or all but one.

Every audit and every generator takes them. Each column is a type of DuckDB with its Arrow values, as in
:func:`tests.tables.mixed_columns`.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from synthkit.schema import LogicalType

BEYOND_DOUBLE = 900_719_925_474_099_300  # neighbours of it are one and the same float64
FLOAT32_MOST = 3.4028234663852886e38
FLOAT64_MOST = 1.7976931348623157e308
_FIRST, _LAST = dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999)
_NANOSECONDS = (-(2**63) + 2, 2**63 - 2)  # from 1677-09-21 to 2262-04-11; one more is DuckDB's infinity
Values = tuple[str, pa.Array]


@dataclass(frozen=True)
class Kind:
    """A type at its limits.

    Args:
        sql, arrow: the type in DuckDB and in Arrow.
        logical: what it means.
        limits: its extreme values, each in several rows.
        common: draws one of the other rows' values.
    """

    sql: str
    arrow: pa.DataType
    logical: LogicalType
    limits: tuple[Any, ...]
    common: Callable[[random.Random], Any]


def _integer(name: str, arrow: pa.DataType, bits: int, signed: bool) -> Kind:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return Kind(name, arrow, "integer", (low, low + 1, high - 1, high), lambda r: r.randint(0, 100))


def _decimal(precision: int, scale: int) -> Kind:
    most = Decimal((0, (9,) * precision, -scale))
    step = Decimal((0, (1,), -scale))
    kind = pa.decimal128(precision, scale)
    limits = (most.copy_negate(), most, step, step.copy_negate(), Decimal(0))
    return Kind(f"DECIMAL({precision},{scale})", kind, "decimal", limits, lambda r: step * r.randint(-500, 500))


def _day(r: random.Random) -> dt.datetime:
    return dt.datetime(2020, 1, 1) + dt.timedelta(seconds=r.randint(0, 10**8))


KINDS: Mapping[str, Kind] = {
    "tinyint": _integer("TINYINT", pa.int8(), 8, True),
    "smallint": _integer("SMALLINT", pa.int16(), 16, True),
    "integer": _integer("INTEGER", pa.int32(), 32, True),
    "bigint": _integer("BIGINT", pa.int64(), 64, True),
    "utinyint": _integer("UTINYINT", pa.uint8(), 8, False),
    "usmallint": _integer("USMALLINT", pa.uint16(), 16, False),
    "uinteger": _integer("UINTEGER", pa.uint32(), 32, False),
    "ubigint": _integer("UBIGINT", pa.uint64(), 64, False),
    "beyond_double": Kind(
        "BIGINT", pa.int64(), "integer", (2**53 - 1, 2**53, 2**53 + 1), lambda r: BEYOND_DOUBLE + r.randint(0, 10**6)
    ),
    "float": Kind(
        "FLOAT",
        pa.float32(),
        "float",
        (-FLOAT32_MOST, FLOAT32_MOST, 1.401298464324817e-45, -0.0),
        lambda r: r.gauss(0, 1),
    ),
    "double": Kind(
        "DOUBLE", pa.float64(), "float", (-FLOAT64_MOST, FLOAT64_MOST, 5e-324, -0.0), lambda r: r.gauss(0, 1)
    ),
    "denormal": Kind("DOUBLE", pa.float64(), "float", (5e-324, -5e-324, 0.0), lambda r: r.randint(1, 999) * 5e-324),
    "decimal_38_0": _decimal(38, 0),
    "decimal_38_38": _decimal(38, 38),
    "decimal_38_10": _decimal(38, 10),
    "decimal_18_2": _decimal(18, 2),
    "date": Kind("DATE", pa.date32(), "date", (_FIRST.date(), _LAST.date()), lambda r: _day(r).date()),
    "timestamp": Kind("TIMESTAMP", pa.timestamp("us"), "datetime", (_FIRST, _LAST), _day),
    "timestamp_ns": Kind(
        "TIMESTAMP_NS", pa.timestamp("ns"), "datetime", _NANOSECONDS, lambda r: r.randint(0, 10**9) * 10**9
    ),
    "time": Kind(
        "TIME",
        pa.time64("us"),
        "time",
        (dt.time(0), dt.time(0, 0, 0, 1), dt.time(23, 59, 59, 999_999)),
        lambda r: dt.time(r.randint(8, 18), r.choice((0, 30))),
    ),
    "boolean": Kind("BOOLEAN", pa.bool_(), "boolean", (False, True), lambda r: r.random() < 0.3),
    "category": Kind(
        "VARCHAR",
        pa.string(),
        "categorical",
        ("", " ", "NULL", "'", '"', "\\", "\U0001f9ea", "x" * 10_000, "a\tb\r\nc"),
        lambda r: r.choice("abc"),
    ),
}

# A value that stands for "none" or "for ever", which a third of the rows share.
SENTINELS: Mapping[str, Any] = {
    "tinyint": 127,
    "integer": -9999,
    "bigint": 2**63 - 1,
    "ubigint": 2**64 - 1,
    "beyond_double": -1,
    "float": -FLOAT32_MOST,
    "double": 1e30,
    "decimal_38_0": Decimal("9" * 38),
    "decimal_18_2": Decimal("-9999.99"),
    "date": _LAST.date(),
    "timestamp": _FIRST,
    "time": dt.time(0),
    "category": "N/A",
}


def at_limits(rows: int = 120, seed: int = 1, nulls: float = 0.05) -> dict[str, Values]:
    """Every kind, one in eight of its rows at one of its limits, every limit in some row (from 80 rows on)."""
    found = {}
    for name, kind in KINDS.items():
        r = random.Random(f"{seed} {name}")
        drawn = [
            r.choice(kind.limits) if r.random() < 0.125 else None if r.random() < nulls else kind.common(r)
            for _ in range(rows)
        ]
        for place, value in zip(r.sample(range(rows), min(rows, len(kind.limits))), kind.limits, strict=False):
            drawn[place] = value
        found[name] = (kind.sql, pa.array(drawn, kind.arrow))
    return found


def with_sentinels(rows: int = 120, seed: int = 1) -> dict[str, Values]:
    """Ordinary values, a third of them one sentinel."""
    found = {}
    for name, sentinel in SENTINELS.items():
        kind, r = KINDS[name], random.Random(f"{seed} {name}")
        drawn = [sentinel if r.random() < 1 / 3 else kind.common(r) for _ in range(rows)]
        found[name] = (kind.sql, pa.array(drawn, kind.arrow))
    return found


def constants(rows: int = 120, seed: int = 1, others: int = 0, nulls: int = 0) -> dict[str, Values]:
    """Every kind with one value in all rows, but for ``others`` with another and ``nulls`` with none."""
    found = {}
    for name, kind in KINDS.items():
        r = random.Random(f"{seed} {name}")
        same = kind.common(random.Random(name))
        drawn = [same] * rows
        places = r.sample(range(rows), others + nulls)
        for place in places[:others]:
            drawn[place] = next(v for v in kind.limits if v != same)
        for place in places[others:]:
            drawn[place] = None
        found[name] = (kind.sql, pa.array(drawn, kind.arrow))
    return found


def empty_columns(rows: int = 120) -> dict[str, Values]:
    """Every kind with no value at all."""
    return {name: (kind.sql, pa.array([None] * rows, kind.arrow)) for name, kind in KINDS.items()}


def logical(name: str) -> LogicalType:
    return KINDS[name].logical


def arrow_table(columns: Mapping[str, Values]) -> pa.Table:
    return pa.table({name: values for name, (_, values) in columns.items()})
