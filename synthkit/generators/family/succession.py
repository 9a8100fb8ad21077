"""Which categories may follow one another: what no real row does is not drawn, where chance would have shown it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

STATES = 64  # cells of a category at most that are looked at
SURE = 7.0  # rows that were to be expected by chance where there is none: by chance alone once in a thousand


@dataclass(frozen=True)
class Succession:
    """What is allowed of a category in an entity's rows; None where anything is.

    Args:
        after: which cell may follow which, shape (cells, cells), in a later instant (or where rows have no time).
        within: the same in one instant.
        begins, ends, goes_on: cells of a first row, of a last row, and of one that is not the last.
        once: no cell comes twice in an instant.
        counts: rows of each cell.
    """

    after: Array | None
    within: Array | None
    begins: Array | None
    ends: Array | None
    goes_on: Array | None
    once: bool
    counts: Array

    def allowed(self, was: Array | None, same: Array, last: Array, used: Array | None) -> Array:
        """Which cells each row may have, shape (rows, cells), at least one.

        Args:
            was: the cells of the rows before; None: these are first rows.
            same: which rows are of the instant of the row before.
            last: which rows are the last of their entity.
            used: cells that the instant has had so far.
        """
        import numpy as np

        found: Array = np.ones((len(same), len(self.counts)), dtype=bool)
        if was is not None:
            for table, rows in ((self.after, ~same), (self.within, same)):
                if table is not None:
                    found[rows] = found[rows] & table[was[rows]]
            if used is not None:
                found[same] = found[same] & ~used[same]
        elif self.begins is not None:
            found &= self.begins
        for one, rows in ((self.ends, last), (self.goes_on, ~last)):
            if one is not None:
                both = found[rows] & one
                found[rows] = np.where(np.asarray(both.any(axis=1))[:, None], both, found[rows])
        found[~found.any(axis=1)] = True
        return found

    def stays(self, was: Array, used: Array | None) -> Array:
        """Whether a row may be of the instant of the row before it, shape (rows,)."""
        import numpy as np

        if self.within is None and used is None:
            return np.ones(len(was), dtype=bool)
        found = np.ones((len(was), len(self.counts)), dtype=bool)
        if self.within is not None:
            found &= self.within[was]
        if used is not None:
            found &= ~used
        return np.asarray(found.any(axis=1))

    def pick(self, allowed: Array, rng: np.random.Generator) -> Array:
        """A cell for each row, of those allowed, by how frequent they are."""
        import numpy as np

        weight = np.cumsum(allowed * (self.counts + 1e-9), axis=1)
        drawn = rng.random(len(allowed)) * weight[:, -1]
        return np.asarray((weight > drawn[:, None]).argmax(axis=1))


def succession_of(cells: Array, size: int, starts: Array, rows: Array, time: Array) -> Succession | None:
    """What the rows show of a category; None where nothing is ruled out.

    Args:
        cells: of the rows, an entity's together and in their order.
        size: how many cells there are.
        starts, rows: where each entity begins, and how many rows it has.
        time: of each row; NaN where they have none.
    """
    import numpy as np

    if not 1 < size <= STATES or not len(cells):
        return None
    some = rows > 0
    first = np.zeros(len(cells), dtype=bool)
    first[starts[some]] = True
    last = np.zeros(len(cells), dtype=bool)
    last[starts[some] + rows[some] - 1] = True
    later = np.flatnonzero(~first)
    same = time[later] == time[later - 1]
    counts: Array = np.bincount(cells, minlength=size).astype(np.float64)
    after = _pairs(cells, later[~same], np.ones(size, dtype=bool))
    free = counts * same.sum() / len(cells) < SURE  # others that no row of their instant follows end it
    within = _pairs(cells, later[same], free) if same.any() else None
    begins = _seen(cells[first], counts, first.sum())
    ends = _seen(cells[last], counts, last.sum())
    goes_on = _seen(cells[~last], counts, (~last).sum())
    once = _once(cells, first, later[same], later[~same], counts)
    if within is None and not once and all(part is None for part in (after, begins, ends, goes_on)):
        return None
    return Succession(after, within, begins, ends, goes_on, once, counts)


def _pairs(cells: Array, at: Array, free: Array) -> Array | None:
    """Which cell is seen to follow which; a ``free`` one that nothing follows may be followed by any."""
    import numpy as np

    if not len(at):
        return None
    seen = np.zeros((len(free), len(free)), dtype=bool)
    seen[cells[at - 1], cells[at]] = True
    seen[~seen.any(axis=1) & free] = True
    return None if seen.all() else seen


def _seen(cells: Array, counts: Array, of: int) -> Array | None:
    """The cells that stand somewhere, and those that too few rows have to say so."""
    import numpy as np

    seen = np.bincount(cells, minlength=len(counts)) > 0
    seen |= counts * of / max(1.0, counts.sum()) < SURE
    return None if seen.all() else seen


def _once(cells: Array, first: Array, same: Array, fresh: Array, counts: Array) -> bool:
    """Whether no cell comes twice in an instant, and chance would have had it so."""
    import numpy as np

    share = counts / counts.sum()
    if len(same) * float((share**2).sum()) < SURE:
        return False
    begins = first.copy()
    begins[fresh] = True
    pair = np.cumsum(begins) * len(counts) + cells
    return len(np.unique(pair)) == len(pair)


def used_in(successions: Sequence[Succession | None], size: int) -> dict[int, Array]:
    """Of each field whose cells come once in an instant: room for those that the instant has had."""
    import numpy as np

    return {
        j: np.zeros((size, len(one.counts)), dtype=bool)
        for j, one in enumerate(successions)
        if one is not None and one.once
    }
