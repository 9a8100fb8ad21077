"""Rules that hold in every row or do not: nulls, keys, ranges, references, row counts.

The value of each is the number of failing synthetic rows. It is counted, not estimated, so its interval is the
value itself. Nothing is read from the real rows except (``row_count``) how many there are. Names and
meanings follow dbt's tests. A table without rows, or with none that satisfy ``where``, is "skipped", not "passed".
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import (
    ORDERED,
    POSITIVE,
    AuditParams,
    AuditResult,
    ColumnName,
    ColumnNames,
    Condition,
    RelationName,
    audit,
)
from synthkit.audits.counting import (
    EXAMPLES,
    column_results,
    columns_of,
    counted,
    each_row,
    fetch_row,
    in_catalogue,
    listed,
    row_text,
    rows_shown,
    share_text,
    typed_literal,
    value_text,
)
from synthkit.audits.rows.marginals import require
from synthkit.errors import SynthError, did_you_mean
from synthkit.sources.types import provisional_type
from synthkit.sql.quoting import quote


def _plain(value: Any) -> Any:
    """Dates as ISO text, so that parameters survive JSON; a truth value is no bound."""
    if isinstance(value, bool):
        raise ValueError("input should be a number, or a date as text")
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def _plain_item(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime | time) else value


Bound = Annotated[int | float | str, BeforeValidator(_plain)]
Value = Annotated[bool | int | float | str | None, BeforeValidator(_plain_item)]


def _in_order(low: Any, high: Any) -> None:
    """Two numbers only: as text, "9" lies above "10"."""
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        raise ValueError(f"min {low} lies above max {high}")


# -- nulls and keys ------------------------------------------------------------------------------------


class NotNullParams(AuditParams):
    """Parameters of ``not_null``.

    Args:
        columns: each is held to it.
        max_share: the share of missing values that a column may have, in [0, 1].
    """

    columns: ColumnNames
    max_share: float = Field(default=0.0, ge=0, le=1)


@audit("not_null", NotNullParams, family="integrity", rows=True, between=POSITIVE)
def not_null(context: AuditContext, params: NotNullParams) -> AuditResult:
    """No value is missing, or at most a share of them.

    NaN counts as missing: frames and CSV files mean it so. The value is the number of rows in which any of
    the columns is missing; ``max_share`` holds for each column alone.
    """
    missing = {c: _missing(context, c) for c in params.columns}
    sums = ", ".join(f"count(*) FILTER (WHERE {m})" for m in missing.values())
    any_of = " OR ".join(missing.values())
    total, either, *each = fetch_row(
        context, f"SELECT count(*), count(*) FILTER (WHERE {any_of}), {sums} FROM synthetic"
    )
    threshold = "no nulls" if params.max_share == 0 else f"at most {params.max_share:.3g} null"
    found = dict(zip(missing, each, strict=True))
    bad = {c: n for c, n in found.items() if n > params.max_share * total}
    shown = ", ".join(f"{c!r} in {share_text(n, total)}" for c, n in sorted(bad.items(), key=lambda i: -i[1]))
    message, rows = f"values are missing: {shown}", f"SELECT * FROM synthetic WHERE {any_of}"
    return counted(total, either, bool(bad), threshold, message, column_results(found, bad), rows)


def _missing(context: AuditContext, column: str) -> str:
    kind = provisional_type(require(context, column))
    name = quote(column)
    return f"({name} IS NULL OR isnan({name}))" if kind == "float" else f"{name} IS NULL"


class UniqueParams(AuditParams):
    """Parameters of ``unique``: one of the two.

    Args:
        columns: each on its own has no value twice.
        together: columns of which no combination of values occurs twice.
    """

    columns: ColumnNames | None = None
    together: ColumnNames | None = None

    @model_validator(mode="after")
    def _one(self) -> UniqueParams:
        if (self.columns is None) == (self.together is None):
            raise ValueError("give columns (each is unique) or together (their combination is), one of the two")
        return self


@audit("unique", UniqueParams, family="integrity", rows=True, between=POSITIVE)
def unique(context: AuditContext, params: UniqueParams) -> AuditResult:
    """No value, or no combination of values, occurs twice.

    The value is the number of rows that share theirs with another row (all of them, not all but one). As in
    SQL's UNIQUE, a row with a null in the key is never a duplicate; ``not_null`` looks for those.
    """
    keys = [params.together] if params.together else [(c,) for c in params.columns or ()]
    found, examples = {}, []
    for key in keys:
        count, shown = _duplicates(context, key)
        found[", ".join(key)] = count
        examples += [f"{', '.join(key)} = {s}" for s in shown]
    total = context.rows("synthetic")
    bad = {c: n for c, n in found.items() if n}
    message = f"{row_text(sum(bad.values()))} share their key with another row: {listed(examples)}"
    rows = " OR ".join(_shares_key(key) for key in keys)
    columns = column_results(found, bad)
    rows = f"SELECT * FROM synthetic AS s WHERE {rows}"
    return counted(total, sum(found.values()), bool(bad), "no duplicates", message, columns, rows)


def _shares_key(key: tuple[str, ...]) -> str:
    """SQL that says whether a row ``s`` of the table shares its key with another."""
    names = ", ".join(quote(c) for c in key)
    present = " AND ".join(f"{quote(c)} IS NOT NULL" for c in key)
    groups = f"SELECT {names} FROM synthetic WHERE {present} GROUP BY ALL HAVING count(*) > 1"
    whole = " AND ".join(f"s.{quote(c)} IS NOT NULL" for c in key)
    return f"({whole} AND ({', '.join(f's.{quote(c)}' for c in key)}) IN ({groups}))"


def _duplicates(context: AuditContext, key: tuple[str, ...]) -> tuple[int, list[str]]:
    for column in key:
        require(context, column)
    names = ", ".join(quote(c) for c in key)
    present = " AND ".join(f"{quote(c)} IS NOT NULL" for c in key)
    groups = f"SELECT {names}, count(*) FROM synthetic WHERE {present} GROUP BY ALL HAVING count(*) > 1"
    last = len(key) + 1
    numbered = ", ".join(f"k{i}" for i in range(len(key)))
    count = context.scalar(f"SELECT coalesce(sum(c), 0) FROM ({groups}) AS g({numbered}, c)")
    rows = context.query(f"{groups} ORDER BY {last} DESC, {', '.join(map(str, range(1, last)))} LIMIT {EXAMPLES}")
    return int(count), [f"{', '.join(value_text(v) for v in row[:-1])} ({row[-1]}×)" for row in rows]


# -- values --------------------------------------------------------------------------------------------


class AcceptedValuesParams(AuditParams):
    """Parameters of ``accepted_values``.

    Args:
        column: the one that is looked at.
        values: all that may occur.
        nulls: whether a missing value may, too.
    """

    column: ColumnName
    values: tuple[Value, ...] = Field(min_length=1)
    nulls: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> AcceptedValuesParams:
        if None in self.values and not self.nulls:
            raise ValueError("null is among the values, but nulls is false: drop one of the two")
        return self


@audit("accepted_values", AcceptedValuesParams, family="integrity", rows=True, between=POSITIVE)
def accepted_values(context: AuditContext, params: AcceptedValuesParams) -> AuditResult:
    """Only the listed values occur. They are compared in the column's own type."""
    sql_type = require(context, params.column)
    name = quote(params.column)
    allowed = ", ".join(typed_literal(context, v, sql_type, params.column) for v in params.values if v is not None)
    outside = f"{name} NOT IN ({allowed})" if allowed else f"{name} IS NOT NULL"
    bad = f"{name} IS NULL OR {outside}" if not params.nulls else outside
    return each_row(context, params.column, bad, f"one of {listed([value_text(v) for v in params.values])}")


class AcceptedRangeParams(AuditParams):
    """Parameters of ``accepted_range``: one bound at least.

    Args:
        column: the one that is looked at.
        min: the least value that may occur: a number, date or time.
        max: the greatest.
        strictly: the bounds themselves may not occur.
    """

    column: ColumnName
    min: Bound | None = None
    max: Bound | None = None
    strictly: bool = False

    @model_validator(mode="after")
    def _bounded(self) -> AcceptedRangeParams:
        if self.min is None and self.max is None:
            raise ValueError("give min, max, or both")
        _in_order(self.min, self.max)
        return self


@audit(
    "accepted_range",
    AcceptedRangeParams,
    family="integrity",
    rows=True,
    between=POSITIVE,
    takes={"column": ORDERED},
)
def accepted_range(context: AuditContext, params: AcceptedRangeParams) -> AuditResult:
    """Every number, date or time lies between two bounds.

    A missing value passes; NaN, which lies nowhere, fails.
    """
    sql_type = require(context, params.column)
    kind = provisional_type(sql_type)
    if kind not in ("integer", "float", "decimal", "date", "datetime", "time"):
        raise SynthError(
            f"{params.column!r} is {sql_type}: only numbers, dates and times have a range",
            hint="use accepted_values, or cast the column in the model",
        )
    name = quote(params.column)
    equal = "=" if params.strictly else ""
    parts = [f"isnan({name})"] if kind == "float" else []
    for bound, sign in ((params.min, "<"), (params.max, ">")):
        if bound is not None:
            parts.append(f"{name} {sign}{equal} {typed_literal(context, bound, sql_type, params.column)}")
    word = "strictly " if params.strictly else ""
    named = [f"{w} {b}" for w, b in (("min", params.min), ("max", params.max)) if b is not None]
    return each_row(context, params.column, " OR ".join(parts), word + " ".join(named))


class ExpressionParams(AuditParams):
    """Parameters of ``expression``.

    Args:
        sql: a condition over the table's columns.
        nulls: whether a row for which it comes out null passes.
    """

    sql: Condition
    nulls: Literal["pass", "fail"] = "pass"


@audit("expression", ExpressionParams, family="integrity", rows=True, between=POSITIVE)
def expression(context: AuditContext, params: ExpressionParams) -> AuditResult:
    """A boolean SQL expression holds in every row.

    Where it is null (a column in it is), the row passes, as with SQL's CHECK and dbt_utils'
    expression_is_true; ``nulls: fail`` asks for more.
    """
    described = fetch_row(context, f"DESCRIBE SELECT (\n{params.sql}\n) FROM synthetic")
    if described[1] != "BOOLEAN":
        raise SynthError(
            f"the expression gives {described[1]}, not true or false: {params.sql}", hint="write a comparison"
        )
    failing = f"(\n{params.sql}\n) IS {'NOT TRUE' if params.nulls == 'fail' else 'FALSE'}"
    total, bad = fetch_row(context, f"SELECT count(*), count(*) FILTER (WHERE {failing}) FROM synthetic")
    message = ""
    if bad:
        cursor = context.connection.execute(f"SELECT * FROM synthetic WHERE {failing} LIMIT {EXAMPLES}")
        names = [d[0] for d in cursor.description]
        message = f"it does not hold in {share_text(bad, total)}: {rows_shown(names, cursor.fetchall())}"
    rows = f"SELECT * FROM synthetic WHERE {failing}"
    return counted(total, bad, bad > 0, " ".join(params.sql.split()), message, failing_rows=rows)


# -- tables --------------------------------------------------------------------------------------------


class RowCountParams(AuditParams):
    """Bounds on the number of rows: one of them at least.

    Args:
        min: rows at least.
        max: rows at most.
        equals: rows exactly, instead of the other bounds.
        min_ratio: at least so many times the source's rows.
        max_ratio: at most so many times the source's rows.
    """

    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)
    equals: int | None = Field(default=None, ge=0)
    min_ratio: float | None = Field(default=None, ge=0)
    max_ratio: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _bounded(self) -> RowCountParams:
        given = [n for n in type(self).model_fields if getattr(self, n) is not None]
        if not given:
            raise ValueError("give min, max, equals, min_ratio or max_ratio")
        if self.equals is not None and len(given) > 1:
            raise ValueError("equals says it all: drop the other bounds")
        for low, high in ((self.min, self.max), (self.min_ratio, self.max_ratio)):
            _in_order(low, high)
        return self


@audit("row_count", RowCountParams, family="integrity", between=POSITIVE)
def row_count(context: AuditContext, params: RowCountParams) -> AuditResult:
    """The table has as many rows as it should. The value is the number of rows.

    Ratios are to all rows of the source, the held-out ones included (as ``size: 2x`` is), after ``where``.
    """
    rows = context.rows("synthetic")
    checks: list[tuple[str, bool]] = []
    if params.equals is not None:
        checks.append((f"equals {params.equals:,}", rows == params.equals))
    if params.min is not None:
        checks.append((f"min {params.min:,}", rows >= params.min))
    if params.max is not None:
        checks.append((f"max {params.max:,}", rows <= params.max))
    real = context.rows("train") + context.rows("holdout")
    if params.min_ratio is not None or params.max_ratio is not None:
        if context.train is None:
            raise SynthError("a ratio counts in rows of the source, and the model has none", hint="use min and max")
        if params.min_ratio is not None:
            checks.append((f"min {params.min_ratio:g} × source", rows >= params.min_ratio * real))
        if params.max_ratio is not None:
            checks.append((f"max {params.max_ratio:g} × source", rows <= params.max_ratio * real))
    good = all(ok for _, ok in checks)
    threshold = ", ".join(text for text, _ in checks)
    message = f"the table has {row_text(rows)}" + ("" if good else f": {', '.join(t for t, ok in checks if not ok)}")
    return AuditResult(rows, "pass" if good else "fail", threshold, rows, rows, message=message)


class RelationshipsParams(AuditParams):
    """Parameters of ``relationships``.

    Args:
        column: the one that refers.
        to: the table it refers to: ``{{ ref('model') }}`` or ``{{ source('group', 'table') }}``.
        field: the column there.
    """

    column: ColumnName
    to: RelationName
    field: str


@audit("relationships", RelationshipsParams, family="integrity", rows=True, between=POSITIVE)
def relationships(context: AuditContext, params: RelationshipsParams) -> AuditResult:
    """Every value of a column occurs in a column of another table. A null refers to nothing, and passes.

    A source stands for its training rows, as everywhere. ``where`` narrows the audited table alone.
    """
    own = require(context, params.column)
    other = columns_of(context, params.to)
    if params.field not in other:
        hint = did_you_mean(params.field, other, "a column")
        raise SynthError(f"{params.to} has no column {params.field!r}", hint=hint)
    name, field = quote(params.column), quote(params.field)
    # DuckDB would turn the text into the other type, and stop at the first that does not fit.
    if "VARCHAR" in (own, other[params.field]) and own != other[params.field]:
        name, field = f"CAST({name} AS VARCHAR)", f"CAST({field} AS VARCHAR)"
    parents = f"SELECT {field} FROM {in_catalogue(context, params.to)} WHERE {quote(params.field)} IS NOT NULL"
    bad = f"{name} IS NOT NULL AND {name} NOT IN ({parents})"
    return each_row(context, params.column, bad, f"in {params.to}.{params.field}")
