"""The ways from a table along keys, and what is known of a rule across tables that all rows keep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthkit.rules.across.bound import Across, Copied, Hop, Rows
from synthkit.rules.coding import rows_named

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.int64]

DEEPEST = 3  # keys that a way goes along
NAME = re.compile(r"[^\W\d]\w*")  # what a rule can say without quotes


@dataclass(frozen=True)
class Way:
    """A key: from the rows of ``table`` along ``hop``; ``owner``: to the row that they belong to."""

    table: str
    hop: Hop
    owner: bool = False

    @property
    def step(self) -> str:
        """How a rule names it: by its column, or of several columns by the table that it leads to."""
        return self.hop.columns[0] if len(self.hop.columns) == 1 else self.hop.table

    @property
    def inner(self) -> bool:
        return self.table == self.hop.table


@dataclass(frozen=True)
class Shown:
    """A rule that all rows keep, and what speaks for it.

    Args:
        rows: in which it says something: of parents, for what is rolled up.
        chance: an upper bound of how likely so many keep it where the columns have nothing to do with each other, times
            the number of candidates that were looked at.
    """

    rule: Across
    rows: int
    chance: float

    def evidence(self) -> str:
        """In a line: in how many rows it holds, and how likely chance alone would have done that."""
        likely = "chance below 1e-99" if self.chance < 1e-99 else f"chance {self.chance:.0e}"
        return f"in {self.rows:,} of {self.rows:,} rows; {likely}"


@dataclass(frozen=True)
class Looked:
    """The tables that are looked at.

    Args:
        tables: their rows, keys included.
        ways: the keys.
        fields: of each table the columns that are learnt: neither keys nor made up.
        made: of some tables the columns that are made up, such as names: they may be copies.
        numbered: of some tables the columns that tell the rows of an owner apart, and name none of another table.
    """

    tables: Rows
    ways: Sequence[Way]
    fields: Mapping[str, Sequence[str]]
    made: Mapping[str, Sequence[str]] = field(default_factory=dict)
    numbered: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def paths(self, table: str) -> Iterator[tuple[Way, ...]]:
        """The ways from a table to others, the short ones first, no table twice."""
        found: list[tuple[Way, ...]] = [()]
        while found:
            path = found.pop(0)
            here = path[-1].hop.table if path else table
            passed = {table, *(w.hop.table for w in path)}
            for way in self.ways:
                said = sum(o.table == here and o.step == way.step for o in self.ways) == 1
                if way.table == here and way.hop.table not in passed and said and NAME.fullmatch(way.step):
                    yield (*path, way)
                    if len(path) + 1 < DEEPEST:
                        found.append((*path, way))

    def reached(self, path: Sequence[Way]) -> Array:
        """For each row of the first table: the row at the end of the way, below 0 where there is none."""
        import numpy as np

        at = np.arange(self.tables[path[0].table].num_rows)
        for way in path:
            hop = way.hop
            step = rows_named(self.tables[way.table].select(hop.columns), self.tables[hop.table].select(hop.named))
            at = np.where(at >= 0, step[at], -1) if len(step) else np.full(len(at), -1)
        return at

    def said(self, table: str, *more: Mapping[str, Sequence[str]]) -> list[str]:
        """The columns of a table that a rule can name: those that are learnt, and ``more``."""
        columns = [c for of in (self.fields, *more) for c in of.get(table, ())]
        return [c for c in columns if NAME.fullmatch(c)] if NAME.fullmatch(table) else []


def walked(table: str, column: str, sign: str, path: Sequence[Way], other: str) -> str:
    """The text of a rule along a way."""
    steps = ".".join((table, *(w.step for w in path), other))
    return f"{table}.{column} {sign} {steps}"


def copied(table: str, column: str, path: Sequence[Way], other: str) -> Copied:
    return Copied(walked(table, column, "=", path, other), table, column, tuple(w.hop for w in path), other)


def alike(one: str, other: str) -> bool:
    """Whether two names share a word, as price and unit_price do.

    >>> alike("list_price", "price"), alike("unitPrice", "price"), alike("day", "ordered_on")
    (True, True, False)
    """
    return bool(_words(one) & _words(other))


def _words(name: str) -> set[str]:
    return {w.lower() for w in re.split(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])", name) if len(w) > 2}


def only(values: Any) -> int:
    """How many different whole numbers there are from 0 on."""
    import numpy as np

    return len(np.unique(values[values >= 0]))
