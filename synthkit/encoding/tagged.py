"""Lists of tags: each frequent tag is learnt as a column of its own, whether a row has it; of the others, how many.

So what goes together, and with the row, is learnt. Tags come back in the order in which the source has them; those that
fewer than ``MIN_COUNT`` people have never do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from synthkit.encoding.exchanging import exchanged, put_back, widened
from synthkit.encoding.states import State
from synthkit.files import Json
from synthkit.formats.language import parse_form
from synthkit.formats.tags import Tags
from synthkit.project.types import Conditions
from synthkit.schema import Column, Schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MOST_OTHERS = 9  # others that a row has, as far as they are counted


@dataclass(frozen=True)
class TagColumn:
    """One such column.

    Args:
        tags: those with a column of their own (tag, what that is called).
        others: what the column of how many others a row has is called; None where no row has any.
        rest: the other tags that come back, and how many rows have each.
        order: all tags that come back, as lists have them.
    """

    name: str
    form: str
    state: State
    tags: tuple[tuple[str, str], ...]
    others: str | None
    rest: tuple[tuple[str, int], ...]
    order: tuple[str, ...]

    @cached_property
    def lists(self) -> Tags:
        form = parse_form(self.form)
        assert isinstance(form, Tags)
        return form

    def columns(self) -> tuple[Column, ...]:
        own = [Column(inner, "boolean", "BOOLEAN", nullable=True) for _, inner in self.tags]
        count = [] if self.others is None else [Column(self.others, "integer", "BIGINT", nullable=True)]
        return (*self.state.columns(), *own, *count)

    def learn(self, texts: pa.Array) -> dict[str, pa.Array]:
        import pyarrow as pa

        lists = [None if text is None else self.lists.split(text) for text in texts.to_pylist()]
        fits = pa.array([0 if tags is not None else None for tags in lists], pa.int64())
        found = self.state.learn(texts, fits)
        sets = [None if tags is None else set(tags) for tags in lists]
        for tag, inner in self.tags:
            found[inner] = pa.array([None if s is None else tag in s for s in sets], pa.bool_())
        if self.others is not None:
            own = {tag for tag, _ in self.tags}
            rest = [None if s is None else min(MOST_OTHERS, len(s - own)) for s in sets]
            found[self.others] = pa.array(rest, pa.int64())
        return found

    def restore(self, arrays: dict[str, Any], rows: int, rng: np.random.Generator) -> pa.Array:
        """The lists of drawn rows; takes its columns out of ``arrays``."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        form, texts = self.state.restore(arrays, rows)
        own = {tag: arrays.pop(inner).fill_null(False).to_pylist() for tag, inner in self.tags}
        count = [0] * rows if self.others is None else arrays.pop(self.others).fill_null(0).to_pylist()
        place = {tag: i for i, tag in enumerate(self.order)}
        lists: list[str | None] = []
        for i in range(rows):
            tags = [tag for tag, has in own.items() if has[i]] + self._some(self.rest, count[i], rng)
            tags = tags or self._some(self.rest or tuple((t, 1) for t, _ in self.tags), 1, rng)
            lists.append(self.lists.joined(sorted(tags, key=place.__getitem__)))
        return pc.if_else(pa.array(np.asarray(form) >= 0), pa.array(lists, pa.string()), texts)

    @staticmethod
    def _some(tags: Sequence[tuple[str, int]], count: int, rng: np.random.Generator) -> list[str]:
        """So many different tags, by their frequency."""
        import numpy as np

        count = min(count, len(tags))
        if count <= 0:
            return []
        weights = np.array([n for _, n in tags], dtype=float)
        chosen = rng.choice(len(tags), size=count, replace=False, p=weights / weights.sum())
        return [tags[i][0] for i in chosen.tolist()]


@dataclass(frozen=True)
class TagsApart:
    """The step for all such columns of a table."""

    KIND: ClassVar[str] = "tags"
    columns: tuple[TagColumn, ...]

    @property
    def inner(self) -> Mapping[str, str]:
        return {inner.name: c.name for c in self.columns for inner in c.columns()}

    def schema(self, outer: Schema) -> Schema:
        return widened(outer, {c.name: c.columns() for c in self.columns})

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return exchanged(rows, {c.name: c.learn for c in self.columns})

    def restore(self, rows: pa.RecordBatch, rng: np.random.Generator) -> pa.RecordBatch:
        return put_back(rows, {c.name: c.restore for c in self.columns}, self.inner, rng)

    def conditions(self, wanted: Conditions) -> Conditions:
        return wanted

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.KIND, "columns": [asdict(c) for c in self.columns]}

    @staticmethod
    def from_json(data: Json) -> TagsApart:
        def pairs(listed: Any) -> tuple[Any, ...]:
            return tuple((a, b) for a, b in listed)

        def column(c: Json) -> TagColumn:
            tags, rest, order = pairs(c["tags"]), pairs(c["rest"]), tuple(c["order"])
            return TagColumn(c["name"], c["form"], State.from_json(c["state"]), tags, c["others"], rest, order)

        return TagsApart(tuple(column(c) for c in data["columns"]))
