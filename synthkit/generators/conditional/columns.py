"""Columns as cells: the fields that are drawn, their feature codes, and a chain of them, each given those before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.encoding.encoder import ColumnCodec, Encoder
from synthkit.encoding.fitting import fit_encoder
from synthkit.files import scratch
from synthkit.generators.conditional.additive import Shape
from synthkit.generators.conditional.boosting import Learning
from synthkit.generators.conditional.dichotomies import Conditional, Features, fit_conditional
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.conditional.telling import grouped, repeated_in
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Of a field, given the cells so far and each entity's rows: logarithms of factors, shape (rows, cells); None: of none.
Lean = Callable[[int, "Array", "Array"], "Array | None"]
CELLS = 64  # of a numeric column, at most
UNIT = "(unit)"  # the column that says whose numbers are
WIDEST = 254  # feature codes: one more says that there is nothing (a row before the first)


@dataclass(frozen=True)
class Field:
    """What is drawn as a cell: a column, or a number that is planned.

    Args:
        narrow: the feature code of each cell, where it has more cells than codes.
        least: rows that its entity must have for it to mean anything.
    """

    name: str
    codec: ColumnCodec
    narrow: Array | None = None
    least: int = 0

    @property
    def numeric(self) -> bool:
        return self.codec.grid is not None

    @property
    def cells(self) -> int:
        return max(1, self.codec.cardinality)

    @property
    def bins(self) -> int:
        """Feature codes; the code ``bins`` itself says that there is no row."""
        return min(self.cells, WIDEST)

    @property
    def blank(self) -> int:
        """The first feature code that stands for no value."""
        return min(self.codec.cells.cells, self.bins)

    @property
    def none(self) -> int:
        """The cell of a missing value; the first one where there is none."""
        return self.codec.cells.cells if self.codec.missing else 0

    def features(self, cells: Array) -> Array:
        """Cells as feature codes, uint8."""
        import numpy as np

        return (cells if self.narrow is None else self.narrow[cells]).astype(np.uint8)

    def values(self, cells: Array, places: Array) -> Array:
        """Cells and places in them as positions on the column's grid, NaN where missing; of a category its cell."""
        import numpy as np

        if not self.numeric:
            return cells.astype(np.float64)
        if not self.codec.cells.cells:
            return np.full(len(cells), np.nan)
        missing = cells >= self.codec.cells.cells
        found = self.codec.cells.value(np.where(missing, 0, cells), places)
        if self.codec.grid is not None and self.codec.grid.rounded:
            found = np.rint(found)
        return np.where(missing, np.nan, found)

    def place(self, positions: Array) -> Array:
        """The cell of each position (NaN: missing)."""
        import numpy as np

        if not self.codec.cells.cells:
            return np.zeros(len(positions), dtype=np.int64)
        missing = np.isnan(positions)
        code, _ = self.codec.cells.place(np.where(missing, 0.0, positions), np.random.default_rng(0))
        return np.where(missing, self.none, code)

    def numbers(self, cells: Array, places: Array) -> Array:
        """As :meth:`values`, but the numbers themselves: of fields that were made as numbers."""
        import numpy as np

        found, grid = self.values(cells, places), self.codec.grid
        if grid is None:
            return found
        missing = np.isnan(found)
        return np.where(missing, np.nan, grid.raw(np.where(missing, 0.0, found)).astype(np.float64))

    def place_numbers(self, numbers: Array) -> Array:
        """The cell of each number (NaN: missing)."""
        return self.place(self.positions(numbers))

    def positions(self, numbers: Array) -> Array:
        """Numbers as positions on the column's grid, NaN where missing."""
        import numpy as np

        grid = self.codec.grid
        assert grid is not None
        missing = np.isnan(numbers)
        raw = np.where(missing, 0.0, numbers)
        return np.where(missing, np.nan, grid.positions(np.rint(raw).astype(np.int64) if grid.whole else raw))


def field_of(codec: ColumnCodec, cells: Array, least: int = 0) -> Field:
    """The field of a column whose cells are these."""
    import numpy as np

    narrow = None
    if codec.cardinality > WIDEST:
        counts = np.bincount(cells, minlength=codec.cardinality)
        narrow = grouped(counts, WIDEST, ordered=codec.grid is not None)
    return Field(codec.name, codec, narrow, least)


def encoded(table: Table, params: ConditionalParams, seed: int, cells: int = CELLS) -> Encoder:
    """The encoding of a table's columns, with so many cells for a numeric one at most."""
    bins = params.bins or min(cells, max(12, table.rows // 40))
    return fit_encoder(
        table,
        cells="wide bins",
        most=bins,
        max_categories=params.max_categories,
        rare=params.rare,
        min_count=params.min_count,
        seed=seed,
    )


def numbers_encoded(
    numbers: Mapping[str, Array], params: ConditionalParams, seed: int, cells: int = CELLS, *, units: Array | None
) -> tuple[tuple[ColumnCodec, ...], Array]:
    """Numbers of entities (NaN: none) as cells: how each is encoded, and the codes, shape (rows, numbers).

    Args:
        units: whose each row is, as numbers: of how many people a number is that is given out as it is; None: each row
            is one.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    def column(values: Array) -> pa.Array:
        missing = np.isnan(values)
        some = values[~missing]
        if np.all(some == np.rint(some)) and np.all(abs(some) < 2**53):
            return pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
        return pa.array(values, mask=missing)

    arrays = {name: column(values) for name, values in numbers.items()}
    columns = tuple(Column(n, "integer" if pa.types.is_integer(a.type) else "float", "") for n, a in arrays.items())
    with scratch("numbers") as folder:
        file = Path(folder) / "numbers.parquet"
        whose = {} if units is None else {UNIT: pa.array(units)}
        rows = pa.table({**arrays, **whose})
        pq.write_table(rows, file)
        table = Table(Schema(columns, privacy_unit=None if units is None else UNIT), (file,), rows.num_rows)
        encoder = encoded(table, params, seed, cells)
        return encoder.columns, encoder.codes_of(table).astype(np.int64)


def spread(encoder: Encoder, residuals: Array) -> Array:
    """Residuals of the continuous columns as places for all columns."""
    import numpy as np

    found = np.zeros((len(residuals), len(encoder.columns)))
    found[:, list(encoder.continuous)] = residuals
    return found


def known_of(means: Array, unknown: Array, units: Array | None, least: int) -> Array:
    """The rows that a field is learnt from: of those where it means something the ones where it is known; all of them
    where these belong to fewer than ``least`` units, as what so few rows say would be said of every drawn row.

    Args:
        means, unknown: booleans, shape (rows,).
        units: whose each row is, as numbers; None: each is one.
    """
    import numpy as np

    known = np.asarray(means & ~unknown)
    held = int(known.sum()) if units is None else len(np.unique(units[known]))
    return known if held >= least or not unknown.any() else means


def learning_of(params: ConditionalParams) -> Learning:
    return Learning(params.trees, params.leaves, params.min_leaf, params.rate)


@dataclass(frozen=True)
class Context:
    """Features of rows: codes (uint8, shape (rows, features)), how many each has (``bins`` itself: none), which have
    no order, and from which code on there is no value."""

    codes: Array
    bins: Array
    nominal: Array
    blank: Array

    @staticmethod
    def nothing(rows: int) -> Context:
        """Rows of which nothing is known."""
        import numpy as np

        none = np.zeros(0, np.int64)
        return Context(np.zeros((rows, 0), np.uint8), none, np.zeros(0, bool), none)

    def take(self, rows: Array) -> Context:
        """The features of some rows; of row -1 there are none."""
        import numpy as np

        none = self.bins.astype(np.uint8)
        if not len(self.codes):
            return Context(np.tile(none, (len(rows), 1)), self.bins, self.nominal, self.blank)
        found = self.codes[np.maximum(rows, 0)]
        found[rows < 0] = none
        return Context(found, self.bins, self.nominal, self.blank)

    def without(self, unknown: Array) -> Context:
        """The features but those that are not known, shape (rows, features)."""
        import numpy as np

        codes = np.where(unknown, self.bins.astype(np.uint8), self.codes)
        return Context(codes, self.bins, self.nominal, self.blank)

    def first(self, most: int) -> Context:
        """The first features, at most so many."""
        return Context(self.codes[:, :most], self.bins[:most], self.nominal[:most], self.blank[:most])

    @staticmethod
    def join(*parts: Context) -> Context:
        import numpy as np

        return Context(
            np.concatenate([p.codes for p in parts], axis=1),
            np.concatenate([p.bins for p in parts]),
            np.concatenate([p.nominal for p in parts]),
            np.concatenate([p.blank for p in parts]),
        )

    @staticmethod
    def of(fields: Sequence[Field], cells: Array) -> Context:
        """Fields of drawn cells, shape (rows, fields)."""
        import numpy as np

        codes = np.zeros((len(cells), len(fields)), dtype=np.uint8)
        for j, field in enumerate(fields):
            codes[:, j] = field.features(cells[:, j])
        bins = np.array([f.bins for f in fields], dtype=np.int64)
        nominal = np.array([not f.numeric for f in fields], dtype=bool)
        return Context(codes, bins, nominal, np.array([f.blank for f in fields], dtype=np.int64))


@dataclass(frozen=True)
class Chain:
    """Fields of a row, each given a context and those before it.

    Args:
        count: which of the fields is the number of rows that others are about; -1: none.
    """

    fields: tuple[Field, ...]
    parts: tuple[Conditional, ...]
    count: int = -1

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        return tuple(i for i, f in enumerate(self.fields) if f.numeric)

    def draw(
        self,
        context: Context,
        rng: np.random.Generator,
        wanted: Mapping[int, int] | None = None,
        rows: Array | None = None,
        lean: Lean | None = None,
    ) -> tuple[Array, Array, Array]:
        """Cells and places in them, shape (rows, fields), and what each row weighs.

        Args:
            wanted: field → the cell that it must have; the weight of a row is then the chance that it has them.
            rows: the number of rows of each entity, where it is known already; NaN: not.
            lean: how much likelier some cells are made.
        """
        import numpy as np

        size, before = len(context.codes), context.codes.shape[1]
        x = np.empty((size, before + len(self.fields)), dtype=np.uint8)
        x[:, :before] = context.codes
        cells = np.zeros((size, len(self.fields)), dtype=np.int64)
        places = rng.random((size, len(self.fields)))
        weight = np.zeros(size)
        held: Array | None = rows
        for j, (field, part) in enumerate(zip(self.fields, self.parts, strict=True)):
            if wanted is not None and j in wanted:
                cells[:, j] = wanted[j]
                weight += part.log_prob(x, cells[:, j])
            elif field.least and held is not None:
                means = held >= field.least
                cells[:, j] = field.none
                more = None if lean is None else lean(j, cells[means], held[means])
                cells[means, j] = part.draw(x[means], rng) if more is None else part.draw_leaning(x[means], more, rng)
            else:
                cells[:, j] = part.draw(x, rng)
            if j == self.count:
                drawn = field.numbers(cells[:, j], places[:, j])
                held = drawn if rows is None else np.where(np.isnan(rows), drawn, rows)
                if rows is not None:
                    cells[:, j] = field.place_numbers(held)
            x[:, before + j] = field.features(cells[:, j])
        return cells, places, weight


def fit_chain(
    fields: Sequence[Field],
    cells: Array,
    context: Context,
    part: Array,
    params: ConditionalParams,
    *,
    count: int = -1,
    rows: Array | None = None,
    counted: Array | None = None,
    groups: Sequence[Array] = (),
    unknown: Array | None = None,
    units: Array | None = None,
) -> Chain:
    """Learn each field from the context and the fields before it.

    Args:
        cells: shape (rows, fields).
        rows: of each entity: a field that needs more is not learnt from it.
        counted: the entities whose number of rows is drawn; None: all.
        groups: of rows that may have much of the context in common, the widest first: the number of each row's.
        unknown: which cells are not known, shape (rows, fields): they are not learnt, and nothing is from them.
        units: whose each row is, as numbers; None: each is one. See :func:`known_of`.
    """
    import numpy as np

    here = Context.of(fields, cells)
    given = Context.join(context, here if unknown is None else here.without(unknown))
    shape = Shape(given.bins + 1, given.nominal, given.blank)
    whole = Features(given.codes, shape, repeated_in(context.codes, groups))
    before, parts = context.codes.shape[1], []
    for j, field in enumerate(fields):
        means = np.ones(len(cells), dtype=bool) if rows is None else rows >= field.least
        if j == count and counted is not None and counted.any():
            means = means & counted
        if unknown is not None:
            means = known_of(means, unknown[:, j], units, params.min_count)
        parts.append(
            fit_conditional(
                cells[means, j],
                whole.of(means),
                np.arange(before + j),
                part[means],
                ordered=field.numeric,
                learning=learning_of(params),
                most=params.features,
            )
        )
    return Chain(tuple(fields), tuple(parts), count)
