"""Order between columns: one value is not above another, in every row.

The audit's side of ``constraints:``. There the rule shapes what is drawn; here it is checked, on any table, an SQL
model's included. Rule and meaning are shared (:mod:`synthkit.rules.inequality`).
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema, model_validator

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import ORDERED, POSITIVE, AuditParams, AuditResult, ColumnName, ColumnResult, audit
from synthkit.audits.counting import EXAMPLES, counted, fetch_row, rows_shown, share_a_decimal, share_text
from synthkit.audits.rows.marginals import require
from synthkit.errors import SynthError
from synthkit.rules.inequality import Constant, Kind, kind_of, parse_constant
from synthkit.sources.types import provisional_type
from synthkit.sql.quoting import literal, quote

Operand = str | Constant


def _read(value: Any) -> Any:
    """A number, date or time where the value is one, or reads as one; else the name of a column."""
    if isinstance(value, bool) or value is None:
        raise ValueError("input should be a column, a number, a date or a time")
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        return value
    constant = parse_constant(value)
    return value if constant is None else constant


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)


WrittenOperand = Annotated[
    ColumnName | Decimal | datetime | date | time,
    BeforeValidator(_read),
    PlainSerializer(_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": ["string", "number"], "description": "a column, or a number, ISO date or time"}),
]


class InequalityParams(AuditParams):
    """Two columns, or one and a constant.

    What reads as a number, date or time is one; a column of such a name can be compared by ``expression``.

    Args:
        low: the column, or constant, that is not above the other.
        high: the other.
        strict: equality is forbidden too.
    """

    low: WrittenOperand
    high: WrittenOperand
    strict: bool = False

    @model_validator(mode="after")
    def _compares(self) -> InequalityParams:
        if not isinstance(self.low, str) and not isinstance(self.high, str):
            raise ValueError("low and high are both constants: one of them must be a column")
        if self.low == self.high:
            raise ValueError(f"low and high are both {self.low!r}: name two columns, or a column and a constant")
        return self


@audit(
    "inequality",
    InequalityParams,
    family="integrity",
    rows=True,
    between=POSITIVE,
    as_read=True,
    takes={"low": ORDERED, "high": ORDERED},
)
def inequality(context: AuditContext, params: InequalityParams) -> AuditResult:
    """One column is not above another, or above or below a constant, in every row.

    The value is the number of rows that break the rule. As in SQL's CHECK, and as with ``constraints:``, a row in
    which either side is missing (null or NaN) keeps it. Numbers are compared with numbers, dates with dates.
    """
    sides = (params.low, params.high)
    if _kind(context, params.low, params.high) != _kind(context, params.high, params.low):
        shown = " and ".join(_described(context, s) for s in sides)
        raise SynthError(f"{shown}: they cannot be compared", hint="compare numbers with numbers, and dates with dates")
    low, high = _sql(context, params.low, params.high), _sql(context, params.high, params.low)
    present = " AND ".join(f"NOT isnan({quote(s)})" for s in sides if isinstance(s, str) and _floats(context, s))
    bad = f"{low} {'>=' if params.strict else '>'} {high}" + (f" AND {present}" if present else "")
    names = [s for s in sides if isinstance(s, str)]
    total, failing = fetch_row(context, f"SELECT count(*), count(*) FILTER (WHERE {bad}) FROM synthetic")
    rule = f"{_shown(params.low)} {'<' if params.strict else '<='} {_shown(params.high)}"
    message = ""
    if failing:
        columns = ", ".join(quote(n) for n in names)
        rows = context.query(f"SELECT {columns} FROM synthetic WHERE {bad} LIMIT {EXAMPLES}")
        message = f"{rule} does not hold in {share_text(failing, total)}: {rows_shown(names, rows)}"
    status = "fail" if failing else "pass"
    columns_found = tuple(ColumnResult(n, failing, status, failing, failing) for n in names)  # type: ignore[arg-type]
    failing_rows = f"SELECT * FROM synthetic WHERE {bad}"
    return counted(total, failing, failing > 0, rule, message, columns_found, failing_rows)


def _kind(context: AuditContext, side: Operand, other: Operand) -> Kind:
    if not isinstance(side, str):
        if isinstance(side, Decimal | time):
            return "number" if isinstance(side, Decimal) else "time"
        return "zoned" if isinstance(other, str) and kind_of(require(context, other)) == "zoned" else "date"
    kind = kind_of(require(context, side))
    if kind is None:
        raise SynthError(
            f"{_described(context, side)}: only numbers, dates and times have an order",
            hint="cast the column in the model, or use expression",
        )
    return kind


def _sql(context: AuditContext, side: Operand, other: Operand) -> str:
    """A column, or a constant that compares exactly: 1.5 stays 1.5 beside an integer, and 0.1 is what a FLOAT holds."""
    if isinstance(side, str):
        return _beside(context, side, other)
    beside = require(context, other) if isinstance(other, str) else ""
    if isinstance(side, Decimal):
        text = f"{side:f}" if abs(side.adjusted()) < 38 else repr(float(side))
        if beside in ("FLOAT", "REAL"):
            return f"CAST({text} AS FLOAT)"
        digits = -min(0, int(side.as_tuple().exponent))
        fits = share_a_decimal(beside, f"DECIMAL({max(1, side.adjusted() + 1 + digits)},{digits})")
        return text if fits else f"CAST({text} AS DOUBLE)"
    kind = "TIME" if isinstance(side, time) else "TIMESTAMP"
    moment = f"CAST({literal(_text(side))} AS {kind})"
    return f"timezone('UTC', {moment})" if kind_of(beside) == "zoned" else moment


def _beside(context: AuditContext, column: str, other: Operand) -> str:
    """A column in a type that holds every value of the other one too, where DuckDB's common type does not."""
    own, beside = require(context, column), require(context, other) if isinstance(other, str) else ""
    if not share_a_decimal(own, beside):
        return f"CAST({quote(column)} AS DOUBLE)"
    if (own == "TIMESTAMP_NS") != (beside == "TIMESTAMP_NS") and kind_of(beside) == kind_of(own):
        unit = "epoch_ns({0})" if own == "TIMESTAMP_NS" else "CAST(epoch_us({0}) AS HUGEINT) * 1000"
        return unit.format(quote(column))
    return quote(column)


def _floats(context: AuditContext, column: str) -> bool:
    return provisional_type(require(context, column)) == "float"


def _described(context: AuditContext, side: Operand) -> str:
    return f"{side!r} is {require(context, side)}" if isinstance(side, str) else f"{_text(side)} is a constant"


def _shown(side: Operand) -> str:
    return side if isinstance(side, str) else _text(side)
