"""Dates, times and points in time, as ``strftime`` names their parts: ``%-m/%-d/%Y %H:%M:%S``.

``%m`` has two digits and ``%-m`` no more than it needs, as in glibc's and DuckDB's strftime, so each value is written
in one way alone and comes back as it was. ``%^b`` is ``SEP``. Parts that a form lacks are those of 1970-01-01, so that
months (``%Y-%m``) are their first days. ``%y`` is 1969 to 2068, as in POSIX.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.formats.form import Read
from synthkit.schema import LogicalType

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

PIVOT = 69  # %y: from here on it is 19xx (POSIX)
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NAMES = {"B": MONTHS, "b": tuple(m[:3] for m in MONTHS), "A": DAYS, "a": tuple(d[:3] for d in DAYS)}
_NUMBERS = {
    "Y": r"[0-9]{4}",
    "y": r"[0-9]{2}",
    "m": r"0[1-9]|1[0-2]",
    "d": r"0[1-9]|[12][0-9]|3[01]",
    "j": r"[0-3][0-9]{2}",
    "H": r"[01][0-9]|2[0-3]",
    "I": r"0[1-9]|1[0-2]",
    "M": r"[0-5][0-9]",
    "S": r"[0-5][0-9]",
    "g": r"[0-9]{3}",
    "f": r"[0-9]{6}",
    "s": r"0|-?[1-9][0-9]{0,10}",
    "Q": r"0|-?[1-9][0-9]{0,13}",
    "-m": r"1[0-2]|[1-9]",
    "-d": r"[12][0-9]|3[01]|[1-9]",
    "-H": r"1[0-9]|2[0-3]|[0-9]",
    "-I": r"1[0-2]|[1-9]",
    "-M": r"[1-5][0-9]|[0-9]",
    "-S": r"[1-5][0-9]|[0-9]",
}
_WIDTH = {"Y": 4, "j": 3, "g": 3, "f": 6}  # digits of padded parts; others have two
_DATES = ({"y", "m", "d"}, {"y", "m"}, {"y", "j"})
_TIMES = ({"h"}, {"h", "M"}, {"h", "M", "S"}, {"h", "M", "S", "f"})
_SAME = {"Y": "y", "y": "y", "b": "m", "B": "m", "H": "h", "I": "h", "g": "f"}
_TOKEN = re.compile(r"%([-^]?)(.)|%$", re.DOTALL)
_DIRECTIVES = "%Y %y %m %d %j %b %B %a %A %H %I %p %M %S %g %f %s %Q (%-d for 1 rather than 01)"


@dataclass(frozen=True)
class Moment:
    """A written form of dates, times or both."""

    text: str
    type: LogicalType
    parts: tuple[tuple[str, str], ...]  # (directive without its %, "") or ("", what stands there)

    @property
    def digits(self) -> bool:
        first = self.parts[0][0]
        return first in ("Y", "s", "Q") and all(
            d.lstrip("-") in _NUMBERS and not d.startswith("-") for d, _ in self.parts
        )

    @cached_property
    def pattern(self) -> str:
        """A regular expression (RE2) with a group for each part."""
        found = ["^"]
        for i, (directive, literal) in enumerate(self.parts):
            if not directive:
                found.append(re.escape(literal))
            elif directive in _NUMBERS:
                found.append(f"(?P<p{i}>{_NUMBERS[directive]})")
            else:
                found.append(f"(?P<p{i}>{'|'.join(_words(directive))})")
        return "".join(found) + "$"

    def read(self, texts: pa.Array) -> Read:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        found = pc.extract_regex(texts, self.pattern)
        shaped = pc.fill_null(found.is_valid(), False).to_numpy(zero_copy_only=False)
        field = {d: self._numbers(d, pc.struct_field(found, f"p{i}")) for i, (d, _) in enumerate(self.parts) if d}
        epoch = next((field[d] * (1_000_000 if d == "s" else 1_000) for d in ("s", "Q") if d in field), None)
        good = shaped.copy()
        if epoch is None:
            days, good = _days(field, good)
            micros = _micros(field)
            epoch = days.astype(np.int64) * 86_400_000_000 + micros
        if self.type == "date":
            values = pa.array((epoch // 86_400_000_000).astype(np.int32), pa.int32(), mask=~good).cast(pa.date32())
        elif self.type == "time":
            values = pa.array(epoch, pa.int64(), mask=~good).cast(pa.time64("us"))
        else:
            values = pa.array(epoch, pa.int64(), mask=~good).cast(pa.timestamp("us"))
        return Read(values, pa.array(good))

    def write(self, values: pa.Array) -> pa.Array:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        missing = values.is_null().to_numpy(zero_copy_only=False)
        micros = self._epoch(values)
        days = micros // 86_400_000_000
        date = days.astype("M8[D]")
        month = date.astype("M8[M]")
        inside = micros - days * 86_400_000_000
        hour = inside // 3_600_000_000
        number = {
            "Y": month.astype("M8[Y]").astype(np.int64) + 1970,
            "m": month.astype(np.int64) % 12 + 1,
            "d": (date - month.astype("M8[D]")).astype(np.int64) + 1,
            "j": (date - date.astype("M8[Y]").astype("M8[D]")).astype(np.int64) + 1,
            "H": hour,
            "I": (hour + 11) % 12 + 1,
            "M": inside // 60_000_000 % 60,
            "S": inside // 1_000_000 % 60,
            "f": inside % 1_000_000,
            "g": inside % 1_000_000 // 1_000,
            "s": micros // 1_000_000,
            "Q": micros // 1_000,
        }
        number["y"] = number["Y"] % 100
        words = {"b": number["m"] - 1, "a": (days + 3) % 7, "p": hour // 12}
        pieces: list[Any] = []
        for directive, literal in self.parts:
            plain = directive.lstrip("-^")
            if not directive:
                pieces.append(literal)
            elif directive in _NUMBERS:
                text = pa.array(number[plain], pa.int64()).cast(pa.string())
                padded = not directive.startswith("-") and plain not in ("s", "Q")
                pieces.append(pc.utf8_lpad(text, _WIDTH.get(plain, 2), "0") if padded else text)
            else:
                pieces.append(pa.array(_words(directive)).take(pa.array(words[plain.lower()])))
        text = pc.binary_join_element_wise(*pieces, "")
        return pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), text)

    @staticmethod
    def _numbers(directive: str, texts: pa.Array) -> Array:
        """A part as whole numbers, 0 where there is none; words count from 0, months from 1."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if directive in _NUMBERS:
            numbers = texts.cast(pa.int64())
        else:
            numbers = pc.index_in(texts, pa.array(_words(directive)))
            numbers = pc.add(numbers, 1) if directive.lstrip("^") in "bB" else numbers
        found: Array = pc.fill_null(numbers.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
        return found

    @staticmethod
    def _epoch(values: pa.Array) -> Array:
        """Microseconds since 1970, 0 where there is none."""
        import pyarrow as pa
        import pyarrow.types as t

        if t.is_date(values.type):
            whole = values.cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
            found: Array = whole.fill_null(0).to_numpy(zero_copy_only=False) * 86_400_000_000
            return found
        kind = pa.time64("us") if t.is_time(values.type) else pa.timestamp("us")
        micros: Array = values.cast(kind, safe=False).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        return micros


def _words(directive: str) -> list[str]:
    plain = directive.lstrip("^")
    words = {"p": ("AM", "PM"), "P": ("am", "pm")}.get(plain) or _NAMES[plain]
    return [w.upper() if directive.startswith("^") else w for w in words]


def _days(field: dict[str, Array], good: Array) -> tuple[Array, Array]:
    """Days since 1970-01-01, and where there is such a day of that name."""
    import numpy as np

    year = field.get("Y")
    if year is None and "y" in field:
        year = np.where(field["y"] >= PIVOT, 1900, 2000) + field["y"]
    if year is None:
        return np.zeros(len(good), np.int64), good
    of_year = field.get("j")
    month = next((field[d] for d in ("m", "-m", "b", "B", "^b", "^B") if d in field), np.ones(len(good), np.int64))
    day = next((field[d] for d in ("d", "-d") if d in field), np.ones(len(good), np.int64))
    months = (year - 1970) * 12 + np.where(month > 0, month - 1, 0)
    start = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    days = start + np.maximum(day, 1) - 1
    if of_year is not None:
        days = start + of_year - 1
        same = (of_year > 0) & (days.astype("M8[D]").astype("M8[Y]").astype(np.int64) + 1970 == year)
    else:
        same = days.astype("M8[D]").astype("M8[M]").astype(np.int64) == months
    good = good & same & (year > 0)
    weekday = next((field[d] for d in ("a", "A", "^a", "^A") if d in field), None)
    if weekday is not None:
        good &= (days + 3) % 7 == weekday
    return days, good


def _micros(field: dict[str, Array]) -> Array | int:
    """Microseconds since midnight."""

    def of(*names: str) -> Array | int:
        return next((field[n] for n in names if n in field), 0)

    hour = of("H", "-H")
    twelve = next((field[n] for n in ("I", "-I") if n in field), None)
    if twelve is not None:
        hour = twelve % 12 + 12 * of("p", "P")
    seconds = hour * 3_600 + of("M", "-M") * 60 + of("S", "-S")
    return seconds * 1_000_000 + of("f") + of("g") * 1_000


def parse_moment(text: str) -> Moment:
    """A form such as ``%d.%m.%Y``. Raises ValueError."""
    parts: list[tuple[str, str]] = []
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() > end:
            parts.append(("", text[end : token.start()]))
        end = token.end()
        if token[2] == "%" and not token[1]:
            parts.append(("", "%"))
            continue
        directive = f"{token[1]}{token[2]}" if token[2] else ""
        known = directive in _NUMBERS or (directive.lstrip("^") in _NAMES and not directive.startswith("-"))
        if not known and directive not in ("p", "P"):
            raise ValueError(f"{token[0]!r} is no part of a date or time: there are {_DIRECTIVES}")
        parts.append((directive, ""))
    if end < len(text):
        parts.append(("", text[end:]))
    return Moment(text, _type(text, [d for d, _ in parts if d]), tuple(parts))


def _type(text: str, directives: list[str]) -> LogicalType:
    means = [_SAME.get(d.lstrip("-^"), d.lstrip("-^")) for d in directives]
    twice = next((m for i, m in enumerate(means) if m in means[:i]), None)
    if twice is not None:
        raise ValueError(f"{text!r} says the same part of a date or time twice")
    if set(means) in ({"s"}, {"Q"}):
        return "datetime"
    date = {m for m in means if m in ("y", "m", "d", "j")}
    time = {m for m in means if m in ("h", "M", "S", "f")}
    half = bool({"p", "P"} & set(means))
    if date and date not in _DATES:
        raise ValueError(f"{text!r} is no whole date: a year and a month are needed, or a year and a day of it (%j)")
    if not date and ({"a", "A"} & set(means)):
        raise ValueError(f"{text!r} has a day of the week without a date")
    if time and time not in _TIMES:
        raise ValueError(f"{text!r} is no whole time of day: it begins with the hour")
    if half != any(d.lstrip("-") == "I" for d in directives):
        raise ValueError(f"{text!r}: %I and %p (AM, PM) need each other; %H has 24 hours")
    if date and time and {"y", "m"} == date:
        raise ValueError(f"{text!r} has a time, but no day")
    if not date and not time:
        raise ValueError(f"{text!r} names no part of a date or time: there are {_DIRECTIVES}")
    return "datetime" if date and time else "date" if date else "time"
