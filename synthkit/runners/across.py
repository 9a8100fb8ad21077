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
from synthkit.rules.coding import codes_of, joint_codes
from synthkit.rules.evaluate import numbers_of, times_of
from synthkit.runners.leavingout import Loose
from synthkit.runners.within import Within

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.rules.coding import Codes, Floats, Mask

_DUST = 9  # decimals that a sum of floats is rounded to where no rule says how many
_TRIES = 3
_TURNS = 6  # in which rules across tables and within them come to terms


@dataclass
class Completed:
    """Tables of a family as they are to be published, each in a file, and the columns that rules have given them.

    Args:
        within: of some tables, the rules that hold within them.
        sequences: of some tables, the column by which rows of one owner follow one another, and those that name it.
        loose: the tables of which rows may be left out that no value lets keep the rules.
    """

    files: dict[str, Path]
    given: dict[str, dict[str, pa.ChunkedArray]] = field(default_factory=dict)
    within: Mapping[str, Within] = field(default_factory=dict)
    sequences: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    loose: Loose = field(default_factory=Loose)

    def apply(self, rules: Sequence[Across]) -> None:
        """Give the columns that the rules speak of the values that they demand.

        A column that is compared with another's moves to the nearest value that keeps the rule; that leaves the order
        of the rows of one parent as it is. Rows that follow one another move together, as far as the one of them that
        has to move furthest. What follows from a column within its table follows.

        Raises:
            BuildError: rules contradict one another.
        """
        broken = self._come_to_terms(rules)
        if broken and self._leave_out(broken):
            broken = self._come_to_terms(rules)
        if broken:
            hint = "drop one of the rules: what one gives a column another takes"
            raise BuildError(f"these rules across tables cannot all be kept: {'; '.join(map(str, broken))}", hint=hint)

    def _come_to_terms(self, rules: Sequence[Across]) -> list[Across]:
        """Give columns until all rules are kept, those within the tables, too; returns those that are not."""
        broken: list[Across] = []
        for turn in range(_TURNS):
            for rule in in_order(rules):
                tables = self._read(rule)
                if isinstance(rule, Compared):
                    column = _moved(rule, self._together(rule, tables, turn))
                else:
                    column = _cast(rule.computed(tables), tables[rule.table][rule.column].type)
                self._give(rule.table, rule.column, column)
            ordered = self._order({r.table for r in rules}, upwards=turn % 2 == 0)
            broken = [rule for rule in rules if rule.violations(self._read(rule)).any()]
            if not broken and ordered:
                break
        return broken

    def _leave_out(self, broken: Sequence[Across]) -> bool:
        """Leave out the rows that break what they are compared with, where few enough do."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        wrong: dict[str, Mask] = {}
        for rule in broken:
            if isinstance(rule, Compared):
                here = rule.violations(self._read(rule))
                wrong[rule.table] = wrong.get(rule.table, np.zeros(len(here), dtype=bool)) | here
        rows = {name: self._rows(name, self.loose.columns(name)) for name in self.files} if wrong else {}
        kept = self.loose.kept(rows, wrong) if wrong else None
        for name, mask in (kept or {}).items():
            stay = pa.array(mask)
            pq.write_table(pq.read_table(self.files[name]).filter(stay), self.files[name])
            self.given[name] = {c: v.filter(stay) for c, v in self.given.get(name, {}).items()}
        return bool(kept)

    def _together(self, rule: Compared, tables: dict[str, pa.Table], turn: int) -> dict[str, pa.Table]:
        """The tables, where the column is the time of rows that belong together with these moved at once.

        First they move as far apart as they are; where there is no room for that, closer together.
        """
        column, of = self.sequences.get(rule.table, ("", ()))
        if turn > 1 or rule.column != column or not rule.hops or rule.hops[0].columns != of:
            return tables
        rows = tables[rule.table]
        at = rows.column_names.index(column)
        bound = _cast(rule.bound(tables), rows[column].type)
        strict = {">": 1, "<": -1}.get(rule.sign, 0)
        group = joint_codes([codes_of(c) for c in rows.select(of).columns])
        move = _squeezed if turn else _shifted
        moved = move(rows[column], rule.violations(tables), _stepped(bound, strict), group)
        return {**tables, rule.table: rows.set_column(at, column, moved)}

    def _give(self, table: str, column: str, values: pa.ChunkedArray) -> None:
        """Give a table a column, and what follows from it."""
        import pyarrow as pa

        inside = self.within.get(table)
        found = {column: values} if inside is None else inside.follow(self._columns(inside, column), column, values)
        for name, one in found.items():
            whole = one if isinstance(one, pa.ChunkedArray) else pa.chunked_array([one])
            self.given.setdefault(table, {})[name] = whole

    def _order(self, tables: AbstractSet[str], *, upwards: bool) -> bool:
        """Whether the orderings within the tables held; those that did not are mended.

        What moved up pushes others up, and what moved down down: by turns one and the other.
        """
        import pyarrow as pa

        held = True
        for table in sorted(tables & self.within.keys()):
            inside = self.within[table]
            for _ in range(inside.many**2):
                columns = self._columns(inside)
                rule = inside.disordered(columns, upwards)
                if rule is None:
                    break
                self._give(table, rule.column, _moved(rule, {table: pa.table(columns)}))
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


def _shifted(column: pa.ChunkedArray, broken: Mask, bound: pa.ChunkedArray, group: Codes) -> pa.ChunkedArray:
    """The column with the rows of one group as far apart as they are, and none of them beyond its bound."""
    import numpy as np

    if not broken.any():
        return column
    values, limits = numbers_of(column), numbers_of(bound)
    missed = np.where(broken, limits - values, 0.0)
    most, least = np.zeros(group.max() + 1), np.zeros(group.max() + 1)
    np.maximum.at(most, group, missed)
    np.minimum.at(least, group, missed)
    return _in_type(values + (most + least)[group], column.type)


def _squeezed(column: pa.ChunkedArray, broken: Mask, bound: pa.ChunkedArray, group: Codes) -> pa.ChunkedArray:
    """The column with the rows of one group closer together, so that the one that is furthest beyond is at its bound;
    the one at the other end stays."""
    import numpy as np

    if not broken.any():
        return column
    values, limits = numbers_of(column), numbers_of(bound)
    many = group.max() + 1
    low, high, limit = np.full(many, np.inf), np.full(many, -np.inf), np.full(many, np.nan)
    known = np.isfinite(values)
    np.minimum.at(low, group[known], values[known])
    np.maximum.at(high, group[known], values[known])
    limit[group[broken]] = limits[broken]
    up = bool((limits[broken] > values[broken]).any())  # one rule's rows are all beyond on one side
    fixed, free = (high, low) if up else (low, high)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (limit - fixed) / (free - fixed)
    share = np.where((share >= 0) & (share < 1), share, 1.0)
    return _in_type(fixed[group] + (values - fixed[group]) * share[group], column.type)


def _in_type(values: Floats, kind: pa.DataType) -> pa.ChunkedArray:
    """Numbers as :func:`numbers_of` gives them, in the column's type."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_temporal(kind):
        return pa.chunked_array([times_of(values, ~np.isfinite(values), kind)])
    return _cast(values, kind)


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
