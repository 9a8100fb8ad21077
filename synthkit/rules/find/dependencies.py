"""Functional dependencies of one and of two columns: ``zip -> city``, ``code <-> name``, ``model, year -> price``.

A dependency is exact where the last row of each group speaks for all. What chance would do: the rows of a group beyond
its first would agree with it at most as often as the most frequent value is found; a second determinant must be worth
it within the groups of the first, and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

from synthkit.rules.coding import joint_codes
from synthkit.rules.dependency import Dependency, unlike
from synthkit.rules.find.columns import Columns, Look
from synthkit.rules.find.evidence import MOST_CHANCE, Evidence, Found, chance_of
from synthkit.rules.find.proving import most_exceptions

if TYPE_CHECKING:
    from synthkit.rules.coding import Codes, Floats

MOST_SINGLE = 150  # columns that are looked at, of a wider table the first ones
MOST_TWO = 50  # columns that may determine something together with another
MOST_PAIRED = 2_000  # values of a column that determines something together with another
MOST_CELLS = 5_000_000  # of two columns together
FEWEST_AGAIN = 12  # rows whose group was seen before: they alone say something
AGAIN = 0.5  # share of such rows that a number needs which names nothing by itself
AGAIN_PAIRED = 0.8  # the same of two columns


def single(columns: Columns) -> Iterator[Found]:
    """Dependencies of one determinant, both ways as one; what is a key determines all, and is not told."""
    looks = [look for look in columns.looks if look.varies and not look.key][:MOST_SINGLE]
    candidates = max(1, len(looks) ** 2)
    holds: dict[tuple[str, str], Evidence] = {}
    for a in looks:
        if not a.whole:
            continue
        for b in looks:
            if a is not b and (evidence := one_way(columns, a, b, candidates)) is not None:
                holds[a.name, b.name] = evidence
    holds = _not_by_a_third(columns, holds, candidates)
    for (a_name, b_name), evidence in holds.items():
        both = (b_name, a_name) in holds
        if both and _first(columns, b_name, a_name):
            continue
        yield Found(Dependency((a_name,), b_name, both), evidence)


def _not_by_a_third(
    columns: Columns, holds: Mapping[tuple[str, str], Evidence], candidates: int
) -> dict[tuple[str, str], Evidence]:
    """Without numbers that only determine a column because a third one decides both, as a person does their income and
    their sex: of all rows of a person one is looked at, and there chance must still fail to do as much."""
    import numpy as np

    after: dict[str, set[str]] = {}
    for a, b in holds:
        after.setdefault(a, set()).add(b)
    kept = {}
    for (a, b), evidence in holds.items():
        for third, decided in after.items() if columns.by_name[a].kind == "number" else ():
            if third in (a, b) or not {a, b} <= decided or third in after.get(a, ()):
                continue
            x, y, z = (columns.by_name[name] for name in (a, b, third))
            first = np.unique(z.codes, return_index=True)[1]
            first = first[x.codes[first] >= 0]
            again = len(first) - len(np.unique(x.codes[first]))
            share = _largest(y.codes[first])
            if chance_of(again * float(np.log(share)) if 0 < share < 1 else 0.0, candidates) > MOST_CHANCE:
                break
        else:
            kept[a, b] = evidence
    return kept


def _first(columns: Columns, a: str, b: str) -> bool:
    names = [look.name for look in columns.looks]
    return names.index(a) < names.index(b)


def one_way(columns: Columns, a: Look, b: Look, candidates: int) -> Evidence | None:
    """What speaks for ``a -> b``; None where it does not hold, or chance would do as much."""
    import numpy as np

    part = columns.sample
    allowed = most_exceptions(len(part))
    if _broken(a.codes[part], a.distinct, b.codes[part]) > 3 * allowed:
        return None
    known = a.codes >= 0
    rows, groups = int(known.sum()), a.distinct
    again = rows - groups
    if again < FEWEST_AGAIN or (a.kind == "number" and again < AGAIN * rows):
        return None
    exceptions = 0
    if _broken(a.codes, a.distinct, b.codes):
        if most_exceptions(rows) == 0:
            return None
        exceptions = int((unlike(np.where(known, a.codes, a.distinct), b.codes) & known).sum())
        # A group of one row that differs would be a group of two values: only rare slips are exceptions.
        if exceptions > most_exceptions(rows) or again < 20 * groups:
            return None
    share = _largest(b.codes[known])
    chance = chance_of((again - exceptions) * float(np.log(share)) if share < 1 else 0.0, candidates)
    if chance > MOST_CHANCE:
        return None
    return Evidence(rows - exceptions, exceptions, int(known[columns.unseen].sum()), chance)


def _broken(a: Codes, distinct: int, b: Codes) -> int:
    """How many rows differ from the last row of their group: 0 where the dependency is exact."""
    import numpy as np

    last = np.full(distinct + 1, -2, dtype=np.int64)
    last[a] = b
    return int((last[a] != b)[a >= 0].sum())


def _largest(codes: Codes) -> float:
    import numpy as np

    counts = np.bincount(codes + 1)
    return float(counts.max() / max(1, len(codes)))


def paired(columns: Columns, known: Mapping[str, set[str]]) -> Iterator[Found]:
    """Dependencies of two determinants, of which neither is enough.

    Args:
        known: column → what it determines already.
    """
    import numpy as np

    able = [x for x in columns.looks if x.whole and x.varies and x.distinct <= MOST_PAIRED and not x.key][:MOST_TWO]
    targets = [x for x in columns.looks if x.varies and not x.key][:MOST_SINGLE]
    sample = columns.sample[:2_000]
    if not targets or len(sample) < FEWEST_AGAIN:
        return
    block = np.column_stack([x.codes[sample] for x in targets])
    candidates = max(1, len(able) ** 2 * len(targets) // 2)
    for a, b in combinations(able, 2):
        if b.name in known.get(a.name, ()) or a.name in known.get(b.name, ()):
            continue
        if a.distinct * b.distinct > MOST_CELLS:
            continue
        first, inverse = np.unique(
            (a.codes[sample] + 1) * (b.distinct + 1) + b.codes[sample] + 1, return_index=True, return_inverse=True
        )[1:]
        if len(first) > 0.7 * len(sample):
            continue
        holds = (block[first][inverse.reshape(-1)] == block).all(axis=0)
        for i in np.flatnonzero(holds):
            c = targets[i]
            if c is a or c is b or c.name in known.get(a.name, ()) or c.name in known.get(b.name, ()):
                continue
            evidence = _two(columns, a, b, c, candidates)
            if evidence is not None:
                yield Found(Dependency((a.name, b.name), c.name), evidence)


def _two(columns: Columns, a: Look, b: Look, c: Look, candidates: int) -> Evidence | None:
    import numpy as np

    known = (a.codes >= 0) & (b.codes >= 0)
    cells = np.where(known, a.codes * b.distinct + b.codes, a.distinct * b.distinct)
    if _broken(np.where(known, cells, -1), a.distinct * b.distinct, c.codes):
        return None
    rows = int(known.sum())
    groups = len(np.unique(cells[known]))
    again = rows - groups
    if again < max(FEWEST_AGAIN, AGAIN_PAIRED * rows):
        return None
    worst = max(
        _within(a.codes[known], cells[known], c.codes[known]), _within(b.codes[known], cells[known], c.codes[known])
    )
    chance = chance_of(worst, candidates)
    if chance > MOST_CHANCE:
        return None
    return Evidence(rows, 0, int(known[columns.unseen].sum()), chance)


def _within(groups: Codes, cells: Codes, values: Codes) -> float:
    """The logarithm of the bound of a chance that cells agree, where values are dealt out anew within each group."""
    import numpy as np

    share = _shares(groups, values)
    again = np.ones(len(cells), dtype=bool)
    again[np.unique(cells, return_index=True)[1]] = False
    return float(np.log(share[again]).sum())


def _shares(groups: Codes, values: Codes) -> Floats:
    """Of each row: the share that the most frequent value has in its group. Shape (rows,)."""
    import numpy as np

    group = joint_codes([groups])
    pairs, counts = np.unique(group * (int(values.max(initial=-1)) + 2) + values + 1, return_counts=True)
    most = np.zeros(int(group.max(initial=-1)) + 1)
    np.maximum.at(most, pairs // (int(values.max(initial=-1)) + 2), counts)
    sizes = np.bincount(group)
    found: Floats = (most / sizes)[group]
    return found
