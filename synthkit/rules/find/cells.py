"""Which pairs of values of two columns occur, and which of those that never do are told by a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.rules.find.columns import Columns, Look
from synthkit.rules.when import Condition, When

if TYPE_CHECKING:
    import numpy as np

    from synthkit.rules.coding import Mask

    Counts = np.ndarray[Any, np.dtype[np.int64]]

MOST_CELLS = 500  # values of a column of which pairs are counted


def pair_counts(a: Look, b: Look) -> Counts:
    """How many rows have each pair of values; missing ones are at 0. Shape (values of a + 1, values of b + 1)."""
    import numpy as np

    flat = (a.codes + 1) * (b.distinct + 1) + b.codes + 1
    return np.bincount(flat, minlength=(a.distinct + 1) * (b.distinct + 1)).reshape(a.distinct + 1, b.distinct + 1)


class Cells:
    """Which pairs of values never occur, as far as rules and dependencies say it."""

    def __init__(self, columns: Columns, known: Mapping[str, set[str]], told: Sequence[When]) -> None:
        self.columns = columns
        self.possible: dict[tuple[str, str], Mask] = {}
        few = {x.name for x in columns.looks if x.distinct <= MOST_CELLS}
        for a, after in known.items():
            for b in after:
                if a in few and b in few:
                    self._note(a, b, pair_counts(columns.by_name[a], columns.by_name[b]) > 0)
        for rule in told:
            self.adds(rule)

    def allowed(self, a: str, b: str) -> Mask:
        """Which pairs may occur, directly or through one other column. Shape as :func:`pair_counts`'s."""
        import numpy as np

        x, y = self.columns.by_name[a], self.columns.by_name[b]
        found = self.possible.get((a, b), np.ones((x.distinct + 1, y.distinct + 1), dtype=bool)).copy()
        for c in {pair[1] for pair in self.possible if pair[0] == a} - {b}:
            if (c, b) in self.possible:
                found &= (self.possible[a, c].astype(np.float32) @ self.possible[c, b].astype(np.float32)) > 0
        return found

    def adds(self, rule: When) -> bool:
        """Note what a rule of two columns forbids; whether it forbids what was allowed."""
        import numpy as np

        if len(rule.columns) != 2 or len(rule.conditions) != 1:
            return False
        a, b = rule.columns
        x, y = self.columns.by_name[a], self.columns.by_name[b]
        if max(x.distinct, y.distinct) > MOST_CELLS:
            return False
        cause, then = self._among(rule.conditions[0]), self._among(rule.then)
        may = ~cause[:, None] | then[None, :]
        if rule.otherwise is not None:
            may &= cause[:, None] | self._among(rule.otherwise)[None, :]
        allowed = self.allowed(a, b)
        present = np.zeros_like(may)
        present[np.ix_(np.unique(x.codes + 1), np.unique(y.codes + 1))] = True
        adds = bool((allowed & ~may & present).any())
        if adds:
            self._note(a, b, may)
        return adds

    def _note(self, a: str, b: str, may: Mask) -> None:
        for pair, mask in (((a, b), may), ((b, a), may.T)):
            self.possible[pair] = self.possible[pair] & mask if pair in self.possible else mask

    def _among(self, condition: Condition) -> Mask:
        """The codes (missing first) that pass."""
        import numpy as np

        look = self.columns.by_name[condition.column]
        passes = condition.passes(self.columns.table.select([condition.column]))
        found = np.zeros(look.distinct + 1, dtype=bool)
        found[look.codes[passes] + 1] = True
        return found
