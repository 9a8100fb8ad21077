"""A large table as its statistics are read: a sample, of which an interval tells what it does not.

What is counted (rows, nulls, keys, copies, rules) is counted over all rows. Distributions, models and attacks look at a
sample of a table of more than :data:`MOST_ROWS` rows: their intervals are those of so many rows, which is what they
would say of a table of that size, and memory does not grow with the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.audits.context import AuditContext
from synthkit.encoding.view import lay_down
from synthkit.extras import installed
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MOST_ROWS = 1_000_000  # of a side; a share is then known to 0.1 percentage points (95 %)


def sampled(context: AuditContext, folder: Path) -> AuditContext:
    """The context over samples of what is synthetic, written to ``folder``; itself where that is no more than so many.

    Real rows stay: there is no more of them than was learnt. ``where:`` narrows the sample.
    """
    if not installed("numpy"):  # then there is no audit that asks for a sample: each of them needs it, too
        return context
    synthetic = _some(context.synthetic, folder / "sample.parquet", context.rng("sample", "synthetic"))
    previous = context.previous
    if previous is not None:
        table = _some(previous.table, folder / "sample-previous.parquet", context.rng("sample", "previous"))
        previous = previous if table is previous.table else replace(previous, table=table)
    if synthetic is context.synthetic and previous is context.previous:
        return context
    return replace(context, synthetic=synthetic, previous=previous, _cache={})


def _some(table: Table, path: Path, rng: np.random.Generator) -> Table:
    """Of a large table :data:`MOST_ROWS` rows, each as likely as any other, in their order."""
    if table.rows <= MOST_ROWS:
        return table
    rows = lay_down(_drawn(table, rng), path)
    return replace(table, paths=(path,), rows=rows)


def _drawn(table: Table, rng: np.random.Generator) -> Iterator[pa.RecordBatch]:
    """A simple random sample of rows that stream by: of each batch a hypergeometric number, without replacement."""
    import numpy as np

    left, wanted = table.rows, MOST_ROWS
    for batch in table.batches():
        here = int(rng.hypergeometric(wanted, left - wanted, batch.num_rows)) if wanted < left else batch.num_rows
        left, wanted = left - batch.num_rows, wanted - here
        if here:
            yield batch.take(np.sort(rng.choice(batch.num_rows, here, replace=False)))
