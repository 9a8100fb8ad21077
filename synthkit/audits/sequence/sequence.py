"""Do rows follow one another as the real ones do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import SHARE, AuditParams, AuditResult, ColumnResult, audit
from synthkit.audits.counting import listed
from synthkit.audits.gate import Estimate, Limit, judge, skipped, untold
from synthkit.audits.relations.columns import codes, comparable, is_number, number, places
from synthkit.audits.relations.steps import Steps, entity_columns, family_links, order_column, steps
from synthkit.audits.rows.entities import FEWEST, among, count, deal_entities, ks, lags_apart, variation
from synthkit.audits.rows.links import SHOWN_SIDE, Links, world_of
from synthkit.audits.rows.sampling_error import Draws, Groups, mean
from synthkit.audits.sequence.holding import Held, constants, held
from synthkit.audits.sequence.spectra import regular, spectra_apart
from synthkit.audits.verdict import ALPHA
from synthkit.schema import Column

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

STATES = 8  # commonest categories that transitions are told of; one more for all others
ADVICE = "order_by and entity of the source, more training rows, or another generator of sequences"


class SequenceParams(AuditParams):
    """Parameters of ``sequence``: the largest distance that passes.

    Args:
        max: of every measure that has no limit of its own. Default: 0.1.
        max_gap: of the times between rows (KS).
        max_length: of the numbers of rows (KS).
        max_start: of the first times (KS).
        max_lag: of a number's correlation with the row before (mean |difference|, also of the gaps themselves).
        max_transition: of steps from category to category (total variation, mean over columns).
        max_spectrum: of regular series: where on the scale of frequencies their variance lies (total variation).
    """

    max: float = Field(default=0.1, ge=0, le=1)
    max_gap: float | None = Field(default=None, ge=0, le=1)
    max_length: float | None = Field(default=None, ge=0, le=1)
    max_start: float | None = Field(default=None, ge=0, le=1)
    max_lag: float | None = Field(default=None, ge=0, le=2)
    max_transition: float | None = Field(default=None, ge=0, le=1)
    max_spectrum: float | None = Field(default=None, ge=0, le=1)

    def limit(self, measure: str) -> float:
        own: float | None = getattr(self, f"max_{measure}")
        return self.max if own is None else own

    @property
    def text(self) -> str:
        own = [
            f"{n} {getattr(self, n):g}" for n in type(self).model_fields if n != "max" and getattr(self, n) is not None
        ]
        return ", ".join([f"max {self.max:g}", *own])


@dataclass(frozen=True)
class _Sides:
    """Two sides' steps, with entities dealt into groups."""

    ours: Steps
    theirs: Steps
    our_groups: Groups
    their_groups: Groups


Measure = tuple[str, str, Draws, dict[str, float]]  # what the limit is of, in words, the distance, its columns


@audit(
    "sequence",
    SequenceParams,
    family="fidelity",
    needs=("train", "holdout"),
    between=SHARE,
    stands_on=("sequence",),
    version=3,
)
def sequence(context: AuditContext, params: SequenceParams) -> AuditResult:
    """Do rows follow one another as real ones do: gaps, lengths, lags, transitions, constants, counters, spectra?

    The rows of an ``entity`` (or of a parent) by ``order_by``, against those of held-out entities. Kolmogorov–Smirnov
    distances of the times between rows, of the numbers of rows and of the first times; the mean |difference| of
    Spearman's correlation of a number with that of the row before, and of a gap with the gap before; total variation
    of the steps from category to category (eight commonest ones); of regular series, total variation of the mean
    spectrum. The value is the measure that is furthest beyond its limit. Interval: entities drawn anew
    (:mod:`.rows.entities`). Floor: training against held-out entities.

    Exact, with limit 0: what never changes within a real sequence, what never falls (or never rises), steps between
    states that no real sequence takes, and two rows at one instant where real ones never are; each only where chance
    would not have kept it as well.
    """
    found = family_links(context)
    if order_column(found) is None:
        return skipped("the table has no order_by")
    if not entity_columns(found):
        return skipped("nothing says whose rows follow one another: declare entity:, or owner: true on a foreign key")
    if context.holdout is None:
        return skipped("there are no held-out rows")
    sides = {side: steps(found, side) for side in _SIDES}
    few = {side: count(s.units) for side, s in sides.items() if count(s.units) < FEWEST}
    if few:
        counts = " and ".join(f"{n} {SHOWN_SIDE[side]}" for side, n in few.items())
        return untold(f"{counts} entities (at least {FEWEST} are needed)", params.text)
    groups = {side: deal_entities(s.units, context.rng("sequence", side)) for side, s in sides.items()}
    ours = _Sides(sides["synthetic"], sides["holdout"], groups["synthetic"], groups["holdout"])
    real = _Sides(sides["train"], sides["holdout"], groups["train"], groups["holdout"])
    order = order_column(found)
    assert order is not None
    kept = held(found, [sides["train"], sides["holdout"]], sides["synthetic"], order)
    moving = tuple(
        c for c in comparable(found, found.family.table) if c.name != order and c.name not in constants(kept)
    )
    measures = _measures(found, ours, ("synthetic", "holdout"), moving)
    floors = {name: draws.value for _, name, draws, _ in _measures(found, real, ("train", "holdout"), moving)}
    return _result(params, measures, floors, kept, sides["synthetic"])


_SIDES: tuple[Side, ...] = ("synthetic", "train", "holdout")


def _measures(found: Links, two: _Sides, sides: tuple[Side, Side], moving: Sequence[Column]) -> list[Measure]:
    """The distances of two sides; ``moving`` are the columns that may change from row to row."""
    import numpy as np

    a, b, ga, gb = two.ours, two.theirs, two.our_groups, two.their_groups
    one, other = a.starts, b.starts
    measures: list[Measure] = [
        ("length", "rows of a sequence", _ks(a.lengths, b.lengths, among(ga, one), among(gb, other)), {}),
        ("start", "first times", _ks(a.times[one], b.times[other], among(ga, one), among(gb, other)), {}),
    ]
    if min(len(a.later), len(b.later)) == 0:
        return measures
    measures.insert(0, ("gap", "times between rows", _ks(a.gaps, b.gaps, among(ga, a.later), among(gb, b.later)), {}))
    lags, shares, spectra = {}, {}, {}
    is_regular = regular(b)
    for column in moving:
        if not is_number(column):
            coded = [_transitions(found, s, column.name, side) for s, side in ((a, sides[0]), (b, sides[1]))]
            shares[column.name] = variation(coded[0], coded[1], (STATES + 2) ** 2, ga, gb)
            continue
        values = [_valued(found, column.name, s, side) for s, side in ((a, sides[0]), (b, sides[1]))]
        reference = _valued(found, column.name, steps(found, "train"), "train")
        ranked = [places(v[:, None], reference[:, None])[:, 0] for v in values]
        lag = lags_apart(_lagged(ranked[0], a), _lagged(ranked[1], b), among(ga, a.later), among(gb, b.later))
        if lag is not None:
            lags[column.name] = lag
        if is_regular:
            spectrum = spectra_apart((values[0], a, ga), (values[1], b, gb))
            if spectrum is not None:
                spectra[column.name] = spectrum
    gaps = [np.full(len(s.rows), np.nan) for s in (a, b)]
    for values_, s in zip(gaps, (a, b), strict=True):
        values_[s.later] = s.gaps
    reference = steps(found, "train").gaps[:, None]
    lagged = [_lagged(places(v[:, None], reference)[:, 0], s) for v, s in zip(gaps, (a, b), strict=True)]
    lag = lags_apart(lagged[0], lagged[1], among(ga, a.later), among(gb, b.later))
    if lag is not None:
        lags["times between rows"] = lag
    for measure, name, each in (
        ("lag", "correlation with the row before", lags),
        ("transition", "steps between categories", shares),
        ("spectrum", "spectra", spectra),
    ):
        if each:
            measures.append((measure, name, mean(list(each.values())), {c: d.value for c, d in each.items()}))
    return measures


def _ks(ours: Array, theirs: Array, our_groups: Groups, their_groups: Groups) -> Draws:
    return ks(ours.astype(float), theirs.astype(float), our_groups, their_groups)


def _valued(found: Links, column: str, side: Steps, name: Side) -> Array:
    world = world_of(name)
    values: Array = number(found, world, found.family.table, column)[side.rows]
    return values


def _lagged(values: Array, side: Steps) -> tuple[Array, Array]:
    """Each step's value before and after."""
    later = side.later
    return values[later - 1], values[later]


def _transitions(found: Links, side: Steps, column: str, name: Side) -> Array:
    """A code for each row: of the state before (or that there was none) and its own."""
    import numpy as np

    world = world_of(name)
    code = codes(found, world, found.family.table, column)[side.rows]
    state = np.where(code < 0, STATES, np.minimum(code, STATES))
    before = np.full(len(state), STATES + 1)
    before[side.later] = state[side.later - 1]
    return np.asarray(before * (STATES + 2) + state)


def _result(
    params: SequenceParams, measures: list[Measure], floors: dict[str, float], kept: list[Held], ours: Steps
) -> AuditResult:
    alpha = ALPHA / max(1, len(measures))
    results: list[tuple[ColumnResult, Limit]] = []
    for measure, name, draws, each in measures:
        limit = Limit(params.limit(measure), f"max_{measure} {params.limit(measure):g}", "lower", "point")
        estimate = Estimate.of(draws.distance(alpha), floors.get(name))
        worst = sorted(each, key=lambda c: -each[c])[:3] if len(each) > 1 else []
        said = "" if not worst else "most of " + ", ".join(f"{c!r} ({each[c]:.3g})" for c in worst)
        status = judge(estimate, limit)
        one = ColumnResult(name, estimate.value, status, estimate.low, estimate.high, estimate.floor, said)
        results.append((one, limit))
    for h in kept:
        share = h.broken / max(1, h.steps)
        message = f"{h.what}: {h.broken:,} of {h.steps:,} steps" if h.broken else ""
        one = ColumnResult(h.name, share, "fail" if h.broken else "pass", share, share, message=message)
        results.append((one, Limit(0.0, "max 0", "lower", "point")))
    results.sort(key=_first)
    worst_one, limit = results[0]
    bad = [_said(r) for r, _ in results if r.status in ("fail", "inconclusive")]
    message = listed(bad) if bad else f"as the real ones; {_said(worst_one)}"
    if worst_one.status == "fail":
        message += f". Try {ADVICE}"
    if worst_one.status == "inconclusive":
        message += ": too few rows to tell"
    details = {
        "sequences": len(ours.lengths),
        "columns": {name: each for _, name, _, each in measures if each},
        "kept": {f"{h.name}": f"{h.broken} of {h.steps}" for h in kept},
    }
    return AuditResult(
        worst_one.value,
        worst_one.status,
        params.text,
        worst_one.ci_low,
        worst_one.ci_high,
        worst_one.floor,
        message,
        tuple(r for r, _ in results),
        details,
        limit.value,
        limit.better,
        limit.decide,
    )


def _first(result: tuple[ColumnResult, Limit]) -> tuple[int, bool, float]:
    """What fails stands first, then what cannot be told, the furthest beyond its limit before others; of what passes,
    the estimates before the counts."""
    found, limit = result
    rank = {"fail": 0, "inconclusive": 1}.get(found.status, 2)
    return rank, rank == 2 and found.floor is None, (limit.value or 0) - (found.value or 0)


def _said(result: ColumnResult) -> str:
    if result.floor is None:
        return f"{result.column!r} {result.message}".strip()
    return f"{result.column}: {result.value:.3g} (real against real {result.floor:.3g})"
