"""Rows as points in the plane: factor analysis of mixed data (Pagès 2004), the same axes for both sides.

Numbers are standardised (and held within 3 standard deviations, so that no outlier takes an axis for itself), each
category is an indicator divided by the root of its share; the axes are the two principal components of the real rows,
or of the synthetic ones where there are none to show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext
from synthkit.audits.profile.rows import Drawn

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

POINTS = 1_000  # of each side: what a browser draws at once
MOST_INDICATORS = 15  # of a category; rarer ones count as none of them
FEWEST = 20  # rows: fewer make no axes
HELD = 3.0


def embedding(context: AuditContext, drawn: Drawn) -> dict[str, Any]:
    """{axes: [{share, columns}], synthetic, real?}; points are [x, y].

    ``share`` is of the reference side's variance; ``columns`` are those that weigh most on an axis.
    """
    import numpy as np

    reference = drawn.synthetic if drawn.real is None else drawn.real
    if len(drawn.encoder.columns) < 2 or min(len(r) for r in drawn.sides.values()) < FEWEST:
        return {"reason": f"it takes two columns and {FEWEST} rows"}
    scale = _Scale(reference, drawn.encoder.categorical)
    features = scale.features(reference)
    centre = features.mean(0)
    values, vectors = np.linalg.eigh(np.cov(features, rowvar=False).reshape(features.shape[1], -1))
    if values.size < 2 or values[-1] <= 1e-12:
        return {"reason": "no column varies"}
    axes = vectors[:, [-1, -2]]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), [0, 1]])  # a component has no sign of its own
    weights = np.array([[(axes[scale.owner == c, a] ** 2).sum() for a in (0, 1)] for c in range(len(scale.kept))])
    names = [drawn.encoder.columns[c] for c in range(len(scale.kept))]
    found: dict[str, Any] = {"axes": []}
    for a in (0, 1):
        heaviest = [names[c] for c in np.argsort(-weights[:, a], kind="stable")[:3] if weights[c, a] > 0.02]
        share = max(0.0, float(values[-1 - a])) / float(values.sum())
        found["axes"].append({"share": round(share, 4), "columns": heaviest})
    for side, rows in drawn.sides.items():
        chosen = np.sort(context.rng("embedding", side).permutation(len(rows))[:POINTS])
        found[side] = np.round((scale.features(rows[chosen]) - centre) @ axes, 2).tolist()
    return found


class _Scale:
    """How a row becomes features: learnt from the reference side, the same for both."""

    def __init__(self, rows: Array, categorical: list[bool]) -> None:
        import numpy as np

        self.kept: list[tuple[Array, Array] | tuple[float, float]] = []
        owner: list[int] = []
        for i, coded in enumerate(categorical):
            column = rows[:, i]
            there = column[np.isfinite(column)]
            if coded:
                codes, counts = np.unique(there, return_counts=True)
                order = np.argsort(-counts, kind="stable")[:MOST_INDICATORS]
                self.kept.append((codes[order], np.sqrt(counts[order] / len(column))))
                owner += [i] * len(order)
            else:
                deviation = float(there.std()) if len(there) else 0.0
                self.kept.append((float(there.mean()) if len(there) else 0.0, deviation or 1.0))
                owner.append(i)
        self.categorical = categorical
        self.owner = np.array(owner)

    def features(self, rows: Array) -> Array:
        import numpy as np

        parts = []
        for i, (coded, (where, size)) in enumerate(zip(self.categorical, self.kept, strict=True)):
            column = rows[:, i : i + 1]
            if coded:
                parts.append((column == where) / size)
            else:
                parts.append(np.clip(np.nan_to_num((column - where) / size), -HELD, HELD))
        return np.concatenate(parts, axis=1)
