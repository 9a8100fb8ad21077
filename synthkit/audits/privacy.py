"""Attacks on the published table: what could somebody learn about the people it was trained on?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from synthkit.audits.base import AuditParams, AuditResult, ColumnNames, Status, audit
from synthkit.audits.context import AuditContext, Side
from synthkit.audits.features import encoding, sample_rows, usable
from synthkit.audits.statistics import delong, tpr_at_fpr

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FEWEST = 50  # members (and as many non-members) below which nothing can be told
ENOUGH = 1_000  # members, for an interval of about ±0.025; more are attacked where that is cheap
WORK = 1e9  # members × rows searched, above which fewer members are attacked (never fewer than ENOUGH)
OTHERS = 20_000  # rows searched at once: bounds the memory
SMOOTHING = 0.01  # of the median reference distance: keeps an exact copy's score finite


class MembershipParams(AuditParams):
    """Parameters of ``membership_inference``.

    Args:
        max_auc: the largest AUC of the attack that passes; 0.5 is a coin.
        features: the columns that the attacker knows; default: all that are modelled.
        max_rows: members (and as many non-members) attacked; fewer, down to 1,000, where the table is so large that
            searching all of it for each of them would take minutes.
        decide: what is held against ``max_auc``: ``point`` (the default) the AUC, ``upper`` the interval's upper
            end (asks for enough rows to be sure), ``lower`` its lower end (fails only what is sure to leak).
    """

    max_auc: float = Field(default=0.6, ge=0.5, le=1)
    features: ColumnNames | None = None
    max_rows: int = Field(default=5_000, ge=FEWEST)
    decide: Literal["point", "upper", "lower"] = "point"


@audit("membership_inference", MembershipParams, family="privacy", version=2, needs=("train", "holdout"))
def membership_inference(context: AuditContext, params: MembershipParams) -> AuditResult:
    """Can an attacker tell rows that were trained on from rows that were not? AUC of the attack, 0.5 is a coin.

    Attacker: has the published table, complete records of some people, and a reference sample R of others from
    the same population; wants to know who was trained on (DOMIAS, van Breugel et al., AISTATS 2023, with
    distances in place of densities). Score of a record: log((d_R + e) / (d_S + e)), its distance to the nearest
    reference row over that to the nearest synthetic row, so that a record is not called a member merely because
    it is common. Members: training rows; non-members: as many held-out rows; R: the other half of the held-out rows,
    with no row equal to one of the first. Baseline: a coin, AUC 0.5. Control: the non-members, who score alike
    where the table was not made from the members.

    The interval is DeLong's over the attacked rows. A pass means that *this* attack failed, not that none works.
    """
    threshold = f"max AUC {params.max_auc:g}" + ("" if params.decide == "point" else f" at the {params.decide} end")
    columns = params.features or usable(context)
    if not columns:
        return AuditResult(None, "skipped", threshold, message="no column is modelled, so nothing was learnt")
    held_out = context.rows("holdout")
    affordable = max(ENOUGH, int(WORK / (context.rows("synthetic") + held_out + 1)))
    size = min(params.max_rows, affordable, held_out // 2, context.rows("train"))
    if size < FEWEST or context.rows("synthetic") < 2:
        message = (
            f"too few rows to tell: {held_out} held-out rows are halved into non-members and reference, "
            f"and at least {FEWEST} members are needed"
        )
        return AuditResult(None, "inconclusive", threshold, message=message)
    members, others = attack_scores(context, tuple(columns), size)
    value, low, high = delong(members, others)
    decisive = {"point": value, "upper": high, "lower": low}[params.decide]
    status: Status = "pass" if decisive <= params.max_auc else "fail"
    message = f"the attack tells members from non-members with AUC {value:.3f} (a coin: 0.5)"
    if status == "fail" and value <= params.max_auc:
        status = "inconclusive"
        message += f"; the interval reaches {high:.3f}: too few held-out rows to be sure"
    elif status == "fail":
        message += ": rows of the training data can be recognised in the table"
    details = {
        "members": size,
        "reference": held_out - held_out // 2,
        "tpr_at_1_percent_fpr": tpr_at_fpr(members, others, 0.01),
        "tpr_at_0.1_percent_fpr": tpr_at_fpr(members, others, 0.001),
        "columns": list(columns),
    }
    return AuditResult(value, status, threshold, low, high, 0.5, message, details=details)


def attack_scores(context: AuditContext, columns: tuple[str, ...], size: int) -> tuple[Array, Array]:
    """Scores of ``size`` members and of as many non-members; higher means "was trained on"."""
    import numpy as np

    non_members, reference = halves(context, size)
    points = _points(context, columns)
    members = sample_rows(context, "train", size, "membership")
    attacked = np.concatenate([points("train", members), points("holdout", non_members)])
    # All synthetic rows: of a copy of n rows, a sample of m would show only m / n of the members.
    everything = np.arange(context.rows("synthetic"))
    to_synthetic = nearest_distance(attacked, _blocks(points, "synthetic", everything))
    to_reference = nearest_distance(attacked, _blocks(points, "holdout", reference))
    smoothing = SMOOTHING * (float(np.median(to_reference)) or 1.0)
    scores = np.log((to_reference + smoothing) / (to_synthetic + smoothing))
    return scores[: len(members)], scores[len(members) :]


def halves(context: AuditContext, size: int) -> tuple[Array, Array]:
    """Held-out rows for non-members (``size`` at most) and for the reference, no row of one equal to one of the other.

    Equal rows never lie on both sides of the train/holdout split, so a member has no equal in the reference. A
    non-member must not have one either, or the attack would see nothing but duplicates.
    """
    import numpy as np

    hashes = np.array([r[0] for r in context.query("SELECT hash(holdout) FROM holdout")], dtype=np.uint64)
    _, group = np.unique(hashes, return_inverse=True)
    place = context.rng("membership", len(group)).permutation(int(group.max()) + 1)
    order = np.argsort(place[group], kind="stable")
    cut = len(group) // 2
    while 0 < cut < len(group) and group[order[cut]] == group[order[cut - 1]]:
        cut += 1
    others = order[:cut] if cut <= size else context.rng("non-members", size).choice(order[:cut], size, replace=False)
    return np.sort(others), np.sort(order[cut:])


def _points(context: AuditContext, columns: tuple[str, ...]) -> Any:
    """A function (side, row numbers) → points whose squared Euclidean distance mixes the columns fairly.

    A number is divided by the spread of the real training rows and cut at ±4, a differing category counts 1, a
    missing value lies apart from all others.
    """
    import numpy as np

    encoder = encoding(context, columns)
    train = context.shared(("matrix", "train", columns), lambda: encoder.matrix(context.arrow("train", columns)))
    plain = [i for i, c in enumerate(encoder.categorical) if not c]
    coded = [i for i, c in enumerate(encoder.categorical) if c]
    centre = np.array([np.nanmedian(train[:, i]) if np.isfinite(train[:, i]).any() else 0.0 for i in plain])
    spread = np.array([_spread(train[:, i]) for i in plain])

    def points(side: Side, rows: Array) -> Array:
        matrix = context.shared(("matrix", side, columns), lambda: encoder.matrix(context.arrow(side, columns)))[rows]
        parts = []
        if plain:
            scaled = np.clip((matrix[:, plain] - centre) / spread, -4, 4)
            parts += [np.nan_to_num(scaled, nan=0.0), np.isnan(scaled).astype(float) * 2]
        for i in coded:
            codes = np.nan_to_num(matrix[:, i], nan=-1).astype(int) + 1
            one_hot = np.zeros((len(codes), len(encoder.codes[columns[i]]) + 2))
            one_hot[np.arange(len(codes)), codes] = np.sqrt(0.5)
            parts.append(one_hot)
        return np.concatenate(parts, axis=1).astype(np.float32)

    return points


def _blocks(points: Callable[[Side, Array], Array], side: Side, rows: Array) -> Iterator[Array]:
    """The points of many rows, a block at a time: one-hot categories of a large table would not fit in memory."""
    for start in range(0, len(rows), OTHERS):
        yield points(side, rows[start : start + OTHERS])


def _spread(values: Array) -> float:
    """Standard deviation, or 1 where all values are alike."""
    import numpy as np

    present = values[np.isfinite(values)]
    return float(present.std()) or 1.0 if len(present) else 1.0


def nearest_distance(points: Array, others: Iterable[Array], block: int = 1_000) -> Array:
    """Euclidean distance of each point to the nearest of all blocks of others; memory stays at block × one of them."""
    import numpy as np

    own = (points.astype(np.float64) ** 2).sum(axis=1)
    found = np.full(len(points), np.inf)
    for some in others:
        squares = (some.astype(np.float64) ** 2).sum(axis=1)
        for start in range(0, len(points), block):
            place = slice(start, start + block)
            distances = own[place, None] + squares[None, :] - 2 * (points[place] @ some.T).astype(np.float64)
            found[place] = np.minimum(found[place], distances.min(axis=1))
    # Rounding in single precision leaves about 1e-5 where rows are equal.
    found[found < 1e-4] = 0.0
    return np.asarray(np.sqrt(found))
