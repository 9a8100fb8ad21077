"""Drawn rows that no value lets keep the rules across tables: they are left out, with all rows that name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.generators.tables import Key
from synthkit.rules.coding import rows_named

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.rules.coding import Mask

MOST = 0.05  # of a table's rows


@dataclass(frozen=True)
class Loose:
    """The tables that may have fewer rows than were drawn.

    Args:
        tables: neither the one that the size is of, nor one that is kept, nor one of whose rows something is asked.
        keys: of all tables.
        primary: of each table the columns that name a row.
    """

    tables: frozenset[str] = frozenset()
    keys: tuple[Key, ...] = ()
    primary: Mapping[str, tuple[str, ...]] | None = None

    def columns(self, table: str) -> frozenset[str]:
        """The columns of a table that are looked at."""
        own = (self.primary or {}).get(table, ())
        return frozenset((*own, *(c for k in self.keys if k.table == table for c in k.columns)))

    def kept(self, rows: Mapping[str, pa.Table], wrong: Mapping[str, Mask]) -> dict[str, Mask] | None:
        """Which rows stay, of each table that loses some; None where it would lose too many, or must keep them all.

        Args:
            rows: of all tables, with :meth:`columns`.
            wrong: of some tables the rows that go.
        """
        import numpy as np

        gone = {name: np.asarray(mask) for name, mask in wrong.items() if mask.any()}
        waiting = list(gone)
        while waiting:
            parent = waiting.pop()
            for key in self._naming(parent):
                named = rows_named(rows[key.table].select(key.columns), rows[parent].select(self._primary(parent)))
                lost = (named >= 0) & gone[parent][np.maximum(named, 0)]
                before = gone.get(key.table, np.zeros(len(named), dtype=bool))
                if (lost & ~before).any():
                    gone[key.table] = before | lost
                    waiting.append(key.table)
        if any(name not in self.tables or mask.mean() > MOST for name, mask in gone.items()):
            return None
        return {name: ~mask for name, mask in gone.items()}

    def _naming(self, table: str) -> Sequence[Key]:
        return [k for k in self.keys if k.references == table]

    def _primary(self, table: str) -> Sequence[str]:
        assert self.primary is not None
        return self.primary[table]
