"""The rows of entities: every cell given the entity, its plan, the rows before and the cells before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.additive import Shape
from synthkit.generators.conditional.columns import Context, Field, known_of, learning_of
from synthkit.generators.conditional.dichotomies import Conditional, Features, fit_conditional
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.conditional.telling import repeated_in
from synthkit.generators.family.axis import Axis
from synthkit.generators.family.binning import Binning, fit_binning
from synthkit.generators.family.relative import numbers_of
from synthkit.generators.family.rowmodel import Rows, Sorted
from synthkit.generators.family.succession import succession_of
from synthkit.generators.family.tilting import InRows
from synthkit.generators.family.turns import TRIES, Turn
from synthkit.generators.family.walk import Entities, Layout, Walk

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

STAYS = 0.3  # share of rows that repeat the cell before, from which staying is a question of its own
WIDE = 12  # cells, from which it is
TURNS = 40  # draws of a time at most, where some days have more rows than others

Match = Callable[[int, "Array", "Array"], None]  # key, entities, cells of their rows; see :func:`draw_rows`


def fit_rows(
    layout: Layout,
    entities: Entities,
    rows: Sorted,
    part: Array,
    params: ConditionalParams,
    *,
    static: Context,
    root: Array,
    matched: tuple[tuple[int, int], ...],
    repeats: Array,
    unknown: Array,
    units: Array,
    axis: Axis | None = None,
) -> Rows:
    """Learn the rows.

    Args:
        part: of each entity, 0 to 8: which of them judge the others' trees.
        static: what is known of the entities' features.
        root: of each entity, the number of what it hangs on.
        repeats: whether a row has exactly the value of the row before, shape (rows, fields).
        unknown: which cells are not known, shape (rows, fields): they are not learnt, and nothing is from them.
        units: whose each row is, as numbers: what those of few units say is not learnt (:func:`.known_of`).
        axis: of time.
    """
    import numpy as np

    x, floats, lasts, step = _features(layout, entities, rows, unknown, axis)
    whose = np.repeat(np.arange(len(entities.rows)), entities.rows)
    same = repeated_in(x[:, : layout.starts["before"]], (root[whose], whose))
    given = Features(x, _described(layout, static, floats, lasts), same)
    judge = np.repeat(part, entities.rows)
    parts, stays, successions = [], [], []
    for j, field in enumerate(layout.fields):
        allowed, after = layout.allowed(j), step > 0
        means = after if j < layout.later else np.ones(len(x), dtype=bool)
        means = known_of(means, unknown[:, j], units, params.min_count)
        stay = None
        wide = field.cells > WIDE and j >= layout.later and after.any()
        if wide and repeats[after, j].mean() >= STAYS:
            unsure = unknown[:, j] | np.append(False, unknown[:-1, j])
            both = known_of(after, unsure, units, params.min_count)
            stay = _learn(repeats[:, j].astype(np.int64), given, both, allowed, judge, False, params)
            means = means & ~(repeats[:, j] & after)
        parts.append(_learn(rows.cells[:, j], given, means, allowed, judge, field.numeric, params))
        stays.append(stay)
        nominal = not field.numeric
        successions.append(
            succession_of(rows.cells[:, j], field.cells, rows.starts, entities.rows, rows.time)
            if nominal and not unknown[:, j].any()
            else None
        )
    gaps = rows.values[step > 0, 0] if layout.timed else np.zeros(0)
    least, least_step = float(min(gaps, default=0.0)), float(min(gaps[gaps > 0], default=0.0))
    return Rows(layout, floats, lasts, tuple(parts), tuple(stays), tuple(successions), least, least_step, matched, axis)


def _learn(
    cells: Array, given: Features, means: Array, allowed: Array, judge: Array, ordered: bool, params: ConditionalParams
) -> Conditional:
    return fit_conditional(
        cells[means],
        given.of(means),
        allowed,
        judge[means],
        ordered=ordered,
        learning=learning_of(params),
        most=params.features,
    )


def _features(
    layout: Layout, entities: Entities, rows: Sorted, unknown: Array, axis: Axis | None
) -> tuple[Array, Binning, Binning, Array]:
    """The features of all rows (uint8, shape (rows, features)), how numbers were cut, and each row's step."""
    import numpy as np

    s, size = layout.starts, len(rows.cells)
    x = np.zeros((size, s["end"]), dtype=np.uint8)
    numbers = np.zeros((size, layout.floats), dtype=np.float32)
    beside = np.zeros((size, s["current"] - s["last"]), dtype=np.float32)
    step = np.zeros(size, dtype=np.int64)
    for j, field in enumerate(layout.fields):
        x[:, s["current"] + j] = np.where(unknown[:, j], field.bins, field.features(rows.cells[:, j]))
    if len(rows.starts):
        firsts = rows.starts[entities.rows > 0]
        for j in range(layout.later):
            x[firsts, s["current"] + j] = layout.fields[j].bins
    if layout.now is not None:
        x[:, s["now"] : s["last"]] = _now(layout, axis, rows.time)
    walk = Walk(layout, entities)
    while m := walk.active:
        at = rows.starts[:m] + walk.step
        step[at] = walk.step
        x[at, : s["before"]] = entities.codes[:m]
        x[at, s["before"] : s["floats"]] = walk.codes(m)
        numbers[at] = walk.floats(m)
        cells = rows.cells[at]
        if layout.key >= 0:
            beside[at] = walk.last(m, cells[:, layout.key])
        walk.push(m, x[at, s["current"] :], cells, rows.values[at], rows.time[at])
    floats, lasts = fit_binning(numbers), fit_binning(beside)
    x[:, s["floats"] : s["now"]] = floats.codes(numbers)
    x[:, s["last"] : s["current"]] = lasts.codes(beside)
    return x, floats, lasts, step


def _now(layout: Layout, axis: Axis | None, time: Array) -> Array:
    """The features of times, uint8, shape (rows, 1 + parts of the calendar)."""
    import numpy as np

    assert layout.now is not None
    cell = layout.now.features(layout.now.place(time))[:, None]
    if axis is None or not layout.clock:
        return cell
    place = np.rint(numbers_of(layout.now, time)).astype(np.int64)
    return np.concatenate([cell, axis.clocked(place)], axis=1)


def _described(layout: Layout, static: Context, floats: Binning, lasts: Binning) -> Shape:
    """What is known of the rows' features."""
    import numpy as np

    fields = [*layout.fields]
    now = [layout.now] if layout.now is not None else []

    def of(some: Sequence[Field]) -> Shape:
        bins = np.array([f.bins + 1 for f in some], dtype=np.int64)
        free = np.array([not f.numeric for f in some], dtype=bool)
        return Shape(bins, free, np.array([f.blank for f in some], dtype=np.int64))

    codes = np.array(layout.clock, dtype=np.int64)
    clock = Shape(codes, np.zeros(len(codes), dtype=bool), codes)

    def cut(binning: Binning) -> Shape:
        return Shape(binning.bins, np.zeros(len(binning.bins), dtype=bool), binning.bins - 1)

    parts = [
        Shape(static.bins + 1, static.nominal, static.blank),
        *(of(fields), of(fields), cut(floats), of(now), clock, cut(lasts), of(fields)),
    ]
    return Shape(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("bins", "nominal", "blank")))


def draw_rows(
    model: Rows, entities: Entities, rng: np.random.Generator, match: Match, lean: InRows | None = None
) -> tuple[Sorted, Array]:
    """Rows of entities, and the places in their cells, shape (rows, fields).

    Args:
        entities: most rows first.
        match: is given the key, the numbers of entities, and the cells of their rows so far, and puts the cells of the
            row that was found into them.
        lean: how much likelier some cells are made.
    """
    import numpy as np

    layout, s = model.layout, model.layout.starts
    d, total = len(layout.fields), int(entities.rows.sum())
    starts = np.cumsum(np.append(0, entities.rows))[:-1].astype(np.int64)
    cells, values = np.zeros((total, d), dtype=np.int64), np.zeros((total, d))
    places, time = np.zeros((total, d)), np.full(total, np.nan)
    walk = Walk(layout, entities)
    x = np.zeros((len(entities.rows), s["end"]), dtype=np.uint8)
    x[:, : s["before"]] = entities.codes
    turn = Turn(model, len(x))
    after = dict(model.matched)
    while m := walk.active:
        now = walk.now[:m].copy()
        xm = x[:m]
        xm[:, s["before"] : s["floats"]] = walk.codes(m)
        xm[:, s["floats"] : s["now"]] = model.floats.codes(walk.floats(m).astype(np.float32))
        cell, place = np.zeros((m, d), dtype=np.int64), rng.random((m, d))
        value, closing = np.full((m, d), np.nan), walk.closing(m)
        if lean is not None:
            lean.begin(m)
        turn.same, turn.last = np.zeros(m, dtype=bool), entities.rows[:m] == walk.step + 1
        for j, field in enumerate(layout.fields):
            if j < layout.later and walk.step == 0:
                xm[:, s["current"] + j] = field.bins
            else:
                if j == 0 and layout.timed:
                    value[:, 0] = _gaps(model, xm, walk, turn, cell, place, rng)
                    now = _moved(model, walk, turn.stuck(m), value)
                    turn.same = now == walk.now[:m]
                    cell[:, 0] = field.place_numbers(value[:, 0])
                else:
                    if lean is not None and j in lean.fields:
                        turn.lean(j, xm, cell, place, walk.step, rng, lean)
                    else:
                        turn.draw(j, xm, cell, place, walk.step, rng, closing.get(j))
                    known = field.numbers if j < layout.later else field.values
                    value[:, j] = known(cell[:, j], place[:, j])
                xm[:, s["current"] + j] = field.features(cell[:, j])
            if j == 0 and layout.now is not None:
                xm[:, s["now"] : s["last"]] = _now(layout, model.axis, now)
            if j in after:
                match(after[j], np.arange(m), cell)
                for i in range(j + 1):
                    xm[:, s["current"] + i] = np.where(
                        (walk.step == 0) & (i < layout.later),
                        layout.fields[i].bins,
                        layout.fields[i].features(cell[:, i]),
                    )
            if j == layout.key:
                xm[:, s["last"] : s["current"]] = model.lasts.codes(walk.last(m, cell[:, j]))
        at = starts[:m] + walk.step
        cells[at], values[at], places[at], time[at] = cell, value, place, now
        turn.push(cell, place)
        walk.push(m, xm[:, s["current"] :], cell, value, now)
    return Sorted(starts, cells, values, time), places


def _gaps(model: Rows, x: Array, walk: Walk, turn: Turn, cell: Array, place: Array, rng: Any) -> Array:
    """The time since the row before: drawn again by the weight of the day that it leads to (rejection), and where the
    row cannot be of the same instant."""
    import numpy as np

    field, part, m, axis, time = model.layout.fields[0], model.parts[0], len(x), model.axis, model.layout.now

    def draw(rows: Array) -> Array:
        cell[rows, 0] = part.draw(x if len(rows) == m else x[rows], rng)
        place[rows, 0] = rng.random(len(rows))
        return field.numbers(cell[rows, 0], place[rows, 0])

    gap = draw(np.arange(m))
    if axis is not None and axis.weights is not None and time is not None:
        left = np.arange(m)
        for _ in range(TURNS):
            day = numbers_of(time, walk.now[left] + np.nan_to_num(gap[left]))
            left = left[rng.random(len(left)) >= axis.weight(day)]
            if not len(left):
                break
            gap[left] = draw(left)
    stuck = np.flatnonzero(turn.stuck(m) & ~(gap > 0))
    for _ in range(TRIES):
        if not len(stuck):
            return gap
        gap[stuck] = draw(stuck)
        stuck = stuck[~(gap[stuck] > 0)]
    gap[stuck] = model.least_step
    return gap


def _moved(model: Rows, walk: Walk, stuck: Array, value: Array) -> Array:
    """The time of each row: not so late that no time is left for the others; the last one ends the plan, unless it must
    be of another instant (``stuck``) and the plan has ended."""
    import numpy as np

    e, m = walk.entities, len(stuck)
    least = np.where(stuck, model.least_step, model.least_gap)
    left = e.rows[:m] - walk.step - 1
    end = np.maximum(e.last[:m] - left * model.least_gap, walk.now[:m] + least)
    gap = np.where(left == 0, end - walk.now[:m], np.minimum(np.maximum(value[:, 0], least), end - walk.now[:m]))
    value[:, 0] = gap
    return np.asarray(walk.now[:m] + gap)
