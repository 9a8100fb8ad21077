"""What hangs on one root: its rows know of each other, so that none of them judges what was learnt from another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

PARTS = 9  # of the roots, some of which judge the trees that grow from others


def roots_of(above: Array, named: Array) -> Array:
    """The root that each row hangs on, by number; a row that belongs to nobody is one by itself.

    Args:
        above: the roots of the owners' rows.
        named: the owner's row of each row; less than 0: none.
    """
    import numpy as np

    alone = len(named) + int(above.max(initial=0)) + np.arange(len(named))
    return np.where(named < 0, alone, above[np.maximum(named, 0)]) if len(above) else alone


def parts_of(roots: Array, seed: int) -> Array:
    """Of each row, 0 to 8: which of them judge the trees that grow from others. What hangs on one root is in one part,
    where there are roots for all parts."""
    import numpy as np

    known, of = np.unique(roots, return_inverse=True)
    if len(known) < PARTS:
        known, of = roots, np.arange(len(roots))
    return np.asarray(np.random.default_rng(seed).permutation(len(known)) % PARTS)[of]
