"""Primary keys of drawn rows: whole numbers from 1, texts of the source's shape, days and moments one after another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from synthkit.encoding.makers import Maker, make_maker
from synthkit.encoding.rules import FillRule
from synthkit.encoding.shapes import learn_shapes
from synthkit.encoding.values import array_of, plain, whole_numbers
from synthkit.schema import Table

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]


def maker_of(table: Table, name: str) -> FillRule | None:
    """How new values of a key's column look."""
    import pyarrow.types as t

    values = table.to_arrow([name]).column(0).drop_null()
    column = replace(table.schema.by_name[name], type="id", pii=None, bounds=None, values=None)
    if t.is_string(values.type) or t.is_large_string(values.type):
        return FillRule(column, "key", unique=True, shapes=learn_shapes(values))
    if t.is_temporal(values.type) and len(values):
        least = min(values.to_pylist())
        return FillRule(column, "constant", value=str(plain(least)))
    return FillRule(column, "key", unique=True)


class Numbering:
    """Gives the keys of one column, from the first on."""

    def __init__(self, rule: FillRule, kind: pa.DataType, most: int, seed: int) -> None:
        self.rule, self.kind, self.at = rule, kind, 0
        self.maker: Maker | None = None
        if rule.shapes is not None:
            self.maker = make_maker(rule, kind, most, seed)

    def take(self, count: int) -> pa.Array:
        """The next ``count`` keys."""
        import numpy as np
        import pyarrow as pa

        start, self.at = self.at, self.at + count
        if self.maker is not None:
            return self.maker.take(start, count)
        numbers = np.arange(start, start + count, dtype=np.int64)
        if self.rule.kind == "constant":
            return self._moments(numbers)
        return pa.array(numbers + 1).cast(self.kind)

    def _moments(self, numbers: Array) -> pa.Array:
        """Days one after another, or moments a second apart, from the source's first on."""
        import pyarrow.types as t

        from synthkit.encoding.values import from_whole_numbers

        first = whole_numbers(array_of([self.rule.value], self.kind, self.rule.column.name))
        assert first is not None
        per_second = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
        step = 86_400_000 if t.is_date64(self.kind) else 1 if t.is_date32(self.kind) else per_second[self.kind.unit]
        found: pa.Array = from_whole_numbers((first[0].as_py() + step * numbers).tolist(), self.kind)
        return found
