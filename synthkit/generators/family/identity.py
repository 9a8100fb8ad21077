"""Which row is looked up, where there are few and each is named often: the department of a student and of a course.

What such a row is like says too little of it. So which one it is, is learnt as a category, and so is which one a row
that is looked up names itself: a course's teacher is of the course's department. Each drawn row of a short table stands
for one of the real ones, that is like it; those that are left stand for the ones that were held out, of which only
the rows tell that name them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.files import scratch
from synthkit.generators.conditional.columns import Field, encoded, field_of
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.looking import SHORT, unlike
from synthkit.generators.family.model import Family, Member, Short
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from synthkit.generators.family.drawn import Drawn
    from synthkit.generators.family.reading import Read

    Array = np.ndarray[Any, Any]

ITSELF = -3  # part of a key that says which row it is;
THROUGH = -10  # this and less: which row the one that is looked up names by its first key, its second, …
OFTEN = 50  # rows that name each, on average
NAMED = 4.0  # weight of what a row names, beside each of its columns
IS, NAMES = 100.0, 4.0  # weights of which row it is, and of which row that names
APART = "\x1f"


def texts(rows: pa.Table, columns: Sequence[str]) -> Array | None:
    """The key of each row as one text, None where a part is missing; None where a column is not there."""
    import numpy as np

    if not set(columns) <= set(rows.column_names) or not columns:
        return None
    return np.array(_joined(rows, columns).to_pylist(), dtype=object)


def few(rows: pa.Table, columns: Sequence[str], counted: Array) -> bool:
    """Whether the rows that are counted have few keys, as :func:`told` says it: asked before any becomes an object."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return bool(pc.count_distinct(_joined(rows, columns).filter(pa.array(counted))).as_py() <= SHORT)


def _joined(rows: pa.Table, columns: Sequence[str]) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [pc.cast(rows.column(c).combine_chunks(), pa.string()) for c in columns]
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, APART)


def told(labels: Array, often: int = OFTEN) -> bool:
    """Whether few rows are named, each often."""
    import numpy as np

    some = np.array([v for v in labels if v is not None], dtype=object)
    different = len(set(some.tolist()))
    return 1 < different <= SHORT and len(some) >= often * different


def labelled(name: str, labels: Array, params: ConditionalParams, seed: int) -> tuple[Field, Array]:
    """Labels as a category: its field, and the cells."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    with scratch("labels") as folder:
        file = Path(folder) / "labels.parquet"
        rows = pa.table({name: pa.array(labels.tolist(), pa.string())})
        pq.write_table(rows, file)
        table = Table(Schema((Column(name, "categorical", "VARCHAR"),)), (file,), rows.num_rows)
        encoder = encoded(table, params, seed)
        cells = np.asarray(encoder.codes_of(table).astype(np.int64))
    return field_of(encoder.columns[0], cells[:, 0]), cells[:, 0]


def cells_of(field: Field, labels: Array) -> Array:
    """The cell of each label; -1 where it has none."""
    import numpy as np

    at = {str(v): i for i, v in enumerate(field.codec.vocabulary)}
    return np.array([-1 if v is None else at.get(v, -1) for v in labels.tolist()], dtype=np.int64)


def about(part: int) -> bool:
    """Whether a part of a key is about what the row that is looked up is."""
    return part >= 0 or part <= ITSELF


def weights_of(parts: Sequence[int]) -> tuple[float, ...]:
    """How much it counts that a row differs in each part of a key: which row it is tells all."""
    if all(part >= 0 for part in parts):
        return ()
    return tuple(IS if part == ITSELF else NAMES if part < ITSELF else 1.0 for part in parts)


def seen(
    member: Member, key: int, parts: Sequence[tuple[Field, int]], family: Family, known: Mapping[str, Drawn]
) -> Array:
    """The cells of all rows that a key may name, by which one is looked for: shape (rows, parts)."""
    import numpy as np

    there = known[member.links[key].references]
    other = family.member(member.links[key].references)
    columns = []
    for field, part in parts:
        if part >= 0:
            columns.append(there.cells[:, part])
        elif part == ITSELF:
            columns.append(cells_of(field, there.label(len(there))))
        else:
            columns.append(cells_of(field, _through(other, THROUGH - part, there, known)))
    return np.stack(columns, axis=1) if columns else np.zeros((len(there), 0), dtype=np.int64)


def _through(other: Member, number: int, there: Drawn, known: Mapping[str, Drawn]) -> Array:
    """The labels of the rows that rows name by one of their keys."""
    import numpy as np
    import pyarrow as pa

    columns, references = other.named[number]
    if other.kept is not None:
        found = texts(pa.table({c: there.keys[c] for c in columns}), columns)
        assert found is not None
        return found
    key = next(i for i, link in enumerate(other.links) if link.columns == columns and link.references == references)
    if key not in there.named or references not in known:
        return np.full(len(there), None, dtype=object)
    rows, labels = there.named[key], known[references].label(len(known[references]))
    return np.array([labels[r] if r >= 0 else None for r in rows.tolist()], dtype=object)


def short_of(member: Member, there: Read, named: Collection[str]) -> Short | None:
    """The rows of a table whose rows others tell apart, by the labels with which they name them; None where none does.

    Of a large table that few rows are named of, those are kept: each drawn row is compared with each that is.
    """
    import numpy as np

    own = texts(there.keys, member.primary)
    if not named or own is None or member.kept is not None:
        return None
    kept = np.flatnonzero([len(own) <= SHORT or label in named for label in own.tolist()])
    every = (texts(there.keys, columns) for columns, _ in member.named)
    above = tuple(tuple(v or "" for v in a[kept].tolist()) if a is not None else ("",) * len(kept) for a in every)
    others = tuple(sorted(set(named) - set(own.tolist())))
    return Short(tuple(own[kept].tolist()), there.cells[kept], above, others)


def dealt_labels(member: Member, drawn: Drawn, known: Mapping[str, Drawn], rng: np.random.Generator) -> Array:
    """Which label each drawn row of a short table takes, None: none. Those of rows like it come first."""
    assert member.short is not None
    short, fields, cells = member.short, member.fields, drawn.cells
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    found = np.full(len(cells), None, dtype=object)
    if len(short.labels):
        everything = np.tile(np.arange(len(short.labels)), (len(cells), 1))
        cost = unlike(fields, short.cells, cells, everything) + 1e-6 * rng.random(everything.shape)
        for number, above in enumerate(short.above):
            ours, theirs = _through(member, number, drawn, known), np.array(above, dtype=object)
            cost += NAMED * (np.where(ours == None, "", ours)[:, None] != theirs)  # noqa: E711
        rows, taken = linear_sum_assignment(cost)
        found[rows] = np.array(short.labels, dtype=object)[taken]
    left = [i for i, v in enumerate(found.tolist()) if v is None]
    for row, label in zip(rng.permutation(left).astype(int).tolist(), short.others, strict=False):
        found[row] = label
    return found
