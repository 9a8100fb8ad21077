"""Primary keys whose columns are not unique by themselves: every row gets a tuple of its own.

An order line is known by its order and its number, a price by shop and day. A generator draws such columns one row at
a time and so repeats tuples. Here the second row of a tuple moves: a foreign id to another id, a number or a date to
the nearest free one between the source's least and greatest, a category to another category.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from synthkit.encoding.values import array_of, from_whole_numbers, plain, whole_numbers
from synthkit.errors import BuildError
from synthkit.files import Json
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MOST_VALUES = 1_000  # a category of more is not listed, so it does not move
FOREIGN_TRIES = 40  # other ids tried before a new one


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


def plan_key(table: Table, kinds: Mapping[str, str]) -> KeyRule | None:
    """The rule for the table's primary key; None where it has none or a column of it is unique by itself.

    Args:
        kinds: how each column that is made up is filled; "key" for those that are unique.
    """
    names = table.schema.primary_key
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


class UniqueKeys:
    """Goes over the rows in order and moves those whose key was there before."""

    def __init__(
        self,
        rule: KeyRule,
        schema: pa.Schema,
        *,
        foreign: Mapping[str, ForeignIds],
        fixed: Collection[str],
        seed: int,
    ) -> None:
        import numpy as np

        self.columns, self.schema, self.foreign = rule.columns, schema, foreign
        self.move = next((m for m in rule.moves if m.column not in fixed), None)
        digest = hashlib.sha256(f"{seed}:primary key".encode()).digest()
        self.rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
        self.seen: set[tuple[Any, ...]] = set()
        self.values: list[Any] = []
        if self.move is not None and self.move.values:
            kind = schema.field(self.move.column).type
            self.values = array_of(list(self.move.values), kind, self.move.column).to_pylist()

    def apply(self, columns: dict[str, pa.Array]) -> None:
        """Replace in ``columns`` (name → array of equal lengths) what has to move.

        Raises:
            BuildError: no free key is left.
        """
        moved = self.move.column if self.move is not None else self.columns[0]
        at = self.columns.index(moved)
        parts = [columns[n].to_pylist() for n in self.columns]
        if self.move is not None and self.move.range is not None:
            numbers = whole_numbers(columns[moved])
            assert numbers is not None
            parts[at] = numbers.to_pylist()
        changed = False
        for i, key in enumerate(zip(*parts, strict=True)):
            if key in self.seen:
                head, tail = key[:at], key[at + 1 :]
                value = self._free(key[at], lambda v, a=head, b=tail: (*a, v, *b) not in self.seen)  # type: ignore[misc]
                parts[at][i] = value
                key, changed = (*head, value, *tail), True
            self.seen.add(key)
        if changed:
            kind = columns[moved].type
            ranged = self.move is not None and self.move.range is not None
            columns[moved] = from_whole_numbers(parts[at], kind) if ranged else array_of(parts[at], kind, moved)

    def _free(self, value: Any, free: Callable[[Any], bool]) -> Any:
        move = self.move
        if move is None:
            raise self._no_room("none of its columns can change")
        if move.range is not None:
            options: Iterator[Any] = _outwards(value, *move.range)
        elif move.values:
            start = int(self.rng.integers(len(self.values)))
            options = iter(self.values[start:] + self.values[:start])
        else:
            options = self._ids(self.foreign[move.column])
        for option in options:
            if free(option):
                return option
        raise self._no_room(f"every value of {move.column!r} in the source is taken")

    def _ids(self, maker: ForeignIds) -> Iterator[Any]:
        for _ in range(FOREIGN_TRIES):
            yield maker.known(self.rng)
        while True:
            yield maker.fresh()

    def _no_room(self, why: str) -> BuildError:
        names = ", ".join(self.columns)
        return BuildError(
            f"the primary key ({names}) has no room for more than {len(self.seen):,} rows: {why}",
            hint="make size smaller, or declare the primary key that the synthetic table needs",
        )


def _outwards(value: int | None, low: int, high: int, step: int) -> Iterator[int]:
    """The grid from low to high, nearest to the value first."""
    start = low if value is None else low + math.floor((value - low) / step) * step
    for k in range(1, (high - low) // step + 2):
        for option in (start + k * step, start - k * step):
            if low <= option <= high:
                yield option
