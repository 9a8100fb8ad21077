"""Tables that hang together by keys: what a generator that learns several at once is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from synthkit.schema import Schema, Table


@dataclass(frozen=True)
class Key:
    """Columns of a table that name a row of another.

    Args:
        table: the child, whose rows name others.
        columns: of the child, in the order of the parent's primary key.
        references: the parent.
        owner: whether a child's row belongs to the row that it names, as a line does to its order; one that is only
            looked up (a product) owns nothing.
        max_per_parent: the most rows that may name one row of the parent, where that is declared.
        orphans: whether values that name no row are drawn, at the rate of the real ones.
        cut: whether the parent may be made after the child, as keys run in a circle: the key is matched when both are.
    """

    table: str
    columns: tuple[str, ...]
    references: str
    owner: bool = False
    max_per_parent: int | None = None
    orphans: bool = False
    cut: bool = False

    @property
    def inner(self) -> bool:
        """Whether it names another row of its own table, as an employee's manager does."""
        return self.table == self.references


@dataclass(frozen=True)
class Tables:
    """Tables by name, each after those that its keys name, and the keys.

    Args:
        first: the table that a size is of; "": the first one.
        kept: tables that are there already, and are looked up in, not made.
        whole: rows of whole tables, those that are not learnt from (held out) among them; of others those of its table.

    Raises ValueError where a key leads nowhere, or to a table that follows and it is not cut, where a table has two
    owners or is its own, and where there is no table.

    >>> from synthkit.schema import Column, Schema
    >>> people = Table(Schema((Column("id", "id", "VARCHAR"),), primary_key=("id",)), (), 2)
    >>> orders = Table(Schema((Column("of", "id", "VARCHAR"),)), (), 3)
    >>> shop = Tables({"people": people, "orders": orders}, (Key("orders", ("of",), "people", owner=True),))
    >>> shop.root, shop.alone is None, Tables.of(people).alone is people
    ('people', True, True)
    """

    members: Mapping[str, Table]
    keys: tuple[Key, ...] = ()
    first: str = ""
    kept: frozenset[str] = frozenset()
    whole: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError("there is no table")
        order = list(self.members)
        for name in ({self.first} - {""}) | self.kept:
            if name not in self.members:
                raise ValueError(f"{name!r} is not there")
        for key in self.keys:
            for name in (key.table, key.references):
                if name not in self.members:
                    raise ValueError(f"a key of {key.table!r} names {name!r}, which is not there")
            if key.owner and (key.inner or key.cut):
                raise ValueError(f"a key of {key.table!r} to its owner leads to itself, or is cut")
            if not key.cut and order.index(key.references) > order.index(key.table):
                raise ValueError(f"{key.references!r} does not stand before {key.table!r}, whose key names it")
            named = self.members[key.references].schema.primary_key
            if not key.columns or len(key.columns) != len(named):
                raise ValueError(f"a key of {key.table!r} has {len(key.columns)} columns, and {len(named)} name a row")
            missing = set(key.columns) - set(self.members[key.table].schema.names)
            if missing:
                raise ValueError(f"{key.table!r} has no column {min(missing)!r}, which is said to be a key")
        owned = [key.table for key in self.keys if key.owner]
        twice = {name for name in owned if owned.count(name) > 1}
        if twice:
            raise ValueError(f"{min(twice)!r} has two owners")

    @staticmethod
    def of(table: Table, name: str = "table") -> Tables:
        """One table."""
        return Tables({name: table})

    @property
    def alone(self) -> Table | None:
        """The table, where there is no other, and no key of its own leads to its rows."""
        (first, *others) = self.members.values()
        return None if others or self.keys else first

    @property
    def root(self) -> str:
        """The table that a size is of."""
        return self.first or next(iter(self.members))

    @property
    def shape(self) -> Shape:
        """What is declared of them."""
        return Shape({n: t.schema for n, t in self.members.items()}, self.keys, self.root, self.kept)


@dataclass(frozen=True)
class Shape:
    """Tables that hang together without their rows: what a training under a budget is planned by.

    Args:
        schemas: by table, each after those that its keys name; with the columns of keys.
        keys, first, kept: as in :class:`Tables`.
    """

    schemas: Mapping[str, Schema]
    keys: tuple[Key, ...]
    first: str
    kept: frozenset[str] = frozenset()
