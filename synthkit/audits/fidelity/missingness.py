"""Are values missing as often, together, and for the same rows as in the real table?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditResult, audit
from synthkit.audits.gate import Default, Estimate, skipped
from synthkit.audits.measures.statistics import newcombe, of_size
from synthkit.audits.rows.choice import has_floor, judged_columns, too_few
from synthkit.audits.rows.codes import coarse_codes, coding, floor_codes
from synthkit.audits.rows.sampling_error import Draws, gaps, groups
from synthkit.audits.verdict import MIN_ROWS, DistanceParams, Part, share_of_alpha, verdict

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

MISSING: Default = {"max_excess": 0.05}
MOST_PATTERNS = 50  # of columns missing together; the rarer ones are one
SIDES: tuple[Side, ...] = ("synthetic", "holdout")


class MissingnessParams(DistanceParams):
    """Parameters of ``missingness``; the default limit is ``max_excess: 0.05`` for the worst of its parts."""


@audit("missingness", MissingnessParams, family="fidelity", needs=("train", "holdout"), between=SHARE)
def missingness(context: AuditContext, params: MissingnessParams) -> AuditResult:
    """Are values missing as often, together, and for the same kinds of rows as in the real table?

    Three kinds of parts, each a distance, of the columns that have missing values on any side. "a": the difference of
    the shares missing, with Newcombe's interval. "all together": total variation between the patterns of what is
    missing together (the 50 commonest). "a by b": how much more, or less, often b has each of its values where a is
    missing than where a is there, against the same contrast in the real rows, ½ Σ |contrast − real contrast|, in
    [0, 2]; nulls that a generator spreads at random have no contrast. The last needs 30 rows with a missing and 30
    without on the real side; per column a the b that is furthest is reported.
    """
    columns = judged_columns(context, params.columns, "missingness")
    if few := too_few(context, params, MISSING):
        return few
    holes = tuple(c for c in columns if any(_missing(context, s, c) for s in SIDES))
    if not holes:
        return skipped("no value is missing in either table")
    alpha = share_of_alpha(params, 2 * len(holes) + (len(holes) > 1))
    parts = [_share(context, c, alpha) for c in holes]
    if len(holes) > 1:
        parts.append(_patterns(context, holes, alpha))
    parts += [part for c in holes if (part := _dependence(context, c, columns, alpha)) is not None]
    advice = "another generator, or to model why a value is missing as a column of its own"
    return verdict(parts, params, MISSING, symbol="difference", advice=advice, noun="part")


def _missing(context: AuditContext, side: Side, column: str) -> int:
    def count() -> int:
        return int((coarse_codes(context, side, column) == coding(context, column).coarse_size - 1).sum())

    return context.shared(("missing", side, column), count)


def _share(context: AuditContext, column: str, alpha: float) -> Part:
    import math

    from scipy.stats import norm

    a, b = (_missing(context, s, column) for s in SIDES)
    n, m = (context.rows(s) for s in SIDES)
    value = abs(a / n - b / m)
    ends = of_size(*newcombe(a, n, b, m))
    pooled = (a + b) / (n + m)
    noise = float(norm.isf(alpha / 2)) * math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    details = {"synthetic": a / n, "real": b / m}
    message = f"missing in {a / n:.1%}, real {b / m:.1%}"
    return Part(column, Estimate(value, *ends, _share_floor(context, column), noise), message, details)


def _share_floor(context: AuditContext, column: str) -> float | None:
    if not has_floor(context, column):
        return None
    missing = floor_codes(context, column, coarse=True) == coding(context, column).coarse_size - 1
    return abs(float(missing.mean()) - _missing(context, "holdout", column) / context.rows("holdout"))


# -- together ------------------------------------------------------------------------------------------


def _patterns(context: AuditContext, holes: tuple[str, ...], alpha: float) -> Part:
    import numpy as np

    sides = [_bits(context, s, holes) for s in SIDES]
    floor = all(has_floor(context, c) for c in holes)
    if floor:
        sides.append(
            _packed([floor_codes(context, c, coarse=True) == coding(context, c).coarse_size - 1 for c in holes])
        )
    known, place = np.unique(np.concatenate(sides), axis=0, return_inverse=True)
    places = np.split(place.reshape(-1), np.cumsum([len(s) for s in sides])[:-1])
    if len(known) > MOST_PATTERNS:
        real = np.bincount(places[1], minlength=len(known))
        smaller = np.empty(len(known), dtype=np.int64)
        smaller[np.argsort(-real, kind="stable")] = np.minimum(np.arange(len(known)), MOST_PATTERNS)
        places = [smaller[p] for p in places]
    size = int(max(p.max() for p in places)) + 1
    shares = [np.bincount(p, minlength=size) / len(p) for p in places]
    ours, theirs = (groups(context, s) for s in SIDES)
    error = ours.error(ours.table(places[0], size)) - theirs.error(theirs.table(places[1], size))
    d = gaps(shares[0] - shares[1], error, 0.5).distance(alpha)
    base = float(0.5 * np.abs(shares[2] - shares[1]).sum()) if floor else None
    return Part("all together", Estimate.of(d, base), f"{len(known)} patterns of missing values")


def _bits(context: AuditContext, side: Side, holes: tuple[str, ...]) -> Array:
    return _packed([coarse_codes(context, side, c) == coding(context, c).coarse_size - 1 for c in holes])


def _packed(masks: list[Array]) -> Array:
    import numpy as np

    return np.packbits(np.stack(masks, axis=1), axis=1)


# -- for the same rows ---------------------------------------------------------------------------------


def _dependence(context: AuditContext, hole: str, columns: tuple[str, ...], alpha: float) -> Part | None:
    """The column whose contrast between rows with and without a value of ``hole`` is furthest from the real one."""
    missing, rows = _missing(context, "holdout", hole), context.rows("holdout")
    others = [c for c in columns if c != hole]
    if not others or not MIN_ROWS <= missing <= rows - MIN_ROWS:
        return None
    worst: Part | None = None
    for other in others:
        draws, floor = _contrasts(context, hole, other)
        d = draws.distance(alpha / len(others), most=2.0)
        part = Part(f"{hole} by {other}", Estimate.of(d, floor), "where it is missing")
        if worst is None or _excess(part) > _excess(worst):
            worst = part
    return worst


def _excess(part: Part) -> float:
    """How far a part stands out, for picking the worst: above noise as well as above its floor."""
    found = part.found
    assert found is not None
    return found.value - max(found.noise or 0.0, found.floor or 0.0)


def _contrasts(context: AuditContext, hole: str, other: str) -> tuple[Draws, float | None]:
    import numpy as np

    width = coding(context, other).coarse_size
    null = coding(context, hole).coarse_size - 1
    contrasts, errors = [], []
    for side in SIDES:
        cells = (coarse_codes(context, side, hole) == null) * np.int32(width) + coarse_codes(context, side, other)
        dealt = groups(context, side)
        table = dealt.table(cells, 2 * width)
        contrast, error = _contrast(table.sum(axis=0), dealt.error(table) * len(cells))
        contrasts.append(contrast)
        errors.append(error)
    draws = gaps(contrasts[0] - contrasts[1], errors[0] - errors[1], 0.5)
    if not (has_floor(context, hole) and has_floor(context, other)):
        return draws, None
    cells = (floor_codes(context, hole, coarse=True) == null) * np.int32(width) + floor_codes(
        context, other, coarse=True
    )
    counts = np.bincount(cells, minlength=2 * width)
    real = _contrast(counts, np.zeros((1, 2 * width)))[0]
    return draws, float(0.5 * np.abs(real - contrasts[1]).sum())


def _contrast(counts: Array, error: Array) -> tuple[Array, Array]:
    """Shares of each value where the other column is missing less those where it is there, and draws of the error.

    Where nothing (or everything) is missing there is no contrast.
    """
    import numpy as np

    width = len(counts) // 2
    found, off = [], []
    for part in (slice(width, None), slice(0, width)):
        total = float(counts[part].sum())
        if not total:
            return np.zeros(width), np.zeros((len(error), width), dtype=np.float32)
        share = counts[part] / total
        found.append(share)
        off.append((error[:, part] - share.astype(np.float32) * error[:, part].sum(axis=1, keepdims=True)) / total)
    return found[0] - found[1], off[0] - off[1]
