"""What is computed from dates and moments: their parts, spans between them, ages, and digits of days as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from synthkit.rules.evaluate import moments_in, numbers_of
from synthkit.rules.expression import Call, Expression, Name, Number
from synthkit.rules.find.columns import Columns, Look
from synthkit.rules.find.evidence import Found
from synthkit.rules.find.proving import prove_formula
from synthkit.rules.formula import Formula

if TYPE_CHECKING:
    import pyarrow as pa

MOST_TRIED = 8_000  # candidates: of a wide table the first ones
PARTS = ("year", "quarter", "month", "week", "day", "day_of_year", "weekday", "hour", "minute", "second")
NAMES = ("month_name", "day_name")
SPANS = ("days", "hours", "minutes", "seconds")
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?")


def dates(columns: Columns) -> Iterator[Found]:
    """Columns that a date, a moment or an ISO text decides."""
    times = _times(columns)
    candidates = max(1, len(times) * len(columns.looks) * (len(PARTS) + len(SPANS)))
    yield from _proven(columns, islice(_candidates(columns, times), MOST_TRIED), candidates)


def digits(columns: Columns) -> Iterator[Found]:
    """Leading and last digits: months and years of days that are written as 20240131, the hundred of a number."""
    rules = islice(_digits(columns), MOST_TRIED)
    yield from _proven(columns, rules, max(1, 5 * len(columns.numeric) ** 2))


def _proven(columns: Columns, rules: Iterable[Formula], candidates: int) -> Iterator[Found]:
    """Those that hold; of a column the first."""
    few = columns.table.take(_rows(columns))
    done: set[str] = set()
    for rule in rules:
        if rule.target in done or _breaks(rule, few):
            continue
        found = prove_formula(columns, rule, candidates)
        if found is not None:
            done.add(rule.target)
            yield found


def _rows(columns: Columns) -> pa.Array:
    import pyarrow as pa

    return pa.array(columns.sample[:200])


def _breaks(rule: Formula, rows: pa.Table) -> bool:
    """Whether some of a few rows break it: then it is not looked at on all."""
    try:
        return bool(rule.violations(rows.select(list(rule.columns))).any())
    except ValueError:
        return True


def _times(columns: Columns) -> list[Look]:
    """Dates and moments, and texts that are all of them."""
    found = list(columns.timed)
    few = columns.table.take(_rows(columns))
    for look in columns.looks:
        if look.kind == "text" and look.distinct > 2:
            texts = few.column(look.name).drop_null().to_pylist()
            if texts and all(_ISO.fullmatch(t) for t in texts[:50]):
                try:
                    moments_in(columns.table.column(look.name))
                except ValueError:
                    continue
                found.append(look)
    return found


def _candidates(columns: Columns, times: list[Look]) -> Iterator[Formula]:
    whole = [look for look in columns.numeric if look.decimals == 0]
    texts = [look for look in columns.looks if look.kind == "text" and look.distinct <= 12]
    for time in times:
        name = Name(time.name)
        for part in PARTS:
            yield from (Formula(y.name, Call(part, (name,))) for y in whole if _may_be(part, y))
        for y in whole:
            months = Call("+", (Call("*", (_number(100), Call("year", (name,)))), Call("month", (name,))))
            if y.numbers is not None and _between(y, 100_000, 300_000):
                yield Formula(y.name, months)
        yield from (Formula(y.name, Call(part, (name,))) for part in NAMES for y in texts)
        if time.kind != "date":
            yield from (Formula(d.name, Call("date", (name,))) for d in columns.timed if d.kind == "date")
        first = Call("make_date", (Call("year", (name,)), Call("month", (name,)), _number(1)))
        others = [d for d in columns.timed if d is not time and d.kind == "date" and d.distinct < time.distinct]
        yield from (Formula(d.name, first) for d in others)  # months, as 202401 is read
    for i, first_one in enumerate(columns.timed):
        later = columns.timed[i + 1 :]
        yield from (Formula(d.name, Name(first_one.name)) for d in later if d.kind == first_one.kind)
    yield from _constant(columns)
    yield from _spans(columns)
    yield from _made(columns)


def _constant(columns: Columns) -> Iterator[Formula]:
    """``end = start + 365``: two dates, or moments, that are always as far apart; the later is computed."""
    import numpy as np

    few = columns.table.take(_rows(columns))
    at = {look.name: numbers_of(few.column(look.name)) for look in columns.timed}
    for i, one in enumerate(columns.timed):
        for other in columns.timed[i + 1 :]:
            apart = at[other.name] - at[one.name]
            apart = apart[np.isfinite(apart)]
            if one.kind != other.kind or not len(apart) or not apart[0] or (apart != apart[0]).any():
                continue
            start, end = (one, other) if apart[0] > 0 else (other, one)
            span = _span(abs(float(apart[0])), end.kind == "date")
            if span is not None:
                yield Formula(end.name, Call("+", (Name(start.name), span)))


def _span(length: float, dates: bool) -> Expression | None:
    """Days between dates; microseconds between moments, in the longest unit in which they are whole. None: in none."""
    if dates:
        return _number(int(length))
    for name, seconds in zip(SPANS, (86_400, 3_600, 60, 1), strict=True):
        if length % (1e6 * seconds) == 0:
            return Call(name, (_number(int(length // (1e6 * seconds))),))
    return None


def _spans(columns: Columns) -> Iterator[Formula]:
    """``end = start + length`` of dates (in days) and moments; full years between."""
    pairs = [(a, b) for a in columns.timed for b in columns.timed if a is not b]
    for start, end in pairs:
        for length in columns.numeric:
            if start.kind == end.kind == "date":
                yield Formula(end.name, Call("+", (Name(start.name), Name(length.name))))
            elif start.kind == end.kind:
                for span in SPANS:
                    yield Formula(end.name, Call("+", (Name(start.name), Call(span, (Name(length.name),)))))
            yield Formula(length.name, Call("years_between", (Name(start.name), Name(end.name))))
            if start.kind == "moment" or end.kind == "moment":
                for span in SPANS:
                    between: Expression = Call(f"{span}_between", (Name(start.name), Name(end.name)))
                    yield Formula(length.name, Call("floor", (between,)) if length.decimals == 0 else between)


def _made(columns: Columns) -> Iterator[Formula]:
    """``day = make_date(year, month, day)``, where there are such numbers."""
    dates_ = [d for d in columns.timed if d.kind == "date"]
    whole = [look for look in columns.numeric if look.decimals == 0]
    years = [y for y in whole if _between(y, 1700, 2200)]
    months = [m for m in whole if _between(m, 1, 12)]
    days = [d for d in whole if _between(d, 1, 31)]
    for d in dates_:
        for year in years:
            for month in months:
                for day in days:
                    if day is not month:
                        parts = (Name(year.name), Name(month.name), Name(day.name))
                        yield Formula(d.name, Call("make_date", parts))


def _digits(columns: Columns) -> Iterator[Formula]:
    whole = [look for look in columns.numeric if look.decimals == 0 and look.distinct > 2]
    for source in whole:
        if source.distinct <= 12:
            continue
        for power in (100, 10_000):
            lead = Call("floor", (Call("/", (Name(source.name), _number(power))),))
            for target in whole:
                if target is not source and target.distinct < source.distinct and target.distinct > 3:
                    yield Formula(target.name, lead)
                    yield Formula(target.name, Call("%", (Name(source.name), _number(power))))
                    if power == 100:
                        yield Formula(target.name, Call("%", (lead, _number(100))))


def _may_be(part: str, look: Look) -> bool:
    """Whether the numbers lie where such a part does."""
    ranges = {"year": (1, 9999), "day_of_year": (1, 366), "week": (1, 53), "day": (1, 31), "month": (1, 12)}
    low, high = ranges.get(part, (0, 59))
    return _between(look, low, high)


def _between(look: Look, low: float, high: float) -> bool:
    import numpy as np

    assert look.numbers is not None
    return bool(np.nanmin(look.numbers) >= low and np.nanmax(look.numbers) <= high)


def _number(value: int) -> Number:
    return Number(Decimal(value))
