"""What stands between a table and what is learnt of it: columns taken another way, and the way back.

A :class:`Step` turns rows into others of the same number and gives them back: columns in a written form become what
they mean, a total is left out and added up again. A :class:`View` is several of them, one behind the other. A plan has
two (:class:`.fill.ColumnPlan`): ``read`` around all of a table, so that everything inside (made-up columns, keys,
constraints, conditions) sees typed values; its columns keep their names, but for texts that are taken apart, of which
nothing else speaks. And ``learnt`` around the generator alone, whose columns may be other ones: what it gives back is
what constraints and conditions are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from synthkit.project.types import Conditions
from synthkit.schema import Schema, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class Step(Protocol):
    """One change of columns. A frozen value; as JSON it has a ``kind``, by which :mod:`.steps` reads it back."""

    def schema(self, outer: Schema) -> Schema:
        """What is learnt of a table of this schema; columns that it lacks are none of the step's business."""

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows as they are learnt."""

    def restore(self, rows: pa.RecordBatch, rng: np.random.Generator) -> pa.RecordBatch:
        """Drawn rows as the table has them, one for each and in their order. ``rng`` decides what was not learnt."""

    def conditions(self, wanted: Conditions) -> Conditions:
        """``conditions:`` on the table's columns as ones on what is learnt of them."""

    @property
    def inner(self) -> Mapping[str, str]:
        """Columns that the table lacks → the one that each is learnt of."""

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class View:
    """Steps from the table inwards. Without any, everything stays as it is."""

    steps: tuple[Step, ...] = ()

    def schema(self, outer: Schema) -> Schema:
        for step in self.steps:
            outer = step.schema(outer)
        return outer

    @property
    def inner(self) -> Mapping[str, str]:
        """Columns that the table lacks → the one that each is learnt of."""
        found: dict[str, str] = {}
        for step in self.steps:
            found |= step.inner
        return found

    def learn(self, table: Table, file: Path) -> Table:
        """The table as it is learnt, its rows in ``file``; the table itself where there is no step.

        Memory is bounded: rows are streamed.
        """
        if not self.steps:
            return table
        rows = lay_down(self._learnt(chain(table.batches(), _none(table))), file)
        return Table(self.schema(table.schema), (file,), rows, table.metadata)

    def _learnt(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Of batches without rows none but the first: it has the types of a table without rows."""
        for number, batch in enumerate(batches):
            if number and not batch.num_rows:
                continue
            for step in self.steps:
                batch = step.learn(batch)
            yield batch

    def restore(self, batches: Iterator[pa.RecordBatch], seed: int) -> Iterator[pa.RecordBatch]:
        """Drawn rows as the table has them; the same seed gives the same ones."""
        import numpy as np

        rng = np.random.default_rng(seed)
        for batch in batches:
            for step in reversed(self.steps):
                batch = step.restore(batch, rng)
            yield batch

    def conditions(self, wanted: Conditions) -> Conditions:
        """``conditions:`` on the table's columns as ones on what is learnt of them."""
        for step in self.steps:
            wanted = step.conditions(wanted)
        return wanted

    def to_json(self) -> list[dict[str, Any]]:
        return [step.to_json() for step in self.steps]


def _none(table: Table) -> Iterator[pa.RecordBatch]:
    """No row, with the table's types: a private table may be empty, and then is learnt like any other."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = pq.read_schema(table.paths[0])
    yield pa.RecordBatch.from_pylist([], schema=types)


AS_IT_IS = View()


def lay_down(batches: Iterable[pa.RecordBatch], file: Path) -> int:
    """Write rows to a Parquet file as they come, and return how many; without a batch there is no file."""
    import pyarrow.parquet as pq

    rows, writer = 0, None
    try:
        for batch in batches:
            writer = writer or pq.ParquetWriter(file, batch.schema)
            writer.write_batch(batch)
            rows += batch.num_rows
    finally:
        if writer is not None:
            writer.close()
    return rows


def with_columns(
    batches: Iterable[pa.RecordBatch], columns: Mapping[str, pa.Array | pa.ChunkedArray]
) -> Iterator[pa.RecordBatch]:
    """Rows with other values of some columns, each given for all rows in their order."""
    import pyarrow as pa

    start = 0
    for batch in batches:
        parts = {n: batch.column(n) for n in batch.schema.names}
        for name, values in columns.items():
            part = values.slice(start, batch.num_rows)
            parts[name] = part.combine_chunks() if isinstance(part, pa.ChunkedArray) else part
        start += batch.num_rows
        yield pa.record_batch(list(parts.values()), names=list(parts))
