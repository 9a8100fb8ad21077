"""Rows in the order in which they follow one another: those of one entity, or of one parent, by ``order_by``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.family import Family, Member
from synthkit.audits.relations.columns import number
from synthkit.audits.rows.features import as_text
from synthkit.audits.rows.links import Links, World, links, world_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

ALONE = "table"  # the name of a table that is in no family


@dataclass(frozen=True)
class Steps:
    """The rows of a side in their order; rows without a time, or of nobody, are left out.

    Args:
        rows: their numbers in the side's world.
        of: the sequence of each, counted from 0.
        units: the entity of each: what is drawn anew for an interval.
        times: what they are ordered by.
        first: whether a row is its sequence's first.
    """

    rows: Array
    of: Array
    units: Array
    times: Array
    first: Array

    @property
    def later(self) -> Array:
        """Where the rows stand that follow another one of their sequence; that one stands one place before."""
        import numpy as np

        return np.flatnonzero(~self.first)

    @property
    def gaps(self) -> Array:
        """The time from the row before to each row that follows one."""
        later = self.later
        found: Array = self.times[later] - self.times[later - 1]
        return found

    @property
    def lengths(self) -> Array:
        """Rows of each sequence."""
        import numpy as np

        return np.bincount(self.of)

    @property
    def starts(self) -> Array:
        """The places of the first rows, in the sequences' order."""
        import numpy as np

        return np.flatnonzero(self.first)


def family_links(context: AuditContext) -> Links:
    """The links of the table's family; of a table by itself, those of a family that it is alone in."""
    if context.family is not None:
        return links(context)

    def alone() -> Links:
        own = Member(context.synthetic, context.train, context.holdout)
        return Links(context, Family(ALONE, {ALONE: own}, ()))

    return context.shared(("links alone",), alone)


def entity_columns(found: Links) -> tuple[str, ...]:
    """The columns that say whose a row is: the declared entity, or else the key to the owner."""
    family = found.family
    declared = family.members[family.table].synthetic.schema.entity or found.context.schema.entity
    if declared is not None:
        return (declared,)
    key = family.owner(family.table)
    return () if key is None else key.columns


def order_column(found: Links) -> str | None:
    """What rows follow one another by."""
    family = found.family
    return found.context.schema.order_by or family.members[family.table].synthetic.schema.order_by


def sequence_of(found: Links, world: World) -> Array:
    """For each row of the table a number for its sequence; below 0 where nothing says whose it is."""
    import numpy as np

    family, columns = found.family, entity_columns(found)
    key = family.owner(family.table)
    if key is not None and columns == key.columns:
        return found.named(world, key)
    (column,) = columns

    def read() -> Array:
        words = as_text(found.world(world, family.table, (column,))[column])
        known = {w: i for i, w in enumerate(dict.fromkeys(w for w in words if w is not None))}
        return np.array([-1 if w is None else known[w] for w in words], dtype=np.int64)

    codes: Array = found.once(("entity", world), read)
    return codes


def steps(found: Links, side: Side) -> Steps:
    """The rows of a side in their order."""
    known: Steps = found.once(("steps", side), lambda: _steps(found, side))
    return known


def _steps(found: Links, side: Side) -> Steps:
    import numpy as np

    order, world, table = order_column(found), world_of(side), found.family.table
    assert order is not None
    part = found.part(side, table)
    rows = np.arange(part.start, part.stop)
    of, times = sequence_of(found, world)[part], number(found, world, table, order)[part]
    units = found.units(world, table)[part]
    there = (of >= 0) & np.isfinite(times)
    rows, of, times, units = rows[there], of[there], times[there], units[there]
    ordered = np.lexsort((np.arange(len(rows)), times, of))
    of = of[ordered]
    first = np.ones(len(of), dtype=bool)
    first[1:] = of[1:] != of[:-1]
    return Steps(rows[ordered], np.cumsum(first) - 1, units[ordered], times[ordered], first)
