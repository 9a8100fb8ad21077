"""What the file of a table's pictures holds, as values: what :mod:`.build` writes, and the report draws."""

from __future__ import annotations

from typing import Literal

from synthkit.records.record import Number, Pair, Record, Several

Kind = Literal["number", "date", "datetime", "time", "category", "made_up"]
Matrix = Several[Several[Number | None]]  # symmetric


class Side(Record):
    """A column's values on one side: real or synthetic.

    ``counts`` are of bins or of the categories that are shown, ``others`` of those that are not; ``mean`` and
    ``deviation`` are of numbers, ``distinct`` of all else.
    """

    rows: int
    missing: int
    mean: Number | None = None
    deviation: Number | None = None
    distinct: int | None = None
    counts: Several[int] = ()
    others: int = 0


class Absent(Record):
    """Real categories that the table lacks, and how many real rows hold one."""

    categories: int
    rows: int


class ColumnProfile(Record):
    """One column, of numbers and times with the ``edges`` of its bins, else with the ``labels`` of its categories.

    Args:
        whole: whether all of its numbers are.
        tails: whether rows lie below the first edge, and above the last.
        real: None where there are no real rows to show.
    """

    name: str
    type: str
    kind: Kind
    whole: bool = False
    edges: Several[Number | str] = ()
    tails: Pair[bool] = (False, False)
    labels: Several[str] = ()
    synthetic: Side
    real: Side | None = None
    absent: Absent | None = None


class Associations(Record):
    """How strongly every two columns go together; ``reason`` says why there is nothing to show."""

    reason: str | None = None
    columns: Several[str] = ()
    left_out: int = 0
    synthetic: Matrix = ()
    real: Matrix | None = None


class Axis(Record):
    """A component: its share of the variance, and the columns that weigh most on it."""

    share: Number
    columns: Several[str]


class Embedding(Record):
    """Rows as points in the plane of two components; ``reason`` says why there is nothing to show."""

    reason: str | None = None
    axes: Several[Axis] = ()
    synthetic: Several[Pair[Number]] = ()
    real: Several[Pair[Number]] | None = None


class Rows(Record):
    synthetic: int
    real: int | None


class Profile(Record):
    """A table's pictures; ``sample`` is the hash of the rows that they are of.

    >>> side = {"rows": 3, "missing": 0, "counts": [1, 2], "others": 0}
    >>> column = ColumnProfile(name="tier", type="categorical", kind="category", labels=("a", "b"), synthetic=side)
    >>> column.synthetic.counts, column.real
    ((1, 2), None)
    """

    rows: Rows
    columns: Several[ColumnProfile]
    associations: Associations
    embedding: Embedding
    sample: str | None = None
