"""How the tables of a group hang together: who owns whose rows, and in which order the tables can be made. Pure.

The owner of a table is what its ``owner: true`` key references; going up from owner to owner ends at a table that none
owns. A key that is ``cut``, and one from a table to itself, puts no table before another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from synthkit.project.types import ForeignKeySpec, SourceTableSpec

TablesByName = Mapping[str, SourceTableSpec]


@dataclass(frozen=True)
class Step:
    """From a table to its owner: the columns that name a row of it, in the order of its primary key."""

    columns: tuple[str, ...]
    owner: SourceTableSpec


def keys_of(table: SourceTableSpec) -> tuple[ForeignKeySpec, ...]:
    return table.foreign_keys or ()


def owner_key(table: SourceTableSpec) -> ForeignKeySpec | None:
    """The first key that owns the table's rows."""
    return next((k for k in keys_of(table) if k.owner), None)


def owners(tables: TablesByName, name: str) -> tuple[Step, ...]:
    """From a table up to the one that none owns, the nearest first; it ends where a name leads nowhere or round."""
    steps: list[Step] = []
    seen, table = {name}, tables[name]
    while (key := owner_key(table)) is not None and key.references in tables and key.references not in seen:
        table = tables[key.references]
        seen.add(table.name)
        steps.append(Step(key.names, table))
    return tuple(steps)


def owning(tables: TablesByName, name: str) -> bool:
    """Whether some table's rows belong to rows of this one."""
    return any((k := owner_key(t)) is not None and k.references == name and t.name != name for t in tables.values())


def unit_of(tables: TablesByName, table: SourceTableSpec) -> str | None:
    """The column that says whose row it is, of a table that owns others or belongs to one; None where that is no
    single column of its own."""
    steps = owners(tables, table.name)
    top = steps[-1].owner if steps else table
    if len(top.primary_key) != 1 or top.privacy_unit not in (None, top.primary_key[0]):
        return None
    if not steps:
        return top.primary_key[0] if owning(tables, table.name) else None
    return steps[0].columns[0] if len(steps) == 1 and len(steps[0].columns) == 1 else None


def with_units(tables: Sequence[SourceTableSpec]) -> tuple[SourceTableSpec, ...]:
    """The tables of a group, in each the unit that follows from its keys where it names none."""
    by_name = {t.name: t for t in tables}
    units = {t.name: unit_of(by_name, t) for t in tables if t.privacy_unit is None}
    return tuple(
        t if (unit := units.get(t.name)) is None else t.model_copy(update={"privacy_unit": unit}) for t in tables
    )


def ordered(tables: TablesByName) -> tuple[str, ...]:
    """The tables, each after all that its keys name; those of a circle stand as they were declared, at the end."""
    left, found = list(tables), list[str]()
    while left:
        ready = next((n for n in left if not (_before(tables, n) & {*left})), left[0])
        left.remove(ready)
        found.append(ready)
    return tuple(found)


def circle(tables: TablesByName) -> tuple[str, ...]:
    """Tables whose keys, those that are cut aside, run in a circle, in its order; empty where there is none."""
    left = dict(tables)
    while True:
        free = [n for n in left if not (_before(tables, n) & left.keys())]
        if not free:
            break
        for name in free:
            del left[name]
    if not left:
        return ()
    way = [next(iter(left))]
    while True:
        following = min(_before(tables, way[-1]) & left.keys(), key=list(left).index)
        if following in way:
            return tuple(way[way.index(following) :])
        way.append(following)


def above(tables: TablesByName, name: str) -> frozenset[str]:
    """All tables that a table's keys lead to, over as many tables as there are; itself among them in a circle."""
    found, ahead = set[str](), [name]
    while ahead:
        for key in keys_of(tables[ahead.pop()]):
            if key.references in tables and key.references not in found:
                found.add(key.references)
                ahead.append(key.references)
    return frozenset(found)


def root_of(tables: TablesByName, order: Sequence[str]) -> str | None:
    """The table that a size is of: of those that none owns and that are not public, the one that owns most."""
    free = [n for n in order if owner_key(tables[n]) is None and not tables[n].public]
    owned = {n: sum(bool(s) and s[-1].owner.name == n for s in _paths(tables)) for n in free}
    return max(free, key=lambda n: owned[n], default=None)


def _paths(tables: TablesByName) -> Iterable[tuple[Step, ...]]:
    return (owners(tables, n) for n in tables)


def _before(tables: TablesByName, name: str) -> set[str]:
    """What must be there before a table is made."""
    return {k.references for k in keys_of(tables[name]) if not k.cut and k.references in tables} - {name}
