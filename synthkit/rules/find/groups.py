"""One-hot groups, combinations that occur, and combinations that are unique."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from math import log
from typing import TYPE_CHECKING

from synthkit.rules.coding import repeated
from synthkit.rules.find.cells import Cells, pair_counts
from synthkit.rules.find.columns import Columns, Look
from synthkit.rules.find.evidence import MOST_CHANCE, Evidence, Found, chance_of
from synthkit.rules.sets import Combination, OneHot, Unique

if TYPE_CHECKING:
    from synthkit.rules.coding import Mask

MOST_BINARY = 150  # columns that are looked at, of a wider table the first ones
MOST_IN_GROUP = 40  # columns of a one-hot group
FEWEST_IN_GROUP = 3
MOST_STEPS = 20_000  # of the search for a group
FEW_NUMBERS = 10  # the same of one that holds numbers
MOST_VALUES = 60  # of a column of a combination
FEWEST_IN_CELL = 5  # rows of the rarest combination: others of its kind would have been seen
EXPECTED = 60.0  # rows that combinations that never occur would have by chance, together
MISSING_CELLS = 0.25  # share of all combinations that never occur
MOST_SETS = 60  # columns of few values of which pairs are looked at
MOST_KEYS = 30  # columns that may be part of a unique combination
_KEY = re.compile(r"(^|_)(id|key|code|number|no|sku|uuid|abbr|email)$|Id$|ID$|Key$|Code$")
AGAIN = 20.0  # pairs of equal rows that chance would give


def one_hot(columns: Columns) -> Iterator[Found]:
    """Groups of columns of zeros and ones of which one is 1 in each row: exact covers of the rows."""
    import numpy as np

    binary = [x for x in columns.looks if _zero_one(x)][:MOST_BINARY]
    used: set[str] = set()
    for start in binary:
        if start.name in used:
            continue
        left = [x for x in binary if x.name not in used and x is not start]
        budget = [MOST_STEPS]
        group = _cover([start], _ones(start), left, budget)
        if group is None or not FEWEST_IN_GROUP <= len(group) <= MOST_IN_GROUP:
            continue
        shares = np.array([float(_ones(x).mean()) for x in group])
        # By chance a row has exactly one of independent ones with this probability.
        p = float(sum(s * np.prod([1 - t for j, t in enumerate(shares) if j != i]) for i, s in enumerate(shares)))
        chance = chance_of(columns.rows * log(min(p, 1 - 1e-12)), len(binary) ** 3)
        if chance <= MOST_CHANCE:
            used |= {x.name for x in group}
            names = tuple(x.name for x in columns.looks if x in group)
            yield Found(OneHot(names), Evidence(columns.rows, 0, len(columns.unseen), chance))


def _zero_one(look: Look) -> bool:
    import numpy as np

    if look.numbers is None or look.nulls or look.distinct != 2:
        return False
    return set(np.unique(look.numbers)) == {0, 1}


def _ones(look: Look) -> Mask:
    assert look.numbers is not None
    found: Mask = look.numbers == 1
    return found


def _cover(group: list[Look], covered: Mask, left: list[Look], budget: list[int]) -> list[Look] | None:
    """More columns until each row is covered once: the first uncovered row must be covered by one of them."""
    import numpy as np

    budget[0] -= 1
    if budget[0] < 0 or len(group) > MOST_IN_GROUP:
        return None
    if covered.all():
        return group
    row = int(np.argmin(covered))
    free = [look for look in left if not (covered & _ones(look)).any()]
    for look in free:
        if _ones(look)[row]:
            found = _cover([*group, look], covered | _ones(look), [x for x in free if x is not look], budget)
            if found is not None:
                return found
    return None


def fixed_combinations(columns: Columns, known: Mapping[str, set[str]], cells: Cells) -> Iterator[Found]:
    """Pairs of columns of few values of which many combinations never occur, although chance would make them.

    Args:
        known: column → what it determines.
        cells: which combinations other rules allow: only those count.
    """
    import numpy as np

    looks = [
        x for x in columns.looks if 2 < x.distinct <= (FEW_NUMBERS if x.kind == "number" else MOST_VALUES) and x.whole
    ][:MOST_SETS]
    candidates = max(1, len(looks) ** 2)
    for a, b in combinations(looks, 2):
        if b.name in known.get(a.name, ()) or a.name in known.get(b.name, ()):
            continue
        table = pair_counts(a, b)
        held = np.ix_(table.sum(axis=1) > 0, table.sum(axis=0) > 0)
        allowed, table = cells.allowed(a.name, b.name)[held], table[held]
        empty = (table == 0) & allowed
        if not empty.any() or table[table > 0].min() < FEWEST_IN_CELL or empty.sum() < MISSING_CELLS * allowed.sum():
            continue
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / columns.rows
        chance = chance_of(-float(expected[empty].sum()), candidates)
        if expected[empty].sum() >= EXPECTED and chance <= MOST_CHANCE:
            yield Found(Combination((a.name, b.name)), Evidence(columns.rows, 0, len(columns.unseen), chance))


def unique(columns: Columns, same: Mapping[str, str]) -> Iterator[Found]:
    """Keys: single columns, and where there is none, pairs and triples of columns; none holds a smaller one.

    Args:
        same: column → the first of those that are one to one with it; only that one is looked at.
    """
    able = [x for x in columns.looks if x.whole and x.nulls == 0 and x.varies and same.get(x.name, x.name) == x.name]
    single = [x for x in able if x.key and (x.kind == "text" or _surprising(x))]
    for i, look in enumerate(single):
        if i == 0 or _KEY.search(look.name):  # names and addresses of few are all different by nature
            yield Found(Unique((look.name,)), Evidence(columns.rows, 0, len(columns.unseen), 0.0))
    if single:
        return
    able = sorted((x for x in able if not x.key), key=lambda x: -x.distinct)[:MOST_KEYS]
    found: list[frozenset[str]] = []
    alike = {x.name: _alike(x) for x in able}
    for size in (2, 3):
        for group in combinations(able, size):
            names = frozenset(x.name for x in group)
            if any(f <= names for f in found):
                continue
            expected = _expected_again(columns.rows, (alike[x.name] for x in group))
            if expected < AGAIN or _again(group, columns):
                continue
            chance = chance_of(-expected, len(able) ** size)
            if chance <= MOST_CHANCE:
                found.append(names)
                ordered = tuple(x.name for x in columns.looks if x.name in names)
                yield Found(Unique(ordered), Evidence(columns.rows, 0, len(columns.unseen), chance))
        if found:
            return


def _surprising(look: Look) -> bool:
    """Whether numbers drawn from the column's range would repeat: measured ones are all different by nature."""
    import numpy as np

    assert look.numbers is not None
    wide = float(np.ptp(look.numbers)) + 1
    taken = np.arange(look.rows) / wide
    return bool(taken[-1] < 1) and chance_of(float(np.log1p(-taken).sum()), 1) <= MOST_CHANCE


def _alike(look: Look) -> float:
    """How likely two rows have the same value of a column."""
    import numpy as np

    shares = np.bincount(look.codes) / look.rows
    return float((shares**2).sum())


def _expected_again(rows: int, alike: Iterable[float]) -> float:
    """Pairs of rows that would be alike if the columns had nothing to do with each other."""
    pairs = rows * (rows - 1) / 2
    for chance in alike:
        pairs *= chance
    return pairs


def _again(group: tuple[Look, ...], columns: Columns) -> bool:
    """Whether two rows are alike: first among neighbours, where repeats are, then among all."""
    near = slice(0, min(columns.rows, 2_000))
    return any(repeated([x.codes[part] for x in group]) for part in (near, slice(None)))
