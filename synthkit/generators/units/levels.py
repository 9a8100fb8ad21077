"""Which columns are learnt of each table of a family, from what is declared alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from synthkit.errors import BuildError
from synthkit.generators.marginals.tree import levels_of
from synthkit.generators.tables import Key, Shape
from synthkit.schema import Column, Schema


@dataclass(frozen=True)
class Level:
    """A table that is learnt, and what stands around it.

    Args:
        key: to its owner; None at the root.
        most: rows of one row of the owner, at most.
        columns: that are learnt of its own.
        time: the one of them by which rows of an owner follow one another.
        below: the tables that belong to it.
        lookups: keys to public tables, learnt as the row that they name.
        missing: of each of these, whether it may name none.
        primary: its primary key, where other rows name it.
    """

    name: str
    key: Key | None
    most: int
    columns: tuple[Column, ...]
    time: Column | None
    below: tuple[Level, ...]
    lookups: tuple[Key, ...]
    missing: tuple[bool, ...]
    primary: str | None

    @cached_property
    def histograms(self) -> tuple[int, ...]:
        """How many histograms each new column's tree takes, in the order of :func:`new_names`."""
        found = [levels_of(c) for c in self.columns]
        found += [levels_of(self.time)] if self.time is not None else []
        found += [levels_of(counted(child.most)) for child in self.below]
        found += [levels_of(child.time) for child in self.below if child.time is not None]
        return (*found, *(1 for _ in self.lookups), *([levels_of(counted(self.most - 1))] if self.key else []))


def counted(most: int) -> Column:
    """A number from 0 to ``most``."""
    return Column("", "integer", "BIGINT", nullable=False, bounds=(0, most))


def walk(level: Level) -> Iterator[Level]:
    """The table and all below it, each after its owner."""
    yield level
    for child in level.below:
        yield from walk(child)


def root_level(shape: Shape) -> Level:
    """The root, with all that belongs to it.

    Raises:
        BuildError: the tables hang together in a way that has no proof (:func:`refused`).
    """
    for what, hint, _ in refused(shape):
        raise BuildError(what, hint=hint)
    return _level(shape, shape.first, None)


def refused(shape: Shape) -> Iterator[tuple[str, str, Key | str]]:
    """Why tables cannot be learnt under a budget, what to do, and the key or the table that it is about."""
    owners: Mapping[str, Key] = {k.table: k for k in shape.keys if k.owner}
    for name, schema in shape.schemas.items():
        if name in shape.kept:
            continue
        if name != shape.first and name not in owners:
            yield (
                f"{name!r} is not public, and belongs to no row of {shape.first!r}, so nothing bounds what it tells",
                "say whose rows they are (owner: true), make it public, or give it a model of its own",
                name,
            )
        named = any(k.references == name for k in shape.keys if k.table != name)
        if (named or name == shape.first) and len(schema.primary_key) != 1:
            yield (
                f"{name!r} is named by {len(schema.primary_key)} columns, and under epsilon a row has one name",
                "add a column that names each row to the source, and to what belongs to it",
                name,
            )
    for key in shape.keys:
        listed = ", ".join(key.columns)
        if key.table in shape.kept:
            continue
        if key.owner and key.max_per_parent is None:
            yield (
                f"nothing says how many rows of {key.table!r} may belong to one row of {key.references!r}, so no noise "
                "can hide them",
                f"add max_per_parent: to the key {listed} of {key.table} (more rows are left out of the training)",
                key,
            )
        elif not key.owner and (key.inner or key.cut):
            yield (
                f"the key {listed} of {key.table!r} names rows of {key.references!r} in a circle, which has no proof "
                "under epsilon",
                "leave the table out of the family, or read a view without the column",
                key,
            )
        elif not key.owner and key.references not in shape.kept:
            yield (
                f"the key {listed} of {key.table!r} names rows of {key.references!r}, which are somebody's: what is "
                "looked up under epsilon is public",
                "make it public: true if anyone may see its rows, or read a view without the column",
                key,
            )
        elif key.orphans:
            yield (
                f"keys of {key.table!r} that name no row are not drawn under epsilon: how many there are is not paid "
                "for",
                "drop orphans: keep",
                key,
            )


def learnt_of(schema: Schema, name: str, shape: Shape) -> tuple[Column, ...]:
    """The columns of a table that are learnt: none that names a row."""
    keys = {c for k in shape.keys if k.table == name for c in k.columns}
    keys |= set(schema.primary_key if len(schema.primary_key) == 1 else ())
    return tuple(c for c in schema.columns if c.name not in keys and c.modelled)


def _level(shape: Shape, name: str, key: Key | None) -> Level:
    schema = shape.schemas[name]
    columns = learnt_of(schema, name, shape)
    below = tuple(_level(shape, k.table, k) for k in shape.keys if k.owner and k.references == name)
    by_name = {c.name: c for c in columns}
    time = by_name.get(schema.order_by or "") if key is not None else None
    most = 1 if key is None or key.max_per_parent is None else key.max_per_parent
    lookups = tuple(k for k in shape.keys if k.table == name and k.references in shape.kept)
    primary = schema.primary_key[0] if len(schema.primary_key) == 1 else None
    timed = time if time is not None and time.continuous and time.values is None else None
    missing = tuple(any(schema.by_name[c].nullable for c in k.columns) for k in lookups)
    return Level(name, key, most, columns, timed, below, lookups, missing, primary)
