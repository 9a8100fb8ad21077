"""Do synthetic rows lie closer to the training rows than to rows like them? Distances to the closest record.

Both audits look for the real record nearest to each synthetic row, among the training and the held-out records
together, and ask on which side it is. Which side a person fell on was settled by a hash, so a table that was made
from the population, not from these people, cannot know it: of the nearest records a share of n_t / (n_t + n_h) are
training ones, as of all, whatever the sizes, duplicates and ties. This is exact, and needs no second sample of equal
size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import RISK, SHARE, AuditResult, ColumnNames, audit
from synthkit.audits.gate import Default, Estimate, GateParams, gated, limit_of, untold
from synthkit.audits.measures.statistics import ONE_SIDED, Z, midranks
from synthkit.audits.privacy.population import COPY_LESS, FEWEST, Population, attacked_columns, population
from synthkit.audits.rows.features import sample_rows
from synthkit.audits.rows.neighbours import nearest_rows, space

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

COIN = 0.5
DEFAULT: Default = {"max": 0.53}
WORK = 1e9  # synthetic rows × real records, above which fewer synthetic rows are looked at, never fewer than:
ENOUGH = 10_000


class DistanceParams(GateParams):
    """Parameters of ``dcr`` and ``nndr``, beside the gate's.

    Args:
        max: the largest value that passes; 0.5 is what an independent sample has.
        features: the columns that count; default: all that are modelled.
        max_rows: synthetic rows looked at; fewer, down to 10,000, where the real tables are so large that it would
            take minutes.
    """

    max: float | None = Field(default=None, ge=0.5, le=1)
    features: ColumnNames | None = None
    max_rows: int = Field(default=50_000, ge=FEWEST)


@dataclass(frozen=True)
class Closest:
    """For each synthetic row looked at: the nearest real record.

    Args:
        people: all real records.
        record: which of them is the nearest, an index.
        distances: to the nearest and the second nearest of them, shape (rows, 2).
    """

    people: Population
    record: Array
    distances: Array

    @property
    def side(self) -> Array:
        """What part of those who have the record are training people: 1, 0, or between where both sides have it."""
        train, holdout = self.people.train[self.record], self.people.holdout[self.record]
        share: Array = train / (train + holdout)
        return share


@audit("dcr", DistanceParams, family="privacy", needs=("train", "holdout"), between=RISK)
def dcr(context: AuditContext, params: DistanceParams) -> AuditResult:
    """Are synthetic rows closer to training rows than to held-out ones? Share of them (DCR share), 0.5 is chance

    Attacker: has the table, and takes the real person nearest to a synthetic row for one who was trained on. Knows
    complete records of people. Goal: membership. Baseline: chance. Control: the held-out people, who compete with the
    training people for the nearest place.

    With n_t training and n_h held-out people, chance gives p = n_t / (n_t + n_h). The value puts the share s on the
    scale of equal numbers, ½ + (s − p) / (2 (1 − p)): 0.5 for an independent sample, 1 where all rows are copies, 0.5
    + c/2 where a share c is. A record that both sides have counts in proportion (½ where as many have it), and
    equally near records are taken in an order that does not depend on the side: ties favour no one. The interval
    allows for several rows whose nearest record is the same.

    A pass proves little: rows that give a person away need not lie near them (Yao et al. 2025, arXiv 2505.01524). A
    fail is evidence. Verbatim copies of a few people stay below its noise: ``exact_match`` finds these.
    """
    found = closest(context, params)
    threshold = limit_of(params, COIN, DEFAULT).text
    if isinstance(found, str):
        return _unjudged(found, threshold)
    share, p = found.side, found.people.train_share
    scale = 2 * (1 - p)
    mean = float(share.mean())
    value = COIN + (mean - p) / scale
    spread, chance = (math.sqrt(v) / scale for v in _share_variance(found, mean, p))
    estimate = Estimate(value, value - Z * spread, value + Z * spread, COIN, COIN + ONE_SIDED * chance)
    details = _details(found) | {"share_nearest_to_train": mean, "expected": p}
    if mean == 1.0:
        # No variance is left to see: the rule of three says what a few rows might still hide.
        estimate = Estimate(value, value - 3 / (scale * len(share)), value, COIN, estimate.noise)
    near = f"{mean:.1%} of the synthetic rows lie nearest to a training row, by chance {p:.1%}"
    message = f"{near}: DCR share {value:.3f} on the scale of equal sizes"
    return gated(params, estimate, DEFAULT, message, details=details, advice=COPY_LESS)


@audit("nndr", DistanceParams, family="privacy", needs=("train", "holdout"), between=SHARE)
def nndr(context: AuditContext, params: DistanceParams) -> AuditResult:
    """Do synthetic rows stick to one training row more than to a held-out one? AUC of nearest/second nearest distance

    Attacker and knowledge: as for ``dcr``; the attacker trusts a nearest person the more, the farther away the next
    one is (the ratio of the distances to the nearest and the second nearest real record, NNDR). Baseline: chance.
    Control: the rows whose nearest record is a held-out one.

    The value is the chance that a row nearest to a training record has a smaller ratio than a row nearest to a held-out
    one, plus half that of a tie: an AUC. For a table that does not know the split the ratio says nothing about the
    side. The interval is DeLong's, with rows that share their nearest record taken as one (Obuchowski, Biometrics 53,
    1997). Records that both sides have are left out. A pass proves as little as that of ``dcr``.
    """
    found = closest(context, params)
    threshold = limit_of(params, COIN, DEFAULT).text
    if isinstance(found, str):
        return _unjudged(found, threshold)
    first, second = found.distances.T
    with_next = second > 0
    side = found.side
    trained, held = with_next & (side == 1), with_next & (side == 0)
    details = _details(found) | {"nearest_to_train": int(trained.sum()), "nearest_to_holdout": int(held.sum())}
    if trained.sum() < FEWEST:
        told = f"{details['nearest_to_train']} rows lie nearest to a training record that no held-out person has"
        return untold(told, threshold, **details)
    if not held.any():
        message = "no synthetic row at all lies nearest to a held-out record"
        found_all = Estimate(1.0, 1 - 3 / float(trained.sum()), 1.0, COIN, COIN)
        return gated(params, found_all, DEFAULT, message, details=details, advice=COPY_LESS)
    closeness = 1 - first[with_next] / second[with_next]
    owner = found.people.unit[found.record[with_next]]
    estimate = clustered_auc(closeness, owner, side[with_next])
    message = (
        f"the ratio of nearest to second nearest tells rows nearest to training people with AUC {estimate.value:.3f}"
    )
    return gated(params, estimate, DEFAULT, message, details=details, advice=COPY_LESS)


def closest(context: AuditContext, params: DistanceParams) -> Closest | str:
    """The real records nearest to a sample of the synthetic rows, or why there are too few to tell."""
    columns = attacked_columns(context, params.features)
    if not columns:
        return ""
    people = population(context, columns)
    rows = context.rows("synthetic")
    if min(*people.units, rows, len(people.keys)) < FEWEST:
        counts = f"{people.units[0]} training and {people.units[1]} held-out people and {rows} synthetic rows"
        return f"{counts}, and at least {FEWEST} of each are needed"
    size = min(params.max_rows, max(ENOUGH, int(WORK / len(people.keys))))
    return context.shared(("closest", columns, size), lambda: _closest(context, columns, people, size))


def _closest(context: AuditContext, columns: tuple[str, ...], people: Population, size: int) -> Closest:
    import numpy as np

    points = space(context, columns)
    chosen = sample_rows(context, "synthetic", size, "closest")

    def both(side: Side, which: Array) -> Array:
        return points(side, which) if side == "synthetic" else people.points(points, which)

    record, distances = nearest_rows(both, [("synthetic", chosen)], ("train", np.arange(len(people.keys))), 2)
    return Closest(people, record[:, 0], distances)


def _share_variance(found: Closest, mean: float, p: float) -> tuple[float, float]:
    """The variance of the share as it was found, and of what chance gives."""
    import numpy as np

    _, owner = np.unique(found.people.unit[found.record], return_inverse=True)
    share = found.side
    off = np.bincount(owner, weights=share - mean)
    lone = np.bincount(owner, weights=(share == 0) | (share == 1))
    return float((off**2).sum()) / len(share) ** 2, p * (1 - p) * float((lone**2).sum()) / len(share) ** 2


def clustered_auc(scores: Array, clusters: Array, side: Array) -> Estimate:
    """AUC of ``scores`` for side 1 against side 0; no cluster lies on both."""
    import numpy as np

    positive, negative = scores[side == 1], scores[side == 0]
    n, m = len(positive), len(negative)
    ranks = midranks(np.concatenate([positive, negative]))
    over_negative = (ranks[:n] - midranks(positive)) / m
    over_positive = 1 - (ranks[n:] - midranks(negative)) / n
    value = float(over_negative.mean())
    variance = chance = 0.0
    for placed, of in ((over_negative, 1), (over_positive, 0)):
        _, owner = np.unique(clusters[side == of], return_inverse=True)
        variance += float((np.bincount(owner, weights=placed - value) ** 2).sum()) / len(placed) ** 2
        chance += float((np.bincount(owner) ** 2).sum()) / len(placed) ** 2 / 12
    half = Z * math.sqrt(variance)
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), COIN, COIN + ONE_SIDED * math.sqrt(chance))


def _details(found: Closest) -> dict[str, Any]:
    return {
        "synthetic_rows": len(found.record),
        "training_people": found.people.units[0],
        "held_out_people": found.people.units[1],
    }


def _unjudged(reason: str, threshold: str) -> AuditResult:
    if not reason:
        return AuditResult(None, "skipped", threshold, message="no column is modelled, so nothing was learnt")
    return untold(reason, threshold)
