"""Which rows satisfy a comparison, as SQL's CHECK has it: a row with a missing value on either side does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import TYPE_CHECKING, Any

from synthkit.rules.inequality import Inequality

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Mask = np.ndarray[Any, np.dtype[np.bool_]]


def satisfied(rule: Inequality, batch: pa.RecordBatch, fixed: Mapping[str, pa.Scalar] | None = None) -> Mask:
    """Which rows satisfy the rule: booleans, shape (rows,).

    Args:
        fixed: values of columns that the batch lacks, as they are the same in all rows.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    def column(name: str) -> Any:
        return fixed[name] if fixed is not None and name in fixed else batch.column(name)

    left = column(rule.column)
    if isinstance(rule.right, str):
        left, right = _comparable(left, column(rule.right))
    else:
        left, right = _with_constant(left, rule)
    compare = {"<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}[rule.operator]
    missing = pc.or_(_missing(left), _missing(right))
    holds = pc.or_kleene(missing, pc.fill_null(compare(left, right), True))
    if isinstance(holds, pa.Scalar):
        return np.full(batch.num_rows, holds.as_py())
    mask: Mask = holds.to_numpy(zero_copy_only=False)
    return mask


def _missing(value: Any) -> Any:
    import pyarrow.compute as pc

    return pc.is_null(value, nan_is_null=True)


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    """Two columns in types that Arrow compares as SQL does: as floats if one is, else exactly."""
    import pyarrow as pa
    import pyarrow.types as t

    kinds = (left.type, right.type)
    if any(t.is_floating(k) for k in kinds):
        return _as_float(left), _as_float(right)
    if pa.uint64() in kinds:  # which has no common integer type with the signed ones
        return tuple(v.cast(pa.decimal128(20, 0)) if t.is_integer(v.type) else v for v in (left, right))
    return left, right


def _as_float(value: Any) -> Any:
    import pyarrow as pa

    return value.cast(pa.float64(), safe=False)


def _with_constant(column: Any, rule: Inequality) -> tuple[Any, pa.Scalar]:
    """The column and the rule's constant in types that compare exactly."""
    import pyarrow as pa
    import pyarrow.types as t

    constant, kind = rule.right, column.type
    assert not isinstance(constant, str)
    if isinstance(constant, dt.time):
        return column, pa.scalar(constant, pa.time64("us"))
    if isinstance(constant, dt.date):
        return _with_moment(column, constant)
    if t.is_floating(kind):
        return column, pa.scalar(float(constant), kind)  # in the column's own precision, as 0.1 is there
    try:
        if t.is_decimal(kind):
            return column, pa.scalar(_rounded(constant, rule.operator, kind.scale), kind)
        return column, pa.scalar(int(_rounded(constant, rule.operator, 0)), kind)
    except (pa.ArrowInvalid, OverflowError):  # beyond every value of the column
        return _as_float(column), pa.scalar(float(constant))


def _with_moment(column: Any, constant: dt.date) -> tuple[Any, pa.Scalar]:
    """A column of dates or moments beside a moment: dates are midnights, constants are in UTC where zones are known."""
    import pyarrow as pa
    import pyarrow.types as t

    moment = constant if isinstance(constant, dt.datetime) else dt.datetime.combine(constant, dt.time())
    zone = column.type.tz if t.is_timestamp(column.type) else None
    if zone is not None:
        moment = moment.replace(tzinfo=dt.UTC)
    column = column.cast(pa.timestamp("us")) if t.is_date(column.type) else column
    return column, pa.scalar(moment, pa.timestamp("us", tz=zone))


def _rounded(constant: Decimal, operator: str, scale: int) -> Decimal:
    """The constant on the column's grid, on the side that changes nothing: for integers ``x < 1.5`` is ``x < 2``."""
    with localcontext() as context:
        context.prec = 1_000
        rounding = ROUND_FLOOR if operator in ("<=", ">") else ROUND_CEILING
        return constant.quantize(Decimal(1).scaleb(-scale), rounding=rounding)
