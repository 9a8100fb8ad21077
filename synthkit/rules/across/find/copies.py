"""Columns that say again what the row at the end of a way says: a price that is the product's, two ways to one row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from synthkit.rules.across.find.ways import Looked, Shown, Way, alike, copied, only
from synthkit.rules.coding import codes_together
from synthkit.rules.find.evidence import MOST_CHANCE, chance_of, log_of_exceptions
from synthkit.rules.find.proving import FEWEST_ROWS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.int64]


def copies(looked: Looked, table: str, taken: Collection[str] = ()) -> list[Shown]:
    """The columns of a table that are copied along keys, each by the shortest way.

    Chance is that of as many different rows as are named, as all that name one row are right or wrong together; where
    the names say that two columns are one, that of all rows.

    Args:
        taken: columns that are computed otherwise.
    """
    columns = [c for c in (*looked.said(table, looked.made), *_keys(looked, table)) if c not in taken]
    candidates = [
        (path, column, other)
        for path in looked.paths(table)
        for column in columns
        for other in _others(looked, path, column)
        if looked.tables[table].schema.field(column).type == looked.tables[path[-1].hop.table].schema.field(other).type
    ]
    found: dict[str, Shown] = {}
    for path, column, other in _by_name(candidates):
        if column not in found and (one := _proven(looked, path, column, other, len(candidates))) is not None:
            found[column] = one
    return list(found.values())


def _by_name(found: list[tuple[tuple[Way, ...], str, str]]) -> list[tuple[tuple[Way, ...], str, str]]:
    """Shorter ways first, on each those to the owner, and those whose names agree."""
    return sorted(found, key=lambda c: (len(c[0]), not c[0][0].owner, c[1] != c[2], not alike(c[1], c[2])))


def _keys(looked: Looked, table: str) -> Iterator[str]:
    """Keys of one column that something else may say: the way to the owner is none, and what names the row is none."""
    ways = [w for w in looked.ways if w.table == table]
    named = {c for w in looked.ways if w.hop.table == table for c in w.hop.named}
    several = {c for w in ways if len(w.hop.columns) > 1 for c in w.hop.columns}
    for way in ways:
        (first, *more) = way.hop.columns
        if not more and not way.owner and not way.inner and first not in named | several:
            yield first


def _others(looked: Looked, path: Sequence[Way], column: str) -> list[str]:
    """What a column may be a copy of at the end of a way: a key only of a key to the same table."""
    way, end = path[0], path[-1].hop.table
    if column in way.hop.columns:
        return []
    leads = {w.hop.table for w in looked.ways if w.table == way.table and w.hop.columns == (column,)}
    if not leads:
        return looked.said(end, looked.made)
    return [c for w in looked.ways if w.table == end and w.hop.table in leads for c in w.hop.columns]


def _proven(looked: Looked, path: Sequence[Way], column: str, other: str, candidates: int) -> Shown | None:
    import numpy as np

    table, end = path[0].table, path[-1].hop.table
    at = looked.reached(path)
    mine, there = codes_together(looked.tables[table][column], looked.tables[end][other])
    if not len(there):
        return None
    theirs = np.where(at >= 0, there[at], -1)
    if (mine != theirs).any():  # also where one is missing, as it would be copied so
        return None
    told = mine >= 0
    if told.sum() < FEWEST_ROWS or only(mine) < 2:
        return None
    share = float((np.bincount(mine[told]) / told.sum()) ** 2 @ np.ones(int(mine.max()) + 1))
    many = int(told.sum()) if alike(column, other) else only(at[told])
    chance = chance_of(log_of_exceptions(share, many, 0), candidates)
    return None if chance > MOST_CHANCE else Shown(copied(table, column, path, other), int(told.sum()), chance)
