"""What is planned of an entity: how many rows, when they begin and end, what is the same in all, and their means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from synthkit.encoding.encoder import ColumnCodec
from synthkit.generators.conditional.columns import CELLS, WIDEST, Field, field_of, numbers_encoded
from synthkit.generators.conditional.params import ConditionalParams

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

PAIRS = 30  # of rows of one entity, from which it is said that something never changes or never falls
TIED = 0.98  # different times per row, below which their number is planned
TIED_PACE = 0.2  # of the entities have the commonest mean time between rows, or
GOING_ON = 0.1  # of the entities have rows to the end of the record, from which it is planned whether one has
EVEN = 0.5  # of its median is the width of its middle half: rows come regularly
FEW = 12  # cells of a category of which the share of each is planned
RARE = 0.004  # share of all rows below which a cell's is not
TIMES = ("first", "last")
MODED = 300  # cells of a category whose most frequent one is planned


@dataclass(frozen=True)
class Found:
    """What holds in an entity's rows: columns that are the same in all, and those that never fall, or never rise."""

    constants: tuple[int, ...]
    counters: tuple[int, ...]
    time: int  # field of the column of time; -1: none
    copied: tuple[int, ...] = ()  # those that are the owner's
    spans: tuple[int, ...] = ()  # dates that are so long before, or after, the first row

    def without(self, copied: Sequence[int]) -> Found:
        """The same, where some columns are the owner's."""
        constants = tuple(j for j in self.constants if j not in copied)
        return replace(self, constants=constants, copied=tuple(copied))

    def spanned(self, spans: Sequence[int]) -> Found:
        """The same, where some dates are learnt by how long before, or after, the first row they are."""
        constants = tuple(j for j in self.constants if j not in spans)
        return replace(self, constants=constants, spans=tuple(spans))


def found_in(fields: Sequence[Field], cells: Array, values: Array, entity: Array, time: int) -> Found:
    """Look at rows that are sorted by entity.

    Args:
        entity: of each row.
        time: field by which they are sorted, -1: none.
    """
    import numpy as np

    pairs = np.flatnonzero(entity[1:] == entity[:-1]) + 1
    constants, counters = [], []
    if len(pairs) >= PAIRS:
        for j, field in enumerate(fields):
            if j == time:
                continue
            if field.numeric:
                now, before = values[pairs, j], values[pairs - 1, j]
                same = (now == before) | (np.isnan(now) & np.isnan(before))
                if same.all():
                    constants.append(j)
                elif not np.isnan(values[:, j]).any() and ((now >= before).all() or (now <= before).all()):
                    counters.append(j)
            elif (cells[pairs, j] == cells[pairs - 1, j]).all() and np.ptp(cells[:, j]):
                constants.append(j)
    return Found(tuple(constants), tuple(counters), time)


@dataclass(frozen=True)
class Planned:
    """The plan of entities as it is learnt: fields and their cells, and the plan's numbers (NaN: none).

    ``means``, ``shares`` and ``visits`` are as :class:`.walk.Layout` has them, by column.
    """

    fields: tuple[Field, ...]
    cells: Array
    numbers: Array
    constants: tuple[tuple[int, int], ...]
    starts: tuple[tuple[int, int], ...]
    first: int
    pace: int
    last: int
    means: tuple[tuple[int, int], ...]
    shares: tuple[tuple[int, int, int], ...]
    to_end: int
    visits: int
    phase: int
    spans: tuple[tuple[int, int], ...]
    modes: tuple[int, ...]


def planned(
    fields: Sequence[Field],
    cells: Array,
    values: Array,
    starts: Array,
    rows: Array,
    found: Found,
    params: ConditionalParams,
    seed: int,
    units: Array | None = None,
    phase: Array | None = None,
    spans: Mapping[int, Array] | None = None,
) -> Planned:
    """The plans that the rows of entities show.

    Args:
        starts, rows: where each entity begins, and how many rows it has.
        units: whose each entity is, as numbers; None: each is one.
        phase: of each row's time, the same in all of an entity (:mod:`.axis`).
        spans: column → how long after the first time it is, of each entity with rows.
    """
    import numpy as np

    some = np.flatnonzero(rows > 0)
    ends = starts[some] + rows[some] - 1
    numbers: dict[str, Array] = {"rows": rows.astype(np.float64)}

    def of_some(known: Array) -> Array:
        whole = np.full(len(rows), np.nan)
        whole[some] = known
        return whole

    if found.time >= 0:
        time = values[:, found.time]
        fresh = np.append(True, (time[1:] > time[:-1])) if len(time) else np.zeros(0, dtype=bool)
        fresh[starts[some]] = True
        visits = np.bincount(np.repeat(np.arange(len(rows)), rows), fresh, minlength=len(rows))
        tied = visits.sum() < TIED * rows.sum()
        if tied:
            numbers["visits"] = of_some(visits[some])
        numbers["first"] = of_some(time[starts[some]])
        if phase is not None:
            numbers["phase"] = of_some(phase[starts[some]].astype(np.float64))
        steps = (visits if tied else rows)[some] - 1
        with np.errstate(invalid="ignore", divide="ignore"):
            pace = (time[ends] - time[starts[some]]) / steps
        if _regular(pace[steps > 0]):
            numbers["pace"] = of_some(pace)
            going_on = time[ends] == time.max()
            if going_on.mean() >= GOING_ON:
                numbers["to the end"] = of_some(going_on.astype(np.float64))
        else:
            numbers["last"] = of_some(np.where(steps > 0, time[ends], np.nan))
    for j in found.spans:
        numbers[f"span {j}"] = of_some((spans or {})[j])
    coded: list[tuple[str, Field, Array]] = []
    for j in (*found.constants, *found.counters):
        cell = np.full(len(rows), fields[j].none)
        cell[some] = cells[starts[some], j]
        coded.append((f"column {j}", fields[j], cell))
    free = [
        j
        for j in range(len(fields))
        if j not in (*found.constants, *found.spans, *found.counters, *found.copied, found.time)
    ]
    modes, means = [], []
    shares: list[tuple[int, int]] = []
    entity = np.repeat(np.arange(len(rows)), rows)
    for j in free:
        if not fields[j].numeric and 1 < fields[j].cells <= FEW:
            for c in np.argsort(-np.bincount(cells[:, j], minlength=fields[j].cells), kind="stable").tolist():
                held = np.bincount(entity, cells[:, j] == c, minlength=len(rows))
                if held.sum() >= RARE * len(cells):
                    numbers[f"share {j} {c}"] = of_some(held[some] / rows[some])
                    shares.append((j, c))
        elif not fields[j].numeric and 1 < fields[j].cells <= MODED:
            mode, share = _mode(cells[:, j], entity, len(rows), fields[j].cells, rows)
            mode[rows == 0] = fields[j].none
            coded.append((f"mode {j}", fields[j], mode))
            numbers[f"share {j}"] = share
            modes.append(j)
    for j in free:
        if fields[j].numeric and fields[j].cells > 1:
            known = ~np.isnan(values[:, j])
            count = np.bincount(entity[known], minlength=len(rows))
            total = np.bincount(entity[known], values[known, j], minlength=len(rows))
            with np.errstate(invalid="ignore"):
                numbers[f"mean {j}"] = total / count
            means.append(j)
    # What an entity's rows are follows from when they are: a category may be of a few years alone.
    times = {n: v for n, v in numbers.items() if n in TIMES}
    coded_by = {
        name: (codec, column)
        for part, most in ((times, WIDEST), ({n: v for n, v in numbers.items() if n not in TIMES}, CELLS))
        if part
        for name, codec, column in _encoded(part, params, seed, most, units)
    }
    names = list(numbers)
    order = [n for n in names if not n.startswith(("mean", "share"))]
    order.sort(key=lambda n: n not in ("rows", "to the end"))
    order += [name for name, _, _ in coded if name.startswith("column")]
    for j in modes:
        order += [f"mode {j}", f"share {j}"]
    order += [f"share {j} {c}" for j, c in shares]
    order += [f"mean {j}" for j in means]
    made, columns, raw = [], [], []
    by_name = {name: (field, cell) for name, field, cell in coded}
    for name in order:
        if name in by_name:
            field, cell = by_name[name]
            made.append(Field(name, field.codec, field.narrow, 1))
            columns.append(cell)
            raw.append(np.full(len(rows), np.nan))
        else:
            codec, column = coded_by[name]
            least = 0 if name == "rows" else 2 if name in ("pace", "last") else 1
            made.append(field_of(codec, column, least))
            columns.append(column)
            raw.append(numbers[name])
    at = {name: i for i, name in enumerate(order)}
    return Planned(
        tuple(made),
        np.stack(columns, axis=1),
        np.stack(raw, axis=1),
        tuple((j, at[f"column {j}"]) for j in found.constants),
        tuple((j, at[f"column {j}"]) for j in found.counters),
        at.get("first", -1),
        at.get("pace", -1),
        at.get("last", -1),
        tuple((j, at[f"mean {j}"]) for j in means),
        (
            *((j, -1, at[f"share {j}"]) for j in modes),
            *((j, c, at[f"share {j} {c}"]) for j, c in shares),
        ),
        at.get("to the end", -1),
        at.get("visits", -1),
        at.get("phase", -1),
        tuple((j, at[f"span {j}"]) for j in found.spans),
        tuple(at[f"mode {j}"] for j in modes),
    )


def as_drawn(plan: Planned, rng: np.random.Generator) -> Array:
    """The plan's numbers with means no more exact than they are drawn: somewhere in their cells.

    A last row that is known exactly by what is left of the mean would be learnt so, and when rows are drawn it would
    have to make good all that those before it went astray by.
    """
    found = plan.numbers.copy()
    for _, at in plan.means:
        found[:, at] = plan.fields[at].numbers(plan.cells[:, at], rng.random(len(found)))
    return found


def _encoded(
    numbers: Mapping[str, Array], params: ConditionalParams, seed: int, most: int, units: Array | None
) -> list[tuple[str, ColumnCodec, Array]]:
    """Of each number, how it is encoded and its cells."""
    codecs, codes = numbers_encoded(numbers, params, seed, most, units=units)
    return [(name, codecs[k], codes[:, k]) for k, name in enumerate(numbers)]


def _regular(pace: Array) -> bool:
    """Whether the mean time between rows says more than when the last one is: it is about the same for all."""
    import numpy as np

    known = pace[np.isfinite(pace)]
    if not len(known):
        return True
    _, counts = np.unique(known, return_counts=True)
    low, middle, high = np.percentile(known, [25, 50, 75])
    return bool(counts.max() >= TIED_PACE * len(known) or high - low <= EVEN * middle)


def _mode(cells: Array, entity: Array, size: int, most: int, rows: Array) -> tuple[Array, Array]:
    """The most frequent cell of each entity, the least of several, and its share of the rows (NaN: no row)."""
    import numpy as np

    pair, count = np.unique(entity * most + cells, return_counts=True)
    who, cell = pair // most, pair % most
    order = np.lexsort((cell, -count, who))
    first = np.append(True, np.diff(who[order]) > 0) if len(order) else np.zeros(0, dtype=bool)
    best = order[first]
    mode, share = np.zeros(size, dtype=np.int64), np.full(size, np.nan)
    mode[who[best]] = cell[best]
    share[who[best]] = count[best] / rows[who[best]]
    return mode, share
