"""What is looked at for keys, and what was found, with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from synthkit.schema import Schema, Table
from synthkit.sources.infer import Profile
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import quote


@dataclass(frozen=True)
class Seen:
    """A table whose rows are looked at.

    Args:
        schema: its columns, with the types that the rows suggest.
        profiles: what the rows show of each.
        relation: SQL that stands for its rows, such as ``read_parquet('orders.parquet')``.
    """

    schema: Schema
    profiles: Mapping[str, Profile]
    relation: str

    @staticmethod
    def of(table: Table, profiles: Mapping[str, Profile]) -> Seen:
        """Rows at rest."""
        return Seen(table.schema, profiles, parquet_scan(*table.paths))

    @property
    def rows(self) -> int:
        return next(iter(self.profiles.values())).rows if self.profiles else 0

    def full(self, column: str) -> bool:
        """Whether every row has a value of it."""
        return self.profiles[column].nulls == 0

    def listed(self, columns: tuple[str, ...]) -> str:
        """The columns in SQL."""
        return ", ".join(quote(c) for c in columns)


@dataclass(frozen=True)
class Included:
    """What of a column's (or several columns') values is there in a parent.

    Args:
        rows: that have a value in each column; included: those of them that name a row that there is.
        values, matched: the same of different values; most: rows of one value.
    """

    rows: int
    included: int
    values: int
    matched: int
    most: int


@dataclass(frozen=True)
class Reference:
    """Columns of a table that name a row of another, and why they are taken to do so.

    Args:
        table, columns: the child's.
        references, to: the parent, and its columns.
        rows: of the child that have a value in every column; ``nulls`` have none in one.
        included: those of ``rows`` that name a row that there is.
        values, matched: different values, and those of them that the parent has.
        most: rows of the child that name one and the same.
        parents: rows of the parent.
        chance: how likely it is that as many values would be the parent's if they were any of that range: 1 where the
            parent's are all the numbers from one to another.
        named: 0 (names say nothing) to 1 (they say it).
        why: how the names agree.
        declared: by the database's catalogue, or by the user.
        owner: whether the child's rows belong to the parent's, as lines do to their order.
        cut: whether it closes a circle, so that the tables cannot be made one after another without leaving it out.
    """

    table: str
    columns: tuple[str, ...]
    references: str
    to: tuple[str, ...]
    rows: int
    nulls: int
    included: int
    values: int
    matched: int
    most: int
    parents: int
    chance: float
    named: float
    why: str
    declared: bool = False
    owner: bool = False
    cut: bool = False

    @staticmethod
    def of(
        child: tuple[str, tuple[str, ...], Seen],
        parent: tuple[str, tuple[str, ...], Seen],
        shown: Included,
        chance: float,
        named: tuple[float, str],
        *,
        declared: bool = False,
    ) -> Reference:
        """One of a table, its columns and its rows to another's."""
        table, columns, rows = child
        references, to, others = parent
        return Reference(
            table=table,
            columns=columns,
            references=references,
            to=to,
            rows=shown.rows,
            nulls=rows.rows - shown.rows,
            included=shown.included,
            values=shown.values,
            matched=shown.matched,
            most=shown.most,
            parents=others.rows,
            chance=chance,
            named=named[0],
            why=named[1],
            declared=declared,
        )

    @property
    def share(self) -> float:
        """Of the rows with a value, those that name a row that there is."""
        return self.included / self.rows if self.rows else 0.0

    @property
    def orphans(self) -> int:
        return self.rows - self.included

    @property
    def one_to_one(self) -> bool:
        return self.most <= 1

    def evidence(self) -> str:
        """In a line: what of the values is there, by what name, how surprising that is.

        >>> ours = ("orders", ("user_id",), "customers", ("id",))
        >>> Reference(*ours, 99, 1, 99, 62, 62, 5, 100, 1.0, 0.5, "why").evidence()
        '99 of 99 rows, 62 of 62 values; 1 null; why; any number of that range would be there'
        """
        parts = [f"{self.included:,} of {self.rows:,} rows, {self.matched:,} of {self.values:,} values"]
        if self.nulls:
            parts.append(f"{self.nulls:,} null{'s' if self.nulls > 1 else ''}")
        parts.append("declared" if self.declared else self.why)
        if not self.declared and self.chance > 0.01:
            parts.append(
                "any number of that range would be there" if self.chance == 1.0 else f"chance {self.chance:.2f}"
            )
        return "; ".join(parts)


@dataclass(frozen=True)
class Keys:
    """The keys of some tables.

    Args:
        primary: table → the columns that name a row; tables without such columns are left out.
        foreign: accepted, the children in the order of the tables.
        doubtful: foreign keys that names or values suggest and the other contradicts: to be looked at, not believed.
        order: table → the column that the rows of one owner (or entity) are ordered by.
        entity: table without an owner → the column that says whose rows follow one another.
        declared: tables whose primary key was declared.
    """

    primary: Mapping[str, tuple[str, ...]]
    foreign: tuple[Reference, ...] = ()
    doubtful: tuple[Reference, ...] = ()
    order: Mapping[str, str] = field(default_factory=dict)
    entity: Mapping[str, str] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()

    def of(self, table: str) -> tuple[Reference, ...]:
        """The foreign keys of a table."""
        return tuple(r for r in self.foreign if r.table == table)


@dataclass(frozen=True)
class Declared:
    """What a catalogue, or the user, says of the keys of some tables.

    Args:
        primary: table → columns.
        foreign: (child, its columns, parent, the parent's columns); no columns of the parent: its primary key.
    """

    primary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    foreign: tuple[tuple[str, tuple[str, ...], str, tuple[str, ...]], ...] = ()


NOTHING_DECLARED = Declared()
