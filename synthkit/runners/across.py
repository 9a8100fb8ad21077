"""Rules across tables in drawn rows: columns are rolled up, copied along keys, moved to bounds; then all is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.view import with_columns
from synthkit.errors import BuildError
from synthkit.rules.across.bound import Across, Compared, reads
from synthkit.runners.within import Within

if TYPE_CHECKING:
    import pyarrow as pa

_DUST = 9  # decimals that a sum of floats is rounded to where no rule says how many
_TRIES = 3
_TURNS = 6  # in which rules across tables and within them come to terms


@dataclass
class Completed:
    """Tables of a family as they are to be published, each in a file, and the columns that rules have given them.

    Args:
        within: of some tables, the rules that hold within them.
    """

    files: dict[str, Path]
    given: dict[str, dict[str, pa.ChunkedArray]] = field(default_factory=dict)
    within: Mapping[str, Within] = field(default_factory=dict)

    def apply(self, rules: Sequence[Across]) -> None:
        """Give the columns that the rules speak of the values that they demand.

        A column that is compared with another's moves to the nearest value that keeps the rule; that leaves the order
        of the rows of one parent as it is. What follows from it within its table follows.

        Raises:
            BuildError: rules contradict one another.
        """
        broken: list[str] = []
        for turn in range(_TURNS):
            moved: set[tuple[str, str]] = set()
            for rule in in_order(rules):
                tables = self._read(rule)
                if isinstance(rule, Compared):
                    column = _moved(rule, tables)
                    moved.add((rule.table, rule.column))
                else:
                    column = _cast(rule.computed(tables), tables[rule.table][rule.column].type)
                self._give(rule.table, rule.column, column)
            ordered = self._order({r.table for r in rules}, moved, turn)
            broken = [str(rule) for rule in rules if rule.violations(self._read(rule)).any()]
            if not broken and ordered:
                break
        if broken:
            hint = "drop one of the rules: what one gives a column another takes"
            raise BuildError(f"these rules across tables cannot all be kept: {'; '.join(broken)}", hint=hint)

    def _give(self, table: str, column: str, values: pa.ChunkedArray) -> None:
        """Give a table a column, and what follows from it."""
        import pyarrow as pa

        inside = self.within.get(table)
        found = {column: values} if inside is None else inside.follow(self._columns(inside, column), column, values)
        for name, one in found.items():
            whole = one if isinstance(one, pa.ChunkedArray) else pa.chunked_array([one])
            self.given.setdefault(table, {})[name] = whole

    def _order(self, tables: AbstractSet[str], moved: AbstractSet[tuple[str, str]], turn: int) -> bool:
        """Whether the orderings within the tables held; those that did not are mended."""
        import pyarrow as pa

        held = True
        for table in tables & self.within.keys():
            inside = self.within[table]
            names = {column for t, column in moved if t == table}
            for rule in inside.disordered(self._columns(inside), names, turn):
                rows = {table: pa.table(self._columns(inside))}
                self._give(table, rule.column, _moved(rule, rows))
                held = False
        return held

    def _columns(self, inside: Within, *more: str) -> dict[str, Any]:
        """The columns that rules within a table are about, and others, as they are now."""
        from synthkit.rules.coding import whole

        rows = self._rows(inside.table, {*inside.names, *more})
        return {name: whole(rows[name]) for name in rows.column_names}

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """The rows of a table, in their order."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.files[name]) as file:
            yield from with_columns(file.iter_batches(), self.given.get(name, {}))

    def _read(self, rule: Across) -> dict[str, pa.Table]:
        """The columns that the rule looks at, of each of its tables."""
        wanted: dict[str, set[str]] = {name: set() for name in rule.tables}
        wanted[rule.table].add(rule.column)
        for table, column in reads(rule):
            wanted[table].add(column)
        return {name: self._rows(name, columns) for name, columns in wanted.items()}

    def _rows(self, table: str, columns: AbstractSet[str]) -> pa.Table:
        """Columns of a table, those that rules have given it among them."""
        import pyarrow.parquet as pq

        rows = pq.read_table(self.files[table], columns=sorted(columns))
        for column, values in self.given.get(table, {}).items():
            if column in columns:
                rows = rows.set_column(rows.column_names.index(column), column, values)
        return rows


def in_order(rules: Sequence[Across]) -> list[Across]:
    """Each rule after those that give a column that it reads; those of a circle as they were declared."""
    left, found = list(rules), list[Across]()
    while left:
        ready = next((r for r in left if not any(_gives(o, r) for o in left if o is not r)), left[0])
        left.remove(ready)
        found.append(ready)
    return found


def _gives(one: Across, other: Across) -> bool:
    """Whether a rule gives a column that the other reads."""
    return (one.table, one.column) in set(reads(other))


def _moved(rule: Compared, tables: dict[str, pa.Table]) -> pa.ChunkedArray:
    """The column, in each row that breaks the rule the nearest value that keeps it."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    column = tables[rule.table][rule.column]
    at = tables[rule.table].column_names.index(rule.column)
    bound = _cast(rule.bound(tables), column.type)
    for steps in range(_TRIES):
        broken = rule.violations(tables)
        if not broken.any():
            break
        moved = _stepped(bound, steps if rule.sign in (">", ">=") else -steps)
        chosen = pc.if_else(pa.array(np.asarray(broken)), moved, column)
        column = chosen if isinstance(chosen, pa.ChunkedArray) else pa.chunked_array([chosen])
        tables = {**tables, rule.table: tables[rule.table].set_column(at, rule.column, column)}
    return column


def _stepped(values: pa.ChunkedArray, steps: int) -> pa.ChunkedArray:
    """The values, so many of their smallest steps further: a unit in the last place, a day, a second."""
    from decimal import Decimal

    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as t

    kind = values.type
    if not steps:
        return values
    if t.is_floating(kind):
        missing = np.asarray(values.is_null())
        found = np.asarray(values.fill_null(0.0))
        for _ in range(abs(steps)):
            found = np.nextafter(found, found.dtype.type(np.inf if steps > 0 else -np.inf))
        return pa.chunked_array([pa.array(found, kind, mask=missing)])
    if t.is_decimal(kind):
        return pc.add(values, pa.scalar(Decimal(steps).scaleb(-kind.scale))).cast(kind)
    whole = pa.int32() if t.is_date32(kind) or t.is_time32(kind) else pa.int64()
    second = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
    width = second[kind.unit] if t.is_timestamp(kind) or t.is_time(kind) else 1
    return pc.add(values.cast(whole), pa.scalar(steps * width, whole)).cast(kind)


def _cast(values: Any, kind: pa.DataType) -> pa.ChunkedArray:
    """Values (an array of numbers, or a column) in the column's own type; NaN is missing."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.types as t

    if isinstance(values, pa.ChunkedArray):
        return values.cast(kind, safe=False)
    missing = ~np.isfinite(values)
    numbers = np.where(missing, 0.0, values)
    if t.is_integer(kind):
        return pa.chunked_array([pa.array(np.rint(numbers).astype("int64"), mask=missing).cast(kind)])
    decimals = kind.scale if t.is_decimal(kind) else _DUST
    return pa.chunked_array([pa.array(np.round(numbers, decimals), pa.float64(), mask=missing).cast(kind, safe=False)])
