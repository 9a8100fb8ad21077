"""A random workload: counts, means and group-bys over ranges and values that real rows have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from synthkit.audits.context import AuditContext
from synthkit.audits.rows import marginals
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import numpy as np

MOST_GROUPS = 30
AT_ONCE = 30  # aggregates in one statement: planning takes more than linear time in them
SPARE = 3  # queries drawn for each that is wanted, as not all of them select enough rows
Kind = Literal["count", "mean", "group"]
KINDS: tuple[Kind, ...] = ("count", "mean", "group")


@dataclass(frozen=True)
class Query:
    """One question. ``column`` is averaged or grouped by; ``where`` is SQL that holds on every side."""

    kind: Kind
    where: str
    column: str | None = None
    expression: str = ""

    @property
    def sql(self) -> str:
        """As somebody would write it."""
        tail = f" FROM synthetic WHERE {self.where}"
        if self.kind == "count":
            return f"SELECT count(*){tail}"
        name = quote(self.column or "")
        return f"SELECT avg({name}){tail}" if self.kind == "mean" else f"SELECT {name}, count(*){tail} GROUP BY 1"


def workload(
    context: AuditContext, columns: tuple[str, ...], queries: int, conditions: int, selectivity: float
) -> list[Query]:
    """Queries drawn from the seed, each of at most so many conditions that select the given share of real training
    rows; fewer than asked for where the columns do not give more."""
    drawn = _draw(context, columns, SPARE * queries, conditions)
    counts = _counts(context, [q.where for q in drawn]) if drawn else []
    least = selectivity * context.rows("train")
    enough = [q for q, n in zip(drawn, counts, strict=True) if n >= least]
    kinds: dict[str, list[Query]] = {k: [q for q in enough if q.kind == k] for k in KINDS}
    present = [k for k, found in kinds.items() if found]
    return [q for k in present for q in kinds[k][: -(-queries // len(present))]][:queries]


def _draw(context: AuditContext, columns: tuple[str, ...], queries: int, conditions: int) -> list[Query]:
    rng = context.rng("workload", queries, conditions, columns)
    spreads = {c: s for c in columns if (s := _spread(context, c)) is not None}
    if not spreads:
        return []
    means = [c for c, s in spreads.items() if s.number and context.schema.by_name[c].numeric]
    grouped = [c for c, s in spreads.items() if 1 < len(s.values) <= MOST_GROUPS and not s.number]
    kinds: list[Kind] = ["count", *(["mean"] if means else []), *(["group"] if grouped else [])]  # type: ignore[list-item]
    found = []
    for i in range(queries):
        kind = kinds[i % len(kinds)]
        column = None if kind == "count" else str(rng.choice(means if kind == "mean" else grouped))
        others = [c for c in spreads if c != column]
        if not others:
            continue
        many = int(rng.integers(1, min(conditions, len(others)) + 1))
        asked = rng.choice(len(others), many, replace=False)
        where = " AND ".join(spreads[others[j]].condition(rng, many) for j in sorted(asked.tolist()))
        expression = "" if column is None else spreads[column].key
        found.append(Query(kind, where, column, expression))
    return found


@dataclass(frozen=True)
class _Spread:
    """A column's real values: numbers in rising order, or categories with their shares."""

    name: str
    key: str
    number: bool
    values: Any
    shares: Any = None
    whole: bool = False

    def condition(self, rng: np.random.Generator, beside: int) -> str:
        """A range that holds a random part of the rows, wider the more conditions there are, or one value."""
        if not self.number:
            value = self.values[int(rng.choice(len(self.values), p=self.shares))]
            return f"{self.key} IS NULL" if value is None else f"{self.key} = {literal(value)}"
        width = float(rng.uniform(0.1, 1.0)) ** (1.0 / beside)
        start = float(rng.uniform(0.0, 1.0 - width)) if width < 1 else 0.0
        last = len(self.values) - 1
        low, high = (self.values[round(q * last)] for q in (start, start + width))
        low, high = (int(low), int(high)) if self.whole else (float(low), float(high))
        return f"{self.key} BETWEEN {low!r} AND {high!r}"


def _spread(context: AuditContext, column: str) -> _Spread | None:
    import numpy as np

    number = marginals.number_key(context, column)
    if number is not None and not marginals.few_values(context, "train", column):
        values = marginals.values(context, "train", column).numbers
        whole = bool(np.issubdtype(values.dtype, np.integer))
        return _Spread(column, number, True, values, whole=whole) if len(values) else None
    counts = marginals.counts(context, "train", column)
    if len(counts) < 2:
        return None
    key = marginals.category_key(context, column)
    total = sum(counts.values())
    return _Spread(column, key, False, list(counts), np.array(list(counts.values())) / total)


def _counts(context: AuditContext, wheres: Sequence[str]) -> list[int]:
    """How many real training rows satisfy each condition."""
    found: list[int] = []
    for start in range(0, len(wheres), AT_ONCE):
        asked = ", ".join(f"count(*) FILTER (WHERE {w})" for w in wheres[start : start + AT_ONCE])
        found += [int(n) for n in context.query(f"SELECT {asked} FROM train")[0]]
    return found
