"""The real records that the split divided: each different one once, and how many people on each side have it.

An audit that compares the training side with the holdout asks whether the synthetic rows know on which side a person
fell. What the split put there as one, the *unit*, is all rows of a privacy unit, or else all rows that are equal in
every column. Units fall on a side independently of the rows of a model that never saw the split, whatever the sizes of
the sides; rows do not, as equal ones stay together. So units are counted here, not rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.measures.sorting import distinct, meet, places
from synthkit.audits.rows.features import usable
from synthkit.audits.rows.links import whose
from synthkit.audits.rows.marginals import category_key, number_key, sql_types
from synthkit.audits.rows.neighbours import Points
from synthkit.sources.types import provisional_type
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FEWEST = 50  # units on a side below which nothing can be told
COPY_LESS = "a generator that copies less, fewer epochs, or epsilon"  # what to try where an attack finds people


@dataclass(frozen=True)
class Population:
    """The different real records over some columns, in an order that does not depend on the side.

    Args:
        keys: a 64-bit hash of each record's values, ascending.
        train, holdout: how many units of each side have the record.
        unit: a number for one of the units that have it.
        row: where it is found first, the training rows before the held-out ones.
        units: how many there are on each side.
        train_rows: rows on the training side.
    """

    keys: Array
    train: Array
    holdout: Array
    unit: Array
    row: Array
    units: tuple[int, int]
    train_rows: int

    @property
    def train_share(self) -> float:
        return self.units[0] / sum(self.units)

    def points(self, points: Points, which: Array) -> Array:
        """The points of the records ``which``, in that order."""
        import numpy as np

        rows = self.row[which]
        trained = rows < self.train_rows
        parts = points("train", rows[trained]), points("holdout", rows[~trained] - self.train_rows)
        found = np.empty((len(rows), parts[0].shape[1]), dtype=np.float32)
        found[trained], found[~trained] = parts
        return found


def attacked_columns(context: AuditContext, chosen: Sequence[str] | None = None) -> tuple[str, ...]:
    """The columns that an attacker may know: those chosen, or all that a generator learns and that are no key."""
    keys = set(context.schema.primary_key)
    return tuple(dict.fromkeys(chosen)) if chosen else tuple(c for c in usable(context) if c not in keys)


def population(context: AuditContext, columns: tuple[str, ...]) -> Population:
    """The real records over ``columns``; both sides must be there."""
    return context.shared(("population", columns), lambda: _population(context, columns))


def record_keys(context: AuditContext, side: Side, columns: tuple[str, ...]) -> Array:
    """A 64-bit hash of each row's values over ``columns``: the same for equal values of another SQL type."""
    keys = [record_key(context, column) for column in columns]
    return context.shared(("keys", side, columns), lambda: _hashes(context, side, f"hash({', '.join(keys)})"))


def record_key(context: AuditContext, column: str) -> str:
    """SQL of what makes two values of a column one. NaN is a missing value, and -0.0 is 0.0."""
    ours, theirs = sql_types(context, "synthetic")[column], sql_types(context, "holdout")[column]
    if ours == theirs and provisional_type(ours) in ("integer", "decimal"):
        return quote(column)  # as it is: beyond 2^53, neighbours would be one DOUBLE
    key = number_key(context, column) or category_key(context, column)
    return f"nullif({key} + 0.0, 'NaN'::DOUBLE)" if key.endswith("AS DOUBLE)") else key


def units(context: AuditContext) -> tuple[Array, Array]:
    """The unit of each training row and of each held-out row, as numbers.

    Rows that belong to rows of another table are those of the unit at the top of these. Rows without a unit are one,
    or, where they lie on both sides as rows that belong to nobody do
    (:mod:`synthkit.sources.family`), each its own. Where another unit lies on both sides, the split was none of
    :mod:`synthkit.sources.split`'s, and each row is its own unit.
    """
    import numpy as np

    assert context.holdout is not None
    together = context.holdout.schema.privacy_unit

    def of(side: Side) -> Array:
        return _hashes(context, side, f"hash({side if together is None else quote(together)})")

    def both() -> tuple[Array, Array]:
        ours, theirs = whose(context, "train"), whose(context, "holdout")
        if ours is not None and theirs is not None:
            train, holdout = _apart(ours, 0), _apart(theirs, 1)
        else:
            train, holdout = of("train"), of("holdout")
        if together is not None and meet(train, holdout):
            train = _alone(context, "train", together, train)
            holdout = _alone(context, "holdout", together, holdout)
        if meet(train, holdout):
            return np.arange(len(train)), np.arange(len(train), len(train) + len(holdout))
        return train, holdout

    return context.shared(("units",), both)


def _apart(found: Array, place: int) -> Array:
    """The numbers of units, in which nobody's rows of one side have others than those of the other side."""
    import numpy as np

    alone = 2**62 + 2 * (-1 - found) + place
    return np.where(found >= 0, found, alone).astype(np.uint64)


def _alone(context: AuditContext, side: Side, together: str, found: Array) -> Array:
    """The units, in which each row without one has a number that no other row has."""
    import numpy as np

    missing = np.asarray(context.column(side, f"{quote(together)} IS NULL").to_numpy(zero_copy_only=False), dtype=bool)
    first = {"train": 0, "holdout": 1, "synthetic": 2}[side]
    return np.where(missing, np.arange(len(found), dtype=np.uint64) * np.uint64(3) + np.uint64(first), found)


def _hashes(context: AuditContext, side: Side, expression: str) -> Array:
    import numpy as np

    return np.asarray(context.column(side, expression).to_numpy(), dtype=np.uint64)


@dataclass(frozen=True)
class _Persons:
    """Units of a side as numbers from 0: how many, and that of each row; None where no two rows are of one."""

    count: int
    codes: Array | None


def _persons(context: AuditContext) -> tuple[_Persons, _Persons]:
    import numpy as np

    def of(units: Array) -> _Persons:
        known = distinct(units)
        return _Persons(len(known), None if len(known) == len(units) else np.asarray(places(known, units)))

    def both() -> tuple[_Persons, _Persons]:
        train, holdout = units(context)
        return of(train), of(holdout)

    return context.shared(("persons",), both)


def matches(people: Population, keys: Array) -> tuple[Array, Array, Array]:
    """For each row, by its hash: how many training people and held-out people have it, and which record it is."""
    import numpy as np

    place = places(people.keys, keys)
    equal = people.keys[place] == keys
    return np.where(equal, people.train[place], 0), np.where(equal, people.holdout[place], 0), place


def prepared(context: AuditContext) -> AuditContext:
    """The context, which knows whose the rows are: for those that ask :func:`population` of many columns."""
    _persons(context)
    return context


def _population(context: AuditContext, columns: tuple[str, ...]) -> Population:
    import numpy as np

    own, persons = units(context), _persons(context)
    sides: list[Side] = ["train", "holdout"]
    records = np.concatenate([record_keys(context, s, columns) for s in sides])
    keys, row, place = np.unique(records, return_index=True, return_inverse=True)
    del records
    short = np.int32 if len(place) < 2**31 else np.int64  # half of the memory of what there is for each row
    row, place = row.astype(short), place.astype(short)
    counted = []
    for people, p in zip(persons, (place[: len(own[0])], place[len(own[0]) :]), strict=True):
        if people.codes is not None:  # a unit is counted once, however many of its rows have the record
            p = distinct(p.astype(np.int64) * people.count + people.codes) // people.count
        counted.append(np.bincount(p, minlength=len(keys)).astype(short))
    unit = np.concatenate(own)[row]
    units_of = (persons[0].count, persons[1].count)
    return Population(keys, counted[0], counted[1], unit, row, units_of, len(own[0]))
