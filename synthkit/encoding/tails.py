"""Categories of many values: places, names. The frequent ones are learnt each, the rare ones in groups of similar rows.

Of a column with ``rare: similar`` the most frequent values have a category of their own. The others are ordered by the
rows that they stand in (their mean in the column that tells them apart best) and cut into groups; the generator learns
which group a row is of, and a value of the group comes back by its frequency. Values that fewer than ``MIN_COUNT``
people have are counted in their group, and never come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from synthkit.files import Json
from synthkit.project.types import Conditions
from synthkit.schema import Schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True)
class Tail:
    """One such column.

    Args:
        inner: what the generator's column is called.
        label: what the names of groups begin with, as no value does.
        groups: of each group, the values that come back, and how often.
        group_of: value → group, for learning; what is known of the rows alone is not kept with the model.
    """

    name: str
    inner: str
    label: str
    groups: tuple[tuple[tuple[str, int], ...], ...]
    group_of: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class RareTails:
    """The step for all such columns of a table."""

    KIND: ClassVar[str] = "rare tails"
    columns: tuple[Tail, ...]

    def schema(self, outer: Schema) -> Schema:
        renamed = {t.name: t.inner for t in self.columns}
        columns = tuple(replace(c, name=renamed.get(c.name, c.name)) for c in outer.columns)
        return replace(outer, columns=columns)

    @property
    def inner(self) -> Mapping[str, str]:
        return {t.inner: t.name for t in self.columns}

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa
        import pyarrow.compute as pc

        arrays = dict(zip(rows.schema.names, rows.columns, strict=True))
        for tail in self.columns:
            if tail.name not in arrays:
                continue
            values = arrays[tail.name]
            known = pa.array(list(tail.group_of), values.type)
            group = pa.array([f"{tail.label}{g}" for g in tail.group_of.values()], values.type)
            arrays[tail.name] = pc.coalesce(group.take(pc.index_in(values, known, skip_nulls=True)), values)
        renamed = {t.name: t.inner for t in self.columns}
        return pa.record_batch(list(arrays.values()), names=[renamed.get(n, n) for n in arrays])

    def restore(self, rows: pa.RecordBatch, rng: np.random.Generator) -> pa.RecordBatch:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        arrays = dict(zip(rows.schema.names, rows.columns, strict=True))
        for tail in self.columns:
            if tail.inner not in arrays:
                continue
            values = arrays[tail.inner]
            for number, choices in enumerate(tail.groups):
                here = pc.fill_null(pc.equal(values, f"{tail.label}{number}"), False)
                weights = np.array([n for _, n in choices], dtype=float)
                drawn = rng.choice(len(choices), size=pc.sum(here).as_py() or 0, p=weights / weights.sum())
                texts = pa.array([c for c, _ in choices], values.type)
                values = pc.replace_with_mask(values, here, texts.take(pa.array(drawn)))
            arrays[tail.inner] = values
        renamed = {t.inner: t.name for t in self.columns}
        return pa.record_batch(list(arrays.values()), names=[renamed.get(n, n) for n in arrays])

    def conditions(self, wanted: Conditions) -> Conditions:
        return wanted

    def to_json(self) -> dict[str, Any]:
        columns = [{"name": t.name, "inner": t.inner, "label": t.label, "groups": t.groups} for t in self.columns]
        return {"kind": self.KIND, "columns": columns}

    @staticmethod
    def from_json(data: Json) -> RareTails:
        def tail(t: Json) -> Tail:
            groups = tuple(tuple((value, int(n)) for value, n in group) for group in t["groups"])
            return Tail(t["name"], t["inner"], t["label"], groups)

        return RareTails(tuple(tail(t) for t in data["columns"]))
