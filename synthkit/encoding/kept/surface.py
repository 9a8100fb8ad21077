"""A number that nearly follows from two others, as a function of them: their product, sum or difference, or a surface.

``charges`` is about ``months * monthly``, humidity about what temperature and dew point give: no rule holds, but a cell
of each column by itself is wider than what is left. Surfaces are polynomials in Chebyshev's basis over the inputs'
ranges, fitted to the least absolute deviations: most rows may follow a formula to its last place, and a few not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthkit.rules.coding import Floats

DEGREE = 5  # of a surface
SEARCHED = 2_000  # rows in which pairs are tried, half to fit and half to see
FITTED = 20_000  # rows that a surface is fitted to at last
ROUNDS = 12  # of reweighting
MOST_COLUMNS = 24  # that are looked at, of a wider table the first ones
LEAST_DISTINCT = 50  # values of a column that is held against others
LEFT = 0.1  # of the column's own spread, that may be left at most
BEST = 1.5  # a plain form may leave so much more than a surface does

FORMS: Mapping[str, Callable[[Any, Any], Any]] = {
    "a * b": lambda a, b: a * b,
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "b - a": lambda a, b: b - a,
}


@dataclass(frozen=True)
class Surface:
    """``form`` of the inputs ``a`` and ``b``; "surface": the polynomial with these coefficients.

    Args:
        ends: of each input, the ends of the range that it was fitted over; beyond them it is level.
        coefficients: by falling order of the basis (:func:`_basis`).
    """

    a: str
    b: str
    form: str
    ends: tuple[tuple[float, float], tuple[float, float]]
    coefficients: tuple[float, ...] = ()

    def values(self, a: Floats, b: Floats) -> Floats:
        """The function's values, shape (rows,); NaN where an input is missing."""
        import numpy as np

        if self.form in FORMS:
            plain: Floats = FORMS[self.form](a, b)
            return plain
        known = np.isfinite(a) & np.isfinite(b)
        found = np.full(len(a), np.nan)
        found[known] = _basis(_scaled(a[known], self.ends[0]), _scaled(b[known], self.ends[1])) @ np.array(
            self.coefficients
        )
        return found


@dataclass(frozen=True)
class Candidate:
    """``left``: the spread of what the function leaves of the target, beside the target's own."""

    target: str
    surface: Surface
    left: float


def nearly(numbers: Mapping[str, Floats], rng: Any) -> list[Candidate]:
    """Which columns nearly follow from which two others, the nearest first.

    Of three columns of which each follows from the others, it is the one of the most values: what is computed has more
    than what it is computed from, and on these only some values lie.

    Args:
        numbers: the columns that may take part, NaN where there is no value; each of shape (rows,).
        rng: chooses the rows that are looked at.
    """
    import numpy as np

    names = list(numbers)[:MOST_COLUMNS]
    rows = len(numbers[names[0]]) if names else 0
    drawn = rng.permutation(rows)[:SEARCHED]
    if len(names) < 3 or len(drawn) < SEARCHED // 2:
        return []
    values = np.column_stack([numbers[n][drawn] for n in names])
    spreads = np.array([spread(values[:, i]) for i in range(len(names))])
    distinct = [len(np.unique(numbers[n][np.isfinite(numbers[n])])) for n in names]
    found: dict[frozenset[int], tuple[int, Candidate]] = {}
    for i, j in combinations(range(len(names)), 2):
        known = np.isfinite(values[:, i]) & np.isfinite(values[:, j])
        ends = tuple(_ends(values[known, k]) for k in (i, j)) if known.any() else ((0.0, 0.0), (0.0, 0.0))
        if any(low == high for low, high in ends):
            continue
        basis = _basis(_scaled(values[:, i], ends[0]), _scaled(values[:, j], ends[1]))
        for k in range(len(names)):
            if k in (i, j) or spreads[k] == 0:
                continue
            at = np.flatnonzero(known & np.isfinite(values[:, k]))
            if len(at) < SEARCHED // 4:
                continue
            left = _left(basis[at], values[at, k]) / spreads[k]
            plain = {f: spread(values[at, k] - give(values[at, i], values[at, j])) for f, give in FORMS.items()}
            form, rest = min(plain.items(), key=lambda item: item[1])
            if rest / spreads[k] <= min(LEFT, BEST * left):
                left = rest / spreads[k]
            elif left <= LEFT:
                form = "surface"
            else:
                continue
            one = Candidate(names[k], Surface(names[i], names[j], form, ends), float(left))  # type: ignore[arg-type]
            three = frozenset((i, j, k))
            if three not in found or distinct[k] > found[three][0]:
                found[three] = distinct[k], one
    return sorted((c for _, c in found.values()), key=lambda c: (c.left, c.target, c.surface.a, c.surface.b))


def fitted(surface: Surface, target: Floats, a: Floats, b: Floats) -> Surface:
    """The surface with the coefficients that fit the rows best; a plain form as it is.

    Least absolute deviations by least squares, reweighted (Schlossmacher, JASA 68, 1973).
    """
    from dataclasses import replace

    import numpy as np

    if surface.form in FORMS:
        return surface
    at = np.flatnonzero(np.isfinite(target) & np.isfinite(a) & np.isfinite(b))[:FITTED]
    ends = _ends(a[at]), _ends(b[at])
    basis = _basis(_scaled(a[at], ends[0]), _scaled(b[at], ends[1]))
    weights = np.ones(len(at))
    for _ in range(ROUNDS):
        root = np.sqrt(weights)
        found = np.linalg.lstsq(basis * root[:, None], target[at] * root, rcond=1e-10)[0]
        apart = np.abs(target[at] - basis @ found)
        weights = 1 / np.maximum(apart, max(1e-3 * float(np.median(apart)), 1e-300))
        weights /= weights.max()
    return replace(surface, ends=ends, coefficients=tuple(found.tolist()))


def spread(values: Floats) -> float:
    """From the 5 % to the 95 % point."""
    import numpy as np

    known = values[np.isfinite(values)]
    return float(np.subtract(*np.quantile(known, [0.95, 0.05]))) if len(known) else 0.0


def _left(basis: Floats, target: Floats) -> float:
    """The spread of what a surface fitted to one half of the rows leaves of the other."""
    import numpy as np

    half = len(target) // 2
    normal = basis[:half].T @ basis[:half] + 1e-9 * half * np.eye(basis.shape[1])
    coefficients = np.linalg.solve(normal, basis[:half].T @ target[:half])
    return spread(target[half:] - basis[half:] @ coefficients)


def _ends(values: Floats) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _scaled(values: Floats, ends: tuple[float, float]) -> Floats:
    """Into [-1, 1]."""
    import numpy as np

    low, high = ends
    found: Floats = np.clip((np.nan_to_num(values, nan=low) - low) / (high - low) * 2 - 1, -1, 1)
    return found


def _basis(x: Floats, y: Floats) -> Floats:
    """Products of Chebyshev polynomials up to the degree together: shape (rows, 21)."""
    import numpy as np
    from numpy.polynomial.chebyshev import chebvander

    px, py = chebvander(x, DEGREE), chebvander(y, DEGREE)
    return np.column_stack([px[:, i] * py[:, j] for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)])
