"""Which row names which: row numbers of parents and of entities, on real and on synthetic rows.

Real rows are counted through, training rows before held-out ones: a row of an order may name a product that the split
put on the other side, and what belongs to one entity lies on one side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import AuditResult
from synthkit.audits.family import Family
from synthkit.audits.gate import skipped
from synthkit.errors import SynthError
from synthkit.generators.tables import Key
from synthkit.rules.coding import rows_named

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Array = npt.NDArray[Any]

World = Literal["synthetic", "real"]
NULL, NOBODY = -1, -2  # in the place of a row number: the key is null; it names no row that is there


SHOWN_SIDE: Mapping[Side, str] = {"synthetic": "synthetic", "train": "training", "holdout": "held-out"}


def world_of(side: Side) -> World:
    return "synthetic" if side == "synthetic" else "real"


@dataclass(frozen=True)
class Links:
    """The keys of a family as row numbers, each worked out once."""

    context: AuditContext
    family: Family
    _found: dict[tuple[Any, ...], Any] = field(default_factory=dict, repr=False)

    def arrow(self, side: Side, table: str, columns: tuple[str, ...]) -> pa.Table:
        """Columns of a member's rows on a side; the audited table's are narrowed by ``where``."""
        if table == self.family.table:
            return self.context.arrow(side, columns) if columns else self.context.arrow(side).select([])
        found = getattr(self.family.members[table], side)
        return found.to_arrow(columns)

    def world(self, world: World, table: str, columns: tuple[str, ...]) -> pa.Table:
        """Columns of the synthetic rows, or of the training rows followed by the held-out ones."""
        import pyarrow as pa

        parts = [self.arrow(s, table, columns) for s in self.sides(world, table)]
        return pa.concat_tables(parts, promote_options="permissive")

    def sides(self, world: World, table: str) -> tuple[Side, ...]:
        if world == "synthetic":
            return ("synthetic",)
        member = self.family.members[table]
        return tuple(s for s in ("train", "holdout") if getattr(member, s) is not None)

    def rows(self, side: Side, table: str) -> int:
        if table == self.family.table:
            return self.context.rows(side)
        found = getattr(self.family.members[table], side)
        return 0 if found is None else int(found.rows)

    def part(self, side: Side, table: str) -> slice:
        """Where a side's rows lie in its world."""
        if side == "synthetic":
            return slice(0, self.rows("synthetic", table))
        train = self.rows("train", table)
        return slice(0, train) if side == "train" else slice(train, train + self.rows("holdout", table))

    def named(self, world: World, key: Key) -> Array:
        """For each row of the child: the number of the parent's row that it names, or NULL, or NOBODY."""
        found: Array = self.once(("named", world, key), lambda: self._named(world, key))
        return found

    def units(self, world: World, table: str) -> Array:
        """For each row: the number of the entity that it belongs to, counted from 0: the root's row, or where rows of
        the root are several of one unit (:meth:`unit_column`), the unit; of no one's row, a number of its own below 0,
        so that it is an entity by itself."""
        found: Array = self.once(("units", world, table), lambda: self._units(world, table))
        return found

    def on(self, side: Side, table: str, values: Array) -> Array:
        """The part of a world's array that is a side's."""
        return values[self.part(side, table)]

    def unit_column(self, table: str) -> str | None:
        """The column of a table without an owner that says whose a row is, where several rows may be of one: what is
        held out and protected together. None where each row is one's own."""
        schema = self.family.members[table].synthetic.schema
        unit = schema.privacy_unit or schema.entity
        if table == self.family.table and unit is None:
            unit = self.context.schema.privacy_unit or self.context.schema.entity
        known = unit in schema.names and (unit,) != schema.primary_key
        return unit if known and self.family.owner(table) is None else None

    def _named(self, world: World, key: Key) -> Array:
        child = self.world(world, key.table, key.columns)
        parent = self.world(world, key.references, self.family.parent_key(key))
        return rows_named(child, parent)

    def _units(self, world: World, table: str) -> Array:
        import numpy as np

        key = self.family.owner(table)
        if key is None and (unit := self.unit_column(table)) is not None:
            return _codes(self.world(world, table, (unit,)).column(0))
        if key is None:
            return np.arange(sum(self.rows(s, table) for s in self.sides(world, table)))
        named = self.named(world, key)
        above = self.units(world, key.references)
        alone = -1 - np.arange(len(named))
        return np.where(named >= 0, above[np.maximum(named, 0)], alone) if len(above) else alone

    def once(self, key: tuple[Any, ...], compute: Any) -> Any:
        """``compute()``, once for the table and its condition."""
        if key not in self._found:
            self._found[key] = compute()
        return self._found[key]


def links(context: AuditContext) -> Links:
    """The links of the context's family. Raises SynthError where it has none."""
    if context.family is None:
        raise SynthError("the table is no member of a family", hint="see no_family")
    family = context.family
    return context.shared(("links",), lambda: Links(context, family))


def whose(context: AuditContext, side: Side) -> Array | None:
    """Whose each of the table's rows is, as a number that is one on both sides, where they belong to rows of another
    table; rows that belong to nobody have numbers of their own. None where its own column says it, or nothing does."""
    family, table = context.family, context.side(side)
    if family is None or table is None or family.owner(family.table) is None:
        return None
    unit = table.schema.privacy_unit
    if unit is not None and unit in table.schema.names:
        return None
    found = links(context)
    return found.on(side, family.table, found.units(world_of(side), family.table))


def _codes(values: pa.ChunkedArray) -> Array:
    """A number for each value, counted from 0; the missing ones are one."""
    import numpy as np
    import pyarrow.compute as pc

    encoded = pc.dictionary_encode(values, null_encoding="encode").combine_chunks()
    return np.asarray(encoded.indices.to_numpy(), dtype=np.int64)


def no_family(context: AuditContext, what: str = "has no foreign key") -> AuditResult | None:
    """The result of an audit of keys where the table names no other; None where it does."""
    if context.family is None:
        return skipped("the table is no member of a family of tables")
    return None if context.family.keys_of(context.family.table) else skipped(f"the table {what}")
