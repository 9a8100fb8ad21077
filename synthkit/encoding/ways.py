"""Columns of several written forms: in which each value is written, and how wide ranges are.

The form of each value is a category beside it, learnt with the row: ranges and units go with what else they go with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.formats.form import Form
from synthkit.formats.language import parse_form
from synthkit.formats.mixed import Mixed
from synthkit.formats.numbers import Range
from synthkit.schema import MIN_COUNT, NUMERIC

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

STEPS = 20  # in which the widths of ranges are known, each the mean of MIN_COUNT at least


@dataclass(frozen=True)
class Way:
    """One of several forms that a column's values are written in.

    Args:
        rows: how many are.
        ends: between which its numbers are: the means of the MIN_COUNT least and of as many greatest.
        widths: of ranges, as shares of their middles, from the least to the greatest in equal steps of rows.
        decimals: of the ends of ranges.
    """

    form: str
    rows: int
    ends: tuple[float, float]
    widths: tuple[float, ...] = ()
    decimals: int = 0


def way_of(ways: Sequence[Way], texts: pa.Array) -> pa.Array:
    """The form of each text, the first where it has none of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pa.nulls(len(texts), pa.string())
    for way in ways:
        found = pc.if_else(pc.and_(found.is_null(), parse_form(way.form).read(texts).fits), way.form, found)
    return pc.fill_null(found, ways[0].form)


def in_ways(
    form: Form, ways: Sequence[Way], values: pa.Array, drawn: pa.Array | None, rng: np.random.Generator
) -> pa.Array:
    """Values as text, each in the form that was drawn with it; where none was, in one by their frequency."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    text = form.write(values)
    weights = np.array([way.rows for way in ways], dtype=float)
    chosen = rng.choice(len(ways), size=len(values), p=weights / weights.sum())
    if drawn is not None:
        names = pa.array([way.form for way in ways])
        known = pc.index_in(drawn.cast(pa.string()), names, skip_nulls=True)
        chosen = np.where(known.is_valid().to_numpy(zero_copy_only=False), known.fill_null(0).to_numpy(), chosen)
    chosen = _possible(ways, chosen, values, rng)
    for number, way in enumerate(ways[1:], 1):
        here = pa.array(chosen == number)
        some = values.filter(here)
        one = parse_form(way.form)
        other = _ranges(one, way, some, rng) if isinstance(one, Range) else one.write(_rounded(one, some))
        text = pc.replace_with_mask(text, here, other)
    return text


def _possible(
    ways: Sequence[Way], chosen: np.ndarray[Any, Any], values: pa.Array, rng: np.random.Generator
) -> np.ndarray[Any, Any]:
    """The forms; numbers that lie beyond all those written so get another form, that has such numbers or is nearest."""
    import numpy as np
    import pyarrow as pa

    at = values.cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False)
    low, high = np.array([way.ends for way in ways]).T[:, :, None]
    below, above = ((end - at) / np.maximum(np.abs(end) + np.abs(at), 1e-9) for end in (low, high))
    far = np.maximum(np.maximum(below, -above), 0)  # 0 where the form has such numbers
    wrong = np.flatnonzero(far[chosen, np.arange(len(at))] > 0)
    best = far[:, wrong] == far[:, wrong].min(axis=0, initial=np.inf)
    weights = best * np.array([[way.rows] for way in ways], dtype=float)
    upto = np.cumsum(weights, axis=0)
    point = rng.random(len(wrong)) * upto[-1]
    chosen[wrong] = (upto <= point).sum(axis=0)
    return chosen


def _rounded(form: Form, values: pa.Array) -> pa.Array:
    """Numbers as a form has them: whole ones where it has no decimals."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = form.type == "integer" and pa.types.is_floating(values.type)
    return pc.round(values).cast(pa.int64()) if whole else values


def _ranges(form: Range, way: Way, middles: pa.Array, rng: np.random.Generator) -> pa.Array:
    """Ranges around these middles, as wide as real ones of some size."""
    import numpy as np
    import pyarrow as pa

    missing = middles.is_null().to_numpy(zero_copy_only=False)
    at = middles.fill_null(0).to_numpy(zero_copy_only=False).astype(float)
    half = np.abs(at) * np.interp(rng.random(len(at)), np.linspace(0, 1, len(way.widths)), way.widths) / 2
    low, high = (pa.array(np.round(end, way.decimals), mask=missing) for end in (at - half, at + half))
    return form.around(low, high)


def ways_of(form: Form, texts: pa.Array, people: pa.Array | None) -> tuple[Way, ...]:
    """In which of its forms a column's values are written; those of few people are left out."""
    import pyarrow.compute as pc

    if not isinstance(form, Mixed) or form.type not in NUMERIC:
        return ()
    found: list[Way] = []
    left = texts.is_valid()
    for one in form.forms:
        fits = pc.and_(one.read(texts).fits, left)
        left = pc.and_(left, pc.invert(fits))
        inside = texts.filter(fits)
        held = len(inside) if people is None else pc.count_distinct(people.filter(fits)).as_py()
        if held >= MIN_COUNT or (one is form.forms[0] and len(inside)):
            ends = _ends(one.read(inside).values)
            found.append(
                _way_of_ranges(one, inside, ends) if isinstance(one, Range) else Way(one.text, len(inside), ends)
            )
    return tuple(found)


def _ends(values: pa.Array) -> tuple[float, float]:
    import numpy as np
    import pyarrow as pa

    ordered = np.sort(values.cast(pa.float64()).to_numpy(zero_copy_only=False))
    return float(ordered[:MIN_COUNT].mean()), float(ordered[-MIN_COUNT:].mean())


def _way_of_ranges(form: Range, texts: pa.Array, ends: tuple[float, float]) -> Way:
    import numpy as np
    import pyarrow as pa

    low, high = (end.values.cast(pa.float64()).to_numpy(zero_copy_only=False) for end in form.ends(texts))
    widths = (high - low) / np.maximum(np.abs(high + low) / 2, 1e-9)
    steps = max(2, min(STEPS, len(widths) // MIN_COUNT))
    cuts = [float(f"{np.mean(part):.2g}") for part in np.array_split(np.sort(widths), steps)]
    decimals = next((d for d in range(9) if np.allclose(np.round([low, high], d), [low, high], atol=1e-9)), 9)
    return Way(form.text, len(texts), ends, tuple(cuts), decimals)
