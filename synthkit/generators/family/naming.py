"""Keys that follow when the rows are there: those that another key decides, and those to a row of the same table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synthkit.generators.family.drawn import Drawn
from synthkit.generators.family.looking import unlike
from synthkit.generators.family.model import Family, Link, Member

CANDIDATES = 8  # rows one level up that are compared

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def name_rows(
    member: Member, family: Family, drawn: Drawn, known: Mapping[str, Drawn], rng: np.random.Generator
) -> None:
    """Find the rows that are named by each key that was not drawn, into ``drawn.named``."""
    for i, link in enumerate(member.links):
        if link.kind == "same":
            drawn.named[i] = _through(member, link, family, drawn, known)
        elif link.kind == "self":
            drawn.named[i] = _above(member, i, drawn, rng)


def _through(member: Member, link: Link, family: Family, drawn: Drawn, known: Mapping[str, Drawn]) -> Array:
    """The row that is reached by one key after another."""
    import numpy as np

    at, here, rows = member, drawn, np.arange(len(drawn))
    for columns in link.through:
        key = next(i for i, other in enumerate(at.links) if ",".join(other.columns) == columns)
        there = here.named[key]
        rows = np.where(rows >= 0, there[np.maximum(rows, 0)], -1) if len(there) else np.full(len(rows), -1)
        at = family.member(at.links[key].references)
        here = known[at.name]
    return rows


def _above(member: Member, key: int, drawn: Drawn, rng: np.random.Generator) -> Array:
    """A row one level up for each row that does not stand at the top: like the one wished, those with load sooner."""
    import numpy as np

    link = member.links[key]
    level = np.rint(np.nan_to_num(drawn.levels[key])).astype(np.int64)
    group = drawn.owner if link.within else np.zeros(len(level), dtype=np.int64)
    loads = drawn.loads.get((member.name, key), np.ones(len(level))) + 1e-3
    if not link.within:
        level = _with_tops(level, link.nulls, loads)
    level = _without_gaps(level, group)
    drawn.levels[key] = level.astype(np.float64)
    found = np.full(len(level), -1)
    pairs = np.stack([group, level], axis=1)
    order = np.lexsort((np.arange(len(level)), level, group))
    sorted_pairs = pairs[order]
    if not len(order):
        return found
    starts = np.flatnonzero(np.append(True, (np.diff(sorted_pairs, axis=0) != 0).any(axis=1))).tolist()
    spans = {tuple(sorted_pairs[s].tolist()): (s, e) for s, e in zip(starts, [*starts[1:], len(order)], strict=True)}
    ends = np.cumsum(loads[order])
    parts = [(n, part) for n, part in enumerate(p for k, p in member.looked if k == key) if part >= 0]
    wished, mine = drawn.wished[key][:, [n for n, _ in parts]], drawn.cells[:, [part for _, part in parts]]
    alike = [drawn.fields[part] for _, part in parts]
    most = CANDIDATES if parts else 1
    for (owner, depth), (low, high) in spans.items():
        if depth == 0:
            continue
        first, last = spans[owner, depth - 1]
        below, base = order[low:high], ends[first] - loads[order[first]]
        if link.once:
            found[below] = rng.permutation(order[first:last])[: len(below)] if len(below) <= last - first else -1
            continue
        uniform = rng.random((len(below), most))
        chosen = np.searchsorted(ends, base + uniform * (ends[last - 1] - base), side="right")
        rows = order[np.clip(chosen, first, last - 1)]
        cost = unlike(alike, mine, wished[below], rows)
        found[below] = rows[np.arange(len(below)), cost.argmin(axis=1)]
    if "itself" in link.through:
        found = np.where(level == 0, np.arange(len(level)), found)
    return found


def _with_tops(level: Array, share: float, loads: Array) -> Array:
    """Levels of which 0 is one. Where the few rows at the top have no cell of their own, none was drawn: then those of
    the highest level stand there that most rows are to name, as many as ``share`` of all says, not all of it."""
    import numpy as np

    if not len(level) or level.min() == 0:
        return level
    highest = np.flatnonzero(level == level.min())
    many = min(max(1, round(share * len(level))), len(highest))
    found = level.copy()
    found[highest[np.argsort(-loads[highest], kind="stable")[:many]]] = 0
    return found


def _without_gaps(level: Array, group: Array) -> Array:
    """Levels that begin at 0 in each group, with none left out between."""
    import numpy as np

    found = np.zeros(len(level), dtype=np.int64)
    order = np.lexsort((level, group))
    g, v = group[order], level[order]
    if not len(order):
        return found
    fresh = np.append(True, g[1:] != g[:-1])
    step = np.append(False, (g[1:] == g[:-1]) & (v[1:] > v[:-1])).astype(np.int64)
    total = np.cumsum(step)
    base = np.maximum.accumulate(np.where(fresh, total, 0))
    found[order] = total - base
    return found
