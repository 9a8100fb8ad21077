"""What holds in every real sequence, and so must in every synthetic one: constants, counters, steps that never occur.

That something holds in all real rows is evidence of a rule only where chance would have broken it: a column that is
nearly always the same is the same within short sequences, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.relations.columns import categories, codes, comparable, is_number, number
from synthkit.audits.relations.steps import Steps
from synthkit.audits.rows.links import Links, World
from synthkit.audits.verdict import ALPHA
from synthkit.schema import Column

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

CHANGES = "changes within a sequence; it never does in the real ones"
RISES = 20  # steps up, with none down, that make a counter: of a coin, one in a million


@dataclass(frozen=True)
class Held:
    """Something that all real steps keep.

    Args:
        broken: synthetic steps that do not.
        steps: synthetic steps that could.
    """

    name: str
    what: str
    broken: int
    steps: int


def held(found: Links, real: list[Steps], ours: Steps, order: str) -> list[Held]:
    """All that the real steps keep, with the synthetic ones that break it."""
    results: list[Held] = []
    for column in comparable(found, found.family.table):
        if column.name == order:
            continue
        values = {w: _values(found, w, column) for w in _WORLDS}
        one = _constant(column, values, real, ours)
        if one is None and is_number(column):
            one = _counter(column, values, real, ours)
        if one is not None:
            results.append(one)
        elif not is_number(column):
            results += _never(found, column, values, real, ours)
    if (one := _no_instant_twice(real, ours)) is not None:
        results.append(one)
    return results


_WORLDS: tuple[World, World] = ("real", "synthetic")


def _values(found: Links, world: World, column: Column) -> Array:
    if is_number(column):
        return number(found, world, found.family.table, column.name)
    return codes(found, world, found.family.table, column.name).astype(float)


def _pairs(values: Array, side: Steps) -> tuple[Array, Array]:
    """Each step's value before and after, where both are there."""
    import numpy as np

    later = side.later
    before, after = values[side.rows[later - 1]], values[side.rows[later]]
    there = np.isfinite(before) & np.isfinite(after)
    return before[there], after[there]


def _real(values: Array, real: list[Steps]) -> tuple[Array, Array]:
    import numpy as np

    pairs = [_pairs(values, side) for side in real]
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def _constant(column: Column, values: dict[World, Array], real: list[Steps], ours: Steps) -> Held | None:
    import numpy as np

    before, after = _real(values["real"], real)
    if not len(before) or (before != after).any():
        return None
    _, counts = np.unique(values["real"][np.isfinite(values["real"])], return_counts=True)
    agree = float(((counts / counts.sum()) ** 2).sum())
    if agree >= 1 or len(before) * math.log(agree) > math.log(ALPHA):
        return None  # chance would have kept it as well
    a, b = _pairs(values["synthetic"], ours)
    return Held(column.name, CHANGES, int((a != b).sum()), len(a))


def constants(kept: list[Held]) -> frozenset[str]:
    """The columns that never change within a real sequence."""
    return frozenset(h.name for h in kept if h.what == CHANGES)


def _counter(column: Column, values: dict[World, Array], real: list[Steps], ours: Steps) -> Held | None:
    before, after = _real(values["real"], real)
    a, b = _pairs(values["synthetic"], ours)
    rises, falls = int((after > before).sum()), int((after < before).sum())
    if falls == 0 and rises >= RISES:
        return Held(column.name, "falls within a sequence; it never does in the real ones", int((b < a).sum()), len(a))
    if rises == 0 and falls >= RISES:
        return Held(column.name, "rises within a sequence; it never does in the real ones", int((b > a).sum()), len(a))
    return None


def _never(found: Links, column: Column, values: dict[World, Array], real: list[Steps], ours: Steps) -> list[Held]:
    """Steps from one state to another that no real sequence takes, and the synthetic ones do more often than chance
    explains: of k such steps among theirs and none among the real ones (Fisher's exact test, shared out)."""
    import numpy as np

    known = categories(found, found.family.table, column.name)
    size = len(known) + 1
    before, after = (v.astype(int) for v in _keep(*_real(values["real"], real)))
    a, b = (v.astype(int) for v in _keep(*_pairs(values["synthetic"], ours)))
    theirs = np.bincount(before * size + after, minlength=size * size).reshape(size, size)
    mine = np.bincount(a * size + b, minlength=size * size).reshape(size, size)
    results = []
    for i, j in zip(*np.nonzero((theirs == 0) & (mine > 0)), strict=True):
        if max(i, j) >= len(known):
            continue  # all rare states together
        k, m, n = int(mine[i, j]), int(mine[i].sum()), int(theirs[i].sum())
        chance = math.exp(sum(math.log((m - s) / (m + n - s)) for s in range(min(k, 1000))))
        if chance <= ALPHA / max(1, int((theirs == 0).sum())):
            what = f"goes from {known[i]!r} to {known[j]!r}, which no real sequence does"
            results.append(Held(column.name, what, k, m))
    return results


def _keep(before: Array, after: Array) -> tuple[Array, Array]:
    there = (before >= 0) & (after >= 0)
    return before[there], after[there]


def _no_instant_twice(real: list[Steps], ours: Steps) -> Held | None:
    """Two rows of one sequence at one instant, where real ones never are, and more of them than chance explains."""
    n = sum(len(s.later) for s in real)
    if not n or any((s.gaps == 0).any() for s in real):
        return None
    k, m = int((ours.gaps == 0).sum()), len(ours.later)
    chance = math.exp(sum(math.log((m - s) / (m + n - s)) for s in range(min(k, 1000))))
    if chance > ALPHA:
        return None
    return Held("order", "has two rows of a sequence at one instant; real ones have none", k, m)
