"""From a measure with its error and floor to a verdict: the one rule for every audit that estimates something.

A measure is held against a limit, which is absolute (``max``/``min``) or follows from the floor, the same measure of
real rows against real rows (``within: 2x floor``, ``max_excess: 0.02``). ``decide`` names what is held against it:

=========  ==============================================================================
decide     passes where
=========  ==============================================================================
interval   all of the 95 % interval is on the good side of the limit (the default of what noise moves either way)
point      the measure itself is (the default of distances, which noise only ever enlarges)
lower      the interval's lower end is
upper      the interval's upper end is
=========  ==============================================================================

What does not pass fails where the measure itself, or the interval's end that ``lower`` or ``upper`` names, is on the
bad side *and* beyond what noise alone gives. In between the honest answer is "too few rows to tell": ``inconclusive``.
So a pass is evidence that the limit is kept, a fail that it is not, and a small table gives neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict, TypeVar

from pydantic import AfterValidator, Field, model_validator

from synthkit.audits.contract import AuditParams, AuditResult, Better, ColumnResult, Decide, Status, shown_limit
from synthkit.audits.measures.distances import Distance

P = TypeVar("P", bound=AuditParams)
_TIMES = re.compile(r"\s*(\d+(?:\.\d+)?)\s*x\s+floor\s*", re.IGNORECASE)


def _times_floor(text: str) -> str:
    if _TIMES.fullmatch(text) is None:
        raise ValueError('write a multiple of the floor, such as "2x floor"')
    return text


TimesFloor = Annotated[str, AfterValidator(_times_floor)]


class GateParams(AuditParams):
    """What decides, for audits whose measure is better the lower (errors, distances, attacks).

    Args:
        max: the largest value that passes.
        within: a multiple of the floor, instead: ``2x floor``.
        max_excess: so much above the floor, instead.
        decide: what must keep the limit: all of the 95 % interval, the point (the value itself), or the interval's
            lower or upper end.
    """

    max: float | None = None
    within: TimesFloor | None = None
    max_excess: float | None = Field(default=None, ge=0)
    decide: Decide = "interval"

    @model_validator(mode="after")
    def _one_limit(self) -> GateParams:
        return _one(self, ("max", "within", "max_excess"))


class ShareParams(AuditParams):
    """What decides, for audits whose measure is better the higher (shares covered, scores kept).

    Args:
        min: the least value that passes.
        within: a multiple of the floor, instead: ``0.9x floor``.
        max_shortfall: so much below the floor, instead.
        decide: what must keep the limit: all of the 95 % interval, the point (the value itself), or the interval's
            lower or upper end.
    """

    min: float | None = None
    within: TimesFloor | None = None
    max_shortfall: float | None = Field(default=None, ge=0)
    decide: Decide = "interval"

    @model_validator(mode="after")
    def _one_limit(self) -> ShareParams:
        return _one(self, ("min", "within", "max_shortfall"))


def _one(params: P, names: Sequence[str]) -> P:
    given = [n for n in names if getattr(params, n) is not None]
    if len(given) > 1:
        raise ValueError(f"give one of {', '.join(names)}: there are {' and '.join(given)}")
    return params


Gate = GateParams | ShareParams


@dataclass(frozen=True)
class Limit:
    """A number to be kept, in words too; ``value`` is None where it follows from a floor that could not be taken.

    ``text`` is what is declared, and no figure: it is published of a private table, whose floor is of real rows.
    """

    value: float | None
    text: str
    better: Better
    decide: Decide

    @property
    def shown(self) -> str:
        """With the number that it comes to: ``max floor + 0.05 = 0.292``."""
        return shown_limit(self.text, self.value)


@dataclass(frozen=True)
class Estimate:
    """A measure with its 95 % interval.

    Args:
        floor: the same measure of held-out real rows against real training rows of the same sizes.
        noise: what it reaches by chance alone, at a level that the audit states; None where the interval says it all.
    """

    value: float
    low: float
    high: float
    floor: float | None = None
    noise: float | None = None

    @staticmethod
    def of(found: Distance, floor: float | None = None) -> Estimate:
        """A distance, beside its floor."""
        return Estimate(found.value, found.low, found.high, floor, found.noise)

    @staticmethod
    def of_likeness(found: Distance, floor: float | None = None) -> Estimate:
        """1 less a distance; ``floor`` is that of this likeness."""
        return Estimate(1 - found.value, 1 - found.high, 1 - found.low, floor, 1 - found.noise)


class Default(TypedDict, total=False):
    """The limit that an audit has where its parameters give none: one of these."""

    max: float
    min: float
    within: str
    max_excess: float
    max_shortfall: float


def limit_of(params: Gate, floor: float | None, default: Default) -> Limit:
    """The limit that the parameters ask for, or else the audit's ``default`` ones (``{"max_excess": 0.02}``)."""
    lower = isinstance(params, GateParams)
    better: Better = "lower" if lower else "higher"
    absolute, apart = ("max", "max_excess") if lower else ("min", "max_shortfall")
    given: dict[str, Any] = {
        n: v for n in (absolute, "within", apart) if (v := getattr(params, n)) is not None
    } or dict(default)
    tail = f" for the {params.decide} end" if params.decide in ("lower", "upper") else ""
    if absolute in given:
        return Limit(given[absolute], f"{absolute} {given[absolute]:g}{tail}", better, params.decide)
    if "within" in given:
        match = _TIMES.fullmatch(given["within"])
        assert match is not None
        times = float(match[1])
        number = None if floor is None else times * floor
        text = f"{'max' if lower else 'min'} {times:g}x floor"
    else:
        gap = given[apart]
        number = None if floor is None else floor + gap if lower else floor - gap
        text = f"max floor + {gap:g}" if lower else f"min floor − {gap:g}"
    return Limit(number, f"{text}{tail}", better, params.decide)


def judge(found: Estimate, limit: Limit) -> Status:
    """The verdict on one estimate; ``inconclusive`` where there is no limit to hold it against."""
    if limit.value is None:
        return "inconclusive"
    # Signs turned so that lower is better
    sign = 1.0 if limit.better == "lower" else -1.0
    at = sign * limit.value
    value, ends = sign * found.value, sorted((sign * found.low, sign * found.high))
    named = {"point": value, "lower": sign * found.low, "upper": sign * found.high, "interval": ends[1]}[limit.decide]
    if named <= at:
        return "pass"
    if min(named, value) <= at:
        return "inconclusive"
    if found.noise is not None and value <= sign * found.noise and ends[0] <= at:
        return "inconclusive"
    return "fail"


def gated(
    params: Gate,
    found: Estimate,
    default: Default,
    message: str,
    *,
    columns: Sequence[ColumnResult] = (),
    advice: str = "",
    details: Mapping[str, object] | None = None,
) -> AuditResult:
    """The result of an audit that takes one measure.

    Args:
        default: the limit where the parameters give none.
        message: what was found, in one sentence without a full stop.
        advice: what to try where it fails.
    """
    limit = limit_of(params, found.floor, default)
    status = judge(found, limit)
    return AuditResult(
        found.value,
        status,
        limit.text,
        found.low,
        found.high,
        found.floor,
        f"{message} ({interval_text(found)}){explained(status, limit, advice)}",
        tuple(columns),
        dict(details or {}),
        limit.value,
        limit.better,
        limit.decide,
    )


def untold(message: str, threshold: str | None = None, **details: Any) -> AuditResult:
    """The result where there are too few rows to tell."""
    return AuditResult(None, "inconclusive", threshold, message=f"too few rows to tell: {message}", details=details)


def skipped(message: str) -> AuditResult:
    """The result where the table has nothing that the audit is made for."""
    return AuditResult(None, "skipped", message=message)


def interval_text(found: Estimate) -> str:
    floor = "" if found.floor is None else f"; real against real {found.floor:.3g}"
    return f"95 % interval {found.low:.3g} to {found.high:.3g}{floor}"


def explained(status: Status, limit: Limit, advice: str = "") -> str:
    """Why a status is what it is, to follow what was found; empty for a pass."""
    if status == "fail":
        side = "above" if limit.better == "lower" else "below"
        return f": {side} {limit.shown.partition(' for ')[0]}" + (f". Try {advice}" if advice else "")
    if status == "inconclusive":
        if limit.value is None:
            return f": {limit.text} needs a floor, and there are too few real rows for one"
        return f": too few rows to tell whether it keeps {limit.shown.partition(' for ')[0]}; more held-out rows would"
    return ""
