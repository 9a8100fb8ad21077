"""Groups of people (or of anything): the values of columns, or their ranges where there are many, as labels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.rows import marginals

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

BINS = 4  # ranges of a number or date, with as many real training rows each
MISSING = "(missing)"


def groupings(columns: Sequence[str], intersections: bool) -> list[tuple[str, ...]]:
    """What to group by: each column, and each pair of them where asked for."""
    single = list(dict.fromkeys(columns))
    pairs: list[tuple[str, ...]] = list(combinations(single, 2)) if intersections else []
    return [*((c,) for c in single), *pairs]


def groups_of(context: AuditContext, side: Side, columns: tuple[str, ...]) -> Array:
    """The group of each row of a side, in the order of :meth:`AuditContext.arrow`; several columns are crossed."""
    import numpy as np

    parts = [context.shared(("groups", side, c), lambda c=c: _labels(context, side, c)) for c in columns]  # type: ignore[misc]
    labels: Array = parts[0]
    for part in parts[1:]:
        labels = np.char.add(np.char.add(labels, " and "), part)
    return labels


def _labels(context: AuditContext, side: Side, column: str) -> Array:
    import numpy as np

    marginals.require(context, column, side)
    number = marginals.number_key(context, column)
    if number is not None and not marginals.few_values(context, "train", column):
        edges = context.shared(("group edges", column), lambda: _edges(context, column))
        values = context.connection.execute(f"SELECT {number} AS v FROM {context.scan(side)}").fetchnumpy()["v"]
        numbers: Array = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
        names = np.array(_ranges(context, column, edges))
        return np.where(np.isnan(numbers), MISSING, names[np.searchsorted(edges, numbers, side="left") % len(names)])
    text = marginals.category_key(context, column)
    rows = context.query(f"SELECT {text} FROM {context.scan(side)}")
    return np.array([MISSING if r[0] is None else r[0] for r in rows] or [""], dtype=str)[: len(rows)]


def _edges(context: AuditContext, column: str) -> Array:
    """Quantiles of the real training rows that part them, rising."""
    import numpy as np

    held = np.asarray(marginals.values(context, "train", column).numbers, dtype=float)
    return np.unique(np.quantile(held, np.arange(1, BINS) / BINS, method="lower"))


def _ranges(context: AuditContext, column: str, edges: Array) -> list[str]:
    """Names of the ranges: ``age <= 28``, ``age <= 37``, …, ``age > 48``."""
    kind = context.schema.by_name[column].type

    def shown(edge: float) -> str:
        if kind in ("date", "datetime"):
            from datetime import UTC, datetime, timedelta

            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=edge)
            return moment.date().isoformat()
        return f"{edge:g}"

    return [f"{column} <= {shown(e)}" for e in edges] + [f"{column} > {shown(edges[-1])}"]
