"""The rows of entities as they are learnt: which fields a row has, in which order they are drawn, and from what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.columns import WIDEST, Context, Field, field_of, numbers_encoded
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.axis import Axis
from synthkit.generators.family.model import Climber, Link
from synthkit.generators.family.planning import Found, Planned, as_drawn
from synthkit.generators.family.relative import numbers_of
from synthkit.generators.family.rowmodel import Rows, Sorted
from synthkit.generators.family.rows import fit_rows
from synthkit.generators.family.walk import Entities, Layout, followed

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SHARED = 5  # entities whose counters end at one extreme: it is where counting ends


def learn_rows(
    plan: Planned,
    what: Found,
    static: Context,
    known: tuple[Field, ...],
    rows: Sorted,
    count: Array,
    looked_cells: Array,
    looked_fields: Sequence[Field],
    lost: Array,
    row_of: Sequence[tuple[int, int]],
    links: Sequence[Link],
    root: Array,
    part: Array,
    params: ConditionalParams,
    seed: int,
    units: Array,
    axis: Axis | None = None,
) -> tuple[Rows, tuple[Climber, ...], tuple[int, ...]]:
    """How an owned table's rows are drawn, which of its columns never fall, and the column of each field.

    Args:
        known: the columns' fields; ``rows`` holds their cells.
        count: rows of each entity.
        lost: where the cells of rows that are looked up are not known, then those of the columns: shape (rows, fields).
        row_of: of each field of rows that are looked up, the key and the field there.
        root: of each entity, the number of what it hangs on.
        part: of each entity, 0 to 8: which of them judge the others' trees.
        units: whose each row is, as numbers.
        axis: of time, where that is not learnt as it is.
    """
    import numpy as np

    cells, values, starts, size = rows.cells, rows.values, rows.starts, len(rows.cells)
    climbing = ((what.time,) if what.time >= 0 else ()) + what.counters
    first = np.zeros(size, dtype=bool)
    first[starts[count > 0]] = True
    fields: list[Field] = []
    columns, values_of, row_columns = [], [], []
    if climbing:
        grown = {f"grown {j}": np.where(first, np.nan, _grown(values[:, j])) for j in climbing}
        codecs, codes = numbers_encoded(grown, params, seed, units=units)
        for k, j in enumerate(climbing):
            fields.append(Field(f"grown {j}", codecs[k]))
            columns.append(codes[:, k])
            values_of.append(grown[f"grown {j}"])
            row_columns.append(-1)
    for j, field in enumerate(looked_fields):
        fields.append(field)
        columns.append(looked_cells[:, j])
        values_of.append(np.where(lost[:, j], np.nan, field.values(looked_cells[:, j], np.full(size, 0.5))))
        row_columns.append(-2)
    free = [j for j in range(len(known)) if j not in (*climbing, *what.constants, *what.spans, *what.copied)]
    free.sort(key=lambda j: known[j].numeric)
    for j in free:
        fields.append(known[j])
        columns.append(cells[:, j])
        values_of.append(values[:, j])
        row_columns.append(j)
    all_cells = np.stack(columns, axis=1) if columns else np.zeros((size, 0), dtype=np.int64)
    all_values = np.stack(values_of, axis=1) if values_of else np.zeros((size, 0))
    unknown = np.zeros(all_cells.shape, dtype=bool)
    unknown[:, len(climbing) :] = lost[:, [*range(len(looked_fields)), *(len(looked_fields) + j for j in free)]]
    at = {j: i for i, j in enumerate(row_columns) if j >= 0}
    layout = Layout(
        tuple(fields),
        static.codes.shape[1],
        what.time >= 0,
        len(climbing),
        tuple((at[j], mean) for j, mean in plan.means),
        tuple((at[j], cell, share) for j, cell, share in plan.shares),
        plan.visits,
        _key(fields, all_cells, all_values),
        _clock(known[what.time], rows.time, params, seed, units) if what.time >= 0 else None,
        () if axis is None else axis.clock,
    )
    time = rows.time
    begin = np.full(len(count), np.nan)
    end = begin.copy()
    some = count > 0
    begin[some], end[some] = time[starts[some]], time[starts[some] + count[some] - 1]
    numbers = as_drawn(plan, np.random.default_rng(seed))
    entities = Entities(static.codes, count, begin, end, numbers, followed(layout, plan.cells, plan.modes))
    before = np.maximum(np.arange(size) - 1, 0)
    same = (all_values == all_values[before]) | (np.isnan(all_values) & np.isnan(all_values[before]))
    repeats = same & ~first[:, None]
    last_of = {i: n for n, (i, _) in enumerate(row_of) if links[i].kind == "looked"}
    matched = tuple((len(climbing) + n, i) for i, n in last_of.items())
    found = fit_rows(
        layout,
        entities,
        Sorted(starts, all_cells, all_values, time),
        part,
        params,
        static=static,
        root=root,
        matched=matched,
        repeats=repeats,
        unknown=unknown,
        units=units,
        axis=axis,
    )
    ends = starts[some] + count[some] - 1
    climbers = tuple(
        Climber(j, i, True, axis=axis)
        if j == what.time
        else Climber(j, i, False, _bounded(known[j], values[starts[some], j], values[ends, j]))
        for i, j in enumerate(climbing)
    )
    return found, climbers, tuple(row_columns)


def _clock(field: Field, time: Array, params: ConditionalParams, seed: int, units: Array) -> Field:
    """The field of time in as many cells as a feature has codes: it is asked and never drawn, and what begins or ends
    in one year is not seen in ten."""
    codecs, codes = numbers_encoded({field.name: numbers_of(field, time)}, params, seed, WIDEST, units=units)
    finer = field_of(codecs[0], codes[:, 0])
    return finer if finer.codec.grid == field.codec.grid else field


def _bounded(field: Field, first: Array, last: Array) -> bool:
    """Whether a counter ends at the end of its range: several entities end there, or it falls and is never negative."""
    grid = field.codec.grid
    assert grid is not None
    falls = bool((last < first).any())
    if falls and grid.low >= 0:
        return True
    return int((last == (last.min() if falls else last.max())).sum()) >= SHARED if len(last) else False


def _grown(values: Array) -> Array:
    import numpy as np

    return np.diff(values, prepend=values[:1])


def _key(fields: Sequence[Field], cells: Array, values: Array) -> int:
    """The category beside which numbers differ most: the one of few cells that explains most of their variance."""
    import numpy as np

    numbers = [j for j, f in enumerate(fields) if f.numeric and not np.isnan(values[:, j]).all()]
    best, found = 0.02, -1
    for i, field in enumerate(fields):
        if field.numeric or not 1 < field.cells <= 16 or not numbers:
            continue
        told = []
        for j in numbers:
            known = ~np.isnan(values[:, j])
            v = values[known, j]
            ranks = np.argsort(np.argsort(v, kind="stable"), kind="stable").astype(np.float64)
            if not len(v) or not ranks.var():
                continue
            c = cells[known, i]
            size, total = np.bincount(c), np.bincount(c, ranks)
            mean = np.divide(total, size, out=np.zeros_like(total), where=size > 0)
            told.append(float((size * (mean - ranks.mean()) ** 2).sum() / len(v) / ranks.var()))
        if told and np.mean(told) > best:
            best, found = float(np.mean(told)), i
    return found
