"""Columns of a family's members as numbers, the same on all sides: what audits across keys compare.

A number or date is itself, or its place among the real training rows; a category is a code by falling frequency there.
Keys, free text and made-up columns carry nothing to compare, and are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import Side
from synthkit.audits.rows.features import as_text, numbers
from synthkit.audits.rows.links import Links, World
from synthkit.generators.tables import Key
from synthkit.schema import Column

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

MOST = 30  # categories with a code of their own
SHOWN = 5  # of which have a column of zeros and ones
AGAIN = 5  # rows that name each looked-up row, on average, from which a classifier learns it by heart
WORLDS: tuple[World, ...] = ("synthetic", "real")
PLACES = 20_000  # training values that places are among


@dataclass(frozen=True)
class Named:
    """Numbers with their names.

    Args:
        values: shape (rows, columns), NaN where missing.
    """

    names: tuple[str, ...]
    values: Array
    coded: tuple[bool, ...]

    def take(self, rows: Array) -> Named:
        """The rows of these numbers; a row number below 0 gives missing values."""
        import numpy as np

        if not len(self.values):
            return Named(self.names, np.full((len(rows), len(self.names)), np.nan), self.coded)
        found = self.values[np.maximum(rows, 0)]
        found[rows < 0] = np.nan
        return Named(self.names, found, self.coded)


def beside(parts: list[Named]) -> Named:
    """Several sets of columns of the same rows as one."""
    import numpy as np

    return Named(
        tuple(n for p in parts for n in p.names),
        np.column_stack([p.values for p in parts]) if parts else np.empty((0, 0)),
        tuple(c for p in parts for c in p.coded),
    )


def comparable(found: Links, table: str) -> tuple[Column, ...]:
    """The columns of a member that carry something to compare, and that every side has: none that says whose a row
    is."""
    member = found.family.members[table]
    keys = {*found.family.key_columns(table), found.unit_column(table)}
    sides = [t for t in (member.synthetic, member.train, member.holdout) if t is not None]
    known = set.intersection(*(set(t.schema.names) for t in sides))
    return tuple(c for c in sides[-1].schema.columns if c.modelled and c.name in known and c.name not in keys)


def is_number(column: Column) -> bool:
    return column.continuous


def number(found: Links, world: World, table: str, column: str) -> Array:
    """A column's numbers in each row of a world, NaN where missing."""

    def read() -> Array:
        return numbers(found.world(world, table, (column,))[column])

    known: Array = found.once(("number", world, table, column), read)
    return known


def codes(found: Links, world: World, table: str, column: str) -> Array:
    """A category's code in each row: by falling frequency among the training rows; one code for all others, −1 for
    missing ones."""

    def read() -> Array:
        import numpy as np

        known = {v: i for i, v in enumerate(categories(found, table, column))}
        words = as_text(found.world(world, table, (column,))[column])
        return np.array([-1 if w is None else known.get(w, len(known)) for w in words], dtype=np.int64)

    known: Array = found.once(("codes", world, table, column), read)
    return known


def categories(found: Links, table: str, column: str) -> tuple[str, ...]:
    """The commonest categories of the training rows, ties by the text."""

    def read() -> tuple[str, ...]:
        side: Side = "train" if found.rows("train", table) else "synthetic"
        counts = Counter(w for w in as_text(found.arrow(side, table, (column,))[column]) if w is not None)
        return tuple(v for v, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST])

    known: tuple[str, ...] = found.once(("categories", table, column), read)
    return known


def plain(found: Links, world: World, table: str) -> Named:
    """A member's columns: numbers as they are, categories as codes."""
    import numpy as np

    parts = []
    for column in comparable(found, table):
        name = f"{table}.{column.name}"
        if is_number(column):
            parts.append(Named((name,), number(found, world, table, column.name)[:, None], (False,)))
        else:
            code = codes(found, world, table, column.name).astype(float)
            parts.append(Named((name,), np.where(code < 0, np.nan, code)[:, None], (True,)))
    rows = sum(found.rows(s, table) for s in found.sides(world, table))
    return beside(parts) if parts else Named((), np.empty((rows, 0)), ())


def spread(found: Links, world: World, table: str) -> Named:
    """A member's columns: numbers as they are, the commonest categories as columns of zeros and ones."""
    import numpy as np

    parts = []
    for column in comparable(found, table):
        name = f"{table}.{column.name}"
        if is_number(column):
            parts.append(Named((name,), number(found, world, table, column.name)[:, None], (False,)))
            continue
        code = codes(found, world, table, column.name)
        known = categories(found, table, column.name)
        shown = min(SHOWN, len(known)) if len(known) > 2 else len(known) - 1  # of two, one says it all
        for i in range(shown):
            one = np.where(code < 0, np.nan, code == i)
            parts.append(Named((f"{name} = {known[i]}",), one[:, None], (False,)))
    rows = sum(found.rows(s, table) for s in found.sides(world, table))
    return beside(parts) if parts else Named((), np.empty((rows, 0)), ())


def aggregates(found: Links, world: World, child: str, parents: Array, total: int) -> Named:
    """What the children of each parent are: how many, and of their numbers the mean, spread, least and greatest, of
    their categories the shares of the commonest and how many different ones.

    Args:
        parents: for each row of the child, the number of its parent's row; below 0 for none.
        total: how many parents there are: the rows of what is returned.
    """
    import numpy as np

    there = parents >= 0
    at = parents[there]
    count = np.bincount(at, minlength=total).astype(float)
    parts = [Named((f"{child}.count",), count[:, None], (False,))]
    for column in comparable(found, child):
        name = f"{child}.{column.name}"
        if is_number(column):
            values = number(found, world, child, column.name)[there]
            parts.append(_of_numbers(name, values, at, total))
        else:
            code = codes(found, world, child, column.name)[there]
            parts.append(_of_codes(name, code, at, total, categories(found, child, column.name)))
    return beside(parts)


def _of_numbers(name: str, values: Array, at: Array, total: int) -> Named:
    import numpy as np

    filled = np.isfinite(values)
    values, at = values[filled], at[filled]
    n = np.bincount(at, minlength=total)
    centre = float(np.median(values)) if len(values) else 0.0
    shifted = values - centre
    with np.errstate(all="ignore"):
        mean = np.bincount(at, weights=shifted, minlength=total) / n
        apart = shifted - mean[at] if len(at) else shifted
        deviation = np.sqrt(np.bincount(at, weights=apart**2, minlength=total) / (n - 1))
        deviation[n < 2] = np.nan
    least, greatest = np.full(total, np.inf), np.full(total, -np.inf)
    np.minimum.at(least, at, values)
    np.maximum.at(greatest, at, values)
    ends = [np.where(np.isfinite(v), v, np.nan) for v in (least, greatest)]
    names = tuple(f"{how} of {name}" for how in ("mean", "spread", "least", "greatest"))
    return Named(names, np.column_stack([mean + centre, deviation, *ends]), (False,) * 4)


def _of_codes(name: str, code: Array, at: Array, total: int, known: tuple[str, ...]) -> Named:
    import numpy as np

    filled = code >= 0
    code, at = code[filled], at[filled]
    n = np.bincount(at, minlength=total)
    parts, names = [], []
    with np.errstate(all="ignore"):
        for i in range(min(SHOWN, len(known)) if len(known) > 2 else len(known) - 1):
            parts.append(np.bincount(at, weights=(code == i).astype(float), minlength=total) / n)
            names.append(f"share of {name} = {known[i]}")
    pairs = np.unique(np.stack([at, code]), axis=1)
    distinct = np.bincount(pairs[0], minlength=total).astype(float)
    parts.append(np.where(n > 0, distinct, np.nan))
    return Named((*names, f"different {name}"), np.column_stack(parts), (False,) * len(parts))


def recognisable(found: Links, key: Key) -> bool:
    """Whether any rows that are drawn in the place of the looked-up ones would be told one by one: there are so few of
    them that each is seen again and again, and they are not kept.

    Thirty real teachers stand in thousands of enrolments, on the training side and on the other; thirty drawn ones are
    others, each known by what it is, however well they are drawn. Whether they are is asked of their own table.
    """
    if key.owner:
        return False

    def judge() -> bool:
        import numpy as np

        named = found.named("real", key)
        named = named[named >= 0]
        if len(named) < AGAIN * len(np.unique(named)):
            return False
        ours, theirs = ({row.tobytes() for row in plain(found, w, key.references).values} for w in WORLDS)
        return not ours <= theirs

    known: bool = found.once(("recognisable", key), judge)
    return known


def joined(
    found: Links,
    world: World,
    table: str,
    *,
    coded: bool,
    owners: bool = False,
    without: Callable[[Key], bool] = lambda _: False,
) -> Named:
    """A member's columns with those of all its ancestors, by every path of keys.

    Args:
        coded: categories as codes; else as columns of zeros and ones.
        owners: along the owner path alone.
        without: keys that are not followed.
    """
    import numpy as np

    own = plain if coded else spread
    parts = [own(found, world, table)]

    def climb(at: str, rows: Array | None, path: tuple[str, ...]) -> None:
        for key in found.family.keys_of(at):
            if key.references in (*path, at) or (owners and not key.owner) or without(key):
                continue
            named = found.named(world, key)
            above = named if rows is None else np.where(rows >= 0, named[np.maximum(rows, 0)], -1)
            columns = own(found, world, key.references).take(above)
            via = "".join(f"{p} > " for p in (*path[1:], at) if path)
            parts.append(Named(tuple(f"{via}{n}" for n in columns.names), columns.values, columns.coded))
            climb(key.references, above, (*path, at))

    climb(table, None, ())
    return beside(parts)


def places(values: Array, reference: Array) -> Array:
    """Each number's place among the reference's, column by column: the share below it, ties halved; NaN stays."""
    import numpy as np

    found = np.full(values.shape, np.nan)
    for i in range(values.shape[1]):
        ordered = np.sort(reference[:, i][np.isfinite(reference[:, i])])
        if len(ordered) > PLACES:
            ordered = ordered[np.linspace(0, len(ordered) - 1, PLACES).astype(int)]
        there = np.isfinite(values[:, i])
        if not len(ordered):
            found[there, i] = 0.5
            continue
        below, upto = (np.searchsorted(ordered, values[there, i], side=s) for s in ("left", "right"))
        found[there, i] = (below + upto) / 2 / len(ordered)
    return found
