"""Numbers, as 1234.56 is written: ``1,234.56``, ``1.234,56 €``, ``$1234``, ``1234.5… kg``, ``(1,234)``.

``…`` after the decimals leaves open how many there are: ``1234.5…`` as many as it takes, ``1234.0…`` one at least.
Negative numbers begin with ``-`` unless the form has it elsewhere (``$-1,234``), or has brackets: only they then do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from synthkit.formats.form import Read
from synthkit.schema import LogicalType

if TYPE_CHECKING:
    import pyarrow as pa

DIGITS = "567890123"  # decimals of the number that a form shows
MOST_DIGITS = 15  # of a number: those that a float64 holds
THOUSANDS = ",.'’ _\u00a0\u202f"
_FORM = re.compile(
    r"(?P<before>[^0-9(]*?)(?P<open>\(?)(?P<inside>[^0-9(-]*?)(?P<minus>-?)"
    rf"1(?P<thousands>[{re.escape(THOUSANDS)}]?)234(?:(?P<point>[.,])(?P<decimals>[0-9]+)(?P<more>…?))?"
    r"(?P<close>\)?)(?P<after>[^0-9]*|\s?[A-Za-z]{1,3}[23])"
)
_HOW = "write it as 1234.56 would be: 1,234.56 or 1.234,56 € or $1234 or 1234.5… (any number of decimals)"


@dataclass(frozen=True)
class Number:
    """A written form of numbers.

    Args:
        before, after: what stands around the number.
        thousands: the sign between groups of three digits, "" for none.
        point: the sign before decimals.
        places: decimals; the least number of them where ``more`` are open.
        minus: where a negative number's sign stands: ``first``, ``digits`` (right before them) or ``brackets``.
    """

    text: str
    before: str
    after: str
    thousands: str
    point: str
    places: int
    more: bool
    minus: str

    @property
    def type(self) -> LogicalType:
        return "float" if self.places or self.more else "integer"

    @property
    def digits(self) -> bool:
        return False

    @property
    def bare(self) -> bool:
        """Whether nothing stands around the digits."""
        return not self.before and not self.after and self.minus != "brackets"

    @cached_property
    def core(self) -> str:
        """A regular expression (RE2) for the digits and their signs."""
        whole = f"[1-9][0-9]{{0,2}}(?:{re.escape(self.thousands)}[0-9]{{3}})+|[0-9]{{1,3}}"
        whole = f"(?:{whole})" if self.thousands else "[0-9]+"
        if self.more:
            least = f"{{{max(1, self.places)},9}}"
            part = f"{re.escape(self.point)}[0-9]{least}"
            return whole + (part if self.places else f"(?:{part})?")
        return whole + (f"{re.escape(self.point)}[0-9]{{{self.places}}}" if self.places else "")

    @cached_property
    def pattern(self) -> str:
        before, after = re.escape(self.before), re.escape(self.after)
        if self.minus == "brackets":
            return rf"^{before}(?:(?P<minus>\()(?P<a>{self.core})\)|(?P<b>{self.core})){after}$"
        if self.minus == "digits":
            return f"^{before}(?P<minus>-?)(?P<a>{self.core})(?P<b>){after}$"
        return f"^(?P<minus>-?){before}(?P<a>{self.core})(?P<b>){after}$"

    def read(self, texts: pa.Array) -> Read:
        import pyarrow as pa
        import pyarrow.compute as pc

        found = pc.extract_regex(texts, self.pattern)
        digits = pc.binary_join_element_wise(*(pc.coalesce(pc.struct_field(found, g), "") for g in "ab"), "")
        digits = pc.replace_substring(digits, self.thousands, "") if self.thousands else digits
        digits = pc.replace_substring(digits, self.point, ".") if self.point != "." else digits
        held = pc.less_equal(pc.utf8_length(digits), MOST_DIGITS + 1)
        digits = pc.if_else(pc.and_(pc.not_equal(digits, ""), held), digits, pa.scalar(None, pa.string()))
        values = digits.cast(pa.float64() if self.type == "float" else pa.int64())
        negative = pc.not_equal(pc.coalesce(pc.struct_field(found, "minus"), ""), "")
        values = pc.if_else(negative, pc.negate(values), values)
        fits = pc.fill_null(pc.equal(self.write(values), texts), False)
        return Read(pc.if_else(fits, values, pa.scalar(None, values.type)), fits)

    def write(self, values: pa.Array) -> pa.Array:
        import pyarrow as pa

        return pa.array([None if v is None else self.one(v) for v in values.to_pylist()], pa.string())

    def one(self, value: float) -> str:
        """One number as it is written."""
        size = f"{abs(value):,.{self.places}f}"
        if self.more:
            shortest = repr(round(abs(float(value)), len(DIGITS)))  # 0.1, not the float nearest to it
            size = shortest if "e" not in shortest else f"{abs(value):.{len(DIGITS)}f}"
            size = f"{int(size.partition('.')[0]):,}.{size.partition('.')[2]}"
        whole, _, part = size.partition(".")
        if self.more:
            part = part.rstrip("0").ljust(self.places, "0")
        number = whole.replace(",", self.thousands) + (f"{self.point}{part}" if part else "")
        below = value < 0 and any(c not in "0,." for c in size)
        if self.minus == "brackets":
            return f"{self.before}({number}){self.after}" if below else f"{self.before}{number}{self.after}"
        sign = "-" if below else ""
        return (
            f"{self.before}{sign}{number}{self.after}"
            if self.minus == "digits"
            else (f"{sign}{self.before}{number}{self.after}")
        )


@dataclass(frozen=True)
class Range:
    """Two numbers and what stands between: ``1234 - 1234``. What they mean is their middle."""

    text: str
    number: Number
    between: str

    @property
    def type(self) -> LogicalType:
        return "float"

    @property
    def digits(self) -> bool:
        return False

    def ends(self, texts: pa.Array) -> tuple[Read, Read]:
        """The lower and the upper number of each."""
        import pyarrow.compute as pc

        core = self.number.core
        found = pc.extract_regex(texts, f"^(?P<low>{core}){re.escape(self.between)}(?P<high>{core})$")
        low, high = (self.number.read(pc.struct_field(found, end)) for end in ("low", "high"))
        return low, high

    def read(self, texts: pa.Array) -> Read:
        import pyarrow as pa
        import pyarrow.compute as pc

        (low, fits), (high, also) = self.ends(texts)
        good = pc.and_(pc.and_(fits, also), pc.fill_null(pc.less_equal(low, high), False))
        middle = pc.divide(pc.add(low.cast(pa.float64()), high.cast(pa.float64())), 2.0)
        return Read(pc.if_else(good, middle, pa.scalar(None, pa.float64())), good)

    def write(self, values: pa.Array) -> pa.Array:
        """Ranges of one number: how wide they are is not known here."""
        return self.around(values, values)

    def around(self, low: pa.Array, high: pa.Array) -> pa.Array:
        import pyarrow.compute as pc

        return pc.binary_join_element_wise(self.number.write(low), self.number.write(high), self.between)


def parse_number(text: str) -> Number:
    """A form such as ``1.234,56 €``. Raises ValueError."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no written form of numbers: {_HOW}")
    part = found.groupdict(default="")
    decimals, thousands = part["decimals"], part["thousands"]
    open_, close = bool(part["open"]), bool(part["close"])
    if open_ != close or (open_ and part["minus"]):
        raise ValueError(f"{text!r}: brackets stand around the number, and for its sign: {_HOW}")
    if thousands and thousands == part["point"]:
        raise ValueError(f"{text!r} has one sign for thousands and for decimals")
    least = decimals == "0" and bool(part["more"])
    if decimals and not least and not DIGITS.startswith(decimals):
        raise ValueError(f"{text!r} shows the decimals {decimals}: {_HOW}")
    more = bool(part["more"])
    places = (1 if least else 0) if more else len(decimals)
    before = part["before"] + part["inside"]
    minus = "brackets" if open_ else "digits" if part["minus"] and before else "first"
    return Number(text, before, part["after"], thousands, part["point"] or ".", places, more, minus)


def parse_range(text: str) -> Range | None:
    """A form such as ``1234 - 1234``; None where the text is no two numbers of one form."""
    found = re.fullmatch(r"(1[^2]?234[^ 0-9]*[0-9…]*)(\D+)\1", text)
    return None if found is None else Range(text, parse_number(found[1]), found[2])
