"""Rules across tables whose every step is known: what rows they make, and which rows break them. Pure.

Tables come as Arrow tables by name, keys included. A value that a missing key, or one that names no row, leads to is
missing; as in every rule, a row in which a value is missing breaks none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from synthkit.rules.across.language import Function, Sum, parse_across
from synthkit.rules.coding import rows_named
from synthkit.rules.comparing import satisfied
from synthkit.rules.evaluate import evaluate, numbers_of
from synthkit.rules.expression import Expression, Name, names_in
from synthkit.rules.formula import NEAR
from synthkit.rules.inequality import Inequality

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.rules.coding import Floats, Mask

Rows = Mapping[str, Any]  # table → pyarrow.Table


@dataclass(frozen=True)
class Hop:
    """From a table by its ``columns`` to the row of ``table`` whose primary key, ``named``, they hold."""

    columns: tuple[str, ...]
    table: str
    named: tuple[str, ...]


@dataclass(frozen=True)
class Copied:
    """``column`` of ``table`` is ``other`` of the row at the end of the hops."""

    text: str
    table: str
    column: str
    hops: tuple[Hop, ...]
    other: str

    def __str__(self) -> str:
        return self.text

    @property
    def tables(self) -> tuple[str, ...]:
        return (self.table, *(h.table for h in self.hops))

    def computed(self, tables: Rows) -> pa.ChunkedArray:
        """The column's values, in the type of the other column."""
        return _along(tables, self.table, self.hops, self.other)

    def violations(self, tables: Rows) -> Mask:
        """Which rows of ``table`` break it, shape (rows,)."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        given, other = tables[self.table][self.column], self.computed(tables)
        if given.type != other.type:
            given, other = given.cast(pa.string()), other.cast(pa.string())
        differs = pc.fill_null(pc.not_equal(given, other), False)
        return np.asarray(differs.to_numpy(), dtype=bool)


@dataclass(frozen=True)
class Compared:
    """``column`` of ``table`` is ``sign`` of ``other`` of the row at the end of the hops."""

    text: str
    table: str
    column: str
    sign: Literal["<", "<=", ">", ">="]
    hops: tuple[Hop, ...]
    other: str

    def __str__(self) -> str:
        return self.text

    @property
    def tables(self) -> tuple[str, ...]:
        return (self.table, *(h.table for h in self.hops))

    def bound(self, tables: Rows) -> pa.ChunkedArray:
        """What each row is compared with."""
        return _along(tables, self.table, self.hops, self.other)

    def violations(self, tables: Rows) -> Mask:
        """Which rows of ``table`` break it, shape (rows,)."""
        import pyarrow as pa

        from synthkit.rules.coding import one_batch

        both = pa.table({"left": tables[self.table][self.column], "right": self.bound(tables)})
        return ~satisfied(Inequality("left", self.sign, "right"), one_batch(both))


@dataclass(frozen=True)
class RolledUp:
    """``column`` of ``table`` is ``function`` of an expression over the rows of ``child`` that name its row by ``hop``.

    Of a row that no child names it is 0 (sum, count) or missing. ``decimals``: what it is rounded to.
    """

    text: str
    table: str
    column: str
    function: Function
    child: str
    hop: Hop
    expression: Expression | None
    decimals: int | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def tables(self) -> tuple[str, ...]:
        return (self.table, self.child)

    @property
    def picked(self) -> str | None:
        """The child's column of which one value is taken as it is: the least or the greatest, a day among them."""
        plain = self.function in ("min", "max") and isinstance(self.expression, Name) and self.decimals is None
        return self.expression.column if plain and isinstance(self.expression, Name) else None

    def computed(self, tables: Rows) -> Floats | pa.ChunkedArray:
        """The column's values: numbers, NaN where there is none; of what is picked a column of the child's type."""
        import numpy as np

        if self.picked is not None:
            return self._taken(tables, self.picked)
        found, _ = self._rolled(tables)
        return found if self.decimals is None else np.round(found, self.decimals)

    def absent(self, tables: Rows) -> Mask:
        """Which rows of ``table`` are given no value. Shape (rows,)."""
        import numpy as np

        return ~np.isfinite(self._rolled(tables)[0])

    def violations(self, tables: Rows) -> Mask:
        """Which rows of ``table`` break it, shape (rows,): beyond what floating point, and the rounding, lose."""
        import numpy as np

        if self.picked is not None:
            given, found = (numbers_of(c) for c in (tables[self.table][self.column], self._taken(tables, self.picked)))
            return np.asarray(np.isfinite(given) & np.isfinite(found) & (given != found), dtype=bool)
        found, size = self._rolled(tables)
        given = numbers_of(tables[self.table][self.column])
        near = NEAR * (size + np.abs(np.nan_to_num(given)))
        if self.decimals is not None:
            near = near + 0.5 * 10.0**-self.decimals * (1 + 1e-6)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(given - found) > near, dtype=bool)

    def _taken(self, tables: Rows, column: str) -> pa.ChunkedArray:
        """For each row of the table the least, or greatest, value of the rows that name it."""
        import numpy as np
        import pyarrow as pa

        parent, child = tables[self.table], tables[self.child]
        row = rows_named(child.select(self.hop.columns), parent.select(self.hop.named))
        values = numbers_of(child[column])
        good = np.flatnonzero((row >= 0) & np.isfinite(values))
        order = good[np.argsort(values[good] if self.function == "max" else -values[good], kind="stable")]
        at = np.full(parent.num_rows, -1)
        at[row[order]] = order  # the last one that is put in stays
        found: pa.ChunkedArray = child[column].take(pa.array(np.maximum(at, 0), mask=at < 0))
        return found

    def _rolled(self, tables: Rows) -> tuple[Floats, Floats]:
        """The rolled-up values, and the sum of the sizes that went in. Shape (rows of the table,) each."""
        import numpy as np

        parent, child = tables[self.table], tables[self.child]
        row = rows_named(child.select(self.hop.columns), parent.select(self.hop.named))
        values: Floats = np.ones(child.num_rows)
        if self.expression is not None:
            values = np.asarray(evaluate(self.expression, child), dtype=np.float64)
        good = (row >= 0) & np.isfinite(values)
        row, values = row[good], values[good]
        many = parent.num_rows
        count = np.bincount(row, minlength=many)
        size: Floats = np.bincount(row, np.abs(values), minlength=many).astype(np.float64)
        if self.function in ("sum", "count", "mean"):
            found: Floats = np.bincount(row, values, minlength=many).astype(np.float64)
            if self.function == "mean":
                found = np.divide(found, count, out=np.full(many, np.nan), where=count > 0)
            return found, size
        extreme = np.full(many, np.inf if self.function == "min" else -np.inf)
        (np.minimum if self.function == "min" else np.maximum).at(extreme, row, values)
        extreme[count == 0] = np.nan
        return extreme, size


def bound(text: str, hops: Sequence[Hop]) -> Across:
    """The rule of a text whose keys are known: the way of a walk, or the child's key to its parent."""
    said = parse_across(text)
    if isinstance(said, Sum):
        (hop,) = hops
        more = (said.expression, said.decimals)
        return RolledUp(said.text, said.table, said.column, said.function, said.child, hop, *more)
    if said.sign == "=":
        return Copied(said.text, said.table, said.column, tuple(hops), said.other)
    return Compared(said.text, said.table, said.column, said.sign, tuple(hops), said.other)


def hops_of(rule: Across) -> tuple[Hop, ...]:
    """What :func:`bound` makes the rule of again, with its text."""
    return (rule.hop,) if isinstance(rule, RolledUp) else rule.hops


Across = Copied | Compared | RolledUp


def reads(rule: Across) -> Iterator[tuple[str, str]]:
    """The columns, as (table, column), that decide what a rule demands."""
    if isinstance(rule, RolledUp):
        yield from ((rule.child, c) for c in rule.hop.columns)
        yield from ((rule.table, c) for c in rule.hop.named)
        yield from () if rule.expression is None else ((rule.child, c) for c in names_in(rule.expression))
        return
    here = rule.table
    for hop in rule.hops:
        yield from ((here, c) for c in hop.columns)
        yield from ((hop.table, c) for c in hop.named)
        here = hop.table
    yield here, rule.other


def belongs_to(rule: Across) -> str:
    """The table whose rows name others by the rule's (first) key."""
    return rule.child if isinstance(rule, RolledUp) else rule.table


def _along(tables: Rows, start: str, hops: Sequence[Hop], column: str) -> pa.ChunkedArray:
    import numpy as np
    import pyarrow as pa

    at: Any = np.arange(tables[start].num_rows)
    here = start
    for hop in hops:
        step = rows_named(tables[here].select(hop.columns), tables[hop.table].select(hop.named))
        at = np.where(at >= 0, step[at], -1) if len(step) else np.full(len(at), -1)
        here = hop.table
    found: pa.ChunkedArray = tables[here][column].take(pa.array(np.where(at < 0, 0, at), mask=at < 0))
    return found
