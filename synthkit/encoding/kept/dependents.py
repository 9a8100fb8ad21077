"""Columns that another one determines are not learnt: a learnt map gives them back.

What goes with a determining value that fewer than ``min_count`` people hold tells of those people. Such values are
pooled, in their order, until a pool has so many people, and what one of the pool has stands for all of it, under a
value in its middle. Drawn values that the map does not hold take what goes with the nearest one, or, of texts, with
one that their own letters choose, always the same: so one value never goes with two. Where both determine each other
(``code <-> name``), one is the other's name, and all are kept; a drawn day between two of the map is the nearer one. Of
two numbers or times those that few people hold are left out.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from synthkit.encoding.kept.arrow import packed, unpacked
from synthkit.encoding.kept.nearest import nearest_agreeing
from synthkit.files import Json
from synthkit.rules.coding import codes_of, codes_together, joint_codes, missing, whole
from synthkit.rules.evaluate import kind_of_type, numbers_of
from synthkit.schema import Schema

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MOST_GROUPS = 50_000
COUNT = "(rows)"


@dataclass(frozen=True)
class Dependents:
    """``determinants -> outputs``, by a map.

    Args:
        known: a table, packed: determinants, outputs, and how many rows each has.
        needed: how many columns are determinants.
        both: whether the outputs determine the (single) determinant as well: then drawn values that the map does not
            hold become the nearest one, as two that went with one output would break that.
    """

    known: str
    needed: int
    both: bool = False

    KIND = "dependents"

    @cached_property
    def map(self) -> pa.Table:
        return unpacked(self.known)

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(self.map.column_names[: self.needed])

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(n for n in self.map.column_names[self.needed :] if n != COUNT)

    def schema(self, outer: Schema) -> Schema:
        return outer.select([n for n in outer.names if n not in self.outputs])

    def learn(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows.select([n for n in rows.schema.names if n not in self.outputs])

    def restore(self, columns: dict[str, Any]) -> None:
        import pyarrow as pa

        place = pa.array(self._places(columns))
        for name in (*self.inputs, *self.outputs) if self.both else self.outputs:
            columns[name] = whole(self.map.column(name)).take(place)

    def _places(self, columns: Mapping[str, pa.Array]) -> np.ndarray[Any, Any]:
        """The row of the map for each drawn row."""
        import numpy as np

        codes = []
        for name in self.inputs:
            there = self.map.column(name)
            codes.append(np.concatenate(codes_together(there, columns[name].cast(there.type))))
        joint = joint_codes(codes)
        size = self.map.num_rows
        place = np.full(int(joint.max(initial=0)) + 1, -1, dtype=np.int64)
        place[joint[:size]] = np.arange(size)
        found = place[joint[size:]]
        unknown = np.flatnonzero(found < 0)
        if len(unknown):
            found[unknown] = self._nearest(columns, unknown)
        return found

    def _nearest(self, columns: Mapping[str, pa.Array], rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """What stands for values that the map does not hold: always the same for the same value."""
        import numpy as np
        import pyarrow as pa

        name = self.inputs[0]
        if self.needed == 1 and kind_of_type(columns[name].type) in ("number", "date", "moment"):
            there = numbers_of(self.map.column(name))
            usable = np.flatnonzero(np.isfinite(there))
            here = numbers_of(whole(columns[name]).take(pa.array(rows)))
            if len(usable) and np.isfinite(here).all():
                return usable[nearest_agreeing(there[usable], here, [], [])]
        texts = [repr(tuple(columns[n][int(row)].as_py() for n in self.inputs)) for row in rows]
        weights = np.cumsum(self.map.column(COUNT).to_numpy())
        chosen = np.array([zlib.crc32(t.encode()) / 2**32 for t in texts]) * weights[-1]
        found: np.ndarray[Any, Any] = np.searchsorted(weights, chosen, side="right")
        return found

    def to_json(self) -> dict[str, Any]:
        return {"known": self.known, "needed": self.needed, "both": self.both}

    @staticmethod
    def from_json(data: Json) -> Dependents:
        return Dependents(data["known"], data["needed"], bool(data.get("both", False)))


def dependents(
    rows: pa.Table,
    determinants: tuple[str, ...],
    outputs: tuple[str, ...],
    *,
    people: Any,
    min_count: int,
    both: bool,
    named: bool = True,
    most_pooled: float = 1.0,
) -> Dependents | None:
    """The map of all rows; None where there are too many values, or one goes with several, a missing one perhaps.

    Args:
        people: whose each row is, as codes, shape (rows,); None: each row is somebody's own.
        both: whether the outputs determine the determinant as well.
        named: whether they are names then, and those that few people hold are kept, too; else they are left out.
        most_pooled: share of the rows whose values may be pooled, or left out; a map of fewer rows is None. Names have
            no neighbours, so what is left of such a map is chance.
    """
    import numpy as np
    import pyarrow as pa

    keys = joint_codes([codes_of(rows.column(n)) for n in determinants])
    groups, first, counts = np.unique(keys, return_index=True, return_counts=True)
    values = [codes_of(rows.column(n)) for n in outputs]
    if len(groups) > MOST_GROUPS or any((v != v[first][keys]).any() for v in values):
        return None
    held = counts if people is None else _people(keys, people, len(groups))
    kept = (held >= min_count) | (both and named)
    # A missing determinant is nobody's name.
    absent = np.any([missing(rows.column(n))[first] for n in determinants], axis=0)
    if both and not kept[~absent].any():
        return None
    kept |= absent
    if counts[~kept].sum() > most_pooled * len(keys):
        return None
    names, results, weights = first[kept], first[kept], counts[kept]
    pools = [] if both else _pools(rows, determinants, first, held, ~kept, min_count)
    if pools:
        names = np.concatenate([names, [first[p[len(p) // 2]] for p in pools]])
        results = np.concatenate([results, [first[p[i % len(p)]] for i, p in enumerate(pools)]])
        weights = np.concatenate([weights, [counts[p].sum() for p in pools]])
    if not len(names):
        return None
    columns = {n: rows.column(n).take(pa.array(names)) for n in determinants}
    columns |= {n: rows.column(n).take(pa.array(results)) for n in outputs}
    table = pa.table({**columns, COUNT: pa.array(weights)}).combine_chunks()
    return Dependents(packed(table), len(determinants), both)


def _pools(
    rows: pa.Table, determinants: tuple[str, ...], first: Any, held: Any, rare: Any, min_count: int
) -> list[list[int]]:
    """Groups of few people, in the order of their values, together as soon as they are enough; a rest is left out."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    few = np.flatnonzero(rare)
    part = rows.select(list(determinants)).take(pa.array(first[few]))
    order = few[pc.sort_indices(part, sort_keys=[(n, "ascending") for n in determinants]).to_numpy()]
    pools: list[list[int]] = []
    pool: list[int] = []
    people = 0
    for group in order.tolist():
        pool.append(group)
        people += int(held[group])
        if people >= min_count:
            pools.append(pool)
            pool, people = [], 0
    return pools


def _people(keys: Any, people: Any, groups: int) -> Any:
    import numpy as np

    width = int(people.max(initial=0)) + 2
    pairs = np.unique(keys * width + people + 1)
    return np.bincount(pairs // width, minlength=groups)
