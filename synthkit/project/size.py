"""How many rows a table is to have."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SIZE = re.compile(r"^\s*(?:(?P<rows>\d[\d_,]*)|(?P<times>\d+(?:\.\d+)?)\s*x|(?P<percent>\d+(?:\.\d+)?)\s*%)\s*$")


@dataclass(frozen=True)
class Size:
    """A number of rows, or a factor of the source's rows (all of them): one of the two.

    >>> str(Size.parse("50_000")), Size.parse("50%").of(301), str(Size.parse("2x"))
    ('50000', 150, '2x')
    """

    rows: int | None = None
    factor: float | None = None

    def __post_init__(self) -> None:
        if (self.rows is None) == (self.factor is None):
            raise ValueError("a size is a number of rows or a factor")
        if (self.rows is not None and self.rows < 1) or (self.factor is not None and self.factor <= 0):
            raise ValueError("a size must be more than nothing")

    @staticmethod
    def parse(written: str | int) -> Size:
        """``50000``, ``2x`` or ``50%``. Raises ValueError with what is allowed."""
        match = _SIZE.match(str(written))
        if match is None:
            raise ValueError(f"{written!r} is not a size")
        if match["rows"]:
            return Size(rows=int(re.sub(r"[_,]", "", match["rows"])))
        if match["times"]:
            return Size(factor=float(match["times"]))
        return Size(factor=float(match["percent"]) / 100)

    def of(self, source_rows: int | None) -> int:
        """The number of rows, at least one; a factor is of ``source_rows``."""
        if self.rows is not None:
            return self.rows
        assert self.factor is not None
        assert source_rows is not None
        return max(1, round(source_rows * self.factor))

    def __str__(self) -> str:
        return f"{self.rows}" if self.rows is not None else f"{self.factor:g}x"
