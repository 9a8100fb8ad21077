"""Does the table give away the people who stand out? An attack on the rarest alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, audit
from synthkit.audits.gate import Default, Estimate, gated, limit_of, untold
from synthkit.audits.measures.statistics import delong
from synthkit.audits.privacy.closest import COIN, DistanceParams
from synthkit.audits.privacy.population import COPY_LESS, FEWEST, Population, attacked_columns, population
from synthkit.audits.rows.neighbours import nearest_rows, space

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

DEFAULT: Default = {"max": 0.6}
NEIGHBOUR = 5  # whose distance says how rare a record is
LANDMARKS = 5_000  # records among which it is looked for: the rank of a rare one changes little with their number
FEWEST_RARE = 20  # on each side
ALPHA = 0.01  # how rarely chance puts as many training people before all held-out ones; the AUC has a share of 5 % too


class OutlierParams(DistanceParams):
    """Parameters of ``outlier_similarity``, beside those of the distance audits.

    Args:
        max: the largest AUC that passes. Default: 0.6.
        max_found: the largest share of the rare training people who may lie nearer to the table than every held-out
            one; fails where it is more, and chance makes it as many in less than one of a hundred tables.
        share: of the real people, those who are rarest.
    """

    max_found: float = Field(default=0.05, ge=0, le=1)

    share: float = Field(default=0.01, gt=0, le=0.5)


@audit("outlier_similarity", OutlierParams, family="privacy", version=2, needs=("train", "holdout"), between=SHARE)
def outlier_similarity(context: AuditContext, params: OutlierParams) -> AuditResult:
    """Are the rarest training people nearer to the table than the rarest held-out people? AUC, 0.5 is a coin

    Attacker: has the table and the complete records of people who stand out: the rarest 1 % of all real people by the
    distance to their fifth nearest (among 5,000 others). Goal: which of them was trained on. Attack: those with a
    synthetic row close by, compared with how far their own neighbours are. Baseline: a coin. Control: the held-out
    people among them; rarity is measured without regard to the side. Interval: DeLong's.

    Averages hide what this looks for: a table may pass ``membership_inference`` and repeat all of its outliers. An AUC
    hides a few of these in turn (a tenth of copies: 0.55), so the audit also fails where the people nearest to the
    table are one training person after the other before the first held-out one comes: the control says how near a table
    gets to a rare person whom it does not know. Sides are exchangeable, so chance puts k of a training and none of b
    held-out people first with probability C(a, k) / C(a + b, k), whatever the distances. A pass means that this attack
    fails on the average outlier, and does not find more than a few for sure.
    """
    threshold = limit_of(params, COIN, DEFAULT).text
    columns = attacked_columns(context, params.features)
    if not columns:
        return AuditResult(None, "skipped", threshold, message="no column is modelled, so nothing was learnt")
    people = population(context, columns)
    if min(*people.units, context.rows("synthetic")) < FEWEST:
        told = f"{people.units[0]} training and {people.units[1]} held-out people, at least {FEWEST} are needed"
        return untold(told, threshold)
    rarity = context.shared(("rarity", columns), lambda: _rarity(context, columns, people))
    rare, trained = _rarest(people, rarity, params.share)
    counts = {"training": int(trained.sum()), "held_out": int((~trained).sum())}
    if min(counts.values()) < FEWEST_RARE:
        told = f"{counts['training']} training and {counts['held_out']} held-out people are among the rarest"
        more = f"{told} {params.share:.1%}, at least {FEWEST_RARE} of each are needed; share: may be larger"
        return untold(more, threshold, **counts)
    points = space(context, columns)
    synthetic = context.rng("outliers").permutation(context.rows("synthetic"))

    def both(side: Side, which: Array) -> Array:
        return points(side, which) if side == "synthetic" else people.points(points, which)

    distance = nearest_rows(both, [("train", rare)], ("synthetic", synthetic))[1][:, 0]
    closeness = -distance / rarity[rare]
    value, low, high = delong(closeness[trained], closeness[~trained])
    message = f"of the rarest {params.share:.1%}, training people are told from held-out ones with AUC {value:.3f}"
    estimate = Estimate(value, low, high, COIN, COIN + (value - low))
    first, chance = _first(closeness, trained)
    details = {**counts, "found_first": first, "by_chance": chance}
    result = gated(params, estimate, DEFAULT, message, details=details, advice=COPY_LESS)
    found = first / counts["training"]
    if result.status != "fail" and found > params.max_found and chance < ALPHA:
        ahead = f"{first} of {counts['training']} training people lie nearer to the table than every held-out one"
        why = f"{ahead} ({found:.1%}, above {params.max_found:g}; by chance {chance:.2g})"
        result = replace(result, status="fail", message=f"{message}, but {why}. Try {COPY_LESS}")
    return result


def _first(closeness: Array, trained: Array) -> tuple[int, float]:
    """How many training people are closer than every held-out one, and how likely chance makes it as many."""
    from math import prod

    first, side, everyone = (
        int((closeness[trained] > closeness[~trained].max()).sum()),
        int(trained.sum()),
        len(trained),
    )
    return first, prod((side - i) / (everyone - i) for i in range(first))


def _rarity(context: AuditContext, columns: tuple[str, ...], people: Population) -> Array:
    """The distance of each real record to its fifth nearest other one among the landmarks."""
    import numpy as np

    points = space(context, columns)
    everyone = np.arange(len(people.keys))
    landmarks = np.sort(context.rng("landmarks").choice(len(everyone), min(len(everyone), LANDMARKS), replace=False))

    def of_people(_: Side, which: Array) -> Array:
        return people.points(points, which)

    found, distance = nearest_rows(of_people, [("train", everyone)], ("train", landmarks), NEIGHBOUR + 1)
    own = (landmarks[found] == everyone[:, None]).any(axis=1)
    return np.asarray(np.where(own, distance[:, NEIGHBOUR], distance[:, NEIGHBOUR - 1]))


def _rarest(people: Population, rarity: Array, share: float) -> tuple[Array, Array]:
    """The rarest records that one side alone has, and whether that is the training side."""
    import numpy as np

    order = np.argsort(-rarity, kind="stable")
    lone = order[(people.train[order] == 0) | (people.holdout[order] == 0)]
    rare = lone[: max(1, round(share * len(people.keys)))]
    rare = rare[rarity[rare] > 0]
    return rare, people.train[rare] > 0
