"""Planned shares of categories as whole numbers of rows.

What is learnt is exact: of ten rows three are so, and when three were, no other is. A share that is drawn lies
somewhere in its cell; unless it stands for a number of rows as well, a row too many or too few is drawn now and then,
and what goes with the share is lost a little in the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.generators.family.walk import Layout

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def whole_shares(layout: Layout, plan: Array, rows: Array) -> Array:
    """The plan with shares that are whole numbers of rows, those of one category together no more than there are.

    Args:
        plan: numbers of the plan, shape (entities, fields of the plan), NaN where there is none.
        rows: of each entity.
    """
    import numpy as np

    found = plan.copy()
    for field in dict.fromkeys(f for f, _, _ in layout.shares):
        cells = [(cell, place) for f, cell, place in layout.shares if f == field]
        places = [place for _, place in cells]
        wanted = np.clip(plan[:, places], 0, 1) * rows[:, None]
        known = (rows > 0) & ~np.isnan(wanted).any(axis=1)
        of = np.flatnonzero(known)
        if cells[0][0] < 0:  # the most frequent one, of which there is a row at least
            count = np.clip(np.rint(wanted[of]), 1, rows[of, None])
        else:
            count = _dealt(wanted[of], rows[of], every=len(cells) >= layout.fields[field].cells)
        found[of[:, None], np.array(places)] = count / rows[of, None]
    return found


def _dealt(wanted: Array, rows: Array, *, every: bool) -> Array:
    """Whole numbers near to those that are wanted, by largest remainders.

    Args:
        wanted: shape (entities, cells).
        every: whether there are no other cells, so that these make up all rows.
    """
    import numpy as np

    total = wanted.sum(axis=1)
    goal = rows.astype(np.float64) if every else np.minimum(np.rint(total), rows)
    scaled = wanted * np.where((total > rows) | every, rows / np.maximum(total, 1e-9), 1.0)[:, None]
    least = np.floor(scaled + 1e-9)
    more = np.maximum(goal - least.sum(axis=1), 0)
    rank = np.argsort(np.argsort(-(scaled - least), axis=1, kind="stable"), axis=1, kind="stable")
    return np.asarray(least + (rank < more[:, None]))
