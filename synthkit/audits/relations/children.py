"""Do parents have as many children as real ones, none among them?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import AuditResult
from synthkit.audits.family import name_of
from synthkit.audits.gate import Default, Estimate, GateParams
from synthkit.audits.rows.entities import FEWEST, count, deal_entities, ks
from synthkit.audits.rows.links import Links, links, no_family, world_of
from synthkit.audits.rows.sampling_error import Draws
from synthkit.audits.verdict import CombinedParams, Part, share_of_alpha, unmeasured, verdict
from synthkit.generators.tables import Key

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

CHILDREN: Default = {"max": 0.1}
ADVICE = "more training rows, or another generator of families; a key that is only looked up needs owner: false"


def children_per_parent(context: AuditContext, params: CombinedParams) -> AuditResult:
    """The Kolmogorov–Smirnov distance of the numbers of children, for every key of the audited table."""
    if (none := no_family(context)) is not None:
        return none
    found = links(context)
    keys = found.family.keys_of(found.family.table)
    alpha = share_of_alpha(params, len(keys))
    parts = [_of_key(found, key, alpha) for key in keys]
    assert isinstance(params, GateParams)
    return verdict(parts, params, CHILDREN, symbol="KS", advice=ADVICE, noun="key", tell=True)


def _of_key(found: Links, key: Key, alpha: float) -> Part:
    name = name_of(key)
    if not found.rows("holdout", key.table):
        return unmeasured(name, "there are no held-out rows")
    ours, theirs, draws = _apart(found, key, "synthetic", "holdout")
    if draws is None:
        return unmeasured(name, f"fewer than {FEWEST} parents' entities on a side")
    train = _apart(found, key, "train", "holdout")[2]
    floor = None if train is None else train.value
    shown = [
        f"{float(n.mean()):.2f} children per parent, {float((n == 0).mean()):.1%} without any" for n in (ours, theirs)
    ]
    details = {
        side: {"parents": len(n), "mean": float(n.mean()), "childless": float((n == 0).mean()), "most": int(n.max())}
        for side, n in (("synthetic", ours), ("real", theirs))
    }
    return Part(name, Estimate.of(draws.distance(alpha), floor), f"{shown[0]}; real {shown[1]}", details)


def _apart(found: Links, key: Key, one: Side, other: Side) -> tuple[Array, Array, Draws | None]:
    """Children per parent on both sides, and how far apart they are; None of too few entities."""
    owned = key.table != key.references and (key.owner or _within_units(found, key))
    sides = [counted(found, key, side, owned) for side in (one, other)]
    if not owned:
        sides = _at_one_load(found, key, sides)
    (ours, our_units), (theirs, their_units) = sides
    if min(count(our_units), count(their_units)) < FEWEST:
        return ours, theirs, None
    rng = found.context.rng("children", key.columns, one, other)
    groups = [deal_entities(u, rng) for u in (our_units, their_units)]
    return ours, theirs, ks(ours.astype(float), theirs.astype(float), groups[0], groups[1])


def _within_units(found: Links, key: Key) -> bool:
    """Whether rows name rows of their own entity alone: then those of a side name rows of that side."""
    import numpy as np

    if key.table not in found.family.owned(key.references):
        return False
    named = found.named("real", key)
    above = found.units("real", key.references)[np.maximum(named, 0)]
    mine = found.units("real", key.table)
    return bool((named >= 0).any() and (above == mine)[named >= 0].all())


def counted(found: Links, key: Key, side: Side, owned: bool) -> tuple[Array, Array]:
    """The number of children of each parent, and each parent's entity.

    Of an owner, the parents of the side; of what is looked up, all of the world's, each an entity by itself.
    """
    import numpy as np

    world = world_of(side)
    named = found.on(side, key.table, found.named(world, key))
    total = sum(found.rows(s, key.references) for s in found.sides(world, key.references))
    each = np.bincount(named[named >= 0], minlength=total)
    if owned:
        return found.on(side, key.references, each), found.on(side, key.references, found.units(world, key.references))
    return each, np.arange(total)


def _at_one_load(found: Links, key: Key, sides: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    """Children thinned until both sides have as many per parent: half of all orders name each product half as often."""
    loads = [n.sum() / max(1, len(n)) for n, _ in sides]
    least = min(loads)
    rng = found.context.rng("thinned", key.columns)
    thinned = []
    for (n, units), load in zip(sides, loads, strict=True):
        thinned.append((n if load <= least or load == 0 else rng.binomial(n, least / load), units))
    return thinned
