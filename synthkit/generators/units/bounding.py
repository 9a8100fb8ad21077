"""Which rows of a unit are read: a bounded number, decided by that unit's rows alone.

A *unit* is a value of the root's primary key: all rows of the root that carry it, and all rows that lead to them from
owner to owner. What is kept of it is a function of these rows:

- of rows of the root with one key, the one with the least salted hash of its own content; a row without a key is
  nobody's, and left out;
- of the rows that name one row of their owner at most ``max_per_parent``, those with the least hashes. A row that names
  no row (its key is missing, dangles, is written otherwise than that of its owner, or names one that was left out) is
  left out, and so is all that belongs to it.

The hash is of the row's values and keys and of the unit's, so that no value is kept sooner in all units. Rows that
hash alike are alike to all that reads them. So a unit that is added or removed takes along its own rows, and moves none
of another's. It takes one thing of the source: that a key of a table in between names rows of one unit only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from synthkit.digests import mixed
from synthkit.encoding.declared import DeclaredEncoder, declared_encoder
from synthkit.errors import BuildError
from synthkit.generators.tables import Key, Tables
from synthkit.generators.units.levels import Level, walk
from synthkit.rules.coding import rows_named

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

BOUND, CHOICE, ROW = 0x51A7, 0xC401CE, 0x20B5  # salts


@dataclass(frozen=True)
class Rows:
    """What is read of one table: rows sorted by owner, and among one owner's by their order.

    Args:
        positions: of each learnt column, shape (rows,).
        unit: of each row, as a row of the root.
        owner: of each row, as a row of its owner.
        place: among the rows of its owner, from 0.
        looked_up: for each key to a public table the row that is named there, -1 for none.
        hashes: of each row.
        chosen: of each unit that has any the row through which it is seen.
    """

    encoder: DeclaredEncoder
    positions: tuple[Array, ...]
    unit: Array
    owner: Array
    place: Array
    looked_up: tuple[Array, ...]
    hashes: Array
    chosen: Array

    def __len__(self) -> int:
        return len(self.unit)


def bounded(tables: Tables, root: Level) -> dict[str, Rows]:
    """What is read of each table.

    Raises:
        BuildError: a key of a table in between stands in rows of several units.
    """
    found: dict[str, Rows] = {}
    names: dict[str, pa.Array] = {}
    owners = {child.name: level.name for level in walk(root) for child in level.below}
    for level in walk(root):
        found[level.name], names[level.name] = _read(tables, level, found, names)
        if level.key is not None:
            way = [level.name]
            while way[-1] != root.name:
                way.append(owners[way[-1]])
            found[level.name] = replace(found[level.name], chosen=_chosen([found[name] for name in way[:-1]]))
    return found


def _read(
    tables: Tables, level: Level, above: Mapping[str, Rows], names: Mapping[str, pa.Array]
) -> tuple[Rows, pa.Array]:
    """The rows of a table, and the texts of their primary keys, by which what belongs to them is found."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    table = tables.members[level.name]
    own = [c.name for c in level.columns]
    encoder = declared_encoder(replace(table, schema=table.schema.select(own)))
    linked = [c for key in level.lookups for c in key.columns]
    wanted = [*own, *linked, *([level.primary] if level.primary else []), *(level.key.columns if level.key else ())]
    parts, kept = [], []
    for batch in table.batches(list(dict.fromkeys(wanted))):
        positions, holds = encoder.positions(batch)
        parts.append(positions)
        kept.append(holds)
    count = sum(len(k) for k in kept)
    position = [np.concatenate([p[i] for p in parts]) if parts else np.empty(0, np.int64) for i in range(len(own))]
    alive = np.concatenate(kept) if kept else np.empty(0, bool)
    primary = _texts(table.to_arrow([level.primary]), level.primary) if level.primary else pa.nulls(count, pa.string())
    links = tuple(_rows_of(tables, key, table.to_arrow(list(key.columns))) for key in level.lookups)
    for named, missing in zip(links, level.missing, strict=True):
        alive &= missing | (named >= 0)
    content = [_texts_hashed(primary), *position, *links]
    if level.key is None:
        alive &= ~np.asarray(pc.is_null(primary))
        hashes = hashed(content, ROW)
        index = np.flatnonzero(alive)
        code = np.asarray(pc.dictionary_encode(primary).indices.fill_null(-1))
        index = index[np.lexsort((hashes[index], code[index]))]
        index = np.sort(index[_first_of_each(code[index])])
        rows = Rows(
            encoder, tuple(p[index] for p in position), np.arange(len(index)), np.zeros(len(index), np.int64),
            np.zeros(len(index), np.int64), tuple(k[index] for k in links), hashes[index], np.arange(len(index)),
        )  # fmt: skip
        return rows, primary.take(pa.array(index))
    owners = above[level.key.references]
    named = _texts(table.to_arrow(list(level.key.columns)), level.key.columns[0])
    owner = rows_named(pa.table([named], ["key"]), pa.table([names[level.key.references]], ["key"]))
    index = np.flatnonzero(alive & (owner >= 0))
    hashes = hashed([owners.hashes[owner[index]], *(c[index] for c in content)], ROW)
    owner, unit = owner[index], owners.unit[owner[index]]
    if level.below:
        once = _once(level, primary.take(pa.array(index)), unit, hashes)
        index, hashes, owner, unit = index[once], hashes[once], owner[once], unit[once]
    order = np.lexsort((hashed([hashes], BOUND), owner))
    order = order[_ranks(owner[order]) < level.most]
    time = position[own.index(level.time.name)][index[order]] if level.time is not None else np.zeros(len(order))
    order = order[np.lexsort((hashes[order], time, owner[order]))]
    index = index[order]
    rows = Rows(
        encoder, tuple(p[index] for p in position), unit[order], owner[order], _ranks(owner[order]),
        tuple(k[index] for k in links), hashes[order], np.empty(0, np.int64),
    )  # fmt: skip
    return rows, primary.take(pa.array(index))


def _chosen(way: Sequence[Rows]) -> Array:
    """One row of each unit: of its rows just below the root that have any here, one; of that one's, one; and so on,
    each equally likely.

    Args:
        way: from the table up to the one whose owner is the root.
    """
    import numpy as np

    rows, at, keys = way[0], np.arange(len(way[0])), []
    for table in way:
        keys.append(hashed([table.hashes[at]], CHOICE))
        at = table.owner[at]
    order = np.lexsort((*keys, rows.unit))
    return np.sort(order[_first_of_each(rows.unit[order])])


def _once(level: Level, primary: pa.Array, unit: Array, hashes: Array) -> Array:
    """Which rows stay, as one of each primary key does: whose rows name it must be known."""
    import numpy as np
    import pyarrow.compute as pc

    code = np.asarray(pc.dictionary_encode(primary).indices.fill_null(-1)).astype(np.int64)
    order = np.lexsort((hashes, unit, code))
    first, named = _first_of_each(code[order]), code[order] >= 0
    start = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    if (named & (unit[order] != unit[order][start])).any():
        raise BuildError(
            f"a primary key of {level.name!r} stands in rows that belong to different rows of the root, so whose the "
            "rows are that name it is not known",
            hint="mend the source, or name a primary_key that is unique",
        )
    return np.sort(order[first | ~named])


def hashed(columns: Sequence[Array], salt: int) -> Array:
    """A hash of each row's values: uint64."""
    import numpy as np

    found = np.full(len(columns[0]), salt, dtype=np.uint64)
    for column in columns:
        found = mixed(found ^ (column.astype(np.int64).view(np.uint64) if column.dtype != np.uint64 else column))
    return found


def _texts_hashed(texts: pa.Array) -> Array:
    from pandas.util import hash_array

    values = texts.to_numpy(zero_copy_only=False)
    return hash_array(values, categorize=False) if len(values) else hashed([values], 0)


def _texts(table: pa.Table, name: str) -> pa.Array:
    """A key's values as text: alike if and only if they are written alike."""
    import pyarrow as pa

    return table.column(name).combine_chunks().cast(pa.string())


def _rows_of(tables: Tables, key: Key, named: pa.Table) -> Array:
    """The row of a public table that each row names, -1 for none."""
    import numpy as np

    parent = tables.members[key.references]
    return np.maximum(rows_named(named, parent.to_arrow(list(parent.schema.primary_key))), -1)


def _first_of_each(group: Array) -> Array:
    """Where a group of neighbours begins."""
    import numpy as np

    return np.append(True, group[1:] != group[:-1])[: len(group)]


def _ranks(group: Array) -> Array:
    """The place of each row among its neighbours of one group."""
    import numpy as np

    first = _first_of_each(group)
    start = np.maximum.accumulate(np.where(first, np.arange(len(group)), 0))
    return np.arange(len(group)) - start
