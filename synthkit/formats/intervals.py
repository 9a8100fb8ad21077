"""Intervals as the cells of a scale are named: ``[70-80)``, ``(18, 25]``. What they mean is their middle.

Which intervals there are is no part of the form, so a number is written as the one of those known whose middle is
nearest: they stay a scale that fits together, and none is made up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.formats.form import Read
from synthkit.formats.numbers import Number, parse_number
from synthkit.schema import LogicalType

if TYPE_CHECKING:
    import pyarrow as pa

_FORM = re.compile(r"([\[(])(1[^2 ]?234[^-,; ]*)( ?[-–,;] ?)\2([\])])")


@dataclass(frozen=True)
class Interval:
    """A written form of intervals.

    Args:
        opening, between, closing: the signs around the two numbers.
        number: how those are written.
    """

    text: str
    number: Number
    opening: str
    between: str
    closing: str

    @property
    def type(self) -> LogicalType:
        return "float"

    @property
    def digits(self) -> bool:
        return False

    @property
    def plural(self) -> str:
        return "intervals"

    def read(self, texts: pa.Array) -> Read:
        import pyarrow as pa
        import pyarrow.compute as pc

        core, (opening, between, closing) = self.number.core, map(re.escape, (self.opening, self.between, self.closing))
        found = pc.extract_regex(texts, f"^{opening}(?P<low>-?{core}){between}(?P<high>-?{core}){closing}$")
        low, high = (self.number.read(pc.struct_field(found, end)) for end in ("low", "high"))
        fits = pc.and_(pc.and_(low.fits, high.fits), pc.fill_null(pc.less(low.values, high.values), False))
        middle = pc.divide(pc.add(low.values.cast(pa.float64()), high.values.cast(pa.float64())), 2.0)
        return Read(pc.if_else(fits, middle, pa.scalar(None, pa.float64())), fits)

    def write(self, values: pa.Array) -> pa.Array:
        """Intervals without width around each number: which ones there are is not known here."""
        import pyarrow.compute as pc

        ends = self.number.write(values)
        return pc.binary_join_element_wise(self.opening, ends, self.between, ends, self.closing, "")

    def misfit(self, texts: Sequence[str]) -> str | None:
        """The first text that is no such interval; None where all are."""
        import pyarrow as pa

        fits = self.read(pa.array(texts, pa.string())).fits.to_pylist()
        return next((text for text, good in zip(texts, fits, strict=True) if not good), None)

    def nearest(self, values: pa.Array, known: Sequence[str]) -> pa.Array:
        """Of the known intervals, the one around each number, null where there is none."""
        import numpy as np
        import pyarrow as pa

        middles = self.read(pa.array(known, pa.string())).values.to_numpy(zero_copy_only=False)
        order = np.argsort(middles, kind="stable")
        at = values.fill_null(0).to_numpy(zero_copy_only=False)
        chosen = order[np.searchsorted((middles[order][1:] + middles[order][:-1]) / 2, at, side="left")]
        missing = values.is_null().to_numpy(zero_copy_only=False)
        return pa.array(known, pa.string()).take(pa.array(chosen, mask=missing))


def parse_interval(text: str) -> Interval | None:
    """A form such as ``[1234-1234)``; None where the text has no two numbers in brackets. Raises ValueError."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    return Interval(text, parse_number(found[2]), found[1], found[3], found[4])


def guess_intervals(texts: Sequence[str]) -> list[str]:
    """Forms of intervals that most of the texts may have; [] where they have none."""
    shapes = [re.fullmatch(r"([\[(])-?([0-9.]+)( ?[-–,;] ?)-?([0-9.]+)([\])])", t) for t in texts]
    found = [m for m in shapes if m]
    if 2 * len(found) < len(texts):
        return []
    around = max({(m[1], m[3], m[5]) for m in found}, key=lambda a: sum((m[1], m[3], m[5]) == a for m in found))
    ends = [end for m in found if (m[1], m[3], m[5]) == around for end in (m[2], m[4])]
    places = {len(end.partition(".")[2]) for end in ends}
    if places == {0}:
        numbers = ["1234"]
    else:
        numbers = [f"1234.{'567890123'[: max(places)]}"] if len(places) == 1 else ["1234.5…", "1234.0…"]
    return [f"{around[0]}{number}{around[1]}{number}{around[2]}" for number in numbers]
