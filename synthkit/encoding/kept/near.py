"""Of a number that nearly follows from two others (:mod:`.surface`), what is left of it is learnt in its place.

So rows hold together that no rule holds together: drawn months, a drawn monthly price and a drawn deviation give
charges that fit them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from synthkit.encoding.kept.arrow import types_of, unpacked
from synthkit.encoding.kept.computed import places_of
from synthkit.encoding.kept.surface import LEAST_DISTINCT, Surface, fitted, nearly
from synthkit.files import Json
from synthkit.rules.coding import whole
from synthkit.rules.evaluate import numbers_of
from synthkit.schema import Column, LogicalType, Schema

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Near:
    """In place of ``target`` stands how far it lies from the function's value, rounded as the target is.

    Args:
        kind: the Arrow type of ``target``, packed.
        base: the function's value where an input is missing.
        least, most: no value beyond them is given.
        places: after the point; None for as many as there are.
    """

    target: str
    surface: Surface
    kind: str
    base: float
    least: float
    most: float
    places: int | None

    KIND = "near"

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.surface.a, self.surface.b)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.target,)

    @property
    def name(self) -> str:
        """Of the learnt column."""
        return f"{self.target} beside {self.surface.a} and {self.surface.b}"

    def schema(self, outer: Schema) -> Schema:
        def inner(column: Column) -> Column:
            if column.name != self.target:
                return column
            logical: LogicalType = "integer" if self.places == 0 else "float"
            sql_type = "BIGINT" if self.places == 0 else "DOUBLE"
            return Column(self.name, logical, sql_type, nullable=column.nullable)

        return replace(outer, columns=tuple(inner(c) for c in outer.columns))

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        import numpy as np
        import pyarrow as pa

        apart = numbers_of(rows.column(self.target)) - self._values({n: rows.column(n) for n in self.inputs})
        absent = ~np.isfinite(apart)
        apart = np.where(absent, 0.0, apart)
        if self.places is not None:
            apart = np.round(apart, self.places)
        values = pa.array(np.rint(apart).astype("int64") if self.places == 0 else apart, mask=absent)
        index = rows.schema.get_field_index(self.target)
        return rows.set_column(index, self.name, values)

    def restore(self, columns: dict[str, Any]) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.types as t

        kind = unpacked(self.kind).schema.field(0).type
        found = self._values(columns) + numbers_of(columns.pop(self.name))
        absent = ~np.isfinite(found)
        found = np.where(absent, 0.0, np.clip(found, self.least, self.most))
        values = pa.array(np.rint(found) if self.places == 0 else found, mask=absent)
        if self.places and t.is_floating(kind):
            values = pc.round(values, self.places)
        elif t.is_decimal(kind):
            values = pc.round(values, kind.scale)
        columns[self.target] = values.cast(kind, safe=False)

    def to_json(self) -> dict[str, Any]:
        rest = {k: v for k, v in vars(self).items() if k not in ("surface", "kind")}
        return {**rest, "surface": vars(self.surface), "kind": self.KIND, "type": self.kind}

    @staticmethod
    def from_json(data: Json) -> Near:
        rest = {k: v for k, v in data.items() if k not in ("kind", "type", "surface")}
        found = data["surface"]
        first, second = ((float(low), float(high)) for low, high in found["ends"])
        coefficients = tuple(found["coefficients"])
        surface = Surface(found["a"], found["b"], found["form"], (first, second), coefficients)
        return Near(**rest, surface=surface, kind=data["type"])

    def _values(self, columns: Any) -> Any:
        import numpy as np

        found = self.surface.values(*(numbers_of(whole(columns[n])) for n in self.inputs))
        found = np.where(np.isfinite(found), found, self.base)
        return found if self.places is None else np.round(found, self.places)


def near_parts(rows: pa.Table, free: Callable[[str, Sequence[str]], bool], min_count: int) -> Iterator[Near]:
    """What is learnt of columns that nearly follow from others, in place of them; the nearest first.

    Args:
        free: whether a column may follow from others; asked anew after each that was given.
        min_count: so many rows reach what is given out at least and at most.
    """
    import numpy as np

    numbers = {n: found for n in rows.column_names if (found := _many(rows, n)) is not None}
    for one in nearly(numbers, np.random.default_rng(0)):
        target, a, b = one.target, one.surface.a, one.surface.b
        if not free(target, (a, b)):
            continue
        surface = fitted(one.surface, numbers[target], numbers[a], numbers[b])
        given = np.sort(numbers[target][np.isfinite(numbers[target])])
        if len(given) < 2 * min_count:
            continue
        least, most = float(given[min_count - 1]), float(given[-min_count])
        places = places_of(rows, target) if _floating(rows, target) else _scale(rows, target)
        kind = types_of(rows.schema, [target])
        yield Near(target, surface, kind, float(np.median(given)), least, most, places)


def _many(rows: pa.Table, name: str) -> Any:
    """The numbers of a column of many; None of others."""
    import numpy as np
    import pyarrow.types as t

    kind = rows.schema.field(name).type
    if not (t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind)):
        return None
    found = numbers_of(rows.column(name))
    return found if len(np.unique(found[:20_000][np.isfinite(found[:20_000])])) >= LEAST_DISTINCT else None


def _floating(rows: pa.Table, name: str) -> bool:
    import pyarrow.types as t

    return bool(t.is_floating(rows.schema.field(name).type))


def _scale(rows: pa.Table, name: str) -> int:
    import pyarrow.types as t

    kind = rows.schema.field(name).type
    return int(kind.scale) if t.is_decimal(kind) else 0
