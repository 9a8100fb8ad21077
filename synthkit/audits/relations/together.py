"""Do parents' columns and their children's go together as in the real tables?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import AuditResult, Decide, audit
from synthkit.audits.family import name_of
from synthkit.audits.gate import Default, Estimate
from synthkit.audits.measures.correlations import correlations, moments
from synthkit.audits.relations.columns import Named, aggregates, joined, places, spread
from synthkit.audits.rows.entities import FEWEST, count, deal_entities
from synthkit.audits.rows.links import Links, links, no_family, world_of
from synthkit.audits.rows.sampling_error import Draws, Groups, gaps
from synthkit.audits.verdict import CombinedParams, Part, share_of_alpha, unmeasured, verdict
from synthkit.generators.tables import Key

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

DEFAULT: Default = {"max": 0.1}
ADVICE = "more training rows, or another generator of families: what children owe to their parents is lost"
SURE = 3.0  # standard errors by which a correlation that only the synthetic rows have must exceed the least
SHOWN = 3


class ParentChildParams(CombinedParams):
    """Parameters of ``parent_child``, beside the gate's.

    Args:
        max: the largest mean |difference of correlations| of a key that passes. Default: 0.1.
        correlated: pairs whose correlation among the real rows is at least this are judged.
        max_rows: parents (of a key that is looked up: rows) of each side.
    """

    max: float | None = Field(default=None, ge=0, le=2)
    correlated: float = Field(default=0.1, ge=0, lt=1)
    decide: Decide = "point"
    max_rows: int = Field(default=50_000, ge=FEWEST)


@audit(
    "parent_child",
    ParentChildParams,
    family="fidelity",
    needs=("train", "holdout"),
    between=(0.0, 2.0),
    stands_on=("child",),
    version=2,
)
def parent_child(context: AuditContext, params: ParentChildParams) -> AuditResult:
    """How far correlations between parents' columns and their children's are from the real ones, over the strong pairs

    For each key, Spearman's correlation of every column of the parent (and of what owns the parent) with every
    aggregate of its children: how many, the mean, spread, least and greatest of a number, the share of a category. Of
    what is only looked up (a product), with every column of the rows that name it. A category is columns of zeros and
    ones. The value is the mean |difference| from held-out rows over the pairs whose correlation among the training
    rows is at least ``correlated`` (0.1), or which only the synthetic rows have, beyond three standard errors: a mean
    over all pairs would be made of those that have nothing to do with one another. ``recall`` in the details is the
    median of synthetic over real ones. Ranks are places among the training rows, so both sides' mean the same.
    Interval: a jackknife over groups of entities, one for the mean. Floor: training against held-out rows.
    """
    if (none := no_family(context)) is not None:
        return none
    found = links(context)
    table = found.family.table
    keys = [k for k in found.family.keys_of(table) if k.references != table]
    alpha = share_of_alpha(params, len(keys))
    parts = [_of_key(found, key, params, alpha) for key in keys]
    told = [p for p in parts if p is not None]
    if not told:
        return AuditResult(None, "skipped", message="no parent has a column that goes with one of its children")
    return verdict(told, params, DEFAULT, symbol="mean |difference|", advice=ADVICE, noun="key", tell=True)


@dataclass(frozen=True)
class _Side:
    """Parents' columns, and what their children are, row by row, as places among the training rows."""

    above: Array
    below: Array
    units: Array


@dataclass(frozen=True)
class _Strength:
    """Correlations, shape (above, below), and without each of the groups: (groups, above, below)."""

    value: Array
    without: Array
    groups: Groups

    @staticmethod
    def of(side: _Side, rng: Any) -> _Strength:
        groups = deal_entities(side.units, rng)
        each = moments(side.above, side.below, groups.of_row, groups.multipliers.shape[1])
        whole = each.sum(axis=0)
        return _Strength(correlations(whole), correlations(whole[None] - each), groups)

    def error(self, at: Array) -> Array:
        """Draws of the error of some pairs: the jackknife's pseudo-values under the groups' multipliers."""
        import numpy as np

        without = np.nan_to_num(self.without[:, at])
        total = len(without)
        drawn: Array = self.groups.multipliers @ (without - without.mean(axis=0)) * np.sqrt((total - 1) / total)
        return drawn


def _of_key(found: Links, key: Key, params: ParentChildParams, alpha: float) -> Part | None:
    """What a key contributes; None where its parent has no column, or the child none."""
    import numpy as np

    name = name_of(key)
    if not found.rows("holdout", key.table):
        return unmeasured(name, "there are no held-out rows")
    names, sides = _sides(found, key, params.max_rows)
    if not names[0] or not names[1]:
        return None
    few = [s for s, side in sides.items() if count(side.units) < FEWEST]
    if few:
        return unmeasured(name, f"fewer than {FEWEST} entities on a side")
    ours, train, real = (
        _Strength.of(sides[s], found.context.rng("parent_child", key.columns, s))
        for s in ("synthetic", "train", "holdout")
    )
    known = np.isfinite(real.value) & np.isfinite(train.value)
    made = np.nan_to_num(ours.value)  # a synthetic column that is constant goes with nothing
    strong = known & (np.abs(train.value) >= params.correlated)
    spurious = known & ~strong & (np.abs(made) >= params.correlated + SURE * _spread(ours))
    at = strong | spurious
    if not at.any():
        return None
    apart = made[at] - np.nan_to_num(real.value)[at]
    draws = gaps(apart, ours.error(at) - real.error(at), 1 / int(at.sum()))
    floor = float(np.abs(train.value - real.value)[at].mean())
    details = _details(names, at, made, real.value, strong, spurious, known)
    return Part(name, Estimate.of(_cut(draws, alpha), floor), _message(details), details)


def _cut(draws: Draws, alpha: float) -> Any:
    return draws.distance(alpha, most=2.0)


def _spread(strength: _Strength) -> Array:
    """The standard error of each correlation, by the jackknife."""
    import numpy as np

    without = np.nan_to_num(strength.without)
    total = len(without)
    return np.asarray(np.sqrt((total - 1) / total * ((without - without.mean(axis=0)) ** 2).sum(axis=0)))


def _details(
    names: tuple[tuple[str, ...], tuple[str, ...]],
    at: Array,
    made: Array,
    real: Array,
    strong: Array,
    spurious: Array,
    known: Array,
) -> dict[str, Any]:
    import numpy as np

    apart = np.where(at, np.abs(made - np.nan_to_num(real)), -1)
    worst = np.argsort(-apart, axis=None)[: min(20, int(at.sum()))]
    pairs = []
    for place in worst:
        i, j = np.unravel_index(place, apart.shape)
        pairs.append([f"{names[0][i]} × {names[1][j]}", round(float(made[i, j]), 4), round(float(real[i, j]), 4)])
    sure = strong & (np.abs(real) > 0)
    return {
        "pairs": int(at.sum()),
        "only in the synthetic rows": int(spurious.sum()),
        "recall": float(np.median(made[sure] / real[sure])) if sure.any() else None,
        "mean of all pairs": float(np.abs(made - np.nan_to_num(real))[known].mean()),
        "furthest (synthetic, real)": pairs,
    }


def _message(details: dict[str, Any]) -> str:
    worst = [f"{n} {made:.2f}, real {real:.2f}" for n, made, real in details["furthest (synthetic, real)"][:SHOWN]]
    kept = "" if details["recall"] is None else f"recall {details['recall']:.2f} of "
    return f"{kept}{details['pairs']} strong pairs; furthest: {'; '.join(worst)}"


def _sides(found: Links, key: Key, most: int) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], dict[Side, _Side]]:
    """Names and rows of what stands above and below the key, on every side."""
    import numpy as np

    read: dict[Side, tuple[Named, Named, Array]] = {}
    sides: tuple[Side, ...] = ("synthetic", "train", "holdout")
    for side in sides:
        read[side] = _owned(found, key, side) if key.owner else _looked_up(found, key, side)
    reference = read["train"]
    kept = {}
    for side, (above, below, units) in read.items():
        rows = np.arange(len(units))
        if len(rows) > most:
            rows = np.sort(found.context.rng("parent_child rows", side, key.columns).choice(rows, most, replace=False))
        kept[side] = _Side(
            places(above.values[rows], reference[0].values),
            places(below.values[rows], reference[1].values),
            units[rows],
        )
    return (reference[0].names, reference[1].names), kept


def _owned(found: Links, key: Key, side: Side) -> tuple[Named, Named, Array]:
    """Each parent of a side with aggregates of its children."""
    world = world_of(side)
    named = found.named(world, key)
    total = sum(found.rows(s, key.references) for s in found.sides(world, key.references))
    above = joined(found, world, key.references, coded=False, owners=True)
    below = aggregates(found, world, key.table, named, total)
    part = found.part(side, key.references)
    return _part(above, part), _part(below, part), found.units(world, key.references)[part]


def _looked_up(found: Links, key: Key, side: Side) -> tuple[Named, Named, Array]:
    """Each row of a side that names one, with what it names."""
    world = world_of(side)
    part = found.part(side, key.table)
    named = found.named(world, key)[part]
    there = named >= 0
    above = spread(found, world, key.references).take(named[there])
    below = _part(spread(found, world, key.table), part)
    below = Named(below.names, below.values[there], below.coded)
    return above, below, found.units(world, key.table)[part][there]


def _part(named: Named, part: slice) -> Named:
    return Named(named.names, named.values[part], named.coded)
