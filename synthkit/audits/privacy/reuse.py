"""Numbers, dates and times of single people that are published again, beyond what chance gives."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import MEASURED, AuditResult, ColumnNames, audit
from synthkit.audits.gate import Default, limit_of, untold
from synthkit.audits.measures.statistics import Z
from synthkit.audits.privacy.copies import rarefied
from synthkit.audits.privacy.population import (
    FEWEST,
    Population,
    attacked_columns,
    matches,
    population,
    prepared,
    record_keys,
)
from synthkit.audits.rows.proportions import clustered, excess, wilson
from synthkit.audits.verdict import CombinedParams, Part, share_of_alpha, verdict
from synthkit.errors import SynthError
from synthkit.schema import MIN_COUNT

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Array = npt.NDArray[Any]

DEFAULT: Default = {"max": 0.05}
NEAREST = 10  # values of single people on either side, which tell how dense they are around a published one
# Steps in a column's own unit (days; microseconds; cents), the widest first.
GRIDS = (86_400e6, 3_600e6, 60e6, 1e6, 1e3, 1.0, 0.1, 0.01, 0.001, 1e-4)
LEAST_SHARE = 0.1  # of the people whose value few others have: below it, a column of copies would hardly be above max
ADVICE = "min_count: 5 on the generator (circuit, ctgan, tvae), or epsilon"


class ValueReuseParams(CombinedParams):
    """Parameters of ``value_reuse``, beside the gate's.

    Args:
        max: the largest share of a column's published values that passes. Default: 0.05.
        min_count: a value is of single people where fewer than so many have it, trained on or held out.
        columns: which ones; default: all numbers, dates and times that are modelled and no key.
    """

    max: float | None = Field(default=None, ge=0, le=1)
    min_count: int = Field(default=MIN_COUNT, ge=2)
    columns: ColumnNames | None = None


@audit(
    "value_reuse",
    ValueReuseParams,
    family="privacy",
    version=2,
    needs=("train", "holdout"),
    takes={"columns": MEASURED},
)
def value_reuse(context: AuditContext, params: ValueReuseParams) -> AuditResult:
    """How many published numbers, dates and times are values that only a few training people have, beyond chance?

    Attacker: reads the table and looks one value up (a moment to the second, a sum to the cent). Knows nothing of the
    rest. Goal: that somebody in the source has it, and so who. Baseline: dense columns, where any value is somebody's.
    Controls: the held-out people, whose values are met by chance alone; and the points of the column's grid (days,
    seconds, cents) around each published value, of which so many are single training people's. The second is for
    columns in which no two people have the same value, so that none is met in the other's half (days of joining that
    were given out one by one): a generator that knows nothing of them still hits as many as stand there. The greater
    of the two counts.

    The value is, for each column, (rate in the training people's values − rate by chance) / f, as in
    ``exact_match``: the share of the published values that are of single training people, 0 for an independent sample.
    Only values count that fewer than ``min_count`` people of both sides together have. A column where fewer than a
    tenth of the people have such a value is not judged: nothing in it points to anybody. Interval: Newcombe's, from
    Wilson's for as many values as there are different matches.

    A pass says nothing of values that lie near those of the source, nor of categories.
    """
    threshold = limit_of(params, 0.0, DEFAULT).text
    columns = _columns(context, params)
    if not columns:
        return AuditResult(None, "skipped", threshold, message="no number, date or time is modelled")
    shares: dict[str, float] = {}
    parts: list[Part] = []
    context = prepared(context)
    for column in columns:
        own = context.passing()  # who has which value of all columns at once: gigabytes of a long or wide table
        people, rows = population(own, (column,)), context.rows("synthetic")
        if min(*people.units, rows) < FEWEST:
            counts = f"{people.units[0]} training and {people.units[1]} held-out people and {rows} synthetic rows"
            return untold(f"{counts}, and at least {FEWEST} of each are needed", threshold)
        shares[column] = _single(people, params.min_count)[1]
        if shares[column] >= LEAST_SHARE:
            parts.append(_part(own, column, people, params.min_count))
    if not parts:
        message = (
            f"in no column a tenth of the people have a number, date or time that fewer than {params.min_count} have"
        )
        return AuditResult(None, "skipped", threshold, message=message, details={"single": shares})
    # Many columns are many comparisons: what noise reaches is told at each one's part of the level.
    level = NormalDist().inv_cdf(1 - share_of_alpha(params, len(parts)))
    found = verdict(
        [_at_level(part, level) for part in parts],
        params,
        DEFAULT,
        symbol="share of values that are single people's, beyond chance,",
        advice=ADVICE,
        floor_is="chance",
        tell=True,
    )
    return replace(found, details={**found.details, "single": shares})


def _columns(context: AuditContext, params: ValueReuseParams) -> tuple[str, ...]:
    known = context.schema.by_name
    wrong = [c for c in params.columns or () if c not in known or not known[c].continuous]
    if wrong:
        raise SynthError(f"value_reuse looks at numbers, dates and times, and {wrong[0]!r} is none")
    return tuple(c for c in attacked_columns(context, params.columns) if known[c].continuous)


def _single(people: Population, min_count: int) -> tuple[Array, float]:
    """Which values fewer than ``min_count`` people have, and the share of the people who have one of them."""
    single = people.train + people.holdout < min_count
    return single, float((people.train + people.holdout)[single].sum()) / sum(people.units)


def _around(context: AuditContext, column: str, people: Population, min_count: int, part: float) -> float:
    """How often a point of the column's grid around a published value is met in a ``part`` of the training people.

    Of values of single people. Around: between the nearest so many of them on either side, the value itself left out;
    0 where there is no grid.
    """
    import numpy as np

    train, step = _on_grid(context.arrow("train", (column,)).column(0))
    published, _ = _on_grid(context.arrow("synthetic", (column,)).column(0), step)
    keys = record_keys(context, "train", (column,))
    known = matches(people, keys)[2]
    single, holders = np.unique(train[~np.isnan(train) & _single(people, min_count)[0][known]], return_counts=True)
    published = published[~np.isnan(published)]
    if step is None or len(single) <= 2 * NEAREST or not len(published):
        return 0.0
    at = np.searchsorted(single, published)
    low, high = np.maximum(at - NEAREST, 0), np.minimum(at + NEAREST, len(single) - 1)
    points = np.maximum(single[high] - single[low], 1.0)
    sums = np.append(0.0, np.cumsum(rarefied(holders, part)))
    return float(np.minimum(1.0, (sums[high] - sums[low]) / points).mean())


def _on_grid(values: pa.ChunkedArray, step: float | None = None) -> tuple[Array, float | None]:
    """Values as numbers of steps of the column's grid (NaN where missing), and the step; None where there is none."""
    import numpy as np

    from synthkit.encoding.values import whole_numbers

    array = values.combine_chunks()
    whole = whole_numbers(array)
    numbers = (
        (whole if whole is not None else array.cast("float64", safe=False)).to_numpy(zero_copy_only=False).astype(float)
    )
    with np.errstate(over="ignore", invalid="ignore"):  # at the limits of a float there is no such grid
        if step is None:
            there = numbers[np.isfinite(numbers)]
            step = next((s for s in GRIDS if (abs(np.round(there / s) * s - there) <= 1e-6 * min(1.0, s)).all()), None)
        return (np.round(numbers / step) if step else np.full(len(numbers), np.nan)), step


def _part(context: AuditContext, column: str, people: Population, min_count: int) -> Part:
    import numpy as np
    import pyarrow.compute as pc

    values = context.arrow("synthetic", (column,)).column(0)
    keys = record_keys(context, "synthetic", (column,))[pc.is_valid(values).to_numpy()]
    in_train, in_holdout, known = matches(people, keys)
    single = _single(people, min_count)[0][known]
    in_train, in_holdout = np.where(single, in_train, 0), np.where(single, in_holdout, 0)
    part = min(1.0, people.units[1] / people.units[0])
    met, control = rarefied(in_train, part), rarefied(in_holdout, min(1.0, people.units[0] / people.units[1]))
    main = clustered(met[met > 0], known[met > 0], len(keys))
    chance = clustered(control[control > 0], known[control > 0], len(keys))
    around = _around(context, column, people, min_count, part)
    if around > chance.value:
        chance = wilson(around * len(keys), len(keys))
    count = int((in_train > 0).sum())
    message = f"{count:,} of {len(keys):,} values are those of fewer than {min_count} training people"
    details = {"single": count, "values": len(keys), "rate_by_chance": chance.value}
    return Part(column, excess(main, chance, part), message, details)


def _at_level(part: Part, level: float) -> Part:
    """The part with what noise reaches at a level, in standard errors."""
    assert part.found is not None
    noise = (part.found.value - part.found.low) * level / Z
    return replace(part, found=replace(part.found, noise=noise)) if math.isfinite(noise) else part
