"""Drawn tables with other keys than 1, 2, …: such as no real row has, and the keys that name their rows with them.

A generator of several tables gives rows keys of its own, which join. Where the rows are to stand beside real ones, as
``keys: fresh`` and ``keys: continue`` say (:mod:`synthkit.encoding.taken`), each key that is made up is made anew, and
what names a row by the old one names it by the new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.makers import Maker, make_maker
from synthkit.encoding.rules import FillRule
from synthkit.encoding.shapes import learn_shapes
from synthkit.encoding.taken import Taken, taken_of
from synthkit.encoding.view import lay_down, with_columns
from synthkit.errors import BuildError
from synthkit.generators.tables import Key
from synthkit.project.types import Keys
from synthkit.rules.coding import rows_named
from synthkit.schema import Column, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]


def rekeyed(
    drawn: Mapping[str, Table],
    keys: Sequence[Key],
    how: Keys,
    real: Mapping[str, Sequence[Table]],
    *,
    seed: int,
    folder: Path,
) -> dict[str, Table]:
    """The drawn tables with their new keys, in files of ``folder``.

    Args:
        drawn: the tables that were made; keys to others stay as they are.
        how: ``fresh`` or ``continue``; ``own`` leaves all as it is, and so does a table without rows.
        real: of each, its training rows and the held-out ones.

    Raises:
        BuildError: a key has no such values, or its type has no room for so many.
    """
    if how == "own" or not all(table.rows for table in drawn.values()):
        return dict(drawn)
    renamed = _Renamed(drawn, keys, how, real, seed)
    found = {}
    for number, (name, table) in enumerate(drawn.items()):
        columns = {n: renamed.column(name, n) for n in table.schema.names if renamed.changes(name, n)}
        if not columns:
            found[name] = table
            continue
        file = folder / f"rekeyed{number}.parquet"
        lay_down(with_columns(table.batches(), columns), file)
        found[name] = Table(table.schema, (file,), table.rows, table.metadata)
    return found


@dataclass
class _Renamed:
    drawn: Mapping[str, Table]
    keys: Sequence[Key]
    how: Keys
    real: Mapping[str, Sequence[Table]]
    seed: int
    known: dict[tuple[str, str], pa.Array] = field(default_factory=dict)
    more: dict[tuple[str, str], tuple[Maker, int]] = field(default_factory=dict)

    def changes(self, table: str, column: str) -> bool:
        """Whether a column is a key that is made up, or one that names such a key."""
        return self._made(table, column) or bool(self._ways(table, column))

    def _made(self, table: str, column: str) -> bool:
        own = self.drawn[table].schema.primary_key == (column,)
        return own and not any(column in k.columns for k in self.keys if k.table == table)

    def _ways(self, table: str, column: str) -> list[tuple[Key, str]]:
        """The keys that a column is a part of and whose rows are drawn, each with the other table's column."""
        found = []
        for key in self.keys:
            if key.table == table and column in key.columns and key.references in self.drawn:
                other = self.drawn[key.references].schema.primary_key[key.columns.index(column)]
                if self.changes(key.references, other):
                    found.append((key, other))
        return found

    def column(self, table: str, column: str) -> pa.Array:
        """The new values."""
        if (table, column) not in self.known:
            make = self._new if self._made(table, column) else self._followed
            self.known[table, column] = make(table, column)
        return self.known[table, column]

    def _old(self, table: str, names: Sequence[str]) -> pa.Table:
        return self.drawn[table].to_arrow(list(names))

    def _new(self, table: str, column: str) -> pa.Array:
        import pyarrow as pa
        import pyarrow.types as t

        rows, kind = self.drawn[table].rows, self._old(table, [column]).schema.field(column).type
        spec = self.drawn[table].schema.by_name[column]
        taken = taken_of(self.how, spec, self.real[table])
        shapes = None
        if t.is_string(kind) or t.is_large_string(kind):
            sides = [side.to_arrow([column]).column(0) for side in self.real[table]]
            shapes = learn_shapes(pa.chunked_array([c for side in sides for c in side.chunks]).drop_null())
        rule = FillRule(Column(column, "id", spec.sql_type, nullable=False), "key", unique=True, shapes=shapes)
        # Keys that name no row are made from here, too: there are never more of them than rows that name any.
        spare = sum(self.drawn[k.table].rows for k in self.keys if k.orphans and k.table in self.drawn)
        maker = make_maker(rule, kind, rows + spare, self.seed, taken)
        self.more[table, column] = (maker, rows)
        return maker.take(0, rows)

    def _followed(self, table: str, column: str) -> pa.Array:
        """Of each row the new key of the row that it names; another new one where it names none."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        old = self._old(table, [column]).column(0).combine_chunks()
        found = pa.nulls(len(old), old.type)
        left = old.is_valid().to_numpy(zero_copy_only=False)
        for key, other in self._ways(table, column):
            there = self.drawn[key.references].schema.primary_key
            named = rows_named(self._old(table, key.columns), self._old(key.references, there))
            mine = left & (named >= 0)
            values = self.column(key.references, other).take(pa.array(np.maximum(named, 0), mask=~mine))
            found = pc.if_else(pa.array(mine), self._cast(values, old.type, table, column), found)
            left &= named < 0
        if left.any():
            at = np.flatnonzero(left)
            lost = old.take(pa.array(at)).dictionary_encode()
            fresh = self._spare(*self._ways(table, column)[0], len(lost.dictionary)).take(lost.indices)
            found = pc.replace_with_mask(found, pa.array(left), self._cast(fresh, old.type, table, column))
        return found

    def _spare(self, key: Key, other: str, count: int) -> pa.Array:
        """New keys of a column that no row has."""
        table = key.references
        while not self._made(table, other):
            step, there = self._ways(table, other)[0]
            table, other = step.references, there
        self.column(table, other)
        maker, start = self.more[table, other]
        self.more[table, other] = (maker, start + count)
        return maker.take(start, count)

    def _cast(self, values: pa.Array, kind: pa.DataType, table: str, column: str) -> pa.Array:
        import pyarrow as pa

        try:
            return values.cast(kind)
        except pa.ArrowInvalid as error:
            raise BuildError(
                f"keys: {self.how}: {column!r} of {table!r} cannot hold the keys of the rows that it names: {error}",
                hint="declare a wider type, the same on both columns",
            ) from None


def taken_beside(how: Keys, columns: Sequence[FillRule], real: Sequence[Table]) -> dict[str, Taken]:
    """Of other columns that are made up as keys, what real rows have taken."""
    if how == "own":
        return {}
    return {r.column.name: taken_of(how, r.column, real) for r in columns if r.kind in ("key", "foreign")}
