"""Fit an :class:`.encoder.Encoder` in one streaming pass with bounded memory.

Of a numeric column are kept: a uniform sample of at most 200,000 values, its range and grid, and the counts of its
different values as long as there are at most 10,000; of a categorical one the counts of its values. Where rows belong
to privacy units, the sample says how many of them hold a value: with more rows than that, at least so many.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from synthkit.encoding.cells import MOST_LISTED, Bins, Categories, Modes, Values, fit_modes
from synthkit.encoding.encoder import ColumnCodec, Encoder
from synthkit.encoding.fill import serialised
from synthkit.encoding.numbers import EXACT, Grid, GridSearch, raw_numbers
from synthkit.encoding.pools import fit_bins
from synthkit.encoding.values import plain
from synthkit.errors import BuildError
from synthkit.schema import MIN_COUNT, Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 200_000  # values per numeric column
FEW_NUMBERS = 10  # different values: a numeric column of no more is a set of spikes
SPIKE = 0.05  # share of the rows that makes a value a spike of CTGAN's modes
OTHER = "(other)"  # what anonymised rare categories come back as
MOST_CELLS = 60_000  # codes are 16-bit
Rare = Literal["keep", "group", "anonymise"]
Cutting = Literal["bins", "wide bins", "modes"]


def fit_encoder(
    table: Table,
    *,
    cells: Cutting,
    most: int,
    max_categories: int = 1_000,
    rare: Rare = "group",
    min_count: int = MIN_COUNT,
    seed: int = 0,
) -> Encoder:
    """Learn the encoding of a table.

    Args:
        cells: for numbers and times: quantile bins (``wide bins``: fewer where people are few, so that each has enough
            of them), or the modes of a Gaussian mixture.
        most: bins or modes per numeric column, at most.
        max_categories: categories with a cell of their own; the most frequent ones have it.
        rare: what becomes of the others. ``keep``: each has its cell after all (refused beyond 60,000); ``group``: they
            share a cell and come back by their frequency; ``anonymise``: they come back as ``(other)`` (text only), and
            with them every category that fewer than ``min_count`` people hold.
        min_count: people (privacy units, or rows) who hold a number, date or time that is given out as it is; the
            others are drawn in the ranges of at least so many people (:mod:`.pools`).
        seed: of the sample and of the mixture.

    Raises:
        BuildError: no column, no row, infinite numbers, or categories that cannot be kept or anonymised.
    """
    said = Cut(cells, most, max_categories, rare, min_count, seed)
    codecs = fit_columns(table, range(len(table.schema.columns)), said)
    return Encoder(codecs, arrow_of(table))


@dataclass(frozen=True)
class Cut:
    """How columns fall into cells, as :func:`fit_encoder` is told."""

    cells: Cutting
    most: int
    max_categories: int = 1_000
    rare: Rare = "group"
    min_count: int = MIN_COUNT
    seed: int = 0


def arrow_of(table: Table) -> tuple[tuple[str, str], ...]:
    """The serialised Arrow types of a table's columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = pq.read_schema(table.paths[0])
    return serialised(pa.schema([types.field(name) for name in table.schema.names]))


def fit_columns(table: Table, which: Sequence[int], said: Cut) -> tuple[ColumnCodec, ...]:
    """The encoding of some columns: each is that of :func:`fit_encoder`, whichever are learnt with it."""
    columns = table.schema.columns
    if not columns or not table.rows:
        raise BuildError("there is nothing to learn from: the table has no " + ("columns" if not columns else "rows"))
    collectors: list[_Numbers | _Labels] | None = None
    schema: pa.Schema = None
    unit = table.schema.privacy_unit
    mine = [columns[i] for i in which]
    names = [c.name for c in mine]
    for batch in table.batches(names if unit is None or unit in names else [*names, unit]):
        if collectors is None:
            schema = batch.schema
            kinds = [schema.field(name).type for name in names]
            collectors = [_collector(c, k, said.seed + i) for i, c, k in zip(which, mine, kinds, strict=True)]
        units = None if unit is None else _numbered(batch.column(unit))
        for column, collector in zip(mine, collectors, strict=True):
            collector.add(batch.column(column.name), column.name, units)
    assert collectors is not None
    codecs = []
    for column, collector in zip(mine, collectors, strict=True):
        if isinstance(collector, _Numbers):
            codecs.append(collector.codec(column, said.cells, said.most, said.seed, said.min_count))
        else:
            kind = schema.field(column.name).type
            codecs.append(collector.codec(column, said.max_categories, said.rare, kind, said.min_count))
    return tuple(codecs)


def units_of(table: Table) -> Any:
    """A number for the privacy unit of each row: int64, shape (rows,); None where each row is one."""
    import numpy as np

    unit = table.schema.privacy_unit
    if unit is None:
        return None
    return np.concatenate([_numbered(batch.column(unit)) for batch in table.batches([unit])])


def _numbered(units: pa.Array) -> Any:
    """A number for each privacy unit, the same in every batch: int64, shape (rows,)."""
    import numpy as np

    def number(unit: Any) -> int:
        return int.from_bytes(hashlib.blake2b(repr(unit).encode(), digest_size=8).digest(), "little", signed=True)

    found = units.dictionary_encode()
    table = np.array([number(u) for u in [*found.dictionary.to_pylist(), None]], dtype=np.int64)
    return table[found.indices.fill_null(len(table) - 1).to_numpy(zero_copy_only=False)]


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
        self.units: list[Any] = []  # of each value, where there are any
        self.keys: list[Any] = []  # a random number per value: the sample is the values of the smallest ones
        self.held = 0
        self.total = 0
        self.missing = False
        self.counts: tuple[Any, Any] | None = None
        self.countable = True

    def add(self, values: pa.Array, name: str, units: Any = None) -> None:
        raw, valid = raw_numbers(values, name)
        self.missing |= not valid.all()
        raw = raw[valid]
        self.search.add(raw)
        self.total += len(raw)
        self.values.append(raw)
        if units is not None:
            self.units.append(units[valid])
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
            self.units = [np.concatenate(self.units)[keep]] if self.units else []
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

    def codec(self, column: Column, cells: Cutting, most: int, seed: int, min_count: int) -> ColumnCodec:
        import numpy as np

        grid = self.search.grid()
        if not self.total:
            return ColumnCodec(column.name, Categories(0, np.zeros(0)), True, grid)
        if self.counts is not None:
            raw, rows = self.counts
        else:
            self._cut()
            raw, rows = np.unique(self.values[0], return_counts=True)
        values = self._values(grid, raw, rows)
        grid = replace(grid, exact=_exact(grid, raw, rows, values, min_count))
        found: Bins | Modes
        if cells != "modes":
            found = fit_bins(values, most=most, min_count=min_count, fewer=cells == "wide bins")
        else:
            few = len(values.positions) <= FEW_NUMBERS and len(values.positions) * 5 <= self.total
            share = 0.0 if few else SPIKE
            found = fit_modes(values, most=most, spike_share=share, seed=seed, min_count=min_count)
        return ColumnCodec(column.name, found, self.missing, grid)

    def _values(self, grid: Grid, raw: Any, rows: Any) -> Values:
        """The different positions; float64 may make one of several values far from the least one."""
        import numpy as np

        positions, where = np.unique(grid.positions(raw), return_inverse=True)
        rows = np.bincount(where, rows).astype(np.int64)
        if not self.units:
            return Values(positions, rows, rows, grid.rounded)
        held = np.searchsorted(positions, grid.positions(np.concatenate(self.values)))
        units = np.unique(np.stack([held, np.concatenate(self.units)], axis=1), axis=0)
        people = np.bincount(units[:, 0], minlength=len(positions))
        return Values(positions, rows, people, grid.rounded, units)


def _exact(grid: Grid, raw: Any, rows: Any, values: Values, min_count: int) -> tuple[tuple[float, int], ...]:
    """The common values that their position in float64 would not give back."""
    import numpy as np

    if not grid.whole or grid.last <= EXACT:
        return ()
    at = np.searchsorted(values.positions, grid.positions(raw))
    found: dict[int, int] = {}
    for i in np.argsort(rows, kind="stable").tolist():  # of those that share a position, the commonest one
        if values.people[at[i]] >= min_count and rows[i] >= min_count:
            found[int(at[i])] = int(raw[i])
    back = grid.raw(values.positions)
    return tuple((float(values.positions[i]), v) for i, v in sorted(found.items()) if int(back[i]) != v)


class _Labels:
    """The counts of a categorical column."""

    def __init__(self) -> None:
        self.counts: Counter[Any] = Counter()
        self.missing = False

    def add(self, values: pa.Array, _name: str, _units: Any = None) -> None:
        import pyarrow.compute as pc

        self.missing |= values.null_count > 0
        found = pc.value_counts(values.drop_null())
        for value, count in zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True):
            self.counts[value] += count

    def codec(self, column: Column, most: int, rare: Rare, kind: pa.DataType, min_count: int) -> ColumnCodec:
        import numpy as np
        import pyarrow as pa

        ordered = sorted(self.counts, key=lambda v: (-self.counts[v], str(v)))
        vocabulary = tuple(plain(v) for v in ordered)
        kept = len(ordered) if rare == "keep" else min(most, len(ordered))
        if rare == "anonymise" and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            kept = min(kept, sum(self.counts[v] >= min_count for v in ordered))
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
