"""A large table as its statistics are read: a sample, of which an interval tells what it does not.

What is counted (rows, nulls, keys, copies, rules) is counted over all rows. Distributions, models and attacks look at a
sample of a table of more than :data:`MOST_ROWS` rows: their intervals are those of so many rows, which is what they
would say of a table of that size, and memory does not grow with the table. What looks for one row among the real ones
has all of these; what compares distributions, and the attack on membership, has a sample of each real side as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.audits.context import AuditContext, Side
from synthkit.encoding.view import lay_down
from synthkit.extras import installed
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MOST_ROWS = 500_000  # of a side; a share is then known to 0.14 percentage points (95 %)
MANY = 1_000_000_000  # rows from which NumPy draws no hypergeometric numbers; what is drawn is little beside them
BLOCK = 65_536  # rows of which it is decided at once how many are taken, wherever batches end


def sampled(context: AuditContext, folder: Path) -> AuditContext:
    """The context over samples of what is synthetic, written to ``folder``; itself where that is no more than so many.

    ``where:`` narrows the sample.
    """
    found = _sides(context, ("synthetic",), folder)
    previous = context.previous
    if previous is not None and previous.table.rows > MOST_ROWS and installed("numpy"):
        table = _some(previous.table, context.rng("sample", "previous"), folder / "sample-previous.parquet")
        found = replace(found, previous=replace(previous, table=table), _cache={})
    return found


def sampled_real(context: AuditContext, folder: Path) -> AuditContext:
    """The context over samples of the real rows, too, where they are more than so many.

    Tables of a family stay whole: their rows are known by their numbers.
    """
    return context if context.family is not None else _sides(context, ("train", "holdout"), folder)


def _sides(context: AuditContext, sides: tuple[Side, ...], folder: Path) -> AuditContext:
    changed: dict[Side, Table] = {}
    published = dict(context.published)
    if not installed("numpy"):  # then there is no audit that asks for a sample: each of them needs it, too
        return context
    for side in sides:
        table = context.side(side)
        if table is None or table.rows <= MOST_ROWS:
            continue
        changed[side] = _some(table, context.rng("sample", side), folder / f"sample-{side}.parquet")
        paths = published.get(side)
        if paths is not None:  # `where` is about the rows as they are published: of the same ones
            same = replace(table, paths=paths)
            as_published = _some(same, context.rng("sample", side), folder / f"sample-{side}-published.parquet")
            published[side] = as_published.paths
    if not changed:
        return context
    return replace(
        context,
        synthetic=changed.get("synthetic", context.synthetic),
        train=changed.get("train", context.train),
        holdout=changed.get("holdout", context.holdout),
        published=published,
        _cache={},
    )


def _some(table: Table, rng: np.random.Generator, path: Path) -> Table:
    """Of a large table :data:`MOST_ROWS` rows, each as likely as any other, in their order."""
    rows = lay_down(_drawn(table, rng), path)
    return replace(table, paths=(path,), rows=rows)


def _drawn(table: Table, rng: np.random.Generator) -> Iterator[pa.RecordBatch]:
    """Rows that stream by, as far as they are drawn: the same ones of any files with so many rows."""
    import numpy as np
    import pyarrow as pa

    chosen = _numbers(table.rows, rng)
    waiting, start = next(chosen), 0
    for batch in table.batches(batch_size=BLOCK):
        end, parts = start + batch.num_rows, []
        while True:
            cut = int(np.searchsorted(waiting, end))
            parts.append(waiting[:cut] - start)
            waiting = waiting[cut:]
            if len(waiting):
                break
            following = next(chosen, None)
            if following is None:
                break
            waiting = following
        here = np.concatenate(parts)
        if len(here):
            yield batch.take(pa.array(here))
        start = end


def _numbers(total: int, rng: np.random.Generator) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """A simple random sample of row numbers, rising: of each block a hypergeometric number, without replacement."""
    import numpy as np

    left, wanted = total, min(MOST_ROWS, total)
    if total >= MANY:
        yield np.sort(rng.choice(total, wanted, replace=False, shuffle=False))
        return
    for start in range(0, total, BLOCK):
        size = min(BLOCK, total - start)
        here = int(rng.hypergeometric(wanted, left - wanted, size)) if wanted < left else size
        left, wanted = left - size, wanted - here
        yield start + np.sort(rng.choice(size, here, replace=False))
