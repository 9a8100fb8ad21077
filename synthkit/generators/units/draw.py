"""Draw a family that was learnt under a budget: the root with what is planned below it, then each table row by row.

Nothing here looks at a real row. The rows of an owner are drawn one after another, each given the owner's cells, its
number and the row before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthkit.generators.functions import Progress, Quota
from synthkit.generators.marginals.decode import positions_of
from synthkit.generators.units.given import Given
from synthkit.generators.units.model import Frame, Units

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

BATCH = 65_536  # rows given out at once


@dataclass
class Drawn:
    """Rows of one table: cells, positions and what lies within them, of each new column; the owner's row of each."""

    codes: Array
    positions: list[Array]
    inner: list[Array]
    owner: Array
    fixed: list[tuple[Array, Mapping[str, Any]]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.owner)


def sample_tables(
    model: Units, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Draw tables. See :class:`~synthkit.generators.functions.SampleTables`."""
    import numpy as np

    random = np.random.default_rng(seed)
    drawn = {model.root.level.name: _root(model.root, rows, conditions, random)}
    for number, frame in enumerate(model.frames):
        name = frame.level.name
        if name not in drawn:
            assert frame.level.key is not None
            owner = frame.level.key.references
            drawn[name] = _below(frame, model.by_name[owner], drawn[owner], random)
        for start in range(0, len(drawn[name]), BATCH):
            yield name, _batch(model, frame, drawn[name], start, min(start + BATCH, len(drawn[name])))
        progress(number + 1, len(model.frames), "tables")


def _root(frame: Frame, rows: int, conditions: Sequence[Quota], random: np.random.Generator) -> Drawn:
    import numpy as np

    marginals, fixed, parts, start = frame.marginals, [], [], 0
    for quota in conditions or (Quota({}, rows),):
        sampler = marginals.given(quota) if quota.values else marginals.sampler
        parts.append(sampler.draw(quota.rows, random))
        fixed.append((np.arange(start, start + quota.rows), quota.values))
        start += quota.rows
    order = random.permutation(start)
    codes = np.concatenate(parts, axis=1)[:, order]
    place = np.argsort(order)
    drawn = _decoded(frame, codes, np.zeros(start, dtype=np.int64), random)
    drawn.fixed = [(place[which], values) for which, values in fixed if values]
    return drawn


def _decoded(frame: Frame, codes: Array, owner: Array, random: np.random.Generator) -> Drawn:
    found = [positions_of(cut, c, random) for cut, c in zip(frame.cuts[: frame.roles.new], codes, strict=False)]
    return Drawn(codes, [p for p, _ in found], [u for _, u in found], owner)


def _below(frame: Frame, owner: Frame, above: Drawn, random: np.random.Generator) -> Drawn:
    """The rows of a table, for owners that are drawn: one step after another, all owners at once."""
    import numpy as np

    roles, cuts, model = frame.roles, frame.cuts, frame.marginals.model
    many = above.positions[owner.roles.counts[frame.level.name]]
    new = roles.new
    all_given = set(range(new, len(model.sizes)))
    ahead = Given(model, all_given)
    timed = {roles.time, roles.gap} - {None} if roles.time is not None else set()
    rest = Given(model, all_given | {c for c in timed if c is not None}) if timed else ahead
    last: Array | None = None
    clock = np.zeros(len(many), dtype=np.int64)
    if roles.time is not None:
        clock = above.positions[owner.roles.firsts[frame.level.name]].astype(np.int64)
    parts: list[Drawn] = []
    for step in range(int(many.max(initial=0))):
        active = np.flatnonzero(many > step)
        codes = np.zeros((len(model.sizes), len(active)), dtype=np.int64)
        codes[new : new + roles.context] = above.codes[: roles.context, active]
        assert roles.place is not None
        codes[roles.place] = cuts[roles.place].codes(np.full(len(active), step))
        for column, before in roles.before.items():
            codes[before] = 0 if last is None else 1 + last[column, active]
        if roles.time is not None:
            clock[active] = _advance(frame, codes, clock[active], step, ahead, random)
        rest.draw(codes, random)
        drawn = _decoded(frame, codes[:new], active, random)
        if roles.time is not None:
            drawn.positions[roles.time] = clock[active]
        if last is None:
            last = np.zeros((new, len(many)), dtype=np.int64)
        last[:, active] = codes[:new]
        parts.append(drawn)
    return _together(frame, parts, len(many))


def _advance(frame: Frame, codes: Array, clock: Array, step: int, ahead: Given, random: np.random.Generator) -> Array:
    """The time of each row, and the cells of it and of the gap before it into ``codes``."""
    import numpy as np

    roles, cuts = frame.roles, frame.cuts
    assert roles.time is not None
    assert roles.gap is not None
    axis, gaps = frame.axes[roles.time], frame.axes[roles.gap]
    missing = axis.points if axis.nullable else axis.points - 1
    if step == 0:
        gap = np.full(len(clock), gaps.points)
        time = np.where(clock >= axis.points, missing, clock)
    else:
        trial = codes.copy()
        ahead.draw(trial, random)
        gap, _ = positions_of(cuts[roles.gap], trial[roles.gap], random)
        known = (clock < axis.points) & (gap < gaps.points)
        if not axis.nullable:
            gap, known = np.where(gap < gaps.points, gap, 0), clock < axis.points
        time = np.where(known, np.minimum(clock + gap, axis.points - 1), missing)
    codes[roles.gap] = cuts[roles.gap].codes(gap)
    codes[roles.time] = cuts[roles.time].codes(time)
    return time


def _together(frame: Frame, parts: Sequence[Drawn], owners: int) -> Drawn:
    """All steps' rows, owner by owner."""
    import numpy as np

    del owners
    new = frame.roles.new
    if not parts:
        empty = np.empty(0, dtype=np.int64)
        return Drawn(np.empty((new, 0), np.int64), [empty] * new, [np.empty(0)] * new, empty)
    owner = np.concatenate([p.owner for p in parts])
    order = np.argsort(owner, kind="stable")
    return Drawn(
        np.concatenate([p.codes for p in parts], axis=1)[:, order],
        [np.concatenate([p.positions[i] for p in parts])[order] for i in range(new)],
        [np.concatenate([p.inner[i] for p in parts])[order] for i in range(new)],
        owner[order],
    )


def _batch(model: Units, frame: Frame, drawn: Drawn, start: int, end: int) -> pa.RecordBatch:
    """Some of the rows, with their keys: whole numbers from 1, in the types of the source's keys or as text."""
    import numpy as np
    import pyarrow as pa

    roles, level, name = frame.roles, frame.level, frame.level.name
    some = slice(start, end)
    rows = frame.marginals.encoder.decode(
        [p[some] for p in drawn.positions[: roles.own]], [u[some] for u in drawn.inner[: roles.own]]
    )
    columns = {c: rows.column(c) for c in roles.names}
    for which, values in drawn.fixed:
        inside = which[(which >= start) & (which < end)] - start
        columns |= {c: _set(columns[c], inside, v, c) for c, v in values.items() if v is not None}

    def key(column: str, numbers: Array) -> pa.Array:
        found = pa.array(numbers + 1)
        return found if model.kinds[name][column] else found.cast(pa.string())

    if level.primary is not None:
        columns[level.primary] = key(level.primary, np.arange(start, end))
    if level.key is not None:
        columns[level.key.columns[0]] = key(level.key.columns[0], drawn.owner[some])
    for link, at in zip(level.lookups, roles.looked_up, strict=True):
        keys = model.public[link.references]
        row = drawn.positions[at][some]
        taken = pa.array(row, mask=row >= len(keys[0]))
        columns |= {c: k.take(taken) for c, k in zip(link.columns, keys, strict=True)}
    return pa.record_batch([columns[c] for c in model.orders[name]], names=list(model.orders[name]))


def _set(values: pa.Array, rows: Array, value: Any, name: str) -> pa.Array:
    """``value`` in these rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from synthkit.encoding.values import array_of

    mask = np.zeros(len(values), dtype=bool)
    mask[rows] = True
    return pc.if_else(pa.array(mask), array_of([value], values.type, name)[0], values)
