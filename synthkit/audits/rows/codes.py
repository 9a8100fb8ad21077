"""Every column as small whole numbers, the same on all sides: what tables of counts are made of.

A number or date falls into one of 40 bins between the quantiles of the real training rows (or has a code for each
of its values, where those rows know at most 20). A category has a code of its own if it is among the 200 commonest of
all real rows and at least ten of them have it; one code is for all others, those that no real row has among them: of a
column of thousands of categories even a fresh real sample has many that no other real row has. The last code is
that of a missing value. Coarse codes, for tables of two columns, have 10 bins and 20 categories. Codes are read once
per column and model.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.rows import marginals
from synthkit.audits.rows.choice import is_number, reference

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

BINS, COARSE_BINS = 40, 10  # of numbers; the second divides the first
MOST, COARSE_MOST = 200, 20  # categories with a code of their own
LEAST = 10  # real rows of such a category; of fewer, chance decides which those are


@dataclass(frozen=True)
class Coding:
    """How one column becomes codes.

    Args:
        edges: of a number's bins, each with its upper edge; None for categories.
        coarse: the coarse code of each code, shape (size,).
        categories: the categories with a code of their own, by falling frequency.
    """

    edges: Array | None
    coarse: Array
    categories: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many codes there are; the last is that of the missing value."""
        return len(self.edges) + 2 if self.edges is not None else len(self.categories) + 2

    @property
    def coarse_size(self) -> int:
        return int(self.coarse[-1]) + 1


def coding(context: AuditContext, column: str) -> Coding:
    """The coding of a column, from the real rows alone."""
    return context.shared(("coding", column), lambda: _learn(context, column))


def _learn(context: AuditContext, column: str) -> Coding:
    import numpy as np

    if is_number(context, column):
        ordered = marginals.values(context, reference(context), column).numbers
        edges, wide = _edges(ordered)
        inner = np.searchsorted(wide, edges, side="left")
        return Coding(edges, np.concatenate([inner, [len(wide), len(wide) + 1]]).astype(np.int16))
    counts: Counter[str] = Counter()
    for side in ("train", "holdout"):
        if column in marginals.sql_types(context, side):
            counts.update({k: n for k, n in marginals.counts(context, side, column).items() if k is not None})
    by_count = sorted(counts, key=lambda k: (-counts[k], k))
    own = min(sum(1 for n in counts.values() if n >= LEAST), MOST)
    few = min(own, COARSE_MOST)
    coarse = np.concatenate([np.arange(few), np.full(own - few + 1, few), [few + 1]]).astype(np.int16)
    return Coding(None, coarse, tuple(by_count[:own]))


def _edges(ordered: Array) -> tuple[Array, Array]:
    """Upper edges of all bins but the last, fine and coarse ones; equal numbers are never split."""
    import numpy as np

    jumps = np.flatnonzero(ordered[1:] != ordered[:-1])
    if len(jumps) < marginals.LOW_CARDINALITY:
        each = np.asarray(ordered[np.append(jumps, len(ordered) - 1)] if len(ordered) else np.empty(0))
        return each, each
    fine, wide = (ordered[(np.arange(1, bins) * len(ordered)) // bins] for bins in (BINS, COARSE_BINS))
    return np.unique(fine), np.unique(wide)


def codes(context: AuditContext, side: Side, column: str) -> Array:
    """The code of each row of a side, in the order in which the rows are stored (int16)."""
    return context.shared(("codes", side, column), lambda: _read(context, side, column))


def _read(context: AuditContext, side: Side, column: str) -> Array:
    import numpy as np

    how = coding(context, column)
    if how.edges is not None:
        filled, missing = marginals.rows_of(context, side, column)
        return np.where(missing, how.size - 1, np.searchsorted(how.edges, filled, side="left")).astype(np.int16)
    key = marginals.category_key(context, column)
    read = context.column(side, key).combine_chunks()
    encoded = read.dictionary_encode()
    own = {category: code for code, category in enumerate(how.categories)}
    words = encoded.dictionary.to_pylist()
    table = np.array([own.get(w, len(own)) for w in words] + [how.size - 1], dtype=np.int16)
    places = np.asarray(encoded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False))
    return np.asarray(table[places])


def coarse_codes(context: AuditContext, side: Side, column: str) -> Array:
    """The coarse code of each row of a side."""
    import numpy as np

    def reduce() -> Array:
        return np.asarray(coding(context, column).coarse[codes(context, side, column)])

    return context.shared(("coarse codes", side, column), reduce)


def floor_rows(context: AuditContext) -> Array | None:
    """Training rows, as many as there are synthetic ones (or all), that take their place for a floor; None: all."""
    import numpy as np

    total, wanted = context.rows("train"), context.rows("synthetic")
    if total <= wanted:
        return None

    def draw() -> np.ndarray[Any, Any]:
        return np.sort(context.rng("floor rows").choice(total, wanted, replace=False, shuffle=False))

    return context.shared(("floor rows",), draw)


def floor_codes(context: AuditContext, column: str, *, coarse: bool = False) -> Array:
    """The codes of the rows that take the synthetic ones' place for a floor."""
    found = (coarse_codes if coarse else codes)(context, "train", column)
    rows = floor_rows(context)
    return found if rows is None else found[rows]
