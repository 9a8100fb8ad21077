"""The rows of entities: every cell given the entity, its plan, the rows before and the cells before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.additive import Shape
from synthkit.generators.conditional.columns import Context, Field, learning_of
from synthkit.generators.conditional.dichotomies import Conditional, Features, fit_conditional, leaning
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.binning import Binning, fit_binning
from synthkit.generators.family.tilting import InRows
from synthkit.generators.family.walk import Entities, Layout, Walk

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

STAYS = 0.3  # share of rows that repeat the cell before, from which staying is a question of its own
WIDE = 12  # cells, from which it is
STATES = 64  # cells of a category at most whose never seen successions are never drawn
TRIES = 6  # draws of a cell that may not follow the one before

Match = Callable[[int, "Array", "Array"], None]  # key, entities, cells of their rows; see :func:`draw_rows`


@dataclass(frozen=True)
class Rows:
    """How a table's rows are drawn.

    Args:
        floats, lasts: cuts of the features that are numbers.
        parts: of each field, p(cell | before).
        stays: of each field, whether the row before is repeated, where that is asked.
        follows: of each field, which cell may follow which; shape (cells, cells).
        least_gap: between two rows' times.
        matched: after which field the row that a key names is looked up: (field, key).
    """

    layout: Layout
    floats: Binning
    lasts: Binning
    parts: tuple[Conditional, ...]
    stays: tuple[Conditional | None, ...]
    follows: tuple[Array | None, ...]
    least_gap: float
    matched: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Sorted:
    """Rows of entities, an entity's together and in their order.

    Args:
        starts: where each entity begins.
        cells, values: shape (rows, fields).
        time: of each row.
    """

    starts: Array
    cells: Array
    values: Array
    time: Array


def fit_rows(
    layout: Layout,
    entities: Entities,
    rows: Sorted,
    part: Array,
    params: ConditionalParams,
    *,
    static: Context,
    matched: tuple[tuple[int, int], ...],
    repeats: Array,
) -> Rows:
    """Learn the rows.

    Args:
        part: of each entity, 0 to 8: which of them judge the others' trees.
        static: what is known of the entities' features.
        repeats: whether a row has exactly the value of the row before, shape (rows, fields).
    """
    import numpy as np

    x, floats, lasts, step = _features(layout, entities, rows)
    given = Features(x, _described(layout, static, floats, lasts))
    judge = np.repeat(part, entities.rows)
    parts, stays, follows = [], [], []
    for j, field in enumerate(layout.fields):
        allowed, after = layout.allowed(j), step > 0
        means = after if j < layout.later else np.ones(len(x), dtype=bool)
        stay = None
        wide = field.cells > WIDE and j >= layout.later and after.any()
        if wide and repeats[after, j].mean() >= STAYS:
            stay = _learn(repeats[:, j].astype(np.int64), given, after, allowed, judge, False, params)
            means = means & ~(repeats[:, j] & after)
        parts.append(_learn(rows.cells[:, j], given, means, allowed, judge, field.numeric, params))
        stays.append(stay)
        follows.append(_follows(rows.cells[:, j], after, field.cells) if not field.numeric else None)
    gaps = rows.values[step > 0, 0] if layout.timed else np.zeros(0)
    least = float(gaps.min()) if len(gaps) else 0.0
    return Rows(layout, floats, lasts, tuple(parts), tuple(stays), tuple(follows), least, matched)


def _learn(
    cells: Array, given: Features, means: Array, allowed: Array, judge: Array, ordered: bool, params: ConditionalParams
) -> Conditional:
    some = given if means.all() else Features(given.codes[means], given.shape)
    return fit_conditional(
        cells[means],
        some,
        allowed,
        judge[means],
        ordered=ordered,
        learning=learning_of(params),
        most=params.features,
    )


def _follows(cells: Array, after: Array, size: int) -> Array | None:
    """Which cell is seen to follow which; one that nothing follows may be followed by any."""
    import numpy as np

    if size > STATES or not after.any():
        return None
    seen = np.zeros((size, size), dtype=bool)
    at = np.flatnonzero(after)
    seen[cells[at - 1], cells[at]] = True
    seen[~seen.any(axis=1)] = True
    return None if seen.all() else seen


def _features(layout: Layout, entities: Entities, rows: Sorted) -> tuple[Array, Binning, Binning, Array]:
    """The features of all rows (uint8, shape (rows, features)), how numbers were cut, and each row's step."""
    import numpy as np

    s, size = layout.starts, len(rows.cells)
    x = np.zeros((size, s["end"]), dtype=np.uint8)
    numbers = np.zeros((size, layout.floats), dtype=np.float32)
    beside = np.zeros((size, s["current"] - s["last"]), dtype=np.float32)
    step = np.zeros(size, dtype=np.int64)
    for j, field in enumerate(layout.fields):
        x[:, s["current"] + j] = field.features(rows.cells[:, j])
    if len(rows.starts):
        firsts = rows.starts[entities.rows > 0]
        for j in range(layout.later):
            x[firsts, s["current"] + j] = layout.fields[j].bins
    if layout.now is not None:
        x[:, s["now"]] = layout.now.features(layout.now.place(rows.time))
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


def _described(layout: Layout, static: Context, floats: Binning, lasts: Binning) -> Shape:
    """What is known of the rows' features."""
    import numpy as np

    fields = [*layout.fields]
    now = [layout.now] if layout.now is not None else []

    def of(some: Sequence[Field]) -> Shape:
        bins = np.array([f.bins + 1 for f in some], dtype=np.int64)
        free = np.array([not f.numeric for f in some], dtype=bool)
        return Shape(bins, free, np.array([f.blank for f in some], dtype=np.int64))

    def cut(binning: Binning) -> Shape:
        return Shape(binning.bins, np.zeros(len(binning.bins), dtype=bool), binning.bins - 1)

    parts = [
        Shape(static.bins + 1, static.nominal, static.blank),
        *(of(fields), of(fields), cut(floats), of(now), cut(lasts), of(fields)),
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
    was, was_place = np.zeros((len(x), d), dtype=np.int64), np.zeros((len(x), d))
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
        for j, field in enumerate(layout.fields):
            if j < layout.later and walk.step == 0:
                xm[:, s["current"] + j] = field.bins
            else:
                if lean is not None and j in lean.fields:
                    _draw_leaning(model, j, xm, cell, place, was[:m], was_place[:m], walk.step, rng, lean)
                else:
                    _draw_cells(model, j, xm, cell, place, was[:m], was_place[:m], walk.step, rng, closing.get(j))
                known = field.numbers if j < layout.later else field.values
                value[:, j] = known(cell[:, j], place[:, j])
                if j == 0 and layout.timed:
                    now = _moved(model, walk, m, value)
                    cell[:, 0] = field.place_numbers(value[:, 0])
                xm[:, s["current"] + j] = field.features(cell[:, j])
            if j == 0 and layout.now is not None:
                xm[:, s["now"]] = layout.now.features(layout.now.place(now))
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
        was[:m], was_place[:m] = cell, place
        walk.push(m, xm[:, s["current"] :], cell, value, now)
    return Sorted(starts, cells, values, time), places


def _draw_cells(
    model: Rows,
    j: int,
    x: Array,
    cell: Array,
    place: Array,
    was: Array,
    was_place: Array,
    step: int,
    rng: Any,
    near: Array | None,
) -> None:
    """Draw the cells of a field into ``cell``, and with them ``place``.

    Args:
        near: the cell that each row is to have, -1: any.
    """
    import numpy as np

    field, part, stay, follows = model.layout.fields[j], model.parts[j], model.stays[j], model.follows[j]
    moving = np.arange(len(x))
    if stay is not None and step > 0:
        stays = stay.draw(x, rng) == 1
        if near is not None:
            stays &= (near < 0) | (near == was[:, j])
        cell[stays, j], place[stays, j] = was[stays, j], was_place[stays, j]
        moving = np.flatnonzero(~stays)
    whole = len(moving) == len(x)
    cell[moving, j] = part.draw(x if whole else x[moving], rng, None if near is None else near[moving])
    if step == 0 or (follows is None and stay is None) or field.numeric:
        return
    for _ in range(TRIES):
        wrong = cell[moving, j] == was[moving, j] if stay is not None else np.zeros(len(moving), dtype=bool)
        if follows is not None:
            wrong = wrong | ~follows[was[moving, j], cell[moving, j]]
        moving = moving[wrong]
        if not len(moving):
            return
        cell[moving, j] = part.draw(x[moving], rng)
    if follows is not None:
        wrong = ~follows[was[moving, j], cell[moving, j]]
        cell[moving[wrong], j] = follows[was[moving[wrong], j]].argmax(axis=1)


def _draw_leaning(
    model: Rows,
    j: int,
    x: Array,
    cell: Array,
    place: Array,
    was: Array,
    was_place: Array,
    step: int,
    rng: Any,
    lean: InRows,
) -> None:
    """As :func:`_draw_cells`, where some cells are made likelier."""
    import numpy as np

    field, stay, follows = model.layout.fields[j], model.stays[j], model.follows[j]
    found = model.parts[j].log_probs(x, field.cells)
    if step > 0 and stay is not None:
        found = _staying(found, stay.log_probs(x, 2), was[:, j])
    if step > 0 and follows is not None and not field.numeric:
        found = np.where(follows[was[:, j]], found, -np.inf)
    cell[:, j] = leaning(found, lean.more(j, field.cells), rng)
    if step > 0 and stay is not None:
        place[:, j] = np.where(cell[:, j] == was[:, j], was_place[:, j], place[:, j])
    lean.drew(j, cell[:, j])


def _staying(log_probs: Array, stays: Array, was: Array) -> Array:
    """log p(cell) where a row repeats the cell before with a chance of its own, and else has another one.

    Args:
        stays: log p of moving and of staying, shape (rows, 2).
    """
    import numpy as np

    rows = np.arange(len(was))
    others = log_probs.copy()
    others[rows, was] = -np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.logaddexp.reduce(others, axis=1)
        found = others + np.where(np.isfinite(total), stays[:, 0] - total, -np.inf)[:, None]
    found[rows, was] = np.where(np.isfinite(total), stays[:, 1], 0.0)
    return found


def _moved(model: Rows, walk: Walk, m: int, value: Array) -> Array:
    """The time of each row: not so late that no time is left for the others; the last one ends the plan."""
    import numpy as np

    e, least = walk.entities, model.least_gap
    left = e.rows[:m] - walk.step - 1
    end = np.maximum(e.last[:m] - left * least, walk.now[:m] + least)
    gap = np.where(left == 0, end - walk.now[:m], np.minimum(np.maximum(value[:, 0], least), end - walk.now[:m]))
    value[:, 0] = gap
    return walk.now[:m] + gap
