"""Primary keys whose columns are not unique by themselves: every row gets a tuple of its own.

An order line is known by its order and its number, a price by shop and day. A generator draws such columns one row at
a time and so repeats tuples. Here the second row of a tuple moves: a foreign id to another id, a number or a date to
the nearest free one between the source's least and greatest, a category to another category.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from synthkit.encoding.kept.step import KeptRules
from synthkit.encoding.values import array_of, from_whole_numbers, plain, whole_numbers
from synthkit.errors import BuildError
from synthkit.files import Json
from synthkit.project.partition import WHOLE, Partition
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MOST_VALUES = 1_000  # a category of more is not listed, so it does not move
FOREIGN_TRIES = 40  # other ids tried before a new one
ROOM = 20  # values of a range for each partition, at least: a value then moves by a fortieth of the range at most


@dataclass(frozen=True)
class Move:
    """How one column of the key may change: ``range`` (low, high, step), ``values``, or neither for a foreign id."""

    column: str
    range: tuple[int, int, int] | None = None
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class KeyRule:
    """The columns of the key, and its moves, the one that disturbs least first."""

    columns: tuple[str, ...]
    moves: tuple[Move, ...]

    @staticmethod
    def from_json(data: Json) -> KeyRule:
        def move(m: Json) -> Move:
            bounds = None if m["range"] is None else (int(m["range"][0]), int(m["range"][1]), int(m["range"][2]))
            return Move(m["column"], bounds, tuple(m["values"]))

        return KeyRule(tuple(data["columns"]), tuple(move(m) for m in data["moves"]))


class ForeignIds(Protocol):
    """What makes the ids of a foreign key: one that is in use, or one that is new."""

    def known(self, rng: np.random.Generator) -> Any: ...
    def fresh(self) -> Any: ...


def plan_key(table: Table, kinds: Mapping[str, str], names: tuple[str, ...] | None = None) -> KeyRule | None:
    """The rule for a key; None where there is none or a column of it is unique by itself.

    Args:
        kinds: how each column that is made up is filled; "key" for those that are unique.
        names: the key; default: the table's primary key.
    """
    names = table.schema.primary_key if names is None else names
    if not names or any(kinds.get(n) == "key" for n in names):
        return None
    moves = [(rank, move) for n in names for rank, move in _moves(table, n, kinds.get(n))]
    moves.sort(key=lambda m: m[0], reverse=True)
    return KeyRule(names, tuple(move for _, move in moves))


def _moves(table: Table, name: str, kind: str | None) -> Iterator[tuple[tuple[int, int], Move]]:
    """(preference, move) of a column, where it can move at all."""
    import numpy as np
    import pyarrow as pa

    if kind is not None and kind != "foreign":
        return
    values = table.to_arrow([name]).column(0).drop_null()
    distinct = values.unique()
    if kind == "foreign":
        yield (3, len(distinct)), Move(name)
        return
    numbers = whole_numbers(distinct)
    if numbers is not None and len(numbers) > 1:
        array = numbers.to_numpy()
        low, high = int(array.min()), int(array.max())
        step = int(np.gcd.reduce(array - low))
        yield (2, (high - low) // step + 1), Move(name, (low, high, step))
    elif not pa.types.is_floating(values.type) and 1 < len(distinct) <= MOST_VALUES:
        yield (1, len(distinct)), Move(name, None, tuple(sorted((plain(v) for v in distinct.to_pylist()), key=repr)))


def divided_by(rule: KeyRule, fixed: Collection[str], partitions: int) -> Move | None:
    """The column whose values partitions share out among them, so that a key is of one of them alone; None for none.

    Args:
        fixed: columns that must not move.
    """
    for move in rule.moves:
        if move.range is not None and move.column not in fixed:
            low, high, step = move.range
            if (high - low) // step + 1 >= ROOM * partitions:
                return move
    return None


class UniqueKeys:
    """Goes over the rows in order and moves those whose key was there before."""

    def __init__(
        self,
        rule: KeyRule,
        schema: pa.Schema,
        *,
        foreign: Mapping[str, ForeignIds],
        fixed: Collection[str],
        step: KeptRules | None = None,
        seed: int,
        partition: Partition = WHOLE,
    ) -> None:
        """Args:
        fixed: columns that must not move.
        step: rules that rows keep: a column that they do not name moves first, and what follows from one that
            moved is computed anew.
        partition: of the table: its keys differ from those of the others. A made-up id of its own sees to that;
            without one, it has every P-th value of a learnt column, the nearest of which each row takes.
        """
        import numpy as np

        self.columns, self.schema, self.foreign = rule.columns, schema, foreign
        free = [m for m in rule.moves if m.column not in fixed]
        self.moves = sorted(free, key=lambda m: step is not None and step.names(m.column))
        self.step = step
        self.partition = partition
        apart = partition.whole or any(name in foreign for name in rule.columns)
        self.divided = None if apart else divided_by(rule, fixed, partition.of)
        digest = hashlib.sha256(f"{seed}:primary key".encode()).digest()
        self.rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
        self.seen: set[tuple[Any, ...]] = set()
        self.values: dict[str, list[Any]] = {}
        for move in self.moves:
            if move.values:
                kind = schema.field(move.column).type
                self.values[move.column] = array_of(list(move.values), kind, move.column).to_pylist()

    def apply(self, columns: dict[str, pa.Array]) -> None:
        """Replace in ``columns`` (name → array of equal lengths) what has to move.

        Raises:
            BuildError: no free key is left.
        """
        parts = [columns[n].to_pylist() for n in self.columns]
        ranged = {move.column for move in self.moves if move.range is not None}
        for at, name in enumerate(self.columns):
            if name in ranged:
                numbers = whole_numbers(columns[name])
                assert numbers is not None
                parts[at] = numbers.to_pylist()
        moved: set[str] = set()
        if self.divided is not None:
            at = self.columns.index(self.divided.column)
            parts[at] = self._snapped(parts[at])
            moved.add(self.divided.column)
        for i, key in enumerate(zip(*parts, strict=True)):
            if key in self.seen:
                name, value = self._free(key)
                at = self.columns.index(name)
                parts[at][i] = value
                key = (*key[:at], value, *key[at + 1 :])
                moved.add(name)
            self.seen.add(key)
        before = dict(columns)
        for name in moved:
            values, kind = parts[self.columns.index(name)], columns[name].type
            columns[name] = from_whole_numbers(values, kind) if name in ranged else array_of(values, kind, name)
        if self.step is not None and any(self.step.names(name) for name in moved):
            self.step.adapt(columns, frozenset(moved), before)

    def _free(self, key: tuple[Any, ...]) -> tuple[str, Any]:
        """The column that moves, and its value: the first that has room."""
        if not self.moves:
            raise self._no_room("none of its columns can change")
        for move in self.moves:
            at = self.columns.index(move.column)
            for option in self._options(move, key[at]):
                if (*key[:at], option, *key[at + 1 :]) not in self.seen:
                    return move.column, option
        names = " and ".join(repr(move.column) for move in self.moves)
        raise self._no_room(f"every value of {names} in the source is taken")

    def _snapped(self, values: list[int | None]) -> list[int]:
        """For each value the nearest that is of this partition."""
        import numpy as np

        low, high, step = self._own_range()
        given = np.array([low if v is None else v for v in values], dtype=np.int64)
        at = np.clip((given - low + step // 2) // step, 0, (high - low) // step)
        return (low + at * step).tolist()  # type: ignore[no-any-return]

    def _own_range(self) -> tuple[int, int, int]:
        """Of the column that partitions share out, this one's least value, greatest bound and step."""
        assert self.divided is not None
        assert self.divided.range is not None
        low, high, step = self.divided.range
        return low + self.partition.index * step, high, step * self.partition.of

    def _options(self, move: Move, value: Any) -> Iterator[Any]:
        if move is self.divided:
            return _outwards(value, *self._own_range())
        if move.range is not None:
            return _outwards(value, *move.range)
        if move.values:
            values = self.values[move.column]
            start = int(self.rng.integers(len(values)))
            return iter(values[start:] + values[:start])
        return self._ids(self.foreign[move.column])

    def _ids(self, maker: ForeignIds) -> Iterator[Any]:
        for _ in range(FOREIGN_TRIES):
            yield maker.known(self.rng)
        while True:
            yield maker.fresh()

    def _no_room(self, why: str) -> BuildError:
        names = ", ".join(self.columns)
        return BuildError(
            f"({names}), by which no two rows are alike, has no room for more than {len(self.seen):,} rows: {why}",
            hint="make size smaller, or declare the primary key (or unique: rule) that the synthetic table needs",
        )


def _outwards(value: int | None, low: int, high: int, step: int) -> Iterator[int]:
    """The grid from low to high, nearest to the value first."""
    start = low if value is None else low + math.floor((value - low) / step) * step
    for k in range(1, (high - low) // step + 2):
        for option in (start + k * step, start - k * step):
            if low <= option <= high:
                yield option
