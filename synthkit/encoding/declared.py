"""Rows as positions on axes that the declaration alone decides: the encoding under differential privacy.

Everything here follows from a column's declaration (type, bounds, values, decimals, nullable) and its physical type.
No count, extreme, category, null or digit of any row decides a shape, a type or a position's meaning, so that adding or
removing one row adds or removes exactly one position of each column and changes nothing else. Each row is treated by
itself: a number outside the bounds is clamped into them; a value that is not among the declared ones becomes missing,
or its row is dropped where the column is declared not nullable; NaN counts as missing, an infinity as outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.axes import Axis, along, axis_of, roundest, steps_of
from synthkit.encoding.fill import pa_schema, serialised
from synthkit.encoding.numbers import at_steps, from_raw, raw_values
from synthkit.encoding.values import array_of
from synthkit.errors import BuildError, did_you_mean
from synthkit.files import Json
from synthkit.schema import Cell, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

DROPPED = -1  # the position of a value that its column cannot hold


@dataclass(frozen=True)
class DeclaredEncoder:
    """The axes of a table and its physical types (serialised, in column order)."""

    axes: tuple[Axis, ...]
    arrow: tuple[tuple[str, str], ...]

    @cached_property
    def types(self) -> pa.Schema:
        return pa_schema(self.arrow)

    @cached_property
    def _vocabularies(self) -> tuple[pa.Array | None, ...]:
        return tuple(
            None if a.values is None else array_of(list(a.values), self.types.field(a.name).type, a.name)
            for a in self.axes
        )

    def encode(self, batch: pa.RecordBatch) -> list[Array]:
        """Positions of the rows that every column can hold: int64, one array of shape (kept rows,) per column."""
        found, kept = self.positions(batch)
        return found if kept.all() else [p[kept] for p in found]

    def positions(self, batch: pa.RecordBatch) -> tuple[list[Array], Array]:
        """Positions of all rows, one array of shape (rows,) per column, and which rows every column can hold."""
        import numpy as np

        found = [self._positions(i, batch.column(axis.name)) for i, axis in enumerate(self.axes)]
        kept = np.ones(batch.num_rows, dtype=bool)
        for p in found:
            kept &= p != DROPPED
        return found, kept

    def encode_table(self, table: Table) -> list[Array]:
        """Positions of all rows, in the smallest unsigned type that holds the axis; the rows are streamed."""
        import numpy as np

        kinds = [np.min_scalar_type(axis.size) for axis in self.axes]
        parts: list[list[Array]] = [[np.empty(0, kind)] for kind in kinds]
        for batch in table.batches([a.name for a in self.axes]):
            for part, kind, positions in zip(parts, kinds, self.encode(batch), strict=True):
                part.append(positions.astype(kind))
        found: list[Array] = []
        while parts:  # each column's parts are let go when they are put together
            found.append(np.concatenate(parts.pop(0)))
        return found

    def decode(self, positions: Sequence[Array], inner: Sequence[Array]) -> pa.RecordBatch:
        """Rows in the source's types, within what is declared.

        Args:
            positions: per column, shape (rows,).
            inner: per column, where within its step a value off every grid lies, in [0, 1); nan asks for the roundest
                number of the step.
        """
        import pyarrow as pa

        arrays = [self._values(i, p, u) for i, (p, u) in enumerate(zip(positions, inner, strict=True))]
        return pa.record_batch(arrays, schema=self.types)

    def position_of(self, column: str, value: Any) -> int:
        """The position of one value (None: missing).

        Raises:
            BuildError: there is no such modelled column, or it cannot hold the value.
        """
        import pyarrow as pa

        index = next((i for i, a in enumerate(self.axes) if a.name == column), None)
        if index is None:
            hint = did_you_mean(column, [a.name for a in self.axes], "a modelled column")
            raise BuildError(f"there is no modelled column {column!r}", hint=hint)
        kind = self.types.field(column).type
        one = pa.nulls(1, kind) if value is None else array_of([value], kind, column)
        found = int(self._positions(index, one)[0])
        axis = self.axes[index]
        if found == DROPPED or (value is not None and found == axis.points):
            known = "" if axis.values is None else did_you_mean(str(value), [str(v) for v in axis.values], "a value")
            hint = known or "declare the column nullable, or ask for a value"
            raise BuildError(f"column {column!r} is declared without {value!r}", hint=hint)
        return found

    def with_values(self, rows: pa.RecordBatch, values: Mapping[str, Cell]) -> pa.RecordBatch:
        """Rows drawn with the positions of ``values``, with exactly these values in their columns."""
        import pyarrow as pa

        arrays = []
        for field in self.types:
            column = rows.column(field.name)
            if values.get(field.name) is not None:
                one = array_of([values[field.name]], field.type, field.name)
                column = one.take(pa.array([0] * rows.num_rows, pa.int8()))
            arrays.append(column)
        return pa.record_batch(arrays, schema=self.types)

    def to_json(self) -> dict[str, Any]:
        return {"axes": [a.to_json() for a in self.axes], "arrow": [list(a) for a in self.arrow]}

    @staticmethod
    def from_json(data: Json) -> DeclaredEncoder:
        return DeclaredEncoder(
            tuple(Axis.from_json(a) for a in data["axes"]), tuple((str(a), str(b)) for a, b in data["arrow"])
        )

    def _positions(self, i: int, values: pa.Array) -> Array:
        import numpy as np
        import pyarrow.compute as pc

        axis = self.axes[i]
        absent = axis.points if axis.nullable else DROPPED
        if axis.values is not None:
            found = pc.index_in(values, self._vocabularies[i])
            return np.asarray(pc.fill_null(found, absent).to_numpy(zero_copy_only=False), dtype=np.int64)
        raw, valid = raw_values(values)
        return np.where(valid, steps_of(axis, raw), absent)

    def _values(self, i: int, positions: Array, inner: Array) -> pa.Array:
        import numpy as np
        import pyarrow as pa

        axis, kind = self.axes[i], self.types.field(i).type
        missing = positions >= axis.points
        position = np.where(missing, 0, positions).astype(np.int64)
        if axis.values is not None:
            vocabulary = self._vocabularies[i]
            assert vocabulary is not None
            if not axis.points:
                return pa.nulls(len(positions), kind)
            return vocabulary.take(pa.array(position, mask=missing if missing.any() else None))
        if axis.whole:
            return from_raw(at_steps(position, int(axis.low), int(axis.unit), axis.points - 1), missing, kind)
        if axis.decimals is not None:
            return from_raw((int(axis.low) + position) / 10.0**axis.decimals, missing, kind)
        found = along(axis, position + np.where(np.isnan(inner), 0.5, inner) - 0.5)
        found = np.clip(found, axis.low, along(axis, axis.points - 1))
        for p in np.unique(position[np.isnan(inner) & ~missing]):
            found[(position == p) & np.isnan(inner)] = roundest(axis, int(p))
        return from_raw(found, missing, kind)


def declared_encoder(table: Table, ends: Mapping[str, tuple[Any, Any]] | None = None) -> DeclaredEncoder:
    """The encoding that a table's declaration decides. Reads the table's Parquet schema, but no row.

    Args:
        ends: raw bounds of the columns that declare none, from a mechanism that paid for them.

    Raises:
        BuildError: a column lacks the declaration that its type needs; all such columns are listed.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = pq.read_schema(table.paths[0])
    physical = pa.schema([found.field(c.name) for c in table.schema.columns])
    faults, axes = [], []
    for column in table.schema.columns:
        kind = physical.field(column.name).type
        try:
            axes.append(axis_of(column, kind, (ends or {}).get(column.name)))
        except ValueError as error:
            faults.append(f"{column.name} ({error})")
    if faults:
        raise BuildError(
            f"with epsilon every column must be declared; these are not: {', '.join(faults)}",
            hint="declare values of categories and bounds of numbers and times on the source's columns, "
            "or let preprocessing_share: 0.1 pay for them",
        )
    return DeclaredEncoder(tuple(axes), serialised(physical))
