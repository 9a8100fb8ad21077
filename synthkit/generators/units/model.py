"""What a training of a family under a budget gives: of each table a graphical model of its cells beside its owner's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.axes import Axis
from synthkit.generators.marginals.cuts import Cut
from synthkit.generators.marginals.fitted import Marginals
from synthkit.generators.units.levels import Level

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Roles:
    """Which column of a table's model is what. The new ones come first: the table's own, then what is made of them.

    Args:
        own: how many columns the table itself has.
        names: of its own.
        time: the one by which rows follow one another, and ``gap``, the steps since the row before.
        counts, firsts: table below → the number of its rows, and the time of the first of them.
        looked_up: for each key to a public table, the row that it names.
        context: how many columns of the owner follow.
        place: the number of a row among its owner's.
        before: column → the same column in the row before, whose first cell says that there is none.
    """

    own: int
    names: tuple[str, ...]
    time: int | None
    gap: int | None
    counts: dict[str, int]
    firsts: dict[str, int]
    looked_up: tuple[int, ...]
    context: int
    place: int | None
    before: dict[int, int]

    @property
    def new(self) -> int:
        """How many columns are new."""
        return self.own + (self.gap is not None) + len(self.counts) + len(self.firsts) + len(self.looked_up)

    @staticmethod
    def of(level: Level, context: int) -> Roles:
        names, own = tuple(c.name for c in level.columns), len(level.columns)
        time = None if level.time is None else names.index(level.time.name)
        at = own + (time is not None)
        counts = {child.name: at + i for i, child in enumerate(level.below)}
        at += len(counts)
        firsts = {c.name: at + i for i, c in enumerate(c for c in level.below if c.time is not None)}
        at += len(firsts)
        looked_up = tuple(range(at, at + len(level.lookups)))
        at += len(looked_up)
        if level.key is None:
            return Roles(own, names, None, None, counts, firsts, looked_up, 0, None, {})
        earlier = [i for i in (*range(own), *counts.values(), *looked_up) if i != time]
        place = at + context
        before = {i: place + 1 + n for n, i in enumerate(earlier)}
        gap = None if time is None else own
        return Roles(own, names, time, gap, counts, firsts, looked_up, context, place, before)


@dataclass(frozen=True)
class Frame:
    """The model of one table.

    Args:
        marginals: over the columns of :class:`Roles`; its encoder knows the table's own.
        axes: of the new columns.
    """

    level: Level
    roles: Roles
    marginals: Marginals
    axes: tuple[Axis, ...]

    @property
    def cuts(self) -> tuple[Cut, ...]:
        return self.marginals.cuts


@dataclass(frozen=True)
class Units:
    """A family that was learnt under a budget.

    Args:
        frames: of each table, after its owner's.
        kinds: column that is a key → whether its values are whole numbers, else texts; by table.
        public: by table the key of each row of a public one that is looked up, as Arrow arrays: one for each column.
        orders: the columns of each table, as they are given out.
    """

    frames: tuple[Frame, ...]
    kinds: dict[str, dict[str, bool]]
    public: dict[str, tuple[Any, ...]]
    orders: dict[str, tuple[str, ...]]

    @cached_property
    def by_name(self) -> dict[str, Frame]:
        return {f.level.name: f for f in self.frames}

    @property
    def root(self) -> Frame:
        return self.frames[0]
