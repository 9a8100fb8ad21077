"""Linear identities with small whole coefficients: ``total = a + b - c``, ``time = 100 * hour + minute``, ``a = b``.

Integer relations by elimination: what a centred sample of the columns loses in rank (singular values of zero) spans all
linear identities; sparse ones are found where a column's coefficient is set to zero after the other, and of those that
have whole coefficients a basis is kept, the shortest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import reduce
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

from synthkit.rules.expression import Call, Expression, Name, Number
from synthkit.rules.find.columns import Columns, Look
from synthkit.rules.find.evidence import Found
from synthkit.rules.find.proving import prove_formula
from synthkit.rules.formula import Formula

if TYPE_CHECKING:
    from synthkit.rules.coding import Floats

LONGEST = 9  # columns of an identity: a total of eight parts
WHOLE = frozenset({*range(1, 13), 24, 30, 60, 100, 360, 365, 1_000, 3_600, 10_000, 86_400})
MOST_TRIED = 3_000  # ways to set coefficients to zero
PATTERNS = 12  # of missing values
ZERO = 1e-8  # a singular value, a row
EXACT = 1e-6  # of a coefficient
SINGLE = 1e-6  # what single precision loses, of a number
MOST_PAIRED = 120  # columns of which pairs are looked at, of a wider table the first ones
MOST_FREE = 300  # columns of which sums are, wherever they stand
NEAR = 100  # columns beside each other of which sums are, in what a wider table has beyond
FEW_ROWS = 400  # that are looked at at once: a few rows that break an identity must not hide it
FEW = 10  # values of a column that is a rounded multiple of another one
TURNS = 3  # so many times

Relation = tuple[dict[str, int], Decimal]  # column → coefficient, and the constant: they add up to zero


def linear(columns: Columns) -> Iterator[Found]:
    """Identities between numeric columns, first those of two."""
    equal = _pairs(columns)
    alike = {rule.target for rule in equal}
    every = [look for look in columns.numeric if look.name not in alike]
    candidates = max(1, len(columns.numeric) ** 2)
    for rule in equal:
        found = prove_formula(columns, rule, candidates)
        if found is not None:
            yield found
    said: set[frozenset[str]] = set()
    windows = list(_windows(every))
    for free in windows:
        for rows, looks in _patterns(columns, free):
            for relation in _turns(rows, looks):
                names = frozenset(relation[0])
                if names not in said:
                    said.add(names)
                    tried = sum(comb(len(w), min(len(names), len(w))) for w in windows)
                    found = prove_formula(columns, _formula(relation, free), tried)
                    if found is not None:
                        yield found


def _windows(looks: Sequence[Look]) -> Iterator[Sequence[Look]]:
    """The first columns, and those after them a part at a time, by halves twice: what adds up stands together."""
    yield looks[:MOST_FREE]
    for start in range(MOST_FREE - NEAR // 2, len(looks) - NEAR // 2, NEAR // 2):
        yield looks[start : start + NEAR]


def _patterns(columns: Columns, looks: Sequence[Look]) -> Iterator[tuple[Any, list[Look]]]:
    """Sampled rows, and the columns that miss nothing there: once for each column's pattern of missing values."""
    import numpy as np

    seen: set[frozenset[str]] = set()
    masks = [np.zeros(len(columns.sample), dtype=bool), *(look.absent[columns.sample] for look in looks if look.nulls)]
    for absent in masks:
        rows = columns.sample[~absent]
        full = [look for look in looks if not look.absent[rows].any() and len(np.unique(look.codes[rows])) > 1]
        key = frozenset(look.name for look in full)
        if len(full) >= 3 and key not in seen and len(rows) >= len(full) + 20 and len(seen) < PATTERNS:
            seen.add(key)
            yield rows, full


def _turns(rows: Any, looks: list[Look]) -> Iterator[Relation]:
    """Relations over all rows, or over some of them."""
    import numpy as np

    some = max(FEW_ROWS, 2 * len(looks) + 20)
    yield from _relations(rows, looks)
    if len(rows) > 2 * some:
        rng = np.random.default_rng(3)
        for _ in range(TURNS):
            yield from _relations(np.sort(rng.choice(rows, some, replace=False)), looks)


def _pairs(columns: Columns) -> list[Formula]:
    """``a = k * b + c`` where a sample of the two lies on a line with such numbers; the later column is computed."""

    rules: list[Formula] = []
    taken: set[str] = set()
    looks = columns.numeric[:MOST_PAIRED]
    for i, target in enumerate(looks):
        for other in looks[:i]:
            if other.name in taken:
                continue
            known = columns.sample[~(target.absent | other.absent)[columns.sample]]
            if len(known) < 10 or target.numbers is None or other.numbers is None:
                continue
            expression = _line(other, other.numbers[known], target, target.numbers[known])
            if expression is not None:
                rules.append(Formula(target.name, expression))
                taken.add(target.name)
                break
    return rules


def _line(other: Look, x: Floats, target: Look, y: Floats) -> Expression | None:
    """``k * x + c`` with short numbers, or ``round(k * x, places)``; None where the points lie on no such line."""
    import numpy as np

    spread = np.ptp(x)
    if spread == 0 or np.ptp(y) == 0:
        return None
    low, high = int(x.argmin()), int(x.argmax())
    slope = (y[high] - y[low]) / spread
    if abs(slope) < 1e-9:
        return None
    near = (SINGLE if target.single or other.single else 1e-9) * max(np.abs(x).max() * abs(slope), np.abs(y).max())
    if np.abs(slope * (x - x[low]) + y[low] - y).max() <= near:
        k, c = _decimal(slope), _decimal(y[low] - slope * x[low])
        return None if k is None or c is None else _sum([(k, Name(other.name))], c)
    if not target.decimals or target.distinct < FEW or not (x > 0).any():
        return None
    # round(k * x) is y: each row leaves an interval for k.
    half, far = 0.5 * 10.0**-target.decimals * (1 + 1e-6) + 1e-9, x > 0
    least, most = ((y[far] - half) / x[far]).max(), ((y[far] + half) / x[far]).min()
    if least > most or (most - least) > 0.01 * abs(most) or np.abs(y[~far]).max(initial=0.0) > 0:
        return None
    for places in range(7):
        k = Decimal(f"{(least + most) / 2:.{places}f}")
        if least <= float(k) <= most and k:
            whole = Call("*", (Number(k.normalize()), Name(other.name)))
            return Call("round", (whole, Number(Decimal(target.decimals))))
    return None


def _decimal(value: float) -> Decimal | None:
    """A number that a person would write: at most four digits that count."""
    short = Decimal(f"{value:.4g}") if abs(value) > 1e-12 else Decimal(0)
    near = abs(float(short) - value) <= 1e-7 * max(1.0, abs(value))
    return short.normalize() if near else None


def _relations(rows: Any, looks: list[Look]) -> Iterator[Relation]:
    """Identities of three columns or more between the columns over these rows."""
    import numpy as np

    values = np.column_stack([look.numbers[rows] for look in looks if look.numbers is not None])
    means, spreads = values.mean(axis=0), values.std(axis=0)
    if (spreads == 0).any():
        return  # constant in these rows
    scaled = (values - means) / spreads
    # There are more rows than columns, so the directions are all there without a matrix of rows by rows.
    _, sizes, directions = np.linalg.svd(scaled, full_matrices=False)
    zero = SINGLE if any(look.single for look in looks) else ZERO
    rank = int((sizes > zero * np.sqrt(len(rows))).sum())
    null = directions[rank:]
    if not len(null):
        return
    for part in _components(_reduced(null)):
        columns = np.flatnonzero((np.abs(part) > 10 * EXACT).any(axis=0))
        kept: list[Any] = []
        for vector in sorted(_sparse(part[:, columns]), key=lambda v: int((np.abs(v) > EXACT).sum())):
            if np.linalg.matrix_rank(np.array([*kept, vector]), tol=1e-6) == len(kept):
                continue
            kept.append(vector)
            relation = _whole(vector / spreads[columns], columns, means, looks)
            if relation is not None:
                yield relation
            if len(kept) == len(part):
                break


def _reduced(null: Floats) -> Floats:
    """The rows in reduced echelon form, with the largest pivots: each has a column of its own."""
    import numpy as np

    found, done = null.copy(), 0
    left = list(range(found.shape[1]))
    while done < len(found):
        pivot = max(left, key=lambda c: float(np.abs(found[done:, c]).max()))
        row = done + int(np.abs(found[done:, pivot]).argmax())
        if abs(found[row, pivot]) < EXACT:
            break
        found[[done, row]] = found[[row, done]]
        found[done] /= found[done, pivot]
        others = np.arange(len(found)) != done
        found[others] -= np.outer(found[others, pivot], found[done])
        left.remove(pivot)
        done += 1
    found[np.abs(found) < EXACT] = 0.0
    return found[:done]


def _components(rows: Floats) -> Iterator[Floats]:
    """Rows that share columns, directly or not, together."""
    import numpy as np

    left = list(range(len(rows)))
    while left:
        group, front = [], [left.pop(0)]
        while front:
            one = front.pop()
            group.append(one)
            near = [r for r in left if ((rows[one] != 0) & (rows[r] != 0)).any()]
            left = [r for r in left if r not in near]
            front += near
        yield rows[np.array(group)]


def _sparse(part: Floats) -> Iterator[Floats]:
    """Vectors of the space that the rows span, with as many zeros as can be: its circuits, where they are few."""
    import numpy as np

    k, width = part.shape
    if k == 1 or comb(width, k - 1) > MOST_TRIED:
        yield from part
        return
    for zero in combinations(range(width), k - 1):
        block = part[:, list(zero)]
        _, sizes, directions = np.linalg.svd(block.T, full_matrices=True)
        if len(sizes) and sizes.min() < 1e-8:
            continue
        vector = directions[-1] @ part
        vector[np.abs(vector) < EXACT * np.abs(vector).max()] = 0.0
        yield vector / np.abs(vector).max()


def _whole(vector: Floats, columns: Any, means: Floats, looks: list[Look]) -> Relation | None:
    """The relation with whole coefficients, the smallest 1; None where there is none such."""
    import numpy as np

    used = np.flatnonzero(np.abs(vector) > EXACT * np.abs(vector).max())
    if not 3 <= len(used) <= LONGEST or all(looks[columns[i]].distinct == 2 for i in used):
        return None  # of ones and zeros that add up to one a one-hot group is told
    scaled = vector[used] / np.abs(vector[used]).min()
    whole = np.rint(scaled)
    if np.abs(scaled - whole).max() > 1e-4 or not {int(abs(w)) for w in whole} <= WHOLE:
        return None
    constant = _decimal(round(-float(whole @ means[columns[used]]), 6))
    if constant is None:
        return None
    return {looks[columns[i]].name: int(w) for i, w in zip(used, whole, strict=True)}, constant


def _formula(relation: Relation, looks: Sequence[Look]) -> Formula:
    """The relation solved for its total: the column whose sign no other has; else for the last with coefficient 1."""
    coefficients, constant = relation
    order = [look.name for look in looks if look.name in coefficients]
    ones = [name for name in order if abs(coefficients[name]) == 1]
    signs = {name: coefficients[name] > 0 for name in order}
    alone = [name for name in ones if sum(signs[name] == s for s in signs.values()) == 1]
    target = (alone or ones)[-1]
    sign = -coefficients[target]
    parts = [(Decimal(coefficients[name] * sign), Name(name)) for name in order if name != target]
    return Formula(target, _sum(parts, constant * sign))


def _sum(parts: Sequence[tuple[Decimal, Name]], constant: Decimal) -> Expression:
    """Σ coefficient · column + constant."""

    def times(coefficient: Decimal, name: Expression) -> Expression:
        return name if coefficient == 1 else Call("*", (Number(coefficient), name))

    def add(left: Expression | None, part: tuple[Decimal, Expression | None]) -> Expression:
        coefficient, name = part
        positive = Number(abs(coefficient)) if name is None else times(abs(coefficient), name)
        if left is None:
            if coefficient > 0:
                return positive
            return Number(coefficient) if name is None else times(coefficient, name)
        return Call("+" if coefficient > 0 else "-", (left, positive))

    terms: list[tuple[Decimal, Expression | None]] = sorted(parts, key=lambda part: part[0] < 0)
    if constant:
        terms.append((constant, None))
    start: Expression | None = None
    found = reduce(add, terms, start)
    assert found is not None
    return found
