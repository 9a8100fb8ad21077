"""Foreign keys: names and values are weighed against each other, and of all that fit a column the best is taken.

| names say | share of rows and of values that must be there | and |
| --- | --- | --- |
| it (.8 and more) | half; nine in ten where the parent's are all numbers of a range | |
| it may be (.5 and more) | 98 % | |
| something | 98 % | chance is below one in a thousand |
| nothing | 95 %, nine in ten values | chance is below one in a thousand, of numbers one in a million |

What names say and values do not, or values show that any numbers would, is doubtful: told, not believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from synthkit.sources.keys import names
from synthkit.sources.keys.inclusion import chance, compared, compared_together, keep_values, kind_of, naming
from synthkit.sources.keys.names import ALIKE, BY_ROLE, SAME_PEOPLE, SOMETHING, is_its_own, says
from synthkit.sources.keys.seen import Included, Reference, Seen

if TYPE_CHECKING:
    import duckdb

HALF, MOST, NEARLY, FITS = 0.5, 0.9, 0.95, 0.98
RARE, VERY_RARE = 1e-3, 1e-6
_COMPARED = 60  # characters: of longer text no key is made


def singles(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Seen], keys: Iterable[tuple[str, str]]
) -> list[Reference]:
    """All columns that may name a row by a key of one column, of each parent that has values of theirs."""
    parents = {naming(t, c): (t, c) for t, c in keys if kind_of(tables[t], c) is not None}
    keep_values(connection, {key: tables[key[0]] for key in parents.values()})
    found = []
    for child, seen in tables.items():
        for column in seen.schema.names:
            kind = kind_of(seen, column)
            if kind is None or seen.profiles[column].distinct == 0:
                continue
            for parent, what in compared(connection, seen, column).items():
                table, key = parents[parent]
                if (table, key) != (child, column) and not is_its_own_key(child, column, seen):
                    found.append(_reference(child, column, seen, (table, key), tables[table], kind, what))
    return found


def is_its_own_key(child: str, column: str, seen: Seen) -> bool:
    """Whether it is the child's own key by name and by value: others refer to it, it refers to none."""
    return seen.profiles[column].unique and seen.full(column) and is_its_own(child, column)


def _reference(
    child: str, column: str, seen: Seen, to: tuple[str, str], parent: Seen, kind: str, what: Included
) -> Reference:
    table, key = to
    named, why = says(column, table, key, own=child == table)
    odds = chance(parent, key, kind, what)
    return Reference.of((child, (column,), seen), (table, (key,), parent), what, odds, (named, why))


def composites(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Seen], keys: Mapping[str, tuple[str, ...]]
) -> list[Reference]:
    """Columns that name a row by a key of several, each called as its part of the key is, perhaps after a role."""
    found = []
    for (table, key), (child, seen) in product(keys.items(), tables.items()):
        if len(key) < 2 or child == table:
            continue
        parent = tables[table]
        for columns in _called(seen, key):
            kinds = [(kind_of(seen, c), kind_of(parent, k)) for c, k in zip(columns, key, strict=True)]
            if any(ours is None or ours != theirs for ours, theirs in kinds):
                continue
            what = compared_together(connection, seen, columns, parent, key)
            why = "they bear the key's names" if columns == key else "their names end in the key's"
            odds = _density(parent, key) ** max(what.matched, 1)
            found.append(Reference.of((child, columns, seen), (table, key, parent), what, odds, (BY_ROLE, why)))
    return found


def _called(seen: Seen, key: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The child's columns of the key's names, and those that one role stands before."""
    found = [key] if set(key) <= set(seen.schema.names) else []
    last = key[-1]
    for name in seen.schema.names:
        role = name.removesuffix(last)
        if role and role != name and all(f"{role}{k}" in seen.schema.by_name for k in key):
            found.append(tuple(f"{role}{k}" for k in key))
    return found


def _density(parent: Seen, key: tuple[str, ...]) -> float:
    room = 1.0
    for column in key:
        room *= max(1, parent.profiles[column].distinct)
    return min(1.0, parent.rows / room)


def believed(found: Reference, seen: Seen) -> bool:
    """Whether names and values together say that it is a foreign key."""
    of_values = found.matched / found.values if found.values else 0.0
    if found.named >= BY_ROLE:
        least = MOST if found.chance == 1.0 and len(found.columns) == 1 else HALF
        return found.share >= least and of_values >= least
    if found.named >= SAME_PEOPLE:
        return found.share >= FITS and of_values >= FITS
    if found.named >= SOMETHING:
        return found.share >= FITS and found.chance <= RARE
    text = kind_of(seen, found.columns[0]) == "text"
    return found.share >= NEARLY and of_values >= MOST and found.chance <= (RARE if text else VERY_RARE)


def suspected(found: Reference, seen: Seen) -> bool:
    """Whether names or values suggest one that is not believed, so that people should look."""
    if found.named >= ALIKE and found.share > 0:
        return True
    own = found.most == 1 and seen.full(found.columns[0])  # each row has its own: a key of the table's, by itself
    return found.named >= SOMETHING and found.share >= FITS and not own


def strength(found: Reference) -> tuple[float, ...]:
    """The better of two that fit the same column: by name, by share, by how much of the parent is named."""
    own = is_its_own(found.references, found.to[0]) and names.words(found.to[0]) != ("id",)
    covers = found.matched / found.parents if found.parents else 0.0
    return (found.named, float(own), round(found.share, 2), covers)


def chosen(
    found: Iterable[Reference], tables: Mapping[str, Seen], given: Iterable[Reference] = ()
) -> tuple[list[Reference], list[Reference]]:
    """Those that are believed, the best one of each column; and those that are doubtful. Of keys that run in a circle
    the weakest is cut, where names say it, and else doubtful.

    Args:
        given: foreign keys that are known.
    """
    taken: list[Reference] = []
    doubtful = []
    for one in sorted(given, key=lambda r: -tables[r.table].rows):  # a short list's key is the one to leave out
        taken.append(replace(one, cut=_circle(one, taken)))
    columns = {(r.table, r.columns) for r in taken}
    for one in sorted(found, key=strength, reverse=True):
        if (one.table, one.columns) in columns:
            continue
        round_ = _circle(one, taken)
        if believed(one, tables[one.table]) and (not round_ or one.named >= SAME_PEOPLE):
            taken.append(replace(one, cut=round_))
            columns.add((one.table, one.columns))
        elif suspected(one, tables[one.table]):
            doubtful.append(one)
    rest: dict[tuple[str, tuple[str, ...]], Reference] = {}
    for one in doubtful:
        if (one.table, one.columns) not in columns:
            rest.setdefault((one.table, one.columns), one)
    order = list(tables)
    taken = [one for one in taken if not _implied(one, taken)]
    return sorted(taken, key=lambda r: order.index(r.table)), list(rest.values())


def _implied(one: Reference, taken: Iterable[Reference]) -> bool:
    """Whether a key of several columns says it already: (shipment, parcel) names a parcel, and that one its shipment.

    Only where each row has both, so that nothing is lost.
    """
    if one.declared or len(one.columns) > 1:
        return False
    known = list(taken)
    for through in known:
        if through.table != one.table or one.columns[0] not in through.columns or len(through.columns) < 2:
            continue
        part = through.to[through.columns.index(one.columns[0])]
        onward = any(
            r.table == through.references and r.columns == (part,) and r.references == one.references for r in known
        )
        if onward and through.included >= one.included and not through.orphans:
            return True
    return False


def _circle(one: Reference, taken: Iterable[Reference]) -> bool:
    """Whether the parent hangs on the child already; a table may refer to itself."""
    if one.table == one.references:
        return False
    over: dict[str, set[str]] = {}
    for r in taken:
        if r.cut:
            continue
        over.setdefault(r.table, set()).add(r.references)
    reached, ahead = set(), [one.references]
    while ahead:
        table = ahead.pop()
        if table == one.table:
            return True
        if table not in reached:
            reached.add(table)
            ahead += over.get(table, ())
    return False
