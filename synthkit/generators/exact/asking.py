"""What is asked of the tables of a family: of the first as numbers of rows, of the others as shares, as their numbers
follow; and how many rows belong to each row of an owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError, SynthError, did_you_mean
from synthkit.generators.exact.conditions import of_shares
from synthkit.generators.functions import Asked, Quota
from synthkit.generators.tables import Key
from synthkit.project.counts import ANY, Between, apart
from synthkit.project.types import Conditions
from synthkit.rules.coding import rows_named
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np

    from synthkit.generators.exact.members import MemberPlan

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Asking:
    """What a generator is asked for.

    Args:
        conditions: of the first table.
        others: what is asked of other tables.
        fixed: of each table, the columns whose drawn values stay as they are.
    """

    conditions: tuple[Quota, ...]
    others: Mapping[str, Asked]
    fixed: Mapping[str, tuple[str, ...]]


def owned_between(at_least: Mapping[str, int], at_most: Mapping[str, int]) -> dict[str, Between]:
    """How many rows of each table belong to a row of its owner."""
    names = dict.fromkeys((*at_least, *at_most))
    return {n: Between(at_least.get(n, 0), at_most.get(n)) for n in names}


def asking(
    plans: Mapping[str, MemberPlan],
    keys: Sequence[Key],
    root: str,
    rows: int,
    *,
    conditions: Mapping[str, Conditions],
    owned: Mapping[str, Between],
    known: Mapping[str, Table] | None = None,
) -> Asking:
    """What is asked, for a generator.

    Args:
        rows: of the first table, ``root``.
        conditions: table → its conditions.
        known: the training rows as they are read, where they are at hand: then what they lack is refused.

    Raises:
        SynthError: what is asked for is not there, or contradicts itself.
        BuildError: the training rows do not hold it.
    """
    owners = {key.table: key.references for key in keys if key.owner}
    for name in owned:
        if name not in owners:
            hint = did_you_mean(name, owners, "a table")
            raise SynthError(f"at_least or at_most of {name!r}, which belongs to no other table", hint=hint)
    shares, fixed = {}, {}
    for name, wanted in conditions.items():
        if not wanted:
            continue
        plan = plans[name]
        about, counts = apart(wanted, plan.columns.schema.by_name)
        for child in counts:
            if owners.get(child) != name:
                hint = did_you_mean(child, [c for c, o in owners.items() if o == name], "a table that does")
                raise SynthError(f"conditions on {name!r}: no rows of {child!r} belong to it", hint=hint)
        if counts and name in owners:
            raise SynthError(
                f"conditions on {name!r}: how many rows belong to each is asked of a table that belongs to none",
                hint=f"ask of {owners[name]!r}, or give {next(iter(counts))!r} at_least: and at_most:",
            )
        shares[name] = plan.shares(wanted, None if known is None else known[name])
        fixed[name] = tuple(plan.columns.read.conditions(about))
    ranges = [(child, b) for child, b in owned.items()]
    ranges += [(child, b) for found in shares.values() for s in found for child, b in s.counts.items()]
    counted: dict[str, Array] = {}
    for child, between in dict.fromkeys(ranges):
        if between & owned.get(child, ANY) is None:
            raise SynthError(
                f"no row of {owners[child]!r} can have {between} rows of {child!r} and {owned[child]}",
                hint="drop at_least or at_most, or the condition",
            )
        if known is not None:
            if child not in counted:
                counted[child] = _counts(child, owners[child], keys, known)
            _check_counts(child, owners[child], between, counted[child])
    others = {
        name: Asked(shares.get(name, ()), owned.get(name, ANY))
        for name in dict.fromkeys((*shares, *owned))
        if name != root and (name in shares or owned[name] != ANY)
    }
    return Asking(of_shares(shares[root], rows) if root in shares else (), others, fixed)


def _counts(child: str, owner: str, keys: Sequence[Key], known: Mapping[str, Table]) -> Array:
    """How many rows each training row of the owner has."""
    import numpy as np

    key = next(k for k in keys if k.table == child and k.owner)
    above = known[owner].to_arrow(list(known[owner].schema.primary_key))
    named = rows_named(known[child].to_arrow(list(key.columns)), above)
    return np.bincount(named[named >= 0], minlength=above.num_rows)


def _check_counts(child: str, owner: str, between: Between, counts: Array) -> None:
    """Some training row of the owner has so many rows."""
    fits = counts >= between.least
    if between.most is not None:
        fits &= counts <= between.most
    if not fits.any():
        least, most = (int(counts.min()), int(counts.max())) if len(counts) else (0, 0)
        raise BuildError(
            f"no row of {owner!r} has {between} rows of {child!r} in the training rows (they have {least} to {most}), "
            "so no generator can learn it",
            hint="ask for a number of rows that they have",
        )
