"""Time as rows follow one another by it: months, steps of equal length, days on which anything happens at all.

Gaps are learnt in these units, so that a row a month stays a row a month, whatever the month's length, readings every
quarter of an hour keep their distance, and no row falls on a weekday or a holiday that no real row has. Between
days that do have rows, some have more: their weights (weekday, ends of months, single days) choose among draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.family.days import allowed_days, weekday_of, weights_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

PAIRS = 30  # of rows of one entity, from which steps are looked at
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True)
class Axis:
    """How a raw time (days, microseconds, a number) is a whole number on the axis, and a phase.

    Args:
        months: steps are months, the phase is the day in it (and the time of day): ``start``, ``end`` (days before the
            month's end) or ``""``: they are not.
        unit: raw units in a step otherwise.
        phase: of all entities; None: each has its own.
        day: raw units in a day; 0: the times are numbers.
        days: numbers of the days that have rows, ascending; None: all have.
        weights: of these days, or of all from ``origin`` on: how many rows one has beside others; None: all are alike.
        origin: the first day of ``weights``, where all days have rows.
    """

    months: str
    unit: int
    phase: int | None
    day: int
    days: Array | None = None
    weights: Array | None = None
    origin: int = 0

    def forward(self, raw: Array) -> tuple[Array, Array]:
        """Places on the axis and phases, int64, same shape."""
        import numpy as np

        if self.months:
            return _in_months(raw, self.day, self.months)
        phase = np.mod(raw, self.unit)
        if self.days is None:
            return (raw - phase) // self.unit, phase
        per = self.day // self.unit
        day, rest = np.divmod(raw, self.day)
        return np.searchsorted(self.days, day) * per + rest // self.unit, phase

    def back(self, place: Array, phase: Array) -> Array:
        """The raw times."""
        import numpy as np

        if self.months:
            first = place.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
            length = (place + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - first
            day, rest = np.divmod(phase, self.day)
            day = np.clip(day if self.months == "start" else length - 1 - day, 0, length - 1)
            return np.asarray((first + day) * self.day + rest)
        if self.days is None:
            return np.asarray(place * self.unit + phase)
        per = self.day // self.unit
        at, rest = np.divmod(place, per)
        return np.asarray(self.days[np.clip(at, 0, len(self.days) - 1)] * self.day + rest * self.unit + phase)

    @property
    def clock(self) -> tuple[int, ...]:
        """How many codes each part of the calendar has: month of the year, weekday, hour; none of numbers."""
        if not self.day:
            return ()
        if self.months:
            return (12,)
        return (12, 7, 24) if self.unit < self.day and self.day > 1 else (12, 7)

    def clocked(self, place: Array) -> Array:
        """The parts of the calendar of places, uint8, shape (rows, parts)."""
        import numpy as np

        if self.months:
            return np.mod(place, 12).astype(np.uint8)[:, None]
        day, rest = np.divmod(self.back(place, np.full(len(place), self.phase or 0)), self.day)
        month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        parts = [np.mod(month, 12), weekday_of(day), rest * 24 // self.day]
        return np.stack(parts[: len(self.clock)], axis=1).astype(np.uint8)

    def weight(self, place: Array) -> Array:
        """How many rows the days of places have, as shares of the day that has most."""
        import numpy as np

        assert self.weights is not None
        at = np.floor_divide(place, max(1, self.day // self.unit))
        return np.asarray(self.weights[np.clip(at - self.origin, 0, len(self.weights) - 1).astype(np.int64)])


def axis_of(kind: pa.DataType, raw: Array, starts: Array, rows: Array) -> Axis | None:
    """The axis of a column of time; None of numbers that are as good as they are.

    Args:
        raw: int64, an entity's times together, ascending.
        starts, rows: where each entity begins, and how many rows it has.
    """
    import numpy as np
    import pyarrow.types as t

    if not (t.is_integer(kind) or t.is_date32(kind) or (t.is_timestamp(kind) and kind.tz is None)):
        return None
    day = 0 if t.is_integer(kind) else 1 if t.is_date32(kind) else 86_400 * PER_SECOND[kind.unit]
    first = np.zeros(len(raw), dtype=bool)
    first[starts[rows > 0]] = True
    later = np.flatnonzero(~first)
    gaps = raw[later] - raw[later - 1]
    if len(gaps) < PAIRS or not gaps.any():
        return None
    who = np.repeat(np.arange(len(rows)), rows)
    if day and (gaps[gaps > 0] != gaps.max()).any() and (months := _monthly(raw, who, day)) is not None:
        return months
    unit = int(np.gcd.reduce(gaps))
    phase = np.mod(raw, unit)
    same = int(phase[0]) if len(np.unique(phase)) == 1 else None
    if not day or day % unit or same is None:
        return Axis("", unit, same, day) if unit > 1 or day else None
    whole = np.floor_divide(raw, day)
    days = allowed_days(whole)
    weights, origin = weights_of(whole, days)
    return Axis("", unit, same, day, days, weights, origin)


def _monthly(raw: Array, who: Array, day: int) -> Axis | None:
    """Steps of months, where every row of an entity is of one day of its month, or of one before its end."""
    import numpy as np

    for months in ("start", "end"):
        axis = Axis(months, 1, None, day)
        place, phase = axis.forward(raw)
        own = np.zeros(int(who.max()) + 1, dtype=np.int64)
        np.maximum.at(own, who, phase)
        if (axis.back(place, own[who]) == raw).all():
            used = own[np.unique(who)]
            return Axis(months, 1, int(used[0]) if (used == used[0]).all() else None, day)
    return None


def _in_months(raw: Array, day: int, months: str) -> tuple[Array, Array]:
    import numpy as np

    whole, rest = np.divmod(raw, day)
    month = whole.astype("datetime64[D]").astype("datetime64[M]")
    first = month.astype("datetime64[D]").astype(np.int64)
    number = month.astype(np.int64)
    if months == "start":
        return number, (whole - first) * day + rest
    last = (month + 1).astype("datetime64[D]").astype(np.int64) - 1
    return number, (last - whole) * day + rest
