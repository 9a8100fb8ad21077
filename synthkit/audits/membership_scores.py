"""Other scores for the membership attack than distances: densities, and a classifier.

Not here: shadow models (LiRA; Carlini et al., IEEE S&P 2022), which train the model's own generator on many subsets. An
audit's context holds a generator only for a model with ``epsilon``, whose private rows no audit may train on again
outside the ledger; for such a model ``empirical_epsilon`` trains on made-up rows instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.features import encoding
from synthkit.audits.neighbours import blocks, nearest_distance, space

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

TREES = 50
WIDTH = 0.25  # of the median distance to the nearest reference row


def density_ratio(context: AuditContext, columns: tuple[str, ...], attacked: Array, reference: Array) -> Array:
    """log p_S(x) − log p_R(x) by Gaussian kernels (DOMIAS: van Breugel et al., AISTATS 2023), for each attacked point.

    Both densities have the same bandwidth, the median distance of an attacked point to the nearest reference row:
    what is wider than that is the population's shape, what is narrower a copy.

    Args:
        attacked: points of :func:`synthkit.audits.neighbours.space`.
        reference: numbers of held-out rows.
    """
    import numpy as np

    points = space(context, columns)
    everything = np.arange(context.rows("synthetic"))
    width = WIDTH * (float(np.median(nearest_distance(attacked, blocks(points, "holdout", reference)))) or 1.0)
    ours = _log_kernels(attacked, blocks(points, "synthetic", everything), width) - np.log(len(everything))
    theirs = _log_kernels(attacked, blocks(points, "holdout", reference), width) - np.log(len(reference))
    return np.asarray(ours - theirs)


def _log_kernels(points: Array, others: Iterator[Array], width: float, block: int = 2_000) -> Array:
    """log Σ exp(−d² / 2w²) over all others, without the constant of the kernel."""
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
            closeness /= np.float32(width**2)
            part = np.log(np.exp(closeness, out=closeness).sum(axis=1)) + (top[:, 0] - half_own[place]) / width**2
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
    forest = ExtraTreesClassifier(TREES, class_weight="balanced", random_state=seed, n_jobs=1)
    forest.fit(rows, labels)
    return np.asarray(forest.predict_proba(np.concatenate([train[members], holdout[non_members]]))[:, 1])
