"""Do synthetic rows lie where real rows lie, and the other way round? Fidelity and diversity of whole rows.

α-precision and β-recall (Alaa, van Breugel, Saveliev & van der Schaar, ICML 2022): P(α) is the share of synthetic rows
in the smallest set that holds a share α of the real ones, R(β) the share of real rows in the smallest set that holds a
share β of the synthetic ones. Where both tables come from one distribution, P(α) = α and R(β) = β. The authors take
balls around one centre in a learnt space for these sets; here they are the level sets of the nearest-neighbour density
(as in Kynkäänniemi et al., NeurIPS 2019): a row lies in the α-set if its nearest row in one half of the table is no
farther than that of a share α of the other half. Each half serves in turn, and the value is the mean of the two. So
sets of several clusters need no centre, and nothing is trained.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, ColumnNames, Decide, audit
from synthkit.audits.gate import Default, Estimate, ShareParams, gated, skipped
from synthkit.audits.measures.distances import Distance
from synthkit.audits.rows.choice import has_floor, judged_columns, too_few
from synthkit.audits.rows.features import sample_rows
from synthkit.audits.rows.neighbours import nearest_rows, space
from synthkit.audits.rows.sampling_error import DRAWS, gaps

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

MANIFOLD: Default = {"max_shortfall": 0.1}
REAL: Side = "holdout"
FEWEST = 100
LEVELS = 64  # at which P and R are taken for the error


class ManifoldParams(ShareParams):
    """Parameters of ``alpha_precision`` and ``beta_recall``, in [0, 1]; the default limit is ``max_shortfall: 0.1``.

    Args:
        columns: that make up a row's place; default: all that are modelled.
        max_rows: rows of each side.
        decide: the value itself by default: noise only ever lowers it.
    """

    min: float | None = Field(default=None, ge=0, le=1)
    columns: ColumnNames | None = None
    max_rows: int = Field(default=5_000, ge=FEWEST)
    decide: Decide = "point"


@audit("alpha_precision", ManifoldParams, family="fidelity", version=2, needs=("train", "holdout"), between=SHARE)
def alpha_precision(context: AuditContext, params: ManifoldParams) -> AuditResult:
    """Do synthetic rows lie where real rows lie, the typical and the odd ones alike? 1 is best.

    The value is 1 − 2 ∫ |P(α) − α| dα. It is low where synthetic rows lie off the real ones (P below α) and also where
    they keep to the commonest (P above α, as of a generator without diversity). The sets are those of held-out rows.
    Interval: from the limit process of the two samples' distances, given the half that distances are taken to: the mean
    of both halves' intervals. Floor: real training rows in the synthetic ones' place.
    """
    return _audit(context, params, "alpha_precision")


@audit("beta_recall", ManifoldParams, family="fidelity", version=2, needs=("train", "holdout"), between=SHARE)
def beta_recall(context: AuditContext, params: ManifoldParams) -> AuditResult:
    """Do the real rows lie where synthetic rows lie, or are kinds of them left out? 1 is best.

    The value is 1 − 2 ∫ |R(β) − β| dβ: as ``alpha_precision`` with both tables' parts exchanged, so that it asks of the
    held-out rows whether the synthetic ones cover them. Interval and floor as there.
    """
    return _audit(context, params, "beta_recall")


def _audit(context: AuditContext, params: ManifoldParams, name: str) -> AuditResult:
    columns = judged_columns(context, params.columns, name)
    if not columns:
        return skipped("the table has no columns to compare")
    if few := too_few(context, params, MANIFOLD, FEWEST):
        return few

    def likeness_to(table: Side) -> Distance:
        asked, known = (table, REAL) if name == "alpha_precision" else (REAL, table)
        return _likeness(context, columns, params.max_rows, asked, known)

    found = likeness_to("synthetic")
    floor = None
    if all(has_floor(context, c) for c in columns) and context.rows("train") >= FEWEST:
        floor = 1 - likeness_to("train").value
    estimate = Estimate.of_likeness(found, floor)
    what = (
        "synthetic rows lie among the real ones" if name == "alpha_precision" else "synthetic rows cover the real ones"
    )
    advice = "another generator or more training; detection says which columns give it away"
    return gated(params, estimate, MANIFOLD, f"{what} to {1 - found.value:.3f} of 1", advice=advice)


def _likeness(context: AuditContext, columns: tuple[str, ...], most: int, asked: Side, known: Side) -> Distance:
    """2 ∫ |P(α) − α| dα for the rows of ``asked`` and the sets of ``known``."""
    import numpy as np

    if known != REAL:  # a table larger than the real one would know its own rows better than these are known
        most = min(most, context.rows("holdout"))
    points = space(context, columns)
    rows = sample_rows(context, known, most, "manifold", asked, known)
    rows = context.rng("manifold halves", asked, known, len(rows)).permutation(rows)
    halves = np.sort(rows[: len(rows) // 2]), np.sort(rows[len(rows) // 2 :])
    placed = sample_rows(context, asked, min(most, context.rows("synthetic")), "manifold asked", known)

    def to(reference: Array, other: Array) -> Distance:
        base = np.sort(nearest_rows(points, [(known, other)], (known, reference))[1][:, 0])
        found = np.sort(nearest_rows(points, [(asked, placed)], (known, reference))[1][:, 0])
        return likeness(found, base, context.rng("manifold error", asked, known))

    first, second = to(*halves), to(*reversed(halves))
    return Distance(*((a + b) / 2 for a, b in zip(astuple(first), astuple(second), strict=True)))


def likeness(found: Array, base: Array, rng: Any) -> Distance:
    """2 Σ |F(t) − B(t)|·ΔB(t) of two sorted samples, over the values t of ``base``, with its 95 % interval."""
    import numpy as np

    from synthkit.audits.measures.distances import bridges

    points, counts = np.unique(base, return_counts=True)
    if len(points) > LEVELS:
        ends = np.unique(base[(np.arange(1, LEVELS + 1) * len(base)) // LEVELS - 1])
        counts = np.diff(np.searchsorted(base, ends, side="right"), prepend=0)
        points = ends
    b = np.searchsorted(base, points, side="right") / len(base)
    f = np.searchsorted(found, points, side="right") / len(found)
    error = bridges(f, rng)[:DRAWS] / np.sqrt(len(found)) - bridges(b, rng)[:DRAWS] / np.sqrt(len(base))
    return gaps(f - b, error, 2.0 * counts / len(base)).distance()
