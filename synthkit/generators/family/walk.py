"""The rows of entities, one after another: what a row is drawn from, for all entities at once.

The same code goes over the rows that are learnt from and over those that are drawn, so that both see the same features:
the entity (its parent, its plan), how many rows and how much time are left, the two rows before, what a planned mean
still needs, which categories there were so far and in which visit (rows of one instant), and the last value that stood
beside the same category.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.columns import Field

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SMALL = 12  # cells of a category whose shares are followed one by one
FOLLOWED = 40  # cells in all


@dataclass(frozen=True)
class Layout:
    """Which features the rows of a table have, and where they stand.

    Args:
        fields: in the order in which a row's cells are drawn.
        static: features of the entity.
        timed: the first field is the time since the row before.
        later: fields that only a row after the first has, which stand first: the time since the row before, and by how
            much counters have grown.
        means: field → its mean in the plan, where that is planned: (field, place in the plan).
        shares: cells whose share of the rows is planned: (field, cell, place of the share); cell -1: the most frequent
            one, which is planned itself.
        visits: place of the number of different times; -1: not planned.
        key: the category beside which numbers are looked up from earlier rows; -1: none.
        now: the column of time, whose cell is a feature once the time is known.
        clock: codes of each part of the calendar, which are features as well.
    """

    fields: tuple[Field, ...]
    static: int
    timed: bool
    later: int
    means: tuple[tuple[int, int], ...]
    shares: tuple[tuple[int, int, int], ...]
    visits: int
    key: int
    now: Field | None
    clock: tuple[int, ...] = ()

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Fields whose running mean is followed."""
        return tuple(i for i, f in enumerate(self.fields) if f.numeric and not (self.timed and i == 0))

    @cached_property
    def labels(self) -> tuple[int, ...]:
        return tuple(i for i, f in enumerate(self.fields) if not f.numeric)

    @cached_property
    def small(self) -> tuple[int, ...]:
        found, room = [], FOLLOWED
        for i in self.labels:
            if self.fields[i].cells <= min(SMALL, room):
                found.append(i)
                room -= self.fields[i].cells
        return tuple(found)

    @cached_property
    def floats(self) -> int:
        """Features that are known before a row and are numbers."""
        cells = sum(self.fields[i].cells for i in self.small)
        times = (5 if self.timed else 0) + (2 if self.visits >= 0 else 0)
        planned = len(self.means) + len(self.shares)
        return 3 + times + len(self.numbers) + planned + 3 * cells + len(self.labels)

    @cached_property
    def starts(self) -> dict[str, int]:
        """Where each part of the features begins: static, before, floats, now, last, current."""
        d = len(self.fields)
        sizes = {
            "static": self.static,
            "before": 2 * d,
            "floats": self.floats,
            "now": int(self.now is not None) + len(self.clock),
            "last": len(self.numbers) if self.key >= 0 else 0,
            "current": d,
        }
        found, at = {}, 0
        for name, size in sizes.items():
            found[name] = at
            at += size
        return {**found, "end": at}

    def allowed(self, field: int) -> Array:
        """The features that are known when a field is drawn."""
        import numpy as np

        s = self.starts
        known = np.zeros(s["end"], dtype=bool)
        known[: s["now"]] = True
        known[s["now"] : s["last"]] = not self.timed or field > 0
        known[s["last"] : s["current"]] = field > self.key
        known[s["current"] : s["current"] + field] = True
        return np.flatnonzero(known)


@dataclass(frozen=True)
class Entities:
    """Entities in the order of their rows, most first: what is known of each before its first row.

    Args:
        codes: features, uint8, shape (entities, static).
        rows: of each.
        first, last: times of the first and the last row; NaN where nothing is timed.
        plan: cells' numbers of the plan, shape (entities, fields of the plan), NaN where there is none.
        followed: cells whose share is planned, in the order of ``Layout.shares``.
    """

    codes: Array
    rows: Array
    first: Array
    last: Array
    plan: Array
    followed: Array


def followed(layout: Layout, cells: Array, modes: Sequence[int]) -> Array:
    """The cells whose share is planned, shape (entities, shares).

    Args:
        cells: of the plan.
        modes: places of the most frequent cells there, which stand before the others.
    """
    import numpy as np

    found = np.empty((len(cells), len(layout.shares)), dtype=np.int64)
    for k, (_, cell, _) in enumerate(layout.shares):
        found[:, k] = cells[:, modes[k]] if cell < 0 else cell
    return found


class Walk:
    """Goes from row to row, all entities abreast. ``active`` of the first entities have a row at the current step."""

    def __init__(self, layout: Layout, entities: Entities) -> None:
        import numpy as np

        self.layout, self.entities = layout, entities
        size, d = len(entities.rows), len(layout.fields)
        self.step = 0
        none = np.array([f.bins for f in layout.fields], dtype=np.uint8)
        self.before = np.tile(none, (size, 1))
        self.earlier = self.before.copy()
        self.sums = np.zeros((size, len(layout.numbers)))
        self.counted = np.zeros((size, len(layout.numbers)))
        cells = sum(layout.fields[i].cells for i in layout.small)
        self.seen = np.zeros((size, cells), dtype=np.float32)
        self.here = np.zeros((size, cells), dtype=np.float32)  # in the visit of the row before
        self.there = np.zeros((size, cells), dtype=np.float32)  # in the visit before that
        self.same = np.zeros((size, len(layout.labels)), dtype=np.float32)
        self.cells = np.full((size, d), -1, dtype=np.int64)
        self.shared = np.zeros((size, len(layout.shares)))
        self.now = entities.first.copy()
        self.visit = np.zeros(size)
        self.visits = np.zeros(size)
        key_cells = layout.fields[layout.key].cells if layout.key >= 0 else 0
        self.beside = np.full((size, key_cells, len(layout.numbers)), np.nan, dtype=np.float32)

    @property
    def active(self) -> int:
        import numpy as np

        return int(np.searchsorted(-self.entities.rows, -self.step, side="left"))

    def floats(self, m: int) -> Array:
        """Numbers known before the row, float64, shape (m, ``Layout.floats``)."""
        import numpy as np

        e, layout = self.entities, self.layout
        left = (e.rows[:m] - self.step).astype(np.float64)
        parts = [np.full(m, float(self.step)), left, self.step / e.rows[:m]]
        if layout.timed:
            rest = e.last[:m] - self.now[:m]
            parts += [self.now[:m] - e.first[:m], rest, rest / left, self.visit[:m], self.visits[:m]]
        if layout.visits >= 0:
            more = e.plan[:m, layout.visits] - self.visits[:m]
            parts += [more, left - more]
        with np.errstate(invalid="ignore", divide="ignore"):
            parts += [self.sums[:m, k] / self.counted[:m, k] for k in range(len(layout.numbers))]
            for field, place in layout.means:
                k = layout.numbers.index(field)
                share = np.where(self.step > 0, self.counted[:m, k] / max(1, self.step), 1.0)
                wanted = e.plan[:m, place] * (self.counted[:m, k] + left * np.maximum(share, 0.05))
                parts.append((wanted - self.sums[:m, k]) / (left * np.maximum(share, 0.05)))
        for part in (self.seen[:m] / max(1, self.step), self.here[:m], self.there[:m]):
            parts += list(part.T)
        parts += list(self.same[:m].T)
        for k, (_, _, place) in enumerate(layout.shares):
            parts.append((e.plan[:m, place] * e.rows[:m] - self.shared[:m, k]) / left)
        return np.stack(parts, axis=1) if parts else np.zeros((m, 0))

    def codes(self, m: int) -> Array:
        """Feature codes of the two rows before, uint8, shape (m, 2 * fields)."""
        import numpy as np

        return np.concatenate([self.before[:m], self.earlier[:m]], axis=1)

    def last(self, m: int, cells: Array) -> Array:
        """The numbers of the last row that had the same cell of the key, float32, shape (m, numbers)."""
        import numpy as np

        return self.beside[np.arange(m), cells]

    def closing(self, m: int) -> dict[int, Array]:
        """What an entity's only row is: its means and shares, which are planned.

        Of several rows the last one is not led so: what rows before it went astray by would all be in it.

        Returns: field → cells, shape (m,); -1: any.
        """
        import numpy as np

        e, layout = self.entities, self.layout
        found: dict[int, Array] = {}
        only = np.flatnonzero(e.rows[:m] == 1) if self.step == 0 else np.zeros(0, dtype=np.int64)
        if not len(only):
            return found
        for field, place in layout.means:
            part, wanted = layout.fields[field], e.plan[only, place]
            found[field] = np.full(m, -1)
            found[field][only] = np.where(np.isnan(wanted) & (part.none == 0), -1, part.place(wanted))
        most: dict[int, Array] = {}
        for k, (field, _, place) in enumerate(layout.shares):
            share = np.nan_to_num(e.plan[only, place])
            best = most.setdefault(field, np.full(len(only), 0.5))
            found.setdefault(field, np.full(m, -1))
            more = share > best
            found[field][only[more]], best[more] = e.followed[only[more], k], share[more]
        return found

    def push(self, m: int, codes: Array, cells: Array, values: Array, now: Array) -> None:
        """Take in the rows of this step.

        Args:
            codes: feature codes, uint8, shape (m, fields).
            cells: shape (m, fields).
            values: positions, shape (m, fields); NaN where missing.
            now: the time of each row.
        """
        import numpy as np

        layout = self.layout
        if layout.timed:
            fresh = (now > self.now[:m]) | (self.step == 0)
            self.there[:m][fresh] = self.here[:m][fresh]
            self.here[:m][fresh] = 0
            self.visit[:m] = np.where(fresh, 1, self.visit[:m] + 1)
            self.visits[:m] += fresh
            self.now[:m] = now
        for k, i in enumerate(layout.numbers):
            known = ~np.isnan(values[:, i])
            self.sums[:m, k] += np.where(known, values[:, i], 0.0)
            self.counted[:m, k] += known
        at, row = 0, np.arange(m)
        for i in layout.small:
            self.seen[row, at + cells[:, i]] += 1
            self.here[row, at + cells[:, i]] = 1
            at += layout.fields[i].cells
        for k, i in enumerate(layout.labels):
            self.same[:m, k] = np.where(cells[:, i] == self.cells[:m, i], self.same[:m, k] + 1, 1)
        for k, (i, _, _) in enumerate(layout.shares):
            self.shared[:m, k] += cells[:, i] == self.entities.followed[:m, k]
        if layout.key >= 0:
            self.beside[row, cells[:, layout.key]] = values[:, list(layout.numbers)]
        self.earlier[:m] = self.before[:m]
        self.before[:m] = codes
        self.cells[:m] = cells
        self.step += 1
