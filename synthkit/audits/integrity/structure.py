"""Is the table built like the real one? Its columns and types, and how many different values each holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, model_validator

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import POSITIVE, AuditParams, AuditResult, ColumnResult, Status, audit
from synthkit.audits.counting import listed
from synthkit.audits.gate import Default, Estimate, limit_of, untold
from synthkit.audits.measures.richness import Ratio, rarefied, ratio
from synthkit.audits.relations.children import children_per_parent
from synthkit.audits.rows import marginals
from synthkit.audits.rows.choice import has_floor, judged_columns
from synthkit.audits.verdict import ALPHA, MIN_ROWS, DistanceParams, Part, share_of_alpha, verdict
from synthkit.errors import SynthError
from synthkit.sql.quoting import quote

# -- schema --------------------------------------------------------------------------------------------


class SchemaParams(AuditParams):
    """What must agree with the pattern.

    Args:
        columns: the pattern, name → SQL type, in their order. Default: the real table's.
        order: the columns stand in the pattern's order.
        types: "sql": the same SQL types; "any": types do not matter.
        nulls: no nulls where the real column has none. With ``columns``, ``not_null`` says so instead.
        extra: the table may have further columns.
    """

    columns: Annotated[Mapping[str, str], Field(min_length=1)] | None = None
    order: bool = True
    types: Literal["sql", "any"] = "sql"
    nulls: bool = True
    extra: bool = False


@audit("schema", SchemaParams, family="integrity", between=POSITIVE)
def schema(context: AuditContext, params: SchemaParams) -> AuditResult:
    """The columns have the names, order, SQL types and nullability of the real ones, or those that are declared.

    The value is the number of columns that do not. No real row is read, only the real table's columns, and whether
    they were declared or seen to have nulls. A null in a column of whose training rows none has one is a mismatch
    where that is more than chance: of k nulls among m synthetic and n training rows, all k lie on the synthetic side
    with the probability C(m, k)/C(n+m, k) (Fisher's exact test at 5 %, shared out over the columns); fewer are
    reported, and the audit is "inconclusive".
    """
    ours = dict(marginals.sql_types(context, "synthetic"))
    if params.columns is not None:
        pattern = {name: _normal(context, name, kind) for name, kind in params.columns.items()}
    elif context.train is not None:
        pattern = dict(marginals.sql_types(context, "train"))
    else:
        raise SynthError("there is no real table to compare with", hint="declare columns: {name: SQL type}")
    found = {
        **_names(ours, pattern, params.extra),
        **(_types(ours, pattern) if params.types == "sql" else {}),
        **({} if not params.order else _order([c for c in ours if c in pattern], [c for c in pattern if c in ours])),
    }
    unsure: dict[str, str] = {}
    if params.nulls and params.columns is None:
        bad, unsure = _nulls(context, [c for c in pattern if c in ours])
        found = {**bad, **found}
    results = [ColumnResult(c, 1, "fail", 1, 1, message=m) for c, m in found.items()]
    results += [ColumnResult(c, 0, "inconclusive", 0, 1, message=m) for c, m in unsure.items() if c not in found]
    status: Status = "fail" if found else "inconclusive" if results else "pass"
    shown = listed([f"{r.column!r} {r.message}" for r in results])
    message = shown or f"all {len(pattern)} columns agree"
    threshold = "as the real table" if params.columns is None else "as declared"
    return AuditResult(len(found), status, threshold, len(found), len(found), message=message, columns=tuple(results))


def _normal(context: AuditContext, name: str, kind: str) -> str:
    """A SQL type as DuckDB writes it. Raises SynthError where it knows none of that name."""
    import duckdb

    try:
        return str(context.scalar(f"SELECT column_type FROM (DESCRIBE SELECT CAST(NULL AS {kind}) AS c)"))
    except duckdb.Error:
        raise SynthError(f"{kind!r}, declared of {name!r}, is no SQL type", hint="write BIGINT, VARCHAR, …") from None


def _names(ours: Mapping[str, str], pattern: Mapping[str, str], extra: bool) -> dict[str, str]:
    missing = {c: "is missing" for c in pattern if c not in ours}
    further = {} if extra else {c: "is no column of the pattern" for c in ours if c not in pattern}
    return {**missing, **further}


def _types(ours: Mapping[str, str], pattern: Mapping[str, str]) -> dict[str, str]:
    return {c: f"is {ours[c]}, not {t}" for c, t in pattern.items() if c in ours and ours[c] != t}


def _order(ours: list[str], pattern: list[str]) -> dict[str, str]:
    """The first column out of place: the ones after it moved with it."""
    for position, (one, other) in enumerate(zip(ours, pattern, strict=True)):
        if one != other:
            return {one: f"stands where {other!r} belongs (position {position + 1} of those they share)"}
    return {}


def _nulls(context: AuditContext, columns: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """(more nulls than chance allows, nulls that chance may explain) in columns that have none in the real rows."""
    assert context.train is not None
    real = context.train.schema.by_name
    full = [c for c in columns if c in real and not real[c].nullable]
    if not full:
        return {}, {}
    sums = ", ".join(f"count(*) FILTER (WHERE {quote(c)} IS NULL)" for c in full)
    rows, *nulls = context.query(f"SELECT count(*), {sums} FROM synthetic")[0]
    certain: dict[str, str] = {}
    unsure: dict[str, str] = {}
    for column, k in zip(full, nulls, strict=True):
        if k:
            # Under a budget "no nulls" was declared, and how many private rows there are is nothing to judge by.
            sure = context.training is not None or _one_sided(k, rows, context.rows("train")) <= ALPHA / len(full)
            told = certain if sure else unsure
            told[column] = f"has {k:,} nulls, the real column none"
    return certain, unsure


def _one_sided(k: int, ours: int, theirs: int) -> float:
    """The chance that all k nulls of two samples of one population lie in ours."""
    return math.exp(sum(math.log((ours - i) / (ours + theirs - i)) for i in range(min(k, 1000))))


# -- cardinality ---------------------------------------------------------------------------------------


DEFAULT: Default = {"max": 2.0}


class CardinalityParams(DistanceParams):
    """Parameters of ``cardinality``, beside the gate's.

    Args:
        max: or ``max_ratio``, how many times more, or fewer, different values a column may have than the real one
            (default: 2); of children: the largest distance, below 1 (default: 0.1).
        of: ``values`` of columns, or ``children`` per parent. Default: what ``max`` is a limit of; without one,
        children
            where the table is a member of a family and has a foreign key.
        columns: which ones; default: all that a generator learns.
    """

    max: float | None = Field(default=None, ge=0, validation_alias=AliasChoices("max_ratio", "max"))
    of: Literal["values", "children"] | None = None

    @model_validator(mode="after")
    def _of_one_kind(self) -> CardinalityParams:
        if self.columns is not None and self.of == "children":
            raise ValueError("columns are of values: drop of: children, or the columns")
        values = self.of == "values" or self.columns is not None
        if values and self.max is not None and self.max < 1:
            raise ValueError("a ratio is at least 1: give a larger max, or of: children")
        return self


@audit("cardinality", CardinalityParams, family="integrity", version=3, needs=("train", "holdout"), between=POSITIVE)
def cardinality(context: AuditContext, params: CardinalityParams) -> AuditResult:
    """No column has many times more, or fewer, different values than the real one; parents as many children

    Of ``values``, the value is the largest ratio over the columns, at least 1. More rows show more values, so both
    sides are counted at one number of rows, that of the smaller side (rarefaction; :mod:`.measures.richness`); missing
    is a value. Compared with held-out rows. Floor: training rows against the same held-out rows. A ratio that two
    samples of one table reach by chance (5 %, shared out over the columns) is "inconclusive".

    Of ``children``, it is the largest Kolmogorov–Smirnov distance, over the table's foreign keys, of the number of rows
    that name a parent, none included, from that of held-out parents. Interval: entities drawn anew
    (:mod:`.rows.entities`). What is looked up (a product) is named by more rows where there are more rows, so the
    rows of the larger load are thinned to the smaller's.
    """
    if _of_children(context, params):
        return children_per_parent(context, params)
    columns = judged_columns(context, params.columns, "cardinality")
    threshold = limit_of(params, None, DEFAULT).text
    if not columns:
        return AuditResult(None, "skipped", threshold, message="the table has no columns to compare")
    if min(context.rows("synthetic"), context.rows("holdout")) < MIN_ROWS:
        return untold(f"at least {MIN_ROWS} on either side are needed", threshold)
    alpha = share_of_alpha(params, len(columns))
    parts = [_column(context, c, alpha) for c in columns]
    advice = "another generator, or declare the column's type, decimals or values in the source"
    return verdict(parts, params, DEFAULT, symbol="ratio", advice=advice, tell=True)


def _of_children(context: AuditContext, params: CardinalityParams) -> bool:
    if params.of is not None or params.columns is not None:
        return params.of == "children"
    if params.max is not None:
        return params.max < 1
    return context.family is not None and bool(context.family.keys_of(context.family.table))


def _column(context: AuditContext, column: str, alpha: float) -> Part:
    from scipy.stats import norm

    found, ours, theirs = _compared(context, column, "synthetic", "holdout")
    floor = _compared(context, column, "train", "holdout")[0].value if has_floor(context, column) else None
    noise = math.exp(float(norm.isf(alpha / 2)) * found.error)
    message = f"{ours:,.0f} values where the real rows have {theirs:,.0f}, each counted over as many rows"
    return Part(column, Estimate(found.value, found.low, found.high, floor, noise), message)


def _compared(context: AuditContext, column: str, one: Side, other: Side) -> tuple[Ratio, float, float]:
    rows = min(context.rows(one), context.rows(other))
    a, b = (rarefied(_frequencies(context, side, column), rows) for side in (one, other))
    return ratio(a, b), a.value, b.value


def _frequencies(context: AuditContext, side: Side, column: str) -> dict[int, int]:
    """How often a value occurs → how many values occur so often."""
    counts = f"SELECT count(*) AS n FROM {context.scan(side)} GROUP BY {quote(column)}"
    query = f"SELECT n, count(*) FROM ({counts}) GROUP BY n ORDER BY n"
    return context.shared(("frequencies", side, column), lambda: {int(n): int(k) for n, k in context.query(query)})
