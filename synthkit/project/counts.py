"""Conditions about how many rows of another table belong to a row: ``count(orders): {0: 20%, 1+: 80%}``.

They stand among the conditions of a table, beside those about its columns, and read like the sums of rules.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

_COUNTED = re.compile(r"\s*count\(\s*(.+?)\s*\)\s*", re.IGNORECASE)
_RANGE = re.compile(r"(\d{1,9})(?:(\+)|\s*-\s*(\d{1,9}))?")


@dataclass(frozen=True)
class Between:
    """A number of rows from ``least`` to ``most``; None: however many."""

    least: int = 0
    most: int | None = None

    def __contains__(self, number: int) -> bool:
        return self.least <= number and (self.most is None or number <= self.most)

    def __and__(self, other: Between) -> Between | None:
        """What lies in both; None where nothing does."""
        mosts = [m for m in (self.most, other.most) if m is not None]
        both = Between(max(self.least, other.least), min(mosts, default=None))
        return None if both.most is not None and both.most < both.least else both

    def __str__(self) -> str:
        """
        >>> str(Between(2)), str(Between(0, 3)), str(Between(1, 1))
        ('2+', '0-3', '1')
        """
        if self.most is None:
            return f"{self.least}+"
        return str(self.least) if self.least == self.most else f"{self.least}-{self.most}"


ANY = Between()


def counted(name: str) -> str | None:
    """The table whose rows a condition is about; None where it is about a column.

    >>> counted("count(orders)"), counted("country")
    ('orders', None)
    """
    found = _COUNTED.fullmatch(name)
    return None if found is None else found[1]


def read_range(value: Any) -> Between:
    """``2``, ``"1+"`` or ``"1-3"`` as numbers of rows. Raises ValueError."""
    text = "" if isinstance(value, bool) else str(value).strip()
    found = _RANGE.fullmatch(text)
    if found is None:
        raise ValueError(f"{value!r} is no number of rows: write 2, 1+ or 1-3")
    least = int(found[1])
    most = None if found[2] else least if found[3] is None else int(found[3])
    if most is not None and most < least:
        raise ValueError(f"{value!r} ends before it begins")
    return Between(least, most)


def apart(conditions: Mapping[str, Any], columns: Container[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The conditions about columns, and by table those about numbers of rows.

    Args:
        columns: that are there: one of them may be called ``count(orders)``.
    """
    counts = {name: table for name in conditions if name not in columns and (table := counted(name)) is not None}
    about = {name: wanted for name, wanted in conditions.items() if name not in counts}
    return about, {table: conditions[name] for name, table in counts.items()}
