"""What columns owe to the rows that keys name: categories that are theirs, numbers that are near to theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.generators.conditional.columns import Field, numbers_encoded
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.echoes import Echo, echoes_of
from synthkit.generators.family.identity import ITSELF, THROUGH, few, texts, told
from synthkit.generators.family.listing import Follows, Listing, listing_of
from synthkit.generators.family.model import Link
from synthkit.generators.family.planning import Found
from synthkit.generators.family.ratios import decimals
from synthkit.generators.family.reading import Read
from synthkit.generators.family.relative import Anchor, Candidate, Copy, copies_of, nearest, numbers_of
from synthkit.generators.tables import Key, Tables
from synthkit.rules.coding import codes_of, joint_codes

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def unknown(key: Key, found: Array) -> Array:
    """Which rows name one that is not there, though no such value is to be drawn: it was held out."""
    import numpy as np

    return np.asarray(np.zeros(len(found), dtype=bool) if key.orphans else found == -2)


@dataclass(frozen=True)
class Leading:
    """A table with its keys and the rows that they lead to.

    Args:
        reads: of all tables, by name.
        links, keys: of the table, in one order.
        named: of each key the row that each row names; -1: none, -2: one that is not there.
    """

    read: Read
    reads: Mapping[str, Read]
    links: Sequence[Link]
    keys: Sequence[Key]
    named: Mapping[Key, Array]

    def labels(self, key: int, tables: Tables) -> Iterator[tuple[int, Array]]:
        """Of the row that each row names by a key: which one it is, and which ones that names, as (part, labels)."""
        import numpy as np

        references, found = self.links[key].references, self.named[self.keys[key]]
        there = self.reads[references]
        own = texts(there.keys, tables.members[references].schema.primary_key)
        columns = self.keys[key].columns
        if own is None or not set(columns) <= set(self.read.keys.column_names):
            return
        if few(self.read.keys, columns, found >= (0 if self.keys[key].orphans else -2)):
            mine = texts(self.read.keys, columns)
            assert mine is not None
            labels = np.where(found >= 0, own[np.maximum(found, 0)], mine)
            if self.keys[key].orphans:
                labels[found < 0] = None
            if told(labels):
                yield ITSELF, labels
        for number, other in enumerate(k for k in tables.keys if k.table == references):
            above = texts(there.keys, other.columns)
            if above is None or other.inner or not told(above, 2):
                continue
            labels = above[np.maximum(found, 0)]
            labels[found < 0] = None
            if told(labels):
                yield THROUGH - number, labels

    def owner_first(self, owner: int | None) -> list[int]:
        """The keys to an owner and to rows that are looked up."""
        some = [i for i, link in enumerate(self.links) if link.kind in ("owner", "looked")]
        return sorted(some, key=lambda i: i != owner)

    def copies(self, order: Array, owner: int) -> tuple[Copy, ...]:
        """The categories that are those of a row that a key names, the owner's first; ``order``: rows to look at."""
        copies: list[Copy] = []
        for key in self.owner_first(owner):
            found = self.named[self.keys[key]][order]
            known = ~unknown(self.keys[key], found)
            if not known.any() or (found[known] < 0).any():
                continue
            there, mine = self.reads[self.links[key].references], self.read.cells[order[known]]
            new = copies_of(self.read.fields, mine, key, there.fields, there.cells[found[known]])
            copies += [c for c in new if c.column not in {c.column for c in copies}]
        return tuple(copies)

    def echoes(self, owner: int | None, but: set[int]) -> tuple[Echo, ...]:
        """The categories that say again what a row that a key names says, the owner's first."""
        found: list[Echo] = []
        for key in self.owner_first(owner):
            named = self.named[self.keys[key]]
            known = named > -3 if key == owner else ~unknown(self.keys[key], named)
            there, apart = self.reads[self.links[key].references], but | {e.column for e in found}
            found += echoes_of(self.read, key, there, named, known, apart)
        return tuple(found)

    def candidates(self, order: Array, owner: int) -> list[Candidate]:
        """The numbers of the rows that keys name, which a table's own may be near to."""
        import numpy as np

        found = []
        for key in self.owner_first(owner):
            there, at = self.reads[self.links[key].references], self.named[self.keys[key]][order]
            for j, field in enumerate(there.fields):
                if field.numeric and len(there):
                    numbers = np.where(at >= 0, numbers_of(field, there.values[:, j])[np.maximum(at, 0)], np.nan)
                    found.append(Candidate(key, j, there.kinds.field(field.name).type, numbers))
        return found

    def alone(self, key: int, order: Array, cells: Array, field: Field, lost: Array) -> Array | None:
        """How often a column has each of its cells where what it is near to is missing, but was not held out."""
        import numpy as np

        if key < 0:
            return None
        some = lost & ~unknown(self.keys[key], self.named[self.keys[key]][order])
        return np.bincount(cells[some], minlength=field.cells) if some.any() else None

    def listing(self, key: int, order: Array, follows: Sequence[Follows], least: int) -> Listing | None:
        """What rows say of the rows that a key names by numbers that follow theirs."""
        import numpy as np

        columns = [codes_of(self.read.keys.column(c)) for c in self.keys[key].columns]
        missing = np.any([c < 0 for c in columns], axis=0)
        group = np.where(missing, -1, joint_codes(columns))[order]
        there = self.reads[self.links[key].references]
        digits = []
        for f in follows:
            known = numbers_of(there.fields[f.other], there.values[:, f.other])
            digits.append(decimals(known[~np.isnan(known)]))
        return listing_of(group, self.read.units[order], follows, digits, least)


def anchored(
    leading: Leading,
    what: Found,
    order: Array,
    owner: int,
    cells: Array,
    values: Array,
    params: ConditionalParams,
    seed: int,
) -> tuple[tuple[Field, ...], tuple[Anchor, ...], Array, dict[int, Listing]]:
    """The fields as they are learnt: of columns near to another the distance, or the ratio, whose cells and values are
    put in; where that is not known, as the other one is not there, shape (rows, fields); and by key what these columns
    say of rows that are looked up.

    Args:
        order: of the rows, whose ``cells`` and ``values`` these are.
    """
    import numpy as np

    mine, kinds, units = leading.read, leading.read.kinds, leading.read.units[order]
    apart_from = {*what.constants, *what.counters, *what.copied, what.time}
    candidates = leading.candidates(order, owner)
    free = [j for j, f in enumerate(mine.fields) if f.numeric and f.cells > 1]
    numbers_mine = {j: numbers_of(mine.fields[j], mine.values[order, j]) for j in free}
    follows: dict[int, list[Follows]] = {}
    fields, anchors, unsure = list(mine.fields), [], np.zeros(cells.shape, dtype=bool)
    if what.time >= 0:
        kind = kinds.field(mine.fields[what.time].name).type
        candidates.insert(0, Candidate(-1, what.time, kind, numbers_mine.get(what.time, np.zeros(len(order)))))
    for j in (j for j in free if j not in apart_from):
        kind = kinds.field(fields[j].name).type
        near = nearest(numbers_mine[j], kind, candidates, seed, units, params.min_count)
        if near is None:
            candidates.append(Candidate(-1, j, kind, numbers_mine[j]))
            continue
        key, missing = near.candidate.key, np.isnan(near.apart)
        unsure[:, j] = missing & (~np.isnan(numbers_mine[j]) | (np.isnan(near.candidate.numbers) & (key >= 0)))
        apart = np.where(unsure[:, j], np.nanmedian(near.apart), near.apart)
        codecs, codes = numbers_encoded({f"from {j}": apart}, params, seed, units=units)
        zero = (near.candidate.numbers == 0) & ~np.isnan(numbers_mine[j])
        nothing = near.digits is not None and bool(zero.any() and (numbers_mine[j][zero] == 0).mean() > 0.5)
        alone = leading.alone(key, order, cells[:, j], fields[j], unsure[:, j] & ~(zero & nothing))
        fields[j] = Field(f"from {j}", codecs[0])
        cells[:, j] = codes[:, 0]
        values[:, j] = np.where(unsure[:, j], np.nan, fields[j].positions(apart))
        anchors.append(Anchor(j, key, near.candidate.other, fields[j], near.digits, alone, nothing))
        twice = any(f.other == near.candidate.other for f in follows.get(key, ()))
        if key >= 0 and leading.links[key].kind == "looked" and near.few.any() | (near.digits is None) and not twice:
            found = Follows(near.candidate.other, numbers_mine[j], near.few, near.digits is None)
            follows.setdefault(key, []).append(found)
    said = {key: leading.listing(key, order, some, params.min_count) for key, some in follows.items()}
    return tuple(fields), tuple(anchors), unsure, {key: one for key, one in said.items() if one is not None}
