"""Columns of declared values that are learnt as one, from the declaration alone.

The learnt column's values are all that the columns may be together, so its noisy counts are those of their joint
histogram: a row is in one cell of it, as in that of any column, and nothing more is released. Which of these values
drawn rows may have is decided once, after the training, by these counts: post-processing (:func:`settled`). Each other
value stands for one that is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.kept.arrow import packed, unpacked
from synthkit.encoding.kept.private import Group, size_of, together_in, values_of
from synthkit.files import Json
from synthkit.rules.coding import whole
from synthkit.rules.dependency import Dependency
from synthkit.rules.language import Rule, parse_rule
from synthkit.rules.sets import Combination
from synthkit.schema import Column, Schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

Typed = Callable[[list[Any], Any, str], Any]

DOUBT = 0.01  # chance that any combination that no row has is taken for one that rows have


@dataclass(frozen=True)
class Counts:
    """Noisy counts of a column's declared values, in their order.

    Args:
        values: shape (values,).
        noise: standard deviation of what is added to each; None where it is not known.
    """

    values: tuple[float, ...]
    noise: float | None = None


@dataclass(frozen=True)
class Together:
    """Columns that are one column to the generator.

    Args:
        known: a table of all that the columns may be together, packed; the last column changes fastest.
        sizes: how many values each column may have, a missing one as the last of a column that may be missing.
        rules: between them, as text.
        becomes: for each of the combinations, the one that stands for it; None as long as nothing is trained.
    """

    known: str
    sizes: tuple[int, ...]
    rules: tuple[str, ...]
    becomes: tuple[int, ...] | None = None

    KIND = "together"

    @cached_property
    def table(self) -> pa.Table:
        return unpacked(self.known)

    @property
    def inputs(self) -> tuple[str, ...]:
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.table.column_names)

    @property
    def name(self) -> str:
        """Of the learnt column."""
        return " & ".join(self.outputs)

    def schema(self, outer: Schema) -> Schema:
        there = set(self.outputs) <= set(outer.names)
        return together_in(outer, self.outputs, self.name, self.table.num_rows) if there else outer

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """A value that is none of the declared ones is a missing one, or, where none may be missing, no combination."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        place = np.zeros(rows.num_rows, dtype=np.int64)
        odd = np.zeros(rows.num_rows, dtype=bool)
        for name, size, inner in zip(self.outputs, self.sizes, self._inner(), strict=True):
            values = whole(self.table.column(name)).take(pa.array(np.arange(size) * inner))
            nullable = values.null_count > 0
            known = values.drop_null()
            found = pc.index_in(rows.column(name), known).fill_null(len(known)).to_numpy(zero_copy_only=False)
            odd |= (found == len(known)) & (not nullable)
            place += found.astype(np.int64) * inner
        together = pa.array(np.where(odd, 0, place), mask=odd).cast(pa.string())
        names = [n for n in rows.schema.names if n not in self.outputs]
        return pa.record_batch([*(rows.column(n) for n in names), together], names=[*names, self.name])

    def restore(self, columns: dict[str, Any]) -> None:
        import numpy as np
        import pyarrow as pa

        assert self.becomes is not None, "what is drawn comes from a trained model"
        drawn = whole(columns.pop(self.name)).cast(pa.int64()).to_numpy(zero_copy_only=False)
        place = pa.array(np.array(self.becomes, dtype=np.int64)[drawn])
        for name in self.outputs:
            columns[name] = whole(self.table.column(name)).take(place)

    def settled(self, counts: Counts) -> Together:
        """Once the noisy counts are known: which combinations rows may have."""
        rules = [parse_rule(text) for text in self.rules]
        rows = list(zip(*(self.table.column(n).to_pylist() for n in self.outputs), strict=True))
        allowed = _allowed(self.outputs, rows, rules, counts)
        leading = {n for r in rules if isinstance(r, Dependency) for n in r.determinants}
        weights = [len(self.outputs) + 1 if n in leading else 1 for n in self.outputs]
        return replace(self, becomes=_nearest(self._codes(), weights, allowed))

    def to_json(self) -> dict[str, Any]:
        becomes = None if self.becomes is None else list(self.becomes)
        return {"known": self.known, "sizes": list(self.sizes), "rules": list(self.rules), "becomes": becomes}

    @staticmethod
    def from_json(data: Json) -> Together:
        becomes = None if data["becomes"] is None else tuple(data["becomes"])
        return Together(data["known"], tuple(data["sizes"]), tuple(data["rules"]), becomes)

    def _inner(self) -> list[int]:
        """How many combinations one value of each column stands for, those before it being given."""
        return [math.prod(self.sizes[i + 1 :]) for i in range(len(self.sizes))]

    def _codes(self) -> Array:
        """The value of each column in each combination, as its number: shape (combinations, columns)."""
        import numpy as np

        at = np.arange(self.table.num_rows)[:, None]
        return np.asarray(at // np.array(self._inner()) % np.array(self.sizes))


def together(group: Group, schema: Schema, types: pa.Schema, typed: Typed) -> Together:
    """What a group of columns may be together, from what is declared of them.

    Args:
        types: Arrow types of the columns.
        typed: (values, type, name of the column) → the values in this type.
    """
    import numpy as np
    import pyarrow as pa

    columns = [schema.by_name[n] for n in group.columns]
    sizes = tuple(size_of([c]) for c in columns)
    arrays, inner = [], size_of(columns)
    for column, size in zip(columns, sizes, strict=True):
        inner //= size
        place = pa.array(np.arange(size_of(columns)) // inner % size)
        arrays.append(_vocabulary(column, types.field(column.name).type, typed).take(place))
    table = pa.table(dict(zip(group.columns, arrays, strict=True)))
    return Together(packed(table), sizes, tuple(str(r) for r in group.rules))


def _vocabulary(column: Column, kind: pa.DataType, typed: Typed) -> pa.Array:
    import pyarrow as pa

    values = typed(list(values_of(column) or ()), kind, column.name)
    return pa.concat_arrays([values, pa.nulls(1, kind)]) if column.nullable else values


def _allowed(names: Sequence[str], rows: Sequence[tuple[Any, ...]], rules: Sequence[Rule], counts: Counts) -> list[int]:
    """Numbers of combinations that keep all rules together, those of most rows first.

    Of a dependency each value keeps what most rows have with it. A combination must have more rows than noise alone
    gives, but for once in 1 / :data:`DOUBT`, to any of those that have none (a Gaussian tail, and a union bound).
    """
    many = [_common(names, rows, r, counts) for r in rules if isinstance(r, Combination)]
    maps = [one for r in rules if isinstance(r, Dependency) for one in _maps(names, r)]
    found: list[int] = []
    for i in sorted(range(len(rows)), key=lambda i: (-counts.values[i], i)):
        row = rows[i]
        if not all(common(row) for common in many):
            continue
        keys = [(known, tuple(row[c] for c in given), row[told]) for known, given, told in maps]
        if all(None in key or known.get(key, value) == value for known, key, value in keys):
            for known, key, value in keys:
                if None not in key:
                    known[key] = value
            found.append(i)
    return found or [max(range(len(rows)), key=lambda i: counts.values[i])]


def _maps(names: Sequence[str], rule: Dependency) -> list[tuple[dict[tuple[Any, ...], Any], list[int], int]]:
    """What goes with what so far, and where in a row both stand: one way, or both."""
    given, told = [names.index(n) for n in rule.determinants], names.index(rule.dependent)
    found: list[tuple[dict[tuple[Any, ...], Any], list[int], int]] = [({}, given, told)]
    return [*found, ({}, [told], given[0])] if rule.both else found


def _common(
    names: Sequence[str], rows: Sequence[tuple[Any, ...]], rule: Combination, counts: Counts
) -> Callable[[tuple[Any, ...]], bool]:
    """Whether a row's values of a combination's columns are those of more rows than noise explains."""
    assert counts.noise is not None, "the compiler refuses a generator that does not say it"
    at = [names.index(n) for n in rule.columns]
    total: dict[tuple[Any, ...], float] = {}
    for row, count in zip(rows, counts.values, strict=True):
        key = tuple(row[i] for i in at)
        total[key] = total.get(key, 0.0) + count
    noise = counts.noise * math.sqrt(len(rows) / len(total))
    least = min(noise * math.sqrt(2 * math.log(len(total) / DOUBT)), max(total.values()))
    return lambda row: total[tuple(row[i] for i in at)] >= least


def _nearest(codes: Array, weights: Sequence[int], allowed: Sequence[int]) -> tuple[int, ...]:
    """For each combination the allowed one that has most in common with it; of equals the one of most rows.

    Args:
        weights: of each column.
    """
    import numpy as np

    kept, weight = np.array(allowed), np.array(weights)
    found = np.arange(len(codes))
    for i in np.setdiff1d(found, kept):
        alike = (codes[kept] == codes[i]) @ weight
        found[i] = kept[int(np.argmax(alike))]
    return tuple(found.tolist())
