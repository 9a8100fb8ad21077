"""Tables at hand and the keys between them: those that are given, or those that names and values show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthkit.api.athand import read, written
from synthkit.api.project import Names, several
from synthkit.errors import SynthError, did_you_mean
from synthkit.generators.tables import Key
from synthkit.schema import Table
from synthkit.sources.keys.seen import Declared, Keys, Reference, Seen


@dataclass(frozen=True)
class Joined:
    """Tables read with their keys, each after those that its keys name.

    Args:
        root: the table that the number of rows is of.
        evidence: what was seen of each key, in a line.
    """

    tables: Mapping[str, Table]
    keys: tuple[Key, ...]
    root: str
    evidence: tuple[str, ...]


def joined(
    tables: Mapping[str, Any],
    folder: Path,
    *,
    primary_key: Mapping[str, Names],
    keys: Mapping[str, str] | None,
    columns: Mapping[str, Mapping[str, Mapping[str, Any]]],
    options: Mapping[str, Any],
) -> Joined:
    """Read the tables twice: to see their keys, and in the types that these have then. Raises as ``fit`` does.

    Args:
        keys: ``table.column`` (or ``table.column, column``) → the table whose row it names; None: they are found.
    """
    import duckdb

    from synthkit.project.ownership import ordered, root_of, with_units
    from synthkit.project.types import ForeignKeySpec, SourceTableSpec
    from synthkit.sources.infer import profile
    from synthkit.sources.keys.find import find_keys

    files = {}
    for number, (name, table) in enumerate(tables.items()):
        (place := folder / f"table{number}").mkdir()
        files[name] = table if isinstance(table, str | Path) else written(table, place)
    known = {name: several(primary_key.get(name, ())) for name in tables}
    given = [_given(text, parent, tables) for text, parent in (keys or {}).items()]
    with duckdb.connect(config={"threads": 1}) as connection:
        seen = {}
        for number, name in enumerate(tables):
            split = read(files[name], folder / f"seen{number}", known[name], columns.get(name, {}), options, name=name)
            seen[name] = Seen.of(split.train, profile(connection, split.schema, split.train.paths[0]))
        for table, names, *_ in given:
            _check_columns(table, names, seen[table].schema.names)
        declared = Declared({t: k for t, k in known.items() if k}, tuple(given))
        found = find_keys(connection, seen, declared)
    chosen = found.foreign if keys is None else _only(found, given)
    specs = {}
    for spec in with_units(
        [
            SourceTableSpec(
                name=name,
                primary_key=found.primary.get(name, ()),
                foreign_keys=tuple(
                    ForeignKeySpec(columns=r.columns, references=r.references, owner=r.owner, cut=r.cut)
                    for r in chosen
                    if r.table == name
                ),
            )
            for name in tables
        ]
    ):
        specs[spec.name] = spec
    order = ordered(specs)
    rows = {}
    for number, name in enumerate(tables):
        spec, more = specs[name], dict(columns.get(name, {}))
        for column in _doubles(chosen, name, seen):
            more.setdefault(column, {"type": "integer"})
        owned = any(r.owner for r in chosen if r.table == name)
        said = {
            "foreign_keys": spec.foreign_keys,
            "privacy_unit": spec.privacy_unit,
            "order_by": found.order.get(name) if owned else None,
        }
        split = read(files[name], folder / f"rows{number}", spec.primary_key, more, options, name=name, **said)
        rows[name] = split.train
    between = tuple(
        Key(r.table, r.columns, r.references, r.owner, None, bool(r.orphans), r.cut)
        for name in order
        for r in chosen
        if r.table == name
    )
    evidence = tuple(f"{r.table}.{', '.join(r.columns)} → {r.references}: {r.evidence()}" for r in chosen)
    return Joined({n: rows[n] for n in order}, between, root_of(specs, order) or order[0], evidence)


def _given(text: str, parent: str, tables: Mapping[str, Any]) -> tuple[str, tuple[str, ...], str, tuple[str, ...]]:
    """A key as it was given. Raises SynthError where it names no table."""
    table, dot, columns = text.partition(".")
    for name in (table, parent):
        if name not in tables:
            raise SynthError(f"keys: there is no table {name!r}", hint=did_you_mean(name, tables, "a table"))
    names = tuple(c.strip() for c in columns.split(",") if c.strip())
    if not dot or not names:
        raise SynthError(f"keys: {text!r} names no column", hint='write {"orders.customer_id": "customers"}')
    return table, names, parent, ()


def _check_columns(table: str, columns: tuple[str, ...], there: tuple[str, ...]) -> None:
    for column in columns:
        if column not in there:
            raise SynthError(f"keys: {table!r} has no column {column!r}", hint=did_you_mean(column, there, "a column"))


def _only(found: Keys, given: list[tuple[str, tuple[str, ...], str, tuple[str, ...]]]) -> tuple[Reference, ...]:
    """The keys that were given. Raises SynthError for one that leads to no row."""
    chosen = []
    for table, columns, parent, _ in given:
        said = f"{table}.{', '.join(columns)}"
        one = next((r for r in found.foreign if (r.table, r.columns, r.references) == (table, columns, parent)), None)
        key = found.primary.get(parent, ())
        if one is None and not key:
            hint = f'say which columns name its rows: primary_key={{"{parent}": …}}'
            raise SynthError(f"keys: {said} names rows of {parent}, of which no column is unique", hint=hint)
        if one is None:
            hint = "name as many columns, in their order"
            raise SynthError(f"keys: a row of {parent} is named by {', '.join(key)}, not by {said}", hint=hint)
        if one.rows and not one.included:
            raise SynthError(
                f"keys: no value of {said} names a row of {parent}", hint="are its values of the same form?"
            )
        chosen.append(one)
    return tuple(chosen)


def _doubles(chosen: tuple[Reference, ...], table: str, seen: Mapping[str, Seen]) -> set[str]:
    """Columns of keys that a frame holds as doubles, as some are missing, and that name whole numbers."""
    return {
        column
        for r in chosen
        if r.table == table
        for column, named in zip(r.columns, r.to, strict=True)
        if seen[table].schema.by_name[column].sql_type == "DOUBLE"
        and seen[r.references].schema.by_name[named].sql_type != "DOUBLE"
    }
