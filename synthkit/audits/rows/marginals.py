"""One column of one side as sorted numbers or as counts of categories: what the fidelity audits compare.

Both sides are read in a form that they share, because the synthetic column may have another SQL type than
the real one (an SQL model's cast, say). Everything is cached in the context, so several audits read once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.errors import SynthError, did_you_mean
from synthkit.schema import NUMERIC, Column
from synthkit.sources.types import provisional_type
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

LOW_CARDINALITY = 20  # a number or date with at most so many values in the real rows is judged as categories too
_WIDE = frozenset({"HUGEINT", "UHUGEINT", "UBIGINT"})


@dataclass(frozen=True)
class Values:
    """The numbers of a column in ascending order (float64, int64 or uint64), and how many rows have none.

    Null, NaN and infinite points in time count as missing.
    """

    numbers: Array
    missing: int

    @property
    def missing_share(self) -> float | None:
        rows = len(self.numbers) + self.missing
        return self.missing / rows if rows else None


def sql_types(context: AuditContext, side: Side) -> Mapping[str, str]:
    """Column → DuckDB type as the side's files hold it; empty where there is no such side."""
    if context.side(side) is None:
        return {}

    def describe() -> dict[str, str]:
        rows = context.query(f"DESCRIBE SELECT * FROM {side}")
        return {str(row[0]): str(row[1]) for row in rows}

    return context.shared(("sql types", side), describe)


def require(context: AuditContext, column: str, side: Side = "synthetic") -> str:
    """The DuckDB type of a column. Raises SynthError, with the nearest name, where the side lacks it."""
    types = sql_types(context, side)
    if column not in types:
        raise SynthError(f"the {side} table has no column {column!r}", hint=did_you_mean(column, types, "a column"))
    return types[column]


def comparable_columns(context: AuditContext) -> tuple[Column, ...]:
    """The columns that the synthetic table shares with the real one and that a generator learns.

    Keys, free text and columns filled by Faker are made up by design; comparing them means nothing.
    """
    if context.holdout is None:
        return ()
    real = context.holdout.schema
    held = sql_types(context, "holdout")
    keys = {*real.primary_key, *context.schema.primary_key}
    originals = {c.name for c in real.columns if c.name in held and c.modelled and c.name not in keys}
    return tuple(c for c in context.schema.columns if c.name in originals and c.modelled)


def number_key(context: AuditContext, column: str) -> str | None:
    """SQL that gives the column as a number on both sides (dates as microseconds), or None if there is none."""
    ours, theirs = require(context, column), require(context, column, "holdout")
    kinds = {provisional_type(ours), provisional_type(theirs)}
    name = quote(column)
    if kinds == {"integer"}:
        if {ours, theirs} == {"UBIGINT"}:  # 2^63 and more: as floats, which a mixture becomes, neighbours are one
            return name
        return f"CAST({name} AS DOUBLE)" if {ours, theirs} & _WIDE else f"CAST({name} AS BIGINT)"
    if kinds <= NUMERIC:
        return f"CAST({name} AS DOUBLE)"
    if kinds <= {"date", "datetime"} or kinds == {"time"}:
        return f"epoch_us({name})"
    return None


def category_key(context: AuditContext, column: str) -> str:
    """SQL that gives the column as text, the same text for equal values on both sides."""
    return category_sql(column, (require(context, column), require(context, column, "holdout")))


def category_sql(column: str, types: Collection[str]) -> str:
    """SQL that gives a column as text, the same for equal values wherever it is held in one of these SQL types."""
    kinds = {provisional_type(t) for t in types}
    name = quote(column)
    if kinds <= {*NUMERIC, "boolean"} and (kinds & {"float"} or len(kinds) > 1):
        # Adding zero makes -0.0 and 0.0 one category; NaN is a missing value.
        return f"CAST(CASE WHEN NOT isnan(CAST({name} AS DOUBLE)) THEN CAST({name} AS DOUBLE) + 0.0 END AS VARCHAR)"
    if kinds == {"date", "datetime"}:
        return f"CAST(CAST({name} AS TIMESTAMP) AS VARCHAR)"
    return f"CAST({name} AS VARCHAR)"


def values(context: AuditContext, side: Side, column: str) -> Values:
    """The numbers of a column, sorted. Raises SynthError where it does not hold numbers or dates on both sides."""
    key = number_key(context, column)
    if key is None:
        raise SynthError(
            f"{column!r} does not hold numbers or dates in both tables "
            f"(synthetic: {require(context, column)}, real: {require(context, column, 'holdout')})",
            hint="compare categories with chi_square",
        )
    return context.shared(("values", side, column, key), lambda: _read(context, side, key))


def _read(context: AuditContext, side: Side, key: str) -> Values:
    import numpy as np

    numbers = np.asarray(context.column(side, key).drop_null().to_numpy())
    numbers = np.sort(numbers[~np.isnan(numbers)])
    return Values(numbers, context.rows(side) - len(numbers))


def rows_of(context: AuditContext, side: Side, column: str) -> tuple[Array, Array]:
    """A column of numbers or dates row by row, in the order in which they are stored: the numbers, 0 where there is
    none, and where that is."""
    import numpy as np

    key = number_key(context, column)
    assert key is not None
    read = context.column(side, key)
    return np.asarray(read.fill_null(0).to_numpy()), np.asarray(read.is_null(nan_is_null=True).to_numpy())


def counts(context: AuditContext, side: Side, column: str) -> Mapping[str | None, int]:
    """How many rows of a side have each category; None is the category of the missing values."""
    key = category_key(context, column)
    query = f"SELECT {key} AS v, count(*) FROM {context.scan(side)} GROUP BY 1 ORDER BY 1"

    def count() -> dict[str | None, int]:
        return {row[0]: int(row[1]) for row in context.query(query)}

    return context.shared(("counts", side, column, key), count)


def few_values(context: AuditContext, side: Side, column: str) -> bool:
    """Whether a column has at most LOW_CARDINALITY different values on one side (null is none)."""
    name = quote(column)
    some = f"SELECT DISTINCT {name} FROM {context.scan(side)} WHERE {name} IS NOT NULL LIMIT {LOW_CARDINALITY + 1}"
    query = f"SELECT count(*) FROM ({some})"  # the limit ends the scan of a column of many values at once
    return context.shared(("few", side, column), lambda: int(context.scalar(query)) <= LOW_CARDINALITY)


def subsample(sorted_numbers: Array, size: int, rng: np.random.Generator) -> Array:
    """At most ``size`` of the numbers without replacement, still sorted."""
    import numpy as np

    if len(sorted_numbers) <= size:
        return sorted_numbers
    return sorted_numbers[np.sort(rng.choice(len(sorted_numbers), size, replace=False, shuffle=False))]
