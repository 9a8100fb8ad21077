"""An expression over the rows of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from synthkit.rules.coding import whole
from synthkit.rules.expression import Call, Expression, Kind, Name, Number

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

DAY = 86_400_000_000  # microseconds
SPANS = {"days": DAY, "hours": 3_600_000_000, "minutes": 60_000_000, "seconds": 1_000_000}


def kind_of_type(kind: pa.DataType) -> Kind | None:
    """What an expression takes values of an Arrow type for; None where it can do nothing with them."""
    import pyarrow.types as t

    if t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind) or t.is_boolean(kind):
        return "number"
    if t.is_date(kind):
        return "date"
    if t.is_timestamp(kind):
        return "moment"
    return "text" if t.is_string(kind) or t.is_large_string(kind) else None


def numbers_of(column: pa.Array | pa.ChunkedArray) -> Floats:
    """Numbers, days of dates, microseconds of moments; NaN where there is none. Shape (rows,).

    Raises ValueError where the values are neither.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.types as t

    values = whole(column)
    if t.is_date(values.type):
        values = values.cast(pa.date32()).cast(pa.int32())
    elif t.is_timestamp(values.type):
        values = values.cast(pa.timestamp("us", values.type.tz), safe=False).cast(pa.int64())
    elif t.is_boolean(values.type):
        values = values.cast(pa.int8())
    elif kind_of_type(values.type) != "number":
        raise ValueError(f"{values.type} is no number, date or moment")
    found: Floats = values.cast(pa.float64(), safe=False).fill_null(float("nan")).to_numpy(zero_copy_only=False)
    return found.astype(np.float64, copy=False)


def times_of(numbers: Floats, absent: Mask, kind: pa.DataType) -> pa.Array:
    """Dates of days, or moments of microseconds, in their Arrow type: what :func:`numbers_of` gave. Shape (rows,).

    Args:
        absent: where there is none; the number there does not matter.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.types as t

    plain = np.rint(np.where(absent, 0.0, numbers))
    if t.is_date(kind):
        return pa.array(plain.astype("int32"), pa.int32(), mask=absent).cast(pa.date32()).cast(kind)
    moments = pa.array(plain.astype("int64"), pa.int64(), mask=absent)
    return moments.cast(pa.timestamp("us", kind.tz)).cast(kind, safe=False)


def of_single_precision(values: Floats) -> bool:
    """Whether numbers with long fractions are all such as 32 bits hold: then they were of 32 bits once."""
    import numpy as np

    known = values[np.isfinite(values)]
    long = known[known * 1024 % 1 != 0]
    with np.errstate(over="ignore"):
        # Written as decimal text and read again, they are off by what 15 digits leave.
        apart = np.abs(long.astype(np.float32) - long)
        return len(long) > 0 and bool((apart <= 1e-12 * np.abs(long)).all())


def moments_in(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Dates or moments, out of ISO text too. Raises ValueError."""
    import pyarrow as pa
    import pyarrow.types as t

    values = whole(column)
    if t.is_date(values.type):
        return values.cast(pa.date32())
    if t.is_timestamp(values.type):
        return values.cast(pa.timestamp("us"), safe=False) if values.type.tz is None else _local(values)
    if kind_of_type(values.type) == "text":
        for zone in (None, "UTC"):
            try:
                return values.cast(pa.timestamp("us", zone)).cast(pa.timestamp("us"))
            except pa.ArrowInvalid:
                continue
    raise ValueError(f"{values.type} values are no dates")


def _local(values: pa.Array) -> pa.Array:
    import pyarrow as pa

    return values.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.timestamp("us"))


def evaluate(expression: Expression, table: pa.Table | pa.RecordBatch) -> Floats | pa.Array:
    """The value in each row: floats (see :func:`numbers_of`), or an Arrow array of text. Shape (rows,).

    Raises ValueError where a column's values are not what the expression takes.
    """
    import numpy as np

    if isinstance(expression, Name):
        column = table.column(expression.column)
        return whole(column) if kind_of_type(column.type) == "text" else numbers_of(column)
    if isinstance(expression, Number):
        return np.full(table.num_rows, float(expression.value))
    function = expression.function
    if function in _CALENDAR:
        return _CALENDAR[function](_time(expression.arguments[0], table))
    if function.endswith("_between"):
        start, end = (_time(a, table) for a in expression.arguments)
        return _years(start, end) if function == "years_between" else _between(function, start, end)
    with np.errstate(all="ignore"):
        return _numeric(function, [evaluate(a, table) for a in expression.arguments])


def _numeric(function: str, values: list[Any]) -> Floats:
    import numpy as np

    if function in SPANS:
        found: Floats = values[0] * SPANS[function]
    elif function == "round":
        found = rounded(values[0], int(values[1][0]) if len(values[1]) else 0)
    elif function == "make_date":
        found = _make_date(*values)
    else:
        found = _PLAIN[function](*values)
    return np.where(np.isfinite(found), found, np.nan)


def rounded(values: Floats, digits: int) -> Floats:
    """To so many places after the point; halves away from zero, as people and SQL round."""
    import numpy as np

    scale = 10.0**digits
    scaled = np.abs(values) * scale
    found: Floats = np.copysign(np.floor(scaled + 0.5 + 1e-9 * np.minimum(1.0, scaled)), values) / scale
    return found


def _plain() -> dict[str, Callable[..., Any]]:
    return {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "%": lambda a, b: a % b,
        "floor": lambda a: _np().floor(a + 1e-9),
        "ceil": lambda a: _np().ceil(a - 1e-9),
        "abs": abs,
        "log": lambda a: _np().log(a),
        "log1p": lambda a: _np().log1p(a),
        "log2": lambda a: _np().log2(a),
        "log10": lambda a: _np().log10(a),
        "exp": lambda a: _np().exp(a),
        "sqrt": lambda a: _np().sqrt(a),
        "least": lambda *a: _np().minimum.reduce(a),
        "greatest": lambda *a: _np().maximum.reduce(a),
    }


def _np() -> Any:
    import numpy as np

    return np


_PLAIN = _plain()


def _time(expression: Expression, table: pa.Table | pa.RecordBatch) -> pa.Array:
    """An expression whose value is a date or a moment, as Arrow has it."""
    import numpy as np
    import pyarrow as pa

    if isinstance(expression, Name):
        return moments_in(table.column(expression.column))
    days = evaluate(expression, table)
    if not (isinstance(expression, Call) and expression.function in ("date", "make_date")):
        raise ValueError("the argument of a function of dates is a column, or date(…)")
    assert isinstance(days, np.ndarray)
    return pa.array(np.nan_to_num(days).astype("int32"), pa.int32(), mask=np.isnan(days)).cast(pa.date32())


def _part(name: str, **options: Any) -> Callable[[pa.Array], Floats]:
    def take(values: pa.Array) -> Floats:
        import pyarrow as pa
        import pyarrow.compute as pc

        if name in ("hour", "minute", "second"):
            values = values.cast(pa.timestamp("us"))
        return numbers_of(getattr(pc, name)(values, **options))

    return take


def _name(form: str) -> Callable[[pa.Array], pa.Array]:
    def take(values: pa.Array) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        return pc.strftime(values.cast(pa.timestamp("us")), format=form)

    return take


def _date(values: pa.Array) -> Floats:
    import pyarrow as pa

    return numbers_of(values.cast(pa.date32(), safe=False))


_CALENDAR: dict[str, Callable[[pa.Array], Any]] = {
    "year": _part("year"),
    "quarter": _part("quarter"),
    "month": _part("month"),
    "week": _part("iso_week"),
    "day": _part("day"),
    "day_of_year": _part("day_of_year"),
    "weekday": _part("day_of_week", count_from_zero=False),
    "hour": _part("hour"),
    "minute": _part("minute"),
    "second": _part("second"),
    "month_name": _name("%B"),
    "day_name": _name("%A"),
    "date": _date,
}


def _between(function: str, start: pa.Array, end: pa.Array) -> Floats:
    import pyarrow as pa

    first, last = (numbers_of(v.cast(pa.timestamp("us"))) for v in (start, end))
    found: Floats = (last - first) / SPANS[function.removesuffix("_between")]
    return found


def _years(start: pa.Array, end: pa.Array) -> Floats:
    """Full years, as ages are counted."""
    a = [_CALENDAR[p](start) for p in ("year", "month", "day")]
    b = [_CALENDAR[p](end) for p in ("year", "month", "day")]
    before = (b[1] < a[1]) | ((b[1] == a[1]) & (b[2] < a[2]))
    found: Floats = b[0] - a[0] - before
    return found


def _make_date(year: Floats, month: Floats, day: Floats) -> Floats:
    """Days since 1970 of a day of the calendar; NaN where there is none such."""
    import numpy as np

    good = (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("int64").astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype("int64")
    length = (months + 1).astype("datetime64[D]").astype("int64") - first
    return np.where(good & (day <= length), first + day - 1, np.nan)
