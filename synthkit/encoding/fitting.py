"""Fit an :class:`~synthkit.encoding.encoder.Encoder` in one streaming pass with bounded memory.

Of a numeric column are kept: a uniform sample of at most 200,000 values, its range and grid, and the counts of its
different values as long as there are at most 10,000; of a categorical one the counts of its values.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from synthkit.encoding.cells import MOST_LISTED, Bins, Categories, Modes, fit_bins, fit_modes
from synthkit.encoding.encoder import ColumnCodec, Encoder
from synthkit.encoding.fill import serialised
from synthkit.encoding.numbers import GridSearch, raw_numbers
from synthkit.encoding.values import plain
from synthkit.errors import BuildError
from synthkit.schema import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 200_000  # values per numeric column
FEW_NUMBERS = 10  # different values: a numeric column of no more is a set of spikes
SPIKE = 0.05  # share of the rows that makes a value a spike of CTGAN's modes
OTHER = "(other)"  # what anonymised rare categories come back as
MOST_CELLS = 60_000  # codes are 16-bit
Rare = Literal["keep", "group", "anonymise"]


def fit_encoder(
    table: Table,
    *,
    cells: Literal["bins", "modes"],
    most: int,
    max_categories: int = 1_000,
    rare: Rare = "group",
    seed: int = 0,
) -> Encoder:
    """Learn the encoding of a table.

    Args:
        cells: quantile bins, or the modes of a Gaussian mixture, for numbers and times.
        most: bins or modes per numeric column, at most.
        max_categories: categories with a cell of their own; the most frequent ones have it.
        rare: what becomes of the others. ``keep``: each has its cell after all (refused beyond 60,000); ``group``: they
            share a cell and come back by their frequency; ``anonymise``: they come back as ``(other)`` (text only).
        seed: of the sample and of the mixture.

    Raises:
        BuildError: no column, no row, infinite numbers, or categories that cannot be kept or anonymised.
    """
    import pyarrow as pa

    columns = table.schema.columns
    if not columns or not table.rows:
        raise BuildError("there is nothing to learn from: the table has no " + ("columns" if not columns else "rows"))
    collectors: list[_Numbers | _Labels] | None = None
    schema: pa.Schema = None
    for batch in table.batches(list(table.schema.names)):
        if collectors is None:
            schema = batch.schema
            collectors = [_collector(c, schema.field(c.name).type, seed + i) for i, c in enumerate(columns)]
        for column, collector in zip(columns, collectors, strict=True):
            collector.add(batch.column(column.name), column.name)
    assert collectors is not None
    codecs = []
    for column, collector in zip(columns, collectors, strict=True):
        if isinstance(collector, _Numbers):
            codecs.append(collector.codec(column, cells, most, seed))
        else:
            codecs.append(collector.codec(column, max_categories, rare, schema.field(column.name).type))
    return Encoder(tuple(codecs), serialised(pa.schema([schema.field(c.name) for c in columns])))


def _collector(column: Column, kind: pa.DataType, seed: int) -> _Numbers | _Labels:
    import pyarrow.types as t

    number = t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind) or t.is_temporal(kind)
    return _Numbers(seed) if column.continuous and number and not t.is_duration(kind) else _Labels()


class _Numbers:
    """What one pass keeps of a numeric column."""

    def __init__(self, seed: int) -> None:
        import numpy as np

        self.rng = np.random.default_rng(seed)
        self.search = GridSearch()
        self.values: list[Any] = []
        self.keys: list[Any] = []  # a random number per value: the sample is the values of the smallest ones
        self.held = 0
        self.total = 0
        self.missing = False
        self.counts: tuple[Any, Any] | None = None
        self.countable = True

    def add(self, values: pa.Array, name: str) -> None:
        raw, valid = raw_numbers(values, name)
        self.missing |= not valid.all()
        raw = raw[valid]
        self.search.add(raw)
        self.total += len(raw)
        self.values.append(raw)
        self.keys.append(self.rng.random(len(raw)))
        self.held += len(raw)
        if self.held > 2 * SAMPLE:
            self._cut()
        if self.countable:
            self._count(raw)

    def _cut(self) -> None:
        import numpy as np

        values, keys = np.concatenate(self.values), np.concatenate(self.keys)
        if len(keys) > SAMPLE:
            keep = np.sort(np.argpartition(keys, SAMPLE)[:SAMPLE])
            values, keys = values[keep], keys[keep]
        self.values, self.keys, self.held = [values], [keys], len(values)

    def _count(self, raw: Any) -> None:
        import numpy as np

        values, counts = np.unique(raw, return_counts=True)
        if self.counts is not None:
            both = np.concatenate([self.counts[0], values])
            weights = np.concatenate([self.counts[1], counts])
            values, where = np.unique(both, return_inverse=True)
            counts = np.bincount(where, weights).astype(np.int64)
        self.countable = len(values) <= MOST_LISTED
        self.counts = (values, counts) if self.countable else None

    def codec(self, column: Column, cells: Literal["bins", "modes"], most: int, seed: int) -> ColumnCodec:
        import numpy as np

        grid = self.search.grid()
        if not self.total:
            return ColumnCodec(column.name, Categories(0, np.zeros(0)), True, grid)
        if self.counts is not None:
            raw, counts = self.counts
        else:
            self._cut()
            raw, counts = np.unique(self.values[0], return_counts=True)
        values = grid.positions(raw)
        found: Bins | Modes
        if cells == "bins":
            # A column off every grid is continuous, however few its rows; one on a grid holds the values it holds.
            listed = self.counts is not None and (grid.rounded or len(values) * 5 <= self.total)
            found = fit_bins(values, counts, most=most, rounded=grid.rounded, listed=listed)
        else:
            few = len(values) <= FEW_NUMBERS and len(values) * 5 <= self.total
            found = fit_modes(values, counts, most=most, spike_share=0.0 if few else SPIKE, seed=seed)
        return ColumnCodec(column.name, found, self.missing, grid)


class _Labels:
    """The counts of a categorical column."""

    def __init__(self) -> None:
        self.counts: Counter[Any] = Counter()
        self.missing = False

    def add(self, values: pa.Array, _name: str) -> None:
        import pyarrow.compute as pc

        self.missing |= values.null_count > 0
        found = pc.value_counts(values.drop_null())
        for value, count in zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True):
            self.counts[value] += count

    def codec(self, column: Column, most: int, rare: Rare, kind: pa.DataType) -> ColumnCodec:
        import numpy as np
        import pyarrow as pa

        ordered = sorted(self.counts, key=lambda v: (-self.counts[v], str(v)))
        vocabulary = tuple(plain(v) for v in ordered)
        kept = len(ordered) if rare == "keep" else min(most, len(ordered))
        if kept > MOST_CELLS:
            raise BuildError(
                f"column {column.name!r} has {len(ordered):,} categories, more than {MOST_CELLS:,}",
                hint="declare it as text or as an id, or let its rare categories be grouped (rare: group)",
            )
        if kept == len(ordered):
            return ColumnCodec(column.name, Categories(kept, np.zeros(0)), self.missing, vocabulary=vocabulary)
        if rare == "anonymise":
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise BuildError(
                    f"column {column.name!r} is {kind}: only text can be anonymised to {OTHER!r}",
                    hint="use rare: group, or raise max_categories",
                )
            return ColumnCodec(
                column.name,
                Categories(kept + 1, np.zeros(0)),
                self.missing,
                vocabulary=(*vocabulary[:kept], OTHER),
                anonymised=True,
            )
        counts = np.array([self.counts[v] for v in ordered[kept:]], dtype=np.float64)
        return ColumnCodec(column.name, Categories(kept, counts / counts.sum()), self.missing, vocabulary=vocabulary)
