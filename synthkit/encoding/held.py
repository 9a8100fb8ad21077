"""What belongs to a made-up key: a unit has one state, an id one name, and no two rows of a unit are of the same year.

A key is made up, so which rows have the same one is free: rows that are alike in what a key holds are given to one
key, as many as a key has in the training rows, and take its values. A row that then breaks another rule, or is not
what a condition asks for, gets a key of its own, and so keeps its values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from synthkit.encoding.dealing import apart_codes, dealt, sorted_by, units_in_order
from synthkit.encoding.rules import FillRule
from synthkit.encoding.values import array_of
from synthkit.rules.coding import codes_differ, codes_of, joint_codes, missing, whole
from synthkit.rules.dependency import unlike

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

Columns = dict[str, Any]
# (columns, names of those that changed, as they were) → which rows break a rule now; what follows is computed anew.
Adapt = Callable[[Columns, frozenset[str], Columns], Any]


@dataclass(frozen=True)
class Held:
    """What belongs to one made-up key.

    Args:
        key: its column.
        columns: the same in all rows of a key; they are there before the key is.
        made: other made-up columns that are.
        apart: sets of columns, each of which tells the rows of one key apart.
        by: columns that say which key a row has; none: rows are free to have any.
        rules: what all this keeps, as text.
        found: those of the rules that nobody declared.
    """

    key: str
    columns: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()
    by: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    found: tuple[str, ...] = ()

    def apart_of(self, names: Collection[str]) -> bool:
        """Whether its rows are told apart by exactly these columns, the key among them."""
        return any({self.key, *rest} == set(names) for rest in self.apart)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Held:
        lists = {k: tuple(v) for k, v in data.items() if k not in ("key", "apart")}
        return Held(data["key"], apart=tuple(tuple(names) for names in data["apart"]), **lists)


class Numbered(Protocol):
    """What makes the ids of a key."""

    def numbered(self, number: int) -> Any:
        """The ``number``-th id, from 1: always the same. Raises BuildError when the type has no more."""


class Made(Protocol):
    def take(self, start: int, count: int) -> pa.Array: ...


class Holding:
    """Gives keys to rows, batch after batch.

    Args:
        ids: makes the key's values.
        made: makers of the columns that are made up for each key.
        fixed: columns whose drawn values must stay.
    """

    def __init__(
        self,
        held: Held,
        rule: FillRule,
        kind: pa.DataType,
        ids: Numbered,
        made: Mapping[str, Made],
        *,
        adapt: Adapt,
        fixed: Collection[str],
        rng: np.random.Generator,
    ) -> None:
        self.held, self.rule, self.kind, self.ids, self.made = held, rule, kind, ids, made
        self.adapt, self.fixed, self.rng = adapt, frozenset(fixed), rng
        self.next = 0
        self.known: dict[tuple[Any, ...], int] = {}
        self.kept: Columns = {}

    def apply(self, columns: Columns, count: int) -> None:
        """Add the key and what is made up for it, and give each row what its key holds."""
        import numpy as np
        import pyarrow as pa

        if self.held.by:
            self._named(columns)
            return
        without = self.rng.random(count) < self.rule.nulls
        rows = np.flatnonzero(~without)
        unit = np.full(count, -1, dtype=np.int64)
        unit[rows] = self._dealt(columns, rows)
        unit = self._holding(columns, unit)
        unit = _renumbered(unit)
        for name, maker in self.made.items():
            columns[name] = maker.take(self.next, int(unit.max(initial=-1)) + 1).take(pa.array(unit))
        self._write(columns, self.next + unit, without)
        self.next += int(unit.max(initial=-1)) + 1

    def _dealt(self, columns: Columns, rows: Array) -> Array:
        """A unit for each of some rows: shape (rows,)."""
        import numpy as np

        order = self.rng.permutation(len(rows))
        here = {n: whole(columns[n]).take(rows[order]) for n in self.held.columns}
        order = order[sorted_by(here)] if here else order
        sizes = self._sizes(len(rows))
        found = np.empty(len(rows), dtype=np.int64)
        if not self.held.apart:
            found[order] = units_in_order(sizes, len(rows))
            return found
        apart = apart_codes([columns[n] for n in self.held.apart[0]])[rows]
        found[order] = dealt(sizes, apart[order], self.rng)
        return found

    def _sizes(self, rows: int) -> Array:
        """Rows of each unit, as many units as it takes."""
        import numpy as np

        sizes = np.array([size for size, _ in self.rule.fan_out])
        weights = np.array([n for _, n in self.rule.fan_out], dtype=float)
        weights /= weights.sum()
        parts, total = [np.empty(0, dtype=np.int64)], 0
        while total < rows:
            drawn = self.rng.choice(sizes, size=int((rows - total) / float(sizes @ weights)) + 1, p=weights)
            parts.append(drawn)
            total += int(drawn.sum())
        return np.concatenate(parts)

    def _holding(self, columns: Columns, unit: Array) -> Array:
        """Give the rows of a unit the values that most of it have; rows that cannot take them get units of their own.

        Returns the units.
        """
        import numpy as np
        import pyarrow as pa

        names, before = list(self.held.columns), dict(columns)
        odd = np.zeros(len(unit), dtype=bool)
        inside = np.flatnonzero(unit >= 0)
        if names and len(inside):
            values = joint_codes([codes_of(columns[n]) for n in names])
            place = np.arange(len(unit))
            place[inside] = inside[_leaders(unit[inside], values[inside])]
            if (place != np.arange(len(unit))).any():
                for name in names:
                    columns[name] = whole(columns[name]).take(pa.array(place))
                changed = {n: codes_differ(before[n], columns[n]) for n in names}
                odd = np.asarray(self.adapt(columns, frozenset(names), before), dtype=bool)
                for name in self.fixed:
                    if name in before:
                        odd |= changed[name] if name in changed else codes_differ(before[name], columns[name])
                odd &= np.any(list(changed.values()), axis=0)
        found = unit.copy()
        found[odd] = np.where(odd, np.arange(len(unit)) + int(unit.max(initial=-1)) + 1, 0)[odd]
        if odd.any():
            back = pa.array(np.where(odd, np.arange(len(unit)) + len(unit), np.arange(len(unit))))
            for name in before:
                columns[name] = pa.concat_arrays([whole(columns[name]), whole(before[name])]).take(back)
        return self._apart(columns, found)

    def _apart(self, columns: Columns, unit: Array) -> Array:
        """Rows that are like an earlier one of their unit get units of their own."""
        import numpy as np

        found = unit.copy()
        for names in self.held.apart:
            codes = apart_codes([columns[n] for n in names])
            inside = np.flatnonzero(found >= 0)
            first = np.unique(joint_codes([found[inside], codes[inside]]), return_index=True)[1]
            again = np.delete(inside, first)
            found[again] = int(found.max(initial=-1)) + 1 + np.arange(len(again))
        return found

    def _named(self, columns: Columns) -> None:
        """The key of each row by the values that say it."""
        import numpy as np
        import pyarrow as pa

        there = len(self.known)
        texts = zip(*(columns[n].to_pylist() for n in self.held.by), strict=True)
        unit = np.array([self.known.setdefault(t, len(self.known)) for t in texts], dtype=np.int64)
        new = len(self.known) - there
        for name, maker in self.made.items():
            more = maker.take(there, new)
            self.kept[name] = pa.concat_arrays([self.kept[name], more]) if name in self.kept else more
            columns[name] = self.kept[name].take(pa.array(unit))
        absent = np.any([missing(columns[n]) for n in self.held.by], axis=0)
        self._write(columns, unit, absent & (self.rule.nulls > 0))

    def _write(self, columns: Columns, unit: Array, without: Array) -> None:
        """The key of each unit, numbered from 0; missing in the rows ``without`` one."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        numbers, place = np.unique(unit, return_inverse=True)
        ids = array_of([self.ids.numbered(int(n) + 1) for n in numbers], self.kind, self.held.key)
        every = ids.take(pa.array(place.reshape(-1)))
        columns[self.held.key] = pc.if_else(pa.array(without), pa.scalar(None, self.kind), every)


def _leaders(unit: Array, values: Array) -> Array:
    """For each row the first row of its unit that has the most frequent value of the unit."""
    import numpy as np

    usual = np.flatnonzero(~unlike(_renumbered(unit), values))
    groups, first = np.unique(unit[usual], return_index=True)
    return np.asarray(usual[first][np.searchsorted(groups, unit)])


def _renumbered(unit: Array) -> Array:
    """The same units with numbers from 0, in their order; rows without one have one each, after them."""
    import numpy as np

    alone = np.flatnonzero(unit < 0)
    found = unit.copy()
    found[alone] = int(unit.max(initial=-1)) + 1 + np.arange(len(alone))
    return np.unique(found, return_inverse=True)[1].reshape(-1)


def keys_first(held: Sequence[Held]) -> list[Held]:
    """Each after those whose key is among what it holds."""
    keys = {h.key: h for h in held}
    done: list[Held] = []

    def visit(one: Held) -> None:
        for name in (*one.columns, *one.by, *(n for names in one.apart for n in names)):
            if name in keys and keys[name] is not one and keys[name] not in done:
                visit(keys[name])
        if one not in done:
            done.append(one)

    for one in held:
        visit(one)
    return done
