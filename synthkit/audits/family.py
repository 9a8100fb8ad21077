"""What an audit may look at of a family of tables: the real and synthetic rows of each member, and the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthkit.generators.tables import Key
from synthkit.schema import Table


@dataclass(frozen=True)
class Member:
    """One table of a family.

    Args:
        synthetic: the staged rows, or, of a table that is kept as it is, its own.
        train, holdout: the real rows trained on, and those never trained on; None where there are none.
    """

    synthetic: Table
    train: Table | None
    holdout: Table | None


@dataclass(frozen=True)
class Family:
    """The tables of a family by their names in the source, and the keys between them.

    Args:
        table: the member whose audit this is.
        keys: their ``columns`` are in the order of the parent's primary key.
    """

    table: str
    members: Mapping[str, Member]
    keys: tuple[Key, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(self.members)

    def synthetic(self, table: str) -> Table:
        return self.members[table].synthetic

    def train(self, table: str) -> Table | None:
        return self.members[table].train

    def holdout(self, table: str) -> Table | None:
        return self.members[table].holdout

    def keys_of(self, table: str) -> tuple[Key, ...]:
        """The keys by which a table names others."""
        return tuple(k for k in self.keys if k.table == table)

    def owner(self, table: str) -> Key | None:
        """The key by which a table's rows belong to another's; None of a root, and of what is only looked up."""
        return next((k for k in self.keys if k.table == table and k.owner and k.references != table), None)

    def root(self, table: str) -> str:
        """The table at the end of the owner path: whose rows are the entities."""
        key = self.owner(table)
        return table if key is None else self.root(key.references)

    def owned(self, table: str) -> tuple[str, ...]:
        """The other tables whose rows belong to this one's, at any depth, in the family's order."""
        return tuple(t for t in self.tables if t != table and table in self._path(t))

    def parent_key(self, key: Key) -> tuple[str, ...]:
        """The columns of the parent that a key's columns are equal to."""
        return self.members[key.references].synthetic.schema.primary_key

    def key_columns(self, table: str) -> frozenset[str]:
        """The columns of a table that name its rows or others: nothing to learn, and nothing to compare."""
        own = self.members[table].synthetic.schema.primary_key
        return frozenset((*own, *(c for k in self.keys_of(table) for c in k.columns)))

    def named(self, table: str) -> frozenset[str]:
        """The columns of a table that are made up as keys: one that alone names rows, and those that name others."""
        own = self.members[table].synthetic.schema.primary_key
        return frozenset((*(own if len(own) == 1 else ()), *(c for k in self.keys_of(table) for c in k.columns)))

    def _path(self, table: str) -> Sequence[str]:
        key = self.owner(table)
        return () if key is None else (key.references, *self._path(key.references))


def name_of(key: Key) -> str:
    """A key in words: ``order_id → orders``."""
    return f"{', '.join(key.columns)} → {key.references}"
