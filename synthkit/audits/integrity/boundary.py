"""Do numbers and dates stay within the range of the real ones?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import AliasChoices, Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import MEASURED, SHARE, AuditResult, audit
from synthkit.audits.counting import share_text, typed_literal, value_text
from synthkit.audits.gate import Default, Estimate, limit_of
from synthkit.audits.measures.statistics import wilson
from synthkit.audits.rows import marginals
from synthkit.audits.verdict import MIN_ROWS, DistanceParams, Part, share_of_alpha, unmeasured, verdict
from synthkit.errors import SynthError, did_you_mean
from synthkit.sql.quoting import literal, quote

DEFAULT: Default = {"max": 0.01}
ADVICE = "bounds: on the column in the source, constraints:, or another generator"


class BoundaryParams(DistanceParams):
    """Parameters of ``boundary``, beside the gate's.

    Args:
        max: or ``max_share``, the share of a column's values that may lie outside, in [0, 1]. Default: 0.01.
        columns: which ones; default: all numbers and dates that a generator learns.
        bounds: "real": the least and greatest training value; "declared": the source's ``bounds:``, which every
            value must keep to; "auto" (the default): those declared where they are, else the real ones.
    """

    max: float | None = Field(default=None, ge=0, le=1, validation_alias=AliasChoices("max_share", "max"))
    bounds: Literal["auto", "real", "declared"] = "auto"


@dataclass(frozen=True)
class _Range:
    """SQL for both ends, of the column's own type; ``exact`` where they were declared, so that no chance is in them."""

    low: str
    high: str
    exact: bool


@audit(
    "boundary",
    BoundaryParams,
    family="integrity",
    version=2,
    needs=("train",),
    rows=True,
    between=SHARE,
    as_read=True,
    takes={"columns": MEASURED},
)
def boundary(context: AuditContext, params: BoundaryParams) -> AuditResult:
    """Numbers and dates stay within the range of the training rows, or within the declared bounds.

    The value is the largest share of values outside over the columns, with Wilson's interval (1927, JASA 22,
    209–212). Missing values are left out, NaN counts as missing. The real range is a sample's: of m fresh real
    values, 2·m/(n+1) lie outside that of n training values on average, and their number has the distribution of the
    values drawn before the second of n others (negative hypergeometric; Wilks 1941, Ann. Math. Statist. 12, 91–96).
    What that reaches by chance (5 %, shared out over the columns) says nothing against the table, so the interval
    reaches down to 0 there, and what is above the limit is "inconclusive"; declared bounds leave nothing to chance.
    Floor: held-out values outside the training range. The message never quotes the real ends: an extreme value is
    somebody's.
    """
    columns = _chosen(context, params)
    if not columns:
        threshold = limit_of(params, None, DEFAULT).text
        return AuditResult(None, "skipped", threshold, message="the table has no numbers or dates with a range")
    outside: dict[str, str] = {}
    alpha = share_of_alpha(params, len(columns))
    parts = [_column(context, c, params, alpha, outside) for c in columns]
    found = verdict(parts, params, DEFAULT, symbol="share outside", advice=ADVICE, tell=True)
    if not outside:
        return found
    return replace(found, failing_rows=f"SELECT * FROM synthetic WHERE {' OR '.join(outside.values())}")


def _chosen(context: AuditContext, params: BoundaryParams) -> tuple[str, ...]:
    assert context.train is not None
    real = marginals.sql_types(context, "train")
    declared = {c.name for c in context.train.schema.columns if c.bounds is not None}
    if params.columns is None:
        ours = context.schema
        originals = {c.name for c in context.train.schema.columns if c.modelled and c.continuous and c.name in real}
        names = tuple(c.name for c in ours.columns if c.name in originals and c.modelled and c.continuous)
        return tuple(c for c in names if params.bounds != "declared" or c in declared)
    for column in params.columns:
        marginals.require(context, column)
        if column not in real:
            raise SynthError(f"the real table has no column {column!r}", hint=did_you_mean(column, real, "a column"))
        if params.bounds == "declared" and column not in declared:
            raise SynthError(f"the source declares no bounds of {column!r}", hint="declare bounds: [low, high] there")
        if not context.train.schema.by_name[column].continuous:
            raise SynthError(
                f"{column!r} holds no numbers, dates or times: it has no range", hint="use accepted_values"
            )
    return tuple(dict.fromkeys(params.columns))


def _column(context: AuditContext, column: str, params: BoundaryParams, alpha: float, outside: dict[str, str]) -> Part:
    assert context.train is not None
    ends = _ends(context, column, params.bounds)
    if ends is None:
        return unmeasured(column, "it has no training values")
    count, total, low, high = _counted(context, "synthetic", column, ends)
    if total == 0:
        return Part(column, Estimate(0.0, 0.0, 0.0), "no values")
    known = 0 if ends.exact else _counted(context, "train", column, ends)[1]
    if not ends.exact and known < MIN_ROWS:
        return unmeasured(column, f"{known} training values have no range to speak of")
    floor = None
    if context.holdout is not None and column in marginals.sql_types(context, "holdout"):
        held, of, *_ = _counted(context, "holdout", column, ends)
        floor = held / of if of else None
    message = ""
    if count:
        outside[column] = _outside(context, column, ends)
        reached = " and ".join(
            f"{word} {value_text(v)}" for word, v in (("down to", low), ("up to", high)) if v is not None
        )
        message = f"{share_text(count, total)} outside, {reached}"
    ci_low, ci_high = wilson(count, total)
    noise = None if ends.exact else chance_outside(total, known, alpha) / total
    if noise is not None and count / total <= noise:
        ci_low = 0.0
    return Part(column, Estimate(count / total, ci_low, ci_high, floor, noise), message)


def _ends(context: AuditContext, column: str, bounds: str) -> _Range | None:
    assert context.train is not None
    sql_type = marginals.require(context, column)
    said = context.train.schema.by_name[column].bounds
    if said is not None and bounds != "real":
        low, high = (typed_literal(context, b, sql_type, column) for b in said)
        return _Range(low, high, exact=True)
    key = _present("train", context, column)
    nanoseconds = sql_type == "TIMESTAMP_NS"  # whose earliest values DuckDB writes as text, but does not read
    ends = (f"{end}({quote(column)})" for end in ("min", "max"))
    texts = ", ".join(f"CAST({f'epoch_ns({end})' if nanoseconds else end} AS VARCHAR)" for end in ends)
    low, high = context.query(f"SELECT {texts} FROM {context.scan('train')} WHERE {key}")[0]
    if low is None or high is None:
        return None
    if nanoseconds:
        return _Range(f"make_timestamp_ns({low})", f"make_timestamp_ns({high})", exact=False)
    return _Range(f"CAST({literal(low)} AS {sql_type})", f"CAST({literal(high)} AS {sql_type})", exact=False)


def _present(side: Side, context: AuditContext, column: str) -> str:
    floats = marginals.sql_types(context, side)[column] in ("FLOAT", "DOUBLE")
    return f"{quote(column)} IS NOT NULL" + (f" AND NOT isnan({quote(column)})" if floats else "")


def _outside(context: AuditContext, column: str, ends: _Range, side: Side = "synthetic") -> str:
    name = quote(column)
    return f"({_present(side, context, column)} AND ({name} < {ends.low} OR {name} > {ends.high}))"


def _counted(context: AuditContext, side: Side, column: str, ends: _Range) -> tuple[int, int, Any, Any]:
    """(values outside, values, the furthest below, the furthest above) on one side.

    The furthest, as the nearest would give the real end away.
    """
    bad, name = _outside(context, column, ends, side), quote(column)
    present = _present(side, context, column)
    extremes = ", ".join(
        f"{pick}({name}) FILTER (WHERE {present} AND {name} {beyond})"
        for pick, beyond in (("min", f"< {ends.low}"), ("max", f"> {ends.high}"))
    )
    counts = f"count(*) FILTER (WHERE {bad}), count(*) FILTER (WHERE {present})"
    count, total, low, high = context.query(f"SELECT {counts}, {extremes} FROM {context.scan(side)}")[0]
    return int(count), int(total), low, high


def chance_outside(ours: int, theirs: int, alpha: float) -> float:
    """The number of ``ours`` values outside the range of ``theirs`` that chance alone exceeds with probability alpha.

    All values are from one continuous distribution; ties make fewer. The number outside is that of ours before the
    second of theirs in a random order of all: a negative hypergeometric variable.
    """
    from scipy.stats import nhypergeom

    if theirs < 2:
        return float(ours)
    return float(nhypergeom.isf(alpha, ours + theirs, ours, 2))
