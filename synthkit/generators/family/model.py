"""A fitted family: frozen values, which :mod:`.storing` writes and reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.encoding.encoder import Encoder
from synthkit.encoding.rules import FillRule
from synthkit.generators.conditional.columns import Chain, Field
from synthkit.generators.family.axis import Axis
from synthkit.generators.family.counting import Counted
from synthkit.generators.family.echoes import Echo
from synthkit.generators.family.listing import Listing
from synthkit.generators.family.relative import Anchor, Copy
from synthkit.generators.family.rowmodel import Rows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Link:
    """A key as it is drawn.

    Args:
        columns: of the child.
        kind: ``owner`` (rows belong to an entity), ``same`` (it always names what ``through`` names), ``looked`` (a row
            is found by its attributes and load), ``cut`` (the same, when all tables are drawn), ``self`` (a row of the
            same table, one level up).
        through: of ``same``: the columns of the key by which the row is reached, then those of the row that is reached.
        within: of ``looked`` and ``self``: the row that is found has the same owner.
        once: a row is named once at most.
        apart: no two rows of an entity name the same one.
        nulls: share of rows without it.
        most: rows that may name one row, at most; 0: any number.
        lost: share of the rows without one that have a value which names no row.
        unlike: of ``looked``: keys before it that never name the same row as it does in one row.
    """

    columns: tuple[str, ...]
    references: str
    kind: str
    through: tuple[str, ...] = ()
    within: bool = False
    once: bool = False
    apart: bool = False
    nulls: float = 0.0
    most: int = 0
    lost: float = 0.0
    unlike: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is drawn of an entity before its rows.

    Args:
        child: table of the rows.
        key: its number among the child's links.
        chain: the fields: rows first.
        constants: field of the child's columns → place in the chain.
        starts: the same for counters' first values.
        orphans: rows without an entity, per entity.
        first, pace, last, visits: places of the first time, of the mean time between two different ones or of the last
            time, and of the number of different times; -1: not planned.
        modes: places of the most frequent cells.
        loads: of a table that is kept: how many rows name each row, as in the source.
        beside: other tables' plans of the same entity, (child, key), that are known when this one is drawn.
        usual: the median code of each of their features, uint8.
        listing: what the rows that name these say of their numbers.
    """

    child: str
    key: int
    chain: Chain
    constants: tuple[tuple[int, int], ...] = ()
    starts: tuple[tuple[int, int], ...] = ()
    orphans: float = 0.0
    first: int = -1
    pace: int = -1
    last: int = -1
    visits: int = -1
    to_end: int = -1
    phase: int = -1
    spans: tuple[tuple[int, int], ...] = ()
    modes: tuple[int, ...] = ()
    loads: Array | None = None
    beside: tuple[tuple[str, int], ...] = ()
    usual: Array | None = None
    listing: Listing | None = None


@dataclass(frozen=True)
class Climber:
    """A column that never falls, or never rises, within an entity: time (``time``), or a counter; drawn by its growth.

    Args:
        bounded: it stays within the range that was seen.
        axis: of time, where that is not learnt as it is.
    """

    column: int
    field: int
    time: bool
    bounded: bool = False
    axis: Axis | None = None


@dataclass(frozen=True)
class Short:
    """The rows of a short table, as others name them.

    Args:
        labels: of the rows learnt from.
        cells: of these rows, shape (rows, fields).
        above: of each of their keys what it names, "": none.
        others: labels of rows that were held out, as others name them.
    """

    labels: tuple[str, ...]
    cells: Array
    above: tuple[tuple[str, ...], ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """One table of a family.

    Args:
        names: of all its columns, in order, and their serialised Arrow types (``arrow``).
        encoder: of the columns that are learnt; None: there are none.
        fields: of these columns.
        links: its keys.
        own: of a table without an owner: its columns, given nothing.
        rows: of an owned one.
        row_columns: column of each field of ``rows`` that is one, -1: growth of a counter, -2: of a row looked up.
        looked: of each field that is about a row that a key names, the key and the field there; -1: whether there is
            one; -2: how far below the top it stands, where it names a row of its own table; less: :mod:`.identity`.
        climbers: columns that never fall.
        anchors: columns drawn as their distance from another.
        copies: columns that are the owner's.
        echoes: columns that are the owner's where both are there.
        plans: of the tables whose keys name its rows.
        primary: columns of the primary key.
        key: those that are made up.
        makers: how made-up text keys look.
        count: rows of the whole table, those that were held out among them.
        kept: of a table that is there already, its cells; and its keys, as an Arrow file's bytes.
        counted: what tells its rows apart beside the keys of other tables.
        named: the columns of each of its keys as the source has them, and what they name.
        short: of a table of few rows, each of which others name often: its rows.
    """

    name: str
    names: tuple[str, ...]
    arrow: tuple[tuple[str, str], ...]
    encoder: Encoder | None
    fields: tuple[Field, ...]
    primary: tuple[str, ...]
    links: tuple[Link, ...]
    own: Chain | None
    rows: Rows | None
    row_columns: tuple[int, ...]
    looked: tuple[tuple[int, int], ...]
    climbers: tuple[Climber, ...]
    plans: tuple[Plan, ...]
    key: tuple[str, ...]
    makers: tuple[FillRule | None, ...]
    count: int
    anchors: tuple[Anchor, ...] = ()
    copies: tuple[Copy, ...] = ()
    echoes: tuple[Echo, ...] = ()
    kept: Array | None = None
    kept_keys: Array | None = None
    counted: Counted | None = None
    named: tuple[tuple[tuple[str, ...], str], ...] = ()
    short: Short | None = None


@dataclass(frozen=True)
class Family:
    """Tables in an order in which each stands after those that its keys name."""

    members: tuple[Member, ...]
    root: str
    entity: str | None = None  # of a single table: whose rows are a sequence
    rows_per_entity: float = 1.0

    def member(self, name: str) -> Member:
        return next(m for m in self.members if m.name == name)
