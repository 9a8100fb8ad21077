"""p(cell | features): a binary tree over a column's cells, a boosted forest at each fork (Frank & Kramer 2004,
"Ensembles of nested dichotomies for multi-class problems").

A number's cells are halved in their order, a category's in an order in which neighbours go with the same values of the
feature that tells most. A column of 64 cells so needs six answers a row, each learnt from the rows that reach its fork,
and not 64 scores. Where too few rows reach a fork, or none of the features helps, cells are drawn by their counts; what
the fork above says of its rows is carried on (:mod:`.slopes`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.additive import Shape, added
from synthkit.generators.conditional.boosting import Forest, Learning, fit_forest
from synthkit.generators.conditional.slopes import carried, chances, fork_slope, run_slope
from synthkit.generators.conditional.telling import Repeated, alike_in_order, told_by

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FEW = 80  # rows: a fork that fewer reach is not learnt,
FEWER = 24  # and of a table of less than SMALL rows one that fewer reach
SMALL = 400
UNHELPED = 600  # rows: a fork that fewer reach, and that no feature helps, ends the search below it
FEATURES = 28  # that a column is learnt from, at most
FEWEST = 3  # of them, and more where there are
ROWS_EACH = 10  # rows for each of them
UNLIKELY = 0.02  # chance below which a fork is not led to the cell that a row is to have
WORTH = 1e-5  # nats a row of the table for which a tree is worth its time


@dataclass(frozen=True)
class Features:
    """What rows are learnt from: codes, uint8, shape (rows, features), and what is known of the features: which are
    the same in many rows as well."""

    codes: Array
    shape: Shape
    repeated: tuple[Repeated, ...] = ()

    def of(self, rows: Array) -> Features:
        """The same of some rows (booleans)."""
        if rows.all():
            return self
        again = tuple(Repeated(r.features, r.group[rows]) for r in self.repeated)
        return Features(self.codes[rows], self.shape, again)


@dataclass(frozen=True)
class Fork:
    """Cells ``low`` … ``high`` - 1 (places in the order) that part at ``cut``; no forest: they are drawn by counts.

    Args:
        slope, middle: what the log-odds of the fork above, less the middle, are multiplied by to be added.
    """

    low: int
    high: int
    cut: int
    forest: Forest | None
    left: int = -1
    right: int = -1
    slope: float = 0.0
    middle: float = 0.0

    def carried(self, above: Array) -> Array:
        """What the log-odds of the fork above add."""
        return carried(self.slope, self.middle, above)

    def log_odds(self, x: Array, above: Array) -> Array:
        """Of the upper cells, shape (rows,)."""
        assert self.forest is not None
        found = self.forest.total(x)
        return found + self.carried(above) if self.slope else found


@dataclass(frozen=True)
class Conditional:
    """p(cell | features).

    Args:
        order: the cell at each place.
        counts: rows of each place.
        forks: the first is the root; none: one cell at most.
        features: which of the features it asks.
        shift_of, shift: features whose codes add to the log-odds of all forks, and what, shape (features, 256).
    """

    order: Array
    counts: Array
    forks: tuple[Fork, ...]
    features: Array
    shift_of: Array | None = None
    shift: Array | None = None

    @cached_property
    def _ends(self) -> Array:
        import numpy as np

        return np.append(0.0, np.cumsum(self.counts))

    @cached_property
    def _place_of(self) -> Array:
        import numpy as np

        found = np.full(int(self.order.max(initial=0)) + 1, -1)
        found[self.order] = np.arange(len(self.order))
        return found

    def draw(self, x: Array, rng: np.random.Generator, near: Array | None = None) -> Array:
        """A cell for each row of features (uint8, shape (rows, all features)): int64, shape (rows,).

        Args:
            near: the cell that each row is to have, unless it is unlikely there; -1: any.
        """
        import numpy as np

        rows = len(x)
        goal = None if near is None else self._goals(near)
        if not self.forks:
            return np.full(rows, self.order[0])
        shift = self._shifts(x)
        x = np.ascontiguousarray(x[:, self.features])
        place = np.zeros(rows, dtype=np.int64)
        waiting = [(0, np.arange(rows), np.zeros(rows))]
        while waiting:
            number, which, above = waiting.pop()
            if not len(which):
                continue
            fork = self.forks[number]
            uniform = rng.random(len(which))
            if fork.forest is None:
                found = self._by_counts(fork, uniform, above)
                if goal is not None:
                    inside = (goal[which] >= fork.low) & (goal[which] < fork.high)
                    found = np.where(inside, goal[which], found)
                place[which] = found
                continue
            some = slice(None) if len(which) == rows else which
            raw = self._log_odds(fork, x[some], above, None if shift is None else shift[some])
            yes = np.log(uniform / (1 - uniform)) < raw
            if goal is not None:
                wanted = goal[which] >= fork.cut
                likely = np.where(wanted, raw, -raw) > np.log(UNLIKELY / (1 - UNLIKELY))
                led = (goal[which] >= fork.low) & (goal[which] < fork.high) & likely
                yes = np.where(led, wanted, yes)
            for child, chosen, one in ((fork.left, ~yes, fork.low), (fork.right, yes, fork.cut)):
                if child < 0:
                    place[which[chosen]] = one
                else:
                    waiting.append((child, which[chosen], raw[chosen]))
        return self.order[place]

    def _by_counts(self, fork: Fork, uniform: Array, above: Array) -> Array:
        """Places drawn by counts, with what the fork above says."""
        import numpy as np

        low, high = self._ends[fork.low], self._ends[fork.high]
        if not fork.slope:
            found = np.searchsorted(self._ends, low + uniform * (high - low), side="right") - 1
            return np.asarray(np.clip(found, fork.low, fork.high - 1))
        ends = np.cumsum(chances(self.counts[fork.low : fork.high], fork.carried(above)), axis=1)
        return np.asarray(fork.low + (ends[:, :-1] <= uniform[:, None]).sum(axis=1))

    def _log_odds(self, fork: Fork, x: Array, above: Array, shift: Array | None) -> Array:
        found = fork.log_odds(x, above)
        return found if shift is None else found + shift

    def _shifts(self, x: Array) -> Array | None:
        """What features add to the log-odds of all forks, shape (rows,)."""
        if self.shift is None or self.shift_of is None or not len(self.shift_of):
            return None
        return added(self.shift, x[:, self.shift_of])

    @property
    def ordered(self) -> bool:
        """Whether cells stand in their own order."""
        return bool((self.order[1:] > self.order[:-1]).all())

    def _goals(self, near: Array) -> Array:
        """The place of each cell that a row is to have, -1: any; of a number's cell never seen the nearest."""
        import numpy as np

        if self.ordered:
            at = np.searchsorted(self.order, near).clip(0, len(self.order) - 1)
            below = np.maximum(at - 1, 0)
            at = np.where(np.abs(self.order[below] - near) < np.abs(self.order[at] - near), below, at)
            return np.where(near < 0, -1, at)
        known = near < len(self._place_of)
        return np.where(known & (near >= 0), self._place_of[np.minimum(near, len(self._place_of) - 1)], -1)

    def log_prob(self, x: Array, cells: Array) -> Array:
        """log p(cell | features) in nats, shape (rows,); -inf where the column never has the cell."""
        import numpy as np

        known = cells < len(self._place_of)
        place = np.where(known, self._place_of[np.minimum(cells, len(self._place_of) - 1)], -1)
        found = np.where(place < 0, -np.inf, 0.0)
        if not self.forks:
            return found
        shift = self._shifts(x)
        x = np.ascontiguousarray(x[:, self.features])
        which = np.flatnonzero(place >= 0)
        waiting = [(0, which, np.zeros(len(which)))]
        while waiting:
            number, which, above = waiting.pop()
            if number < 0 or not len(which):
                continue
            fork = self.forks[number]
            if fork.forest is None:
                chance = chances(self.counts[fork.low : fork.high], fork.carried(above))
                with np.errstate(divide="ignore"):
                    found[which] += np.log(chance[np.arange(len(which)), place[which] - fork.low])
                continue
            raw = self._log_odds(fork, x[which], above, None if shift is None else shift[which])
            yes = place[which] >= fork.cut
            found[which] -= np.logaddexp(0, np.where(yes, -raw, raw))
            waiting += [(fork.left, which[~yes], raw[~yes]), (fork.right, which[yes], raw[yes])]
        return found

    def log_probs(self, x: Array, cells: int) -> Array:
        """log p(cell | features) of every cell in nats, shape (rows, cells); -inf where the column never has it."""
        import numpy as np

        found = np.full((len(x), cells), -np.inf)
        if not self.forks:
            found[:, self.order[0]] = 0.0
            return found
        shift = self._shifts(x)
        x = np.ascontiguousarray(x[:, self.features])
        waiting = [(0, np.zeros(len(x)), np.zeros(len(x)))]
        while waiting:
            number, so_far, above = waiting.pop()
            fork = self.forks[number]
            if fork.forest is None:
                chance = chances(self.counts[fork.low : fork.high], fork.carried(above))
                with np.errstate(divide="ignore"):
                    found[:, self.order[fork.low : fork.high]] = so_far[:, None] + np.log(chance)
                continue
            raw = self._log_odds(fork, x, above, shift)
            for child, one, log in (
                (fork.left, fork.low, so_far - np.logaddexp(0, raw)),
                (fork.right, fork.cut, so_far - np.logaddexp(0, -raw)),
            ):
                if child < 0:
                    found[:, self.order[one]] = log
                else:
                    waiting.append((child, log, raw))
        return found

    def draw_leaning(self, x: Array, more: Array, rng: np.random.Generator) -> Array:
        """As :meth:`draw`, each cell so much likelier as ``more`` says: logarithms of factors, shape (rows, cells)."""
        return leaning(self.log_probs(x, more.shape[1]), more, rng)


def leaning(log_probs: Array, more: Array, rng: np.random.Generator) -> Array:
    """A cell for each row, with chances in proportion to exp(log_probs + more); as ``log_probs`` alone where no cell is
    left. Shapes (rows, cells)."""
    import numpy as np

    total = log_probs + more
    nothing = ~np.isfinite(total).any(axis=1)
    total[nothing] = log_probs[nothing]
    # The greatest of the logarithms, each with a Gumbel variable, is drawn in proportion to its exponential.
    return np.asarray((total + rng.gumbel(size=total.shape)).argmax(axis=1))


def fit_conditional(
    cells: Array,
    given: Features,
    allowed: Array,
    part: Array,
    *,
    ordered: bool,
    learning: Learning,
    most: int = FEATURES,
) -> Conditional:
    """Learn p(cell | features) from rows.

    Args:
        cells: of the column, whole numbers, shape (rows,).
        allowed: numbers of the features that come before the column.
        part: of each row, 0 to 8: which of them judge the others' trees; an entity's rows are in one.
        ordered: whether neighbouring cells are neighbouring values.
        most: features at most.
    """
    import numpy as np

    order, counts = np.unique(cells, return_counts=True)
    if len(order) < 2:
        none = np.zeros(0, dtype=np.int64)
        return Conditional(order if len(order) else np.zeros(1, dtype=np.int64), counts.astype(float), (), none)
    most = min(most, max(FEWEST, len(cells) // ROWS_EACH))
    told = told_by(cells, order, counts, given.codes, given.shape, allowed, ordered, given.repeated)
    best = allowed[np.argsort(-told, kind="stable")[:most]]
    chosen = np.sort(best[np.sort(-told, kind="stable")[:most] < 0]) if len(allowed) else allowed
    if not ordered and len(order) > 2 and len(chosen):
        by = alike_in_order(np.searchsorted(order, cells), given.codes[:, allowed[int(told.argmax())]].astype(np.int64))
        order, counts = order[by], counts[by]
    place_of = np.empty(int(order.max()) + 1, dtype=np.int64)
    place_of[order] = np.arange(len(order))
    x = np.asfortranarray(given.codes[:, chosen])
    known = given.shape
    shape = Shape(known.bins[chosen], known.nominal[chosen], known.blank[chosen])
    forks = _Forks(x, place_of[cells], part, shape, counts, learning)
    forks.grow(0, len(order), np.arange(len(cells)))
    return Conditional(order, counts.astype(np.float64), tuple(forks.found), chosen)


class _Forks:
    """Grows the forks, each from the rows that reach it."""

    def __init__(self, x: Array, place: Array, part: Array, shape: Shape, counts: Array, learning: Learning) -> None:
        self.x, self.place, self.part = x, place, part
        self.shape, self.counts, self.learning = shape, counts, learning
        self.found: list[Fork] = []

    def grow(self, low: int, high: int, rows: Array, above: Array | None = None) -> int:
        """The number of the fork over these places, grown from ``rows``; -1 for a single place.

        Args:
            above: log-odds of the fork above, of each row.
        """
        import numpy as np

        if high - low < 2:
            return -1
        ends = np.cumsum(self.counts[low:high])
        cut = low + 1 + int(np.abs(ends[:-1] / ends[-1] - 0.5).argmin())
        number = len(self.found)
        self.found.append(Fork(low, high, cut, None))
        if len(rows) < (FEW if len(self.place) >= SMALL else FEWER) or not self.x.shape[1]:
            self.found[number] = self._run(low, high, cut, rows, above)
            return number
        yes = self.place[rows] >= cut
        slope, middle = (0.0, 0.0) if above is None else fork_slope(above, yes)
        fork = Fork(low, high, cut, None, slope=slope, middle=middle)
        known = None if above is None or not slope else fork.carried(above)
        whole = len(rows) == len(self.place)
        x = self.x if whole else self.x[rows]
        gain = WORTH * len(self.place) / len(rows)
        forest, told = fit_forest(x, yes, self.part[rows], self.shape, self.learning, gain, known)
        if not forest.trees and not len(forest.table) and len(rows) < UNHELPED:
            self.found[number] = self._run(low, high, cut, rows, above)
            return number
        left = self.grow(low, cut, rows[~yes], told[~yes])
        right = self.grow(cut, high, rows[yes], told[yes])
        self.found[number] = replace(fork, forest=forest, left=left, right=right)
        return number

    def _run(self, low: int, high: int, cut: int, rows: Array, above: Array | None) -> Fork:
        """Cells drawn by counts."""
        if above is None or not len(rows):
            return Fork(low, high, cut, None)
        slope, middle = run_slope(above, self.place[rows] - low, self.counts[low:high])
        return Fork(low, high, cut, None, slope=slope, middle=middle)
