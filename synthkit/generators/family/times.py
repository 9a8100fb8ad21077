"""When an entity's rows are: its first and its last time, what never falls, and dates that lie before its first row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.encoding.numbers import EXACT
from synthkit.generators.conditional.columns import Field, numbers_encoded
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.axis import Axis, axis_of
from synthkit.generators.family.model import Climber, Member, Plan
from synthkit.generators.family.planning import Found
from synthkit.generators.family.reading import Read
from synthkit.generators.family.relative import numbers_of
from synthkit.generators.family.rowmodel import Rows, Sorted

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SPANNED = 30  # entities, from which it is looked for what lies before their first rows
SURE = 7.0  # of which lie on the other side where chance decides


def spans_of(read: Read, what: Found, firsts: Array) -> dict[int, Array]:
    """How long before (or after) an entity's first row a date lies that never changes, where that is what tells: it is
    always before (or after) it, and would not be by chance.

    Args:
        firsts: the first row of each entity that has rows.

    Returns column → a number for each of these entities.
    """
    import numpy as np
    import pyarrow.types as t

    found: dict[int, Array] = {}
    kind = read.kinds.field(read.fields[what.time].name).type if what.time >= 0 else None
    if kind is None or not t.is_temporal(kind) or len(firsts) < SPANNED:
        return found
    first = numbers_of(read.fields[what.time], read.values[firsts, what.time])
    for j in what.constants:
        if not read.fields[j].numeric or read.kinds.field(read.fields[j].name).type != kind:
            continue
        other = numbers_of(read.fields[j], read.values[firsts, j])
        apart = other - first
        if np.isnan(apart).any() or apart.min() < 0 < apart.max():
            continue
        before = apart.max() <= 0
        chance = np.searchsorted(np.sort(first), other, side="left" if before else "right") / len(first)
        if float((chance if before else 1 - chance).sum()) >= SURE:
            found[j] = apart
    return found


def on_axis(
    read: Read,
    fields: tuple[Field, ...],
    time: int,
    order: Array,
    starts: Array,
    count: Array,
    cells: Array,
    values: Array,
    params: ConditionalParams,
    seed: int,
    units: Array,
) -> tuple[tuple[Field, ...], Axis | None, Array | None]:
    """The fields with time as it is learnt, whose cells and values are put in; its axis; each row's phase, if any.

    Args:
        time: its field; -1: there is none.
        order: of the rows, an entity's together.
        starts, count: where each entity begins there, and how many rows it has.
        units: whose each of them is, as numbers.
    """
    import numpy as np

    grid = read.fields[time].codec.grid if time >= 0 else None
    if grid is None or not grid.whole or max(abs(grid.low), abs(grid.high)) >= EXACT:
        return fields, None, None
    field = read.fields[time]
    raw = np.rint(numbers_of(field, read.values[order, time])).astype(np.int64)
    axis = axis_of(read.kinds.field(field.name).type, raw, starts, count)
    if axis is None:
        return fields, None, None
    place, phase = axis.forward(raw)
    codecs, codes = numbers_encoded({"time": place.astype(np.float64)}, params, seed, units=units)
    learnt = Field("time", codecs[0])
    assert learnt.codec.grid is not None
    cells[:, time], values[:, time] = codes[:, 0], learnt.codec.grid.positions(place)
    if axis.months == "start":  # of a month that is too short for it, the last day stands for the phase
        phase = np.maximum.reduceat(phase, starts[count > 0]).repeat(count[count > 0])
    fields = tuple(learnt if j == time else f for j, f in enumerate(fields))
    return fields, axis, phase if axis.phase is None else None


def times_of(member: Member, plan: Plan, numbers: Array, least: float) -> tuple[Array, Array]:
    """The first and the last time of each entity, within the times that were seen.

    Args:
        least: between two rows' times.
    """
    import numpy as np

    if plan.first < 0:
        return np.full(len(numbers), np.nan), np.full(len(numbers), np.nan)
    assert member.rows is not None
    field = member.rows.layout.now
    assert field is not None
    grid = field.codec.grid
    assert grid is not None
    rows = np.nan_to_num(numbers[:, 0])
    first = np.minimum(numbers[:, plan.first], grid.last - np.maximum(rows - 1, 0) * least)
    first = np.maximum(first, grid.first)
    if plan.last >= 0:
        last = np.where(np.isnan(numbers[:, plan.last]), first, numbers[:, plan.last])
        return first, np.clip(last, first, np.maximum(grid.last, first))
    steps = np.nan_to_num(numbers[:, plan.visits if plan.visits >= 0 else 0]) - 1
    span = np.maximum(steps, 0) * np.maximum(np.nan_to_num(numbers[:, plan.pace]), 0)
    span = np.rint(span) if grid.rounded else span
    if plan.to_end >= 0:
        seen, begin = plan.chain.fields[plan.first].codec.grid, grid.last - span
        assert seen is not None
        going_on = (numbers[:, plan.to_end] > 0.5) & (begin >= seen.low) & (begin <= seen.high)
        first = np.where(going_on, begin, first)
    return first, np.minimum(first + span, grid.last)


def within_record(model: Rows, rows: Sorted, count: Array) -> None:
    """Move the histories that end after the record earlier, as far as it goes back."""
    import numpy as np

    time = model.layout.now
    if not model.layout.timed or time is None or time.codec.grid is None:
        return
    some = count > 0
    ends = rows.time[rows.starts[some] + count[some] - 1]
    late = np.maximum(ends - time.codec.grid.last, 0.0)
    rows.time[:] = np.maximum(rows.time - late.repeat(count[some]), time.codec.grid.first)


def climbed_of(
    member: Member, plan: Plan, rows: Sorted, take: Array, begins: Array, cells: Array, places: Array
) -> dict[int, Array]:
    """The positions of columns that never fall.

    Args:
        begins: where each row's entity begins.
        cells, places: the plan of each row's entity.
    """
    import numpy as np

    starts = dict(plan.starts)
    found = {}
    for climber in member.climbers:
        if climber.time:
            found[climber.column] = _column_times(member, plan, climber, rows.time[take], cells, places)
            continue
        at = starts[climber.column]
        start = member.fields[climber.column].values(cells[:, at], places[:, at])
        grown = np.nan_to_num(rows.values[take, climber.field])
        grown[begins == np.arange(len(take))] = 0
        total = np.cumsum(grown)
        found[climber.column] = start + total - (total[begins] if len(take) else 0)
    return found


def spanned_of(
    member: Member, plan: Plan, positions: dict[int, Array], begins: Array, numbers: Array
) -> dict[int, Array]:
    """The positions of dates that are so long before, or after, their entity's first row."""
    import numpy as np

    found: dict[int, Array] = {}
    for j, at in plan.spans:
        time = next(c.column for c in member.climbers if c.time)
        first = numbers_of(member.fields[time], positions[time])[begins] if len(begins) else np.zeros(0)
        grid = member.fields[j].codec.grid
        assert grid is not None
        apart = np.rint(numbers[:, at])
        side = -1 if (apart < 0).any() else 1
        date = np.clip(first + apart, grid.low, grid.high)
        date = np.minimum(date, first) if side < 0 else np.maximum(date, first)
        found[j] = grid.positions(np.rint(date).astype(np.int64))
    return found


def _column_times(member: Member, plan: Plan, climber: Climber, time: Array, cells: Array, places: Array) -> Array:
    """Times as positions of their column."""
    import numpy as np

    axis, grid = climber.axis, member.fields[climber.column].codec.grid
    if axis is None:
        return time
    assert grid is not None
    assert member.rows is not None
    assert member.rows.layout.now is not None
    place = np.rint(numbers_of(member.rows.layout.now, time)).astype(np.int64)
    if plan.phase < 0:
        phase = np.full(len(place), axis.phase or 0)
    else:
        drawn = plan.chain.fields[plan.phase].numbers(cells[:, plan.phase], places[:, plan.phase])
        phase = np.rint(np.nan_to_num(drawn)).astype(np.int64)
    return grid.positions(axis.back(place, phase))
