"""What a text of several parts is, row by row: which of its forms it has, a value that has none of them, or missing.

Where a column's texts differ in this, a category of its own is learnt beside the parts (its *state*), so that it goes
with the row. Values that have no form come back if ``MIN_COUNT`` people have them; others never do.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.files import Json
from synthkit.schema import MIN_COUNT, Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

FORM, ODD = "form ", "= "  # what states begin with
LEAST_SHARE = 0.5  # of the values must have the form, or the column stays what it is


@dataclass(frozen=True)
class State:
    """The category beside the parts.

    Args:
        inner: what its column is called; None where all values have the first form.
        odd: values without a form that come back.
        missing: whether some values are.
    """

    inner: str | None
    odd: tuple[str, ...] = ()
    missing: bool = False

    def columns(self) -> tuple[Column, ...]:
        return () if self.inner is None else (Column(self.inner, "categorical", "VARCHAR", nullable=self.missing),)

    @staticmethod
    def from_json(data: Json) -> State:
        return State(data["inner"], tuple(data["odd"]), data["missing"])

    def learn(self, texts: pa.Array, form: pa.Array) -> dict[str, pa.Array]:
        """The column of states.

        Args:
            form: which form each text has, from 0, null for none.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.inner is None:
            return {}
        of_form = pc.binary_join_element_wise(FORM, pc.fill_null(form, 0).cast(pa.string()), "")
        kept = pc.and_(form.is_null(), pc.is_in(texts, pa.array(self.odd, pa.string())))
        states = pc.if_else(kept, pc.binary_join_element_wise(ODD, texts, ""), of_form)
        return {self.inner: pc.if_else(texts.is_valid(), states, pa.scalar(None, pa.string()))}

    def restore(self, arrays: dict[str, Any], rows: int) -> tuple[Any, pa.Array]:
        """Of drawn rows, the number of the form of each, -1 for none, and the texts of those that have none."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.inner is None:
            return np.zeros(rows, dtype=np.int64), pa.nulls(rows, pa.string())
        states = arrays.pop(self.inner).cast(pa.string())
        formed = pc.fill_null(pc.starts_with(states, FORM), False)
        number = pc.if_else(formed, pc.utf8_slice_codeunits(states, len(FORM)), "-1").cast(pa.int64())
        odd = pc.if_else(formed, pa.scalar(None, pa.string()), pc.utf8_slice_codeunits(states, len(ODD)))
        return number.to_numpy(zero_copy_only=False), odd


def rows_of(table: Table, name: str) -> tuple[pa.Array, pa.Array | None]:
    """A column's texts, and whose row each is; None where each row is somebody's own."""
    unit = table.schema.privacy_unit
    rows = table.to_arrow([name] if unit in (None, name) else [name, str(unit)])
    texts = rows.column(0).combine_chunks()
    return texts, None if rows.num_columns == 1 else rows.column(1).combine_chunks()


def shared(values: pa.Array, people: pa.Array | None) -> dict[Any, int]:
    """Of each value that ``MIN_COUNT`` people have, how many rows have it; the commonest first."""
    import pyarrow as pa

    table = pa.table({"v": values, "who": values if people is None else people}).filter(values.is_valid())
    counted = table.group_by("v").aggregate([([], "count_all"), ("who", "count_distinct")]).to_pylist()
    held = "count_all" if people is None else "who_count_distinct"
    found = [(r["v"], r["count_all"]) for r in counted if r[held] >= MIN_COUNT]
    return dict(sorted(found, key=lambda f: (-f[1], str(f[0]))))


def state_of(name: str, texts: pa.Array, form: pa.Array, people: pa.Array | None, *, always: bool) -> State:
    """What the states of a column are.

    Args:
        form: which form each text has, null for none.
        always: whether a column of them is needed, as nothing else is learnt.
    """
    import pyarrow.compute as pc

    strange = pc.and_(form.is_null(), texts.is_valid())
    odd = shared(texts.filter(strange), None if people is None else people.filter(strange))
    several = (pc.max(form).as_py() or 0) > 0
    needed = always or several or bool(odd) or texts.null_count > 0
    return State(f"{name} (form)" if needed else None, tuple(odd), texts.null_count > 0)


def own_name(wanted: str, taken: Collection[str]) -> str:
    """A column's name that no other has."""
    while wanted in taken:
        wanted += "_"
    return wanted
