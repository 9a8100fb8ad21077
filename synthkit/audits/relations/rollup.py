"""Rules across tables that the real rows show: totals of children, copies of a parent's column, two ways to one row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import POSITIVE, AuditParams, AuditResult, ColumnResult, Status, audit
from synthkit.audits.counting import listed
from synthkit.audits.family import name_of
from synthkit.audits.relations.columns import categories, codes, comparable, is_number, number
from synthkit.audits.relations.declared import broken_in
from synthkit.audits.rows.links import Links, World, links, no_family
from synthkit.generators.tables import Key
from synthkit.schema import Column

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FEWEST = 20  # real parents, or rows, that must keep a rule: of what holds by chance half the time, one in a million
DIFFERENT = 3  # values that what is ruled must have at least
MOST_FACTORS = 6  # numbers of a child of which products of two are tried
DECIMALS = 6
SHOWN = 3


class RollupParams(AuditParams):
    """Parameters of ``rollup``.

    Args:
        leave_out: rules that the real rows show, as its message writes them, that need not hold.
        rules: rules across tables (docs/families.md) that must hold whatever the real rows show; those of the source
            group are among them.
    """

    leave_out: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Rule:
    """A rule in words, and which rows of a world keep it: True, False, or no opinion where something is missing."""

    text: str
    keeps: Callable[[World], tuple[Array, Array]]  # (kept, judged), booleans of the rows


@audit("rollup", RollupParams, family="integrity", needs=("train",), between=POSITIVE, stands_on=("child",))
def rollup(context: AuditContext, params: RollupParams) -> AuditResult:
    """Rules across tables that all real rows keep: totals of children, copies of a parent's columns, dates, diamonds

    Searched for every key of the table, in the training and held-out rows: a number of the parent that is the number,
    or the sum, least, greatest or mean of its children's, or the sum of a product of two, to the parent's last
    decimal; a column that equals the parent's; a date that is never before, or never after, the parent's; and two keys
    that lead to one row (a payment's customer is its rental's). A rule is what all real rows keep, at least 20, with
    three different values. The value is the number of rows (of parents, for totals) that break one. Nothing is
    searched in the rows of a table under ``epsilon``. ``rules`` are demanded of the synthetic rows alone.
    """
    if (none := no_family(context)) is not None:
        return none
    searched = context.training is None
    if not searched and not params.rules:
        return AuditResult(None, "skipped", "max 0", message="nothing is searched in rows that epsilon protects")
    found = links(context)
    if not found.rows("synthetic", found.family.table):
        return AuditResult(None, "skipped", "max 0", message="there are no rows to look at")
    counts = {text: broken_in(found, text) for text in params.rules}
    for rule in _candidates(found) if searched else ():
        if rule.text not in (*counts, *params.leave_out) and _holds(rule):
            kept, judged = rule.keeps("synthetic")
            counts[rule.text] = (int((judged & ~kept).sum()), int(judged.sum()))
    broken = {text: n for text, n in counts.items() if n[0]}
    failing = sum(n for n, _ in counts.values())
    results = sorted((_result(text, *n) for text, n in counts.items()), key=lambda r: -(r.value or 0))
    many = f"{len(counts)} rule{'s' * (len(counts) != 1)} across tables"
    if broken:
        worst = sorted(broken, key=lambda t: -broken[t][0])[:SHOWN]
        said = listed([f"'{t}' in {broken[t][0]:,} of {broken[t][1]:,}" for t in worst])
        message = f"{len(broken)} of {many} broken: {said}"
    else:
        message = f"{many} hold" if counts else "the real rows show no rule across tables"
    status: Status = "fail" if broken else "pass"
    details: dict[str, object] = {"rules": {text: {"broken": n, "of": of} for text, (n, of) in counts.items()}}
    if params.rules:
        details["declared"] = {text: counts[text][0] for text in params.rules}
    return AuditResult(
        failing, status, "max 0", failing, failing, message=message, columns=tuple(results), details=details
    )


def _result(text: str, broken: int, _: int) -> ColumnResult:
    return ColumnResult(text, broken, "fail" if broken else "pass", broken, broken)


def _holds(rule: _Rule) -> bool:
    kept, judged = rule.keeps("real")
    return bool(judged.sum() >= FEWEST and kept[judged].all())


def _candidates(found: Links) -> Iterator[_Rule]:
    table = found.family.table
    keys = [k for k in found.family.keys_of(table) if k.references != table]
    for key in keys:
        if key.owner:
            yield from _totals(found, key)
        yield from _copies(found, key)
        yield from _orders(found, key)
    for one, other in combinations(found.family.keys_of(table), 2):
        yield from _diamonds(found, one, other)
        yield from _diamonds(found, other, one)


# -- totals ------------------------------------------------------------------------------------------------------------


def _totals(found: Links, key: Key) -> Iterator[_Rule]:
    import numpy as np

    child, parent = key.table, key.references
    numbers = [c.name for c in comparable(found, child) if c.numeric]
    for column in comparable(found, parent):
        if not column.numeric:
            continue
        theirs = number(found, "real", parent, column.name)
        filled = theirs[np.isfinite(theirs)]
        if len(np.unique(filled)) < DIFFERENT:
            continue
        tolerance = _half_unit(filled)
        name = f"{parent}.{column.name}"
        for text, of in _measures(found, key, numbers):
            yield _Rule(f"{name} = {text}", _total(found, parent, column.name, of, tolerance))


def _total(
    found: Links, parent: str, column: str, of: Callable[[World], Array], tolerance: float
) -> Callable[[World], tuple[Array, Array]]:
    import numpy as np

    def keeps(world: World) -> tuple[Array, Array]:
        said, counted = number(found, world, parent, column), of(world)
        judged = np.isfinite(said) & np.isfinite(counted)
        with np.errstate(invalid="ignore"):
            kept = np.abs(said - counted) <= tolerance + 1e-9 * np.abs(said)
        return kept, judged

    return keeps


def _measures(found: Links, key: Key, numbers: list[str]) -> Iterator[tuple[str, Callable[[World], Array]]]:
    """What children may come to, in words, and its value for each parent of a world; NaN where it has none."""
    import numpy as np

    child = key.table

    def at(world: World) -> tuple[Array, int]:
        total = sum(found.rows(s, key.references) for s in found.sides(world, key.references))
        return found.named(world, key), total

    def count(world: World) -> Array:
        named, total = at(world)
        return np.bincount(named[named >= 0], minlength=total).astype(float)

    def summed(values: Callable[[World], Array]) -> Callable[[World], Array]:
        def sums(world: World) -> Array:
            named, total = at(world)
            there = named >= 0
            # a missing value makes the total one that nothing is said of
            return np.bincount(named[there], weights=values(world)[there], minlength=total)

        return sums

    def extreme(column: str, pick: Any, start: float) -> Callable[[World], Array]:
        def ends(world: World) -> Array:
            named, total = at(world)
            ours = number(found, world, child, column)
            there = (named >= 0) & np.isfinite(ours)
            end = np.full(total, start)
            pick.at(end, named[there], ours[there])
            return np.where(np.isfinite(end), end, np.nan)

        return ends

    def mean(column: str) -> Callable[[World], Array]:
        def means(world: World) -> Array:
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.asarray(summed(_product(found, child, column))(world) / count(world))

        return means

    yield f"count({child})", count
    for column in numbers:
        yield f"sum({child}.{column})", summed(_product(found, child, column))
        yield f"min({child}.{column})", extreme(column, np.minimum, np.inf)
        yield f"max({child}.{column})", extreme(column, np.maximum, -np.inf)
        yield f"mean({child}.{column})", mean(column)
    for a, b in combinations(numbers[:MOST_FACTORS], 2):
        yield f"sum({child}.{a} * {child}.{b})", summed(_product(found, child, a, b))


def _product(found: Links, child: str, *columns: str) -> Callable[[World], Array]:
    """The product of some numbers of a child, row by row."""
    import numpy as np

    def of(world: World) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(np.prod([number(found, world, child, c) for c in columns], axis=0))

    return of


def _half_unit(values: Array) -> float:
    """Half a unit of the last decimal that the numbers have, and a little more for the sum's own rounding."""
    import numpy as np

    for decimals in range(DECIMALS):
        scaled = values * 10.0**decimals
        if np.all(np.abs(scaled - np.round(scaled)) <= 1e-6 * np.maximum(1, np.abs(scaled))):
            return float(0.5 * 10.0**-decimals * (1 + 1e-6))
    return 0.0


# -- copies, dates, diamonds -------------------------------------------------------------------------------------------


def _copies(found: Links, key: Key) -> Iterator[_Rule]:
    """A column of the child that says again what the parent's says."""
    child, parent = key.table, key.references
    for own in comparable(found, child):
        for other in comparable(found, parent):
            if own.type == other.type and _varies(found, parent, other):
                yield _Rule(f"{child}.{own.name} = {parent}.{other.name}", _equal(found, key, own, other))


def _varies(found: Links, table: str, column: Column) -> bool:
    import numpy as np

    if not is_number(column):
        return len(categories(found, table, column.name)) >= DIFFERENT
    values = number(found, "real", table, column.name)
    return len(np.unique(values[np.isfinite(values)])) >= DIFFERENT


def _equal(found: Links, key: Key, own: Column, other: Column) -> Callable[[World], tuple[Array, Array]]:
    import numpy as np

    def keeps(world: World) -> tuple[Array, Array]:
        named = found.named(world, key)
        if is_number(own):
            ours, above = number(found, world, key.table, own.name), number(found, world, key.references, other.name)
        else:
            ours, above = _words(found, world, key, own.name, other.name)
        theirs = above[np.maximum(named, 0)] if len(above) else np.full(len(named), np.nan)
        judged = (named >= 0) & np.isfinite(ours) & np.isfinite(theirs)
        return ours == theirs, judged

    return keeps


def _words(found: Links, world: World, key: Key, own: str, other: str) -> tuple[Array, Array]:
    """Categories of the child and of the parent as codes of one list; NaN where missing, or rare."""
    import numpy as np

    known = {w: i for i, w in enumerate(categories(found, key.references, other))}
    mine = categories(found, key.table, own)
    to = np.array([*(known.get(w, -2 - i) for i, w in enumerate(mine)), np.nan, np.nan])
    ours = to[codes(found, world, key.table, own)]
    theirs = codes(found, world, key.references, other).astype(float)
    return ours, np.where((theirs < 0) | (theirs >= len(known)), np.nan, theirs)


def _orders(found: Links, key: Key) -> Iterator[_Rule]:
    """A date of the child that is never before, or never after, the parent's."""
    child, parent = key.table, key.references
    for own in comparable(found, child):
        for other in comparable(found, parent):
            if own.type == other.type and own.type in ("date", "datetime"):
                for sign in ("<=", ">="):
                    text = f"{parent}.{other.name} {sign} {child}.{own.name}"
                    yield _Rule(text, _ordered(found, key, own, other, sign == "<="))


def _ordered(found: Links, key: Key, own: Column, other: Column, after: bool) -> Callable[[World], tuple[Array, Array]]:
    import numpy as np

    def keeps(world: World) -> tuple[Array, Array]:
        named = found.named(world, key)
        ours, above = number(found, world, key.table, own.name), number(found, world, key.references, other.name)
        theirs = above[np.maximum(named, 0)] if len(above) else np.full(len(named), np.nan)
        judged = (named >= 0) & np.isfinite(ours) & np.isfinite(theirs)
        with np.errstate(invalid="ignore"):
            return (theirs <= ours) if after else (theirs >= ours), judged

    return keeps


def _diamonds(found: Links, one: Key, other: Key) -> Iterator[_Rule]:
    """Where ``other`` leads to a table that names what ``one`` names: both ways lead to one row."""
    import numpy as np

    for further in found.family.keys_of(other.references):
        if further.references != one.references or further.inner or other.inner:
            continue

        def keeps(world: World, further: Key = further) -> tuple[Array, Array]:
            direct, way = found.named(world, one), found.named(world, other)
            above = found.named(world, further)
            through = np.where(way >= 0, above[np.maximum(way, 0)], -1) if len(above) else np.full(len(way), -1)
            return direct == through, (direct >= 0) & (through >= 0)

        yield _Rule(f"{name_of(one)} is that of {name_of(other)}", keeps)
