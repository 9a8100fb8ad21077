"""One reversible encoding for all native generators: small integer codes plus continuous residuals.

A table of n rows and d columns is held as n x d unsigned 16-bit codes and one float32 residual per value of a column
that needs one: 2 to 6 bytes a value, and never a wide float matrix. Fitting streams the table once and keeps a bounded
sample of every column; encoding streams it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.cells import Bins, Cells, Modes, cells_from_json
from synthkit.encoding.fill import pa_schema
from synthkit.encoding.numbers import Grid, from_raw, raw_numbers
from synthkit.encoding.values import array_of
from synthkit.errors import BuildError, did_you_mean
from synthkit.files import Json
from synthkit.schema import Cell, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True)
class Codes:
    """Encoded rows.

    Args:
        codes: the cell of each value, uint16, shape (rows, columns).
        residuals: the place in the cell, float32, shape (rows, continuous columns); 0 where the cell has none.
    """

    codes: np.ndarray[Any, Any]
    residuals: np.ndarray[Any, Any]

    def __len__(self) -> int:
        return len(self.codes)


def rows_in(table: Table) -> int:
    """How many rows the files of a table have."""
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(path).num_rows for path in table.paths)


@dataclass(frozen=True)
class ColumnCodec:
    """How one column is encoded. ``grid`` is set for numbers and times, ``vocabulary`` (JSON-able) for the others.

    Where the column has missing values, its last cell stands for them, so that they are part of the joint
    distribution like any other value.
    """

    name: str
    cells: Cells
    missing: bool
    grid: Grid | None = None
    vocabulary: tuple[Any, ...] = ()
    anonymised: bool = False  # the last word of the vocabulary stands for every value that is not in it

    @property
    def cardinality(self) -> int:
        """Number of cells, that of the missing values included."""
        return self.cells.cells + int(self.missing)

    @cached_property
    def has_residual(self) -> np.ndarray[Any, Any]:
        """Which cells carry a residual: booleans, shape (cardinality,)."""
        import numpy as np

        return np.append(self.cells.has_residual(), [False] * self.missing).astype(bool)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "cells": self.cells.to_json(),
            "missing": self.missing,
            "grid": None if self.grid is None else self.grid.to_json(),
            "vocabulary": list(self.vocabulary),
            "anonymised": self.anonymised,
        }

    @staticmethod
    def from_json(data: Json) -> ColumnCodec:
        grid = None if data["grid"] is None else Grid.from_json(data["grid"])
        vocabulary = tuple(data["vocabulary"])
        return ColumnCodec(
            data["name"], cells_from_json(data["cells"]), data["missing"], grid, vocabulary, data["anonymised"]
        )


@dataclass(frozen=True)
class Encoder:
    """The encoding of a table. ``arrow`` holds the serialised Arrow types in column order."""

    columns: tuple[ColumnCodec, ...]
    arrow: tuple[tuple[str, str], ...]

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Cells per column."""
        return tuple(c.cardinality for c in self.columns)

    @property
    def largest(self) -> int:
        """The greatest code of any column."""
        return max(self.cardinalities) - 1

    @property
    def code_type(self) -> type[np.int16] | type[np.int32]:
        """The type that :meth:`codes_of` gives codes in."""
        import numpy as np

        return np.int32 if self.largest > 2**15 - 1 else np.int16

    @cached_property
    def continuous(self) -> tuple[int, ...]:
        """Indexes of the columns that have residuals, in the order of ``Codes.residuals``."""
        return tuple(i for i, c in enumerate(self.columns) if c.has_residual.any())

    @property
    def discrete_columns(self) -> tuple[int, ...]:
        """Indexes of the columns without residuals."""
        return tuple(i for i in range(len(self.columns)) if i not in self.continuous)

    @cached_property
    def _types(self) -> pa.Schema:
        return pa_schema(self.arrow)

    @cached_property
    def _vocabularies(self) -> tuple[pa.Array | None, ...]:
        return tuple(
            None if c.grid is not None else array_of(list(c.vocabulary), self._types.field(c.name).type, c.name)
            for c in self.columns
        )

    def encode(self, batch: pa.RecordBatch | pa.Table, seed: int = 0) -> Codes:
        """Rows as codes. ``seed`` decides the draws of :class:`.cells.Modes`.

        Raises:
            BuildError: a category that the fitted table does not have.
        """
        import numpy as np
        import pyarrow as pa

        rng = np.random.default_rng(seed)
        codes = np.empty((batch.num_rows, len(self.columns)), dtype=np.uint16)
        residuals = np.zeros((batch.num_rows, len(self.continuous)), dtype=np.float32)
        for i, codec in enumerate(self.columns):
            values = batch.column(codec.name)
            values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
            code, residual = self._place(i, values, rng)
            codes[:, i] = code
            if i in self.continuous:
                # Rounding to float32 must not lead out of [0, 1).
                residuals[:, self.continuous.index(i)] = np.minimum(
                    residual, np.nextafter(np.float32(1), np.float32(0))
                )
        return Codes(codes, residuals)

    def encode_table(self, table: Table, seed: int = 0) -> Codes:
        """All rows of a table, streamed into arrays that are as large as they; the same seed gives the same codes."""
        import numpy as np

        rows, at = rows_in(table), 0
        codes = np.empty((rows, len(self.columns)), np.uint16)
        residuals = np.empty((rows, len(self.continuous)), np.float32)
        for i, batch in enumerate(table.batches([c.name for c in self.columns])):
            part = self.encode(batch, seed + i)
            codes[at : at + len(part)], residuals[at : at + len(part)] = part.codes, part.residuals
            at += len(part)
        return Codes(codes, residuals)

    def codes_of(self, table: Table) -> np.ndarray[Any, Any]:
        """The codes of all rows of a table, and nothing of where in their cells they are: shape (rows, columns).

        They are int16 where the greatest fits, else int32: a table of ten million rows and fifteen columns is 0.3 GB.
        """
        import numpy as np

        codes = np.empty((rows_in(table), len(self.columns)), self.code_type)
        at = 0
        for i, batch in enumerate(table.batches([c.name for c in self.columns])):
            codes[at : at + batch.num_rows] = self.encode(batch, i).codes
            at += batch.num_rows
        return codes

    def cells_of(self, values: Mapping[str, Cell]) -> dict[int, int]:
        """The number of each column, and the cell of its value. Raises BuildError as :meth:`cell_of` does."""
        names = [c.name for c in self.columns]
        cells = {name: self.cell_of(name, value) for name, value in values.items()}
        return {names.index(name): cell for name, cell in cells.items()}

    def cell_of(self, column: str, value: Any) -> int:
        """The cell of one value of a categorical or numeric column (None: missing).

        Raises:
            BuildError: the table has no such column or value.
        """
        import numpy as np
        import pyarrow as pa

        index = next((i for i, c in enumerate(self.columns) if c.name == column), None)
        if index is None:
            hint = did_you_mean(column, [c.name for c in self.columns], "a modelled column")
            raise BuildError(f"there is no modelled column {column!r}", hint=hint)
        kind = self._types.field(column).type
        one = pa.nulls(1, kind) if value is None else array_of([value], kind, column)
        code, residual = self._place(index, one, np.random.default_rng(0))
        if value is not None and not self._known(index, one, code, residual):
            raise BuildError(
                f"column {column!r} never is {value!r} in the rows learnt from", hint="ask for a value that it holds"
            )
        return int(code[0])

    def _known(self, index: int, one: pa.Array, code: Any, residual: Any) -> bool:
        """Whether a value can come back; a number also where it lies in the range of those that few people hold."""
        import numpy as np

        codec = self.columns[index]
        if codec.grid is None:
            return self._near(self._value(index, code, residual, np.zeros(1, dtype=bool)), one)
        raw, _ = raw_numbers(one, codec.name)
        position = codec.grid.positions(raw)
        if not codec.grid.first <= position[0] <= codec.grid.last or (
            codec.grid.rounded and position[0] != np.rint(position[0])
        ):
            return False
        return not isinstance(codec.cells, Bins | Modes) or bool(codec.cells.holds(position)[0])

    @staticmethod
    def _near(found: pa.Array, wanted: pa.Array) -> bool:
        import pyarrow.types as t

        if t.is_floating(wanted.type):
            a, b = found[0].as_py(), wanted[0].as_py()
            return bool(abs(a - b) <= 1e-3 * max(abs(a), abs(b)))
        return bool(found.equals(wanted))

    def with_values(self, rows: pa.RecordBatch, values: Mapping[str, Cell]) -> pa.RecordBatch:
        """Rows drawn from the cells of ``values``, with exactly these values in their columns."""
        import pyarrow as pa

        arrays = []
        for field in self._types:
            column = rows.column(field.name)
            if field.name in values and values[field.name] is not None:
                one = array_of([values[field.name]], field.type, field.name)
                column = one.take(pa.array([0] * rows.num_rows, pa.int8()))
            arrays.append(column)
        return pa.record_batch(arrays, schema=self._types)

    def decode(self, codes: Codes) -> pa.RecordBatch:
        """Rows in the source's columns and Arrow types, within the range that was seen."""
        import pyarrow as pa

        arrays = [self._column(i, codes) for i in range(len(self.columns))]
        return pa.record_batch(arrays, schema=self._types)

    def _column(self, i: int, codes: Codes) -> pa.Array:
        """One column's values: each is looked up by its cell, unless it has a place in it."""
        import numpy as np
        import pyarrow as pa

        code, known = codes.codes[:, i], self._of_cells[i]
        if i not in self.continuous:
            return known.take(pa.array(code))
        placed = np.flatnonzero(self.columns[i].has_residual[code])
        residual = codes.residuals[:, self.continuous.index(i)][placed].astype(np.float64)
        own = self._value(i, code[placed].astype(np.int64), residual, np.zeros(len(placed), dtype=bool))
        if len(placed) == len(code):
            return own
        at = code.astype(np.int32)
        at[placed] = np.arange(len(known), len(known) + len(placed))
        return pa.concat_arrays([known, own]).take(pa.array(at))

    @cached_property
    def _of_cells(self) -> tuple[pa.Array, ...]:
        """Each column's values by cell, at residual 0: what comes of a cell without a residual. Missing is the last."""
        import numpy as np

        found = []
        for i, codec in enumerate(self.columns):
            code = np.arange(codec.cardinality)
            missing = code == codec.cells.cells
            found.append(self._value(i, np.where(missing, 0, code), np.zeros(len(code)), missing))
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        return {"columns": [c.to_json() for c in self.columns], "arrow": [list(a) for a in self.arrow]}

    @staticmethod
    def from_json(data: Json) -> Encoder:
        columns = tuple(ColumnCodec.from_json(c) for c in data["columns"])
        return Encoder(columns, tuple((str(a), str(b)) for a, b in data["arrow"]))

    def _place(self, i: int, values: pa.Array, rng: np.random.Generator) -> tuple[Any, Any]:
        import numpy as np
        import pyarrow.compute as pc

        codec = self.columns[i]
        if codec.grid is not None:
            raw, valid = raw_numbers(values, codec.name)
            given = codec.grid.positions(raw)
        else:
            valid = values.is_valid().to_numpy(zero_copy_only=False)
            found = pc.index_in(values, self._vocabularies[i])
            index = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
            if codec.anonymised:
                index = np.where(index < 0, len(codec.vocabulary) - 1, index)
            self._all_known(codec, values, valid & (index < 0))
            given = np.where(valid, index, 0)
        code, residual = np.zeros(len(valid), dtype=np.int64), np.zeros(len(valid))
        if codec.cells.cells:
            code, residual = codec.cells.place(given, rng)
        if not valid.all():
            if not codec.missing:
                raise BuildError(f"column {codec.name!r} has missing values here, but none where it was learnt")
            code, residual = np.where(valid, code, codec.cells.cells), np.where(valid, residual, 0.0)
        return code, residual

    @staticmethod
    def _all_known(codec: ColumnCodec, values: pa.Array, unknown: np.ndarray[Any, Any]) -> None:
        if unknown.any():
            value = values[int(unknown.argmax())].as_py()
            hint = did_you_mean(str(value), [str(v) for v in codec.vocabulary][:1_000], "a value")
            raise BuildError(f"column {codec.name!r} never is {value!r} in the rows learnt from", hint=hint)

    def _value(self, i: int, code: Any, residual: Any, missing: Any) -> pa.Array:
        import numpy as np
        import pyarrow as pa

        codec, kind = self.columns[i], self._types.field(i).type
        if not codec.cells.cells:
            return pa.nulls(len(code), kind)
        found = codec.cells.value(code, residual)
        if codec.grid is not None:
            return from_raw(codec.grid.raw(found), missing, kind)
        vocabulary = self._vocabularies[i]
        assert vocabulary is not None
        found = np.minimum(found, len(vocabulary) - 1)
        return vocabulary.take(pa.array(found, mask=missing if missing.any() else None))
