"""Other scores for the membership attack than distances: densities, and a classifier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.rows.features import encoding
from synthkit.audits.rows.neighbours import asked_points, blocks, nearest_rows, space

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

TREES = 200  # fewer leave many records with the surest score of all, and no threshold that only members exceed
AT_ONCE = 10  # trees in memory: one that is grown to single rows has two nodes for each
WIDTH = 0.1  # of a record's distance to the nearest reference row
NARROWEST = 0.01  # of the median of these distances: a record that the reference has as well has a bandwidth too


def density_ratio(
    context: AuditContext, columns: tuple[str, ...], attacked: Sequence[tuple[Side, Array]], reference: Array
) -> Array:
    """log p_S(x) − log p_R(x) by Gaussian kernels (DOMIAS: van Breugel et al., AISTATS 2023), for each attacked row.

    Both densities have the same bandwidth, which follows from the attacked record's distance to the nearest reference
    row (a balloon estimator; Terrell & Scott, Ann. Statist. 20, 1992): what is wider is the population's shape, what is
    narrower a copy. One bandwidth for all records would let those who live apart, whose densities are both nearly
    nothing, hide the copies (a full copy: AUC 0.65 instead of 0.99).

    Args:
        attacked: sides with numbers of their rows.
        reference: numbers of held-out rows.
    """
    import numpy as np

    points = space(context, columns)
    everything = np.arange(context.rows("synthetic"))
    apart = nearest_rows(points, attacked, ("holdout", reference))[1][:, 0]
    width = WIDTH * np.maximum(apart, NARROWEST * (float(np.median(apart)) or 1.0))
    ratios, start = [], 0
    for some in asked_points(points, attacked):
        own = width[start : start + len(some)]
        ours = _log_kernels(some, blocks(points, "synthetic", everything), own) - np.log(len(everything))
        theirs = _log_kernels(some, blocks(points, "holdout", reference), own) - np.log(len(reference))
        ratios.append(ours - theirs)
        start += len(some)
    return np.concatenate(ratios)


def _log_kernels(points: Array, others: Iterator[Array], width: Array, block: int = 2_000) -> Array:
    """log Σ exp(−d² / 2w²) over all others, without the constant of the kernel; w of each point, shape (points,)."""
    import numpy as np

    total = np.full(len(points), -np.inf)
    half_own = (points.astype(np.float64) ** 2).sum(axis=1) / 2
    for some in others:
        halves = (some.astype(np.float64) ** 2).sum(axis=1).astype(np.float32) / 2
        for start in range(0, len(points), block):
            place = slice(start, start + block)
            closeness = points[place] @ some.T - halves
            top = closeness.max(axis=1, keepdims=True)
            closeness -= top
            squares = width[place] ** 2
            closeness /= squares.astype(np.float32)[:, None]
            part = np.log(np.exp(closeness, out=closeness).sum(axis=1)) + (top[:, 0] - half_own[place]) / squares
            total[place] = np.logaddexp(total[place], part)
    return total


def classifier(
    context: AuditContext, columns: tuple[str, ...], members: Array, non_members: Array, reference: Array, seed: int
) -> Array:
    """How surely a forest that was taught to tell synthetic rows from reference rows takes each row for synthetic.

    Extremely randomised trees grown to single rows, so that they learn each synthetic row by heart: a member that was
    copied is recognised, a non-member is not. Members and non-members are row numbers of their sides.
    """
    import numpy as np
    from sklearn.ensemble import ExtraTreesClassifier

    encoder = encoding(context, columns)
    sides: tuple[Side, ...] = ("synthetic", "train", "holdout")
    synthetic, train, holdout = (
        np.nan_to_num(encoder.matrix(context.arrow(side, columns)), nan=-1e9).astype(np.float32) for side in sides
    )
    rows = np.concatenate([synthetic, holdout[reference]])
    labels = np.arange(len(rows)) < len(synthetic)
    attacked = np.concatenate([train[members], holdout[non_members]])
    surety = np.zeros(len(attacked))
    for start in range(0, TREES, AT_ONCE):
        forest = ExtraTreesClassifier(AT_ONCE, class_weight="balanced", random_state=seed + start, n_jobs=1)
        surety += forest.fit(rows, labels).predict_proba(attacked)[:, 1]
    return np.asarray(surety * AT_ONCE / TREES)
