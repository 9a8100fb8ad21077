"""An audit's value, interval, floor and threshold as places on one axis, in percent of its width."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from synthkit.records.audit import AuditRecord, ColumnRecord
from synthkit.report.style import number

Measure = AuditRecord | ColumnRecord
Bound = tuple[float | None, str | None]  # a limit, and which side of it is better: lower, higher or None

# "max 0.1", "max gap 0.05", "max AUC 0.6", "min gain 0.1", "min 5,000"; what may follow says how it is decided.
_BOUND = re.compile(r"(max|min)(?: (?:gap|gain|AUC|ε))? (-?[\d,]*\.?\d+(?:e-?\d+)?)(?: (?:for the mean|at the .*))*")
_CONDITION = re.compile(r"(?:error|warn)_if (>=|>|<=|<)\s*(-?\d*\.?\d+(?:e-?\d+)?)(?:, .*)?")


@dataclass(frozen=True)
class Axis:
    """Places in percent from the left; None where there is no such mark.

    ``bad`` is the (start, width) of the part that the threshold forbids, ``says`` the marks in words.
    """

    value: float
    low: float | None
    high: float | None
    floor: float | None
    limit: float | None
    bad: tuple[float, float] | None
    start: str
    end: str
    says: str


def limit_of(record: AuditRecord) -> Bound:
    """The number that a value is held against.

    Records that hold ``limit`` and ``better`` say so themselves; of others the threshold's text is read.
    """
    if record.limit is not None:
        return float(record.limit), record.better
    threshold = record.threshold or ""
    if "_if " in threshold:  # the project's own condition, in place of the audit's
        condition = _CONDITION.fullmatch(threshold)
        if condition is None:
            return None, None
        return float(condition[2]), "lower" if condition[1].startswith(">") else "higher"
    if "failing" in record.details or threshold == "no rows":
        return 0.0, "lower"  # a rule: its value counts the rows that break it
    found = _BOUND.fullmatch(threshold)
    if found is None:
        return None, None
    return float(found[2].replace(",", "")), "lower" if found[1] == "max" else "higher"


def axis_of(record: Measure, bound: Bound, beside: Iterable[Measure] = ()) -> Axis | None:
    """The axis of a record, or of one column's part of it; None without a value.

    Args:
        bound: what it is held against (:func:`limit_of`).
        beside: other records on the same scale, so that several axes can be compared by eye.
    """
    if record.value is None:
        return None
    limit, better = bound
    marks = [m for r in (record, *beside) for m in _marks(r)]
    low, high = _domain(marks, limit, better)

    def place(value: float | None) -> float | None:
        return None if value is None else round(100 * (min(max(value, low), high) - low) / (high - low), 2)

    ends = _interval(record)
    at = place(limit)
    bad = None
    if at is not None and better is not None:
        bad = (at, round(100 - at, 2)) if better == "lower" else (0.0, at)
    value = place(float(record.value))
    assert value is not None
    return Axis(
        value,
        place(ends[0]),
        place(ends[1]),
        place(record.floor),
        at,
        bad,
        number(low),
        number(high),
        _in_words(record, record.value, bound),
    )


def _interval(record: Measure) -> tuple[float | None, float | None]:
    ends = record.ends
    return (None, None) if ends is None or ends[0] == ends[1] else (float(ends[0]), float(ends[1]))


def _marks(record: Measure) -> list[float]:
    found = [record.value, record.floor, *_interval(record)]
    return [float(v) for v in found if v is not None]


def _domain(marks: list[float], limit: float | None, better: str | None) -> tuple[float, float]:
    """The range to show: from 0 where 0 is near, and so far that the threshold has room on its forbidden side."""
    everything = [*marks, *(() if limit is None else (limit,))]
    low, high = min(everything), max(everything)
    if limit is not None and better == "lower" and limit > 0 and low >= 0:
        high = max(high, limit + (limit - (low if low > limit / 2 else 0)) / 2)
    room = (high - low or abs(high)) * 0.12
    start = 0.0 if 0 <= low <= 0.6 * high else low - room
    if limit is None or high > limit or better != "lower":
        high += room
    if high - start <= 0:
        high = start + 1.0
    return start, high


def _in_words(record: Measure, value: float, bound: Bound) -> str:
    limit, better = bound
    parts = [f"value {number(value)}"]
    ends = _interval(record)
    if ends[0] is not None:
        parts.append(f"95 % interval {number(ends[0])} to {number(ends[1])}")
    if record.floor is not None:
        parts.append(f"floor {number(record.floor)}")
    if limit is not None:
        parts.append(f"threshold {number(limit)}" + ("" if better is None else f", {better} is better"))
    return "; ".join(parts)
