"""The keys and columns of a source table as YAML: beside each guess stands what it rests on, to be struck out."""

from __future__ import annotations

import json
from collections.abc import Mapping

from synthkit.compiler.foreignkeys import kind_of
from synthkit.scaffold.catalogued import NOTHING, Catalogued, categories
from synthkit.scaffold.looking import Look
from synthkit.scaffold.seen import ABOVE, MARK
from synthkit.scaffold.writing import quoted
from synthkit.schema import Column
from synthkit.sources.keys.seen import Keys, Reference
from synthkit.sources.types import provisional_type


def keyed_lines(seen: Look, keys: Keys) -> list[str]:
    """``primary_key``, ``foreign_keys``, ``entity`` and ``order_by`` of a table."""
    name, key = seen.name, keys.primary.get(seen.name, ())
    lines = []
    if key:
        remark = "  # as the database declares it" if name in keys.declared else ""
        lines.append(f"primary_key: {_listed(key) if len(key) > 1 else quoted(key[0])}{remark}")
    own = [r for r in keys.foreign if r.table == name]
    doubtful = [r for r in keys.doubtful if r.table == name]
    if own:
        lines.append("foreign_keys:  # strike out what is none: beside each stands what the rows show of it")
    elif doubtful:
        lines.append("# foreign_keys:  # doubtful ones: the names say so, or the values, but not both")
    lines += [f"  - {_reference(r)}  # {r.evidence()}" for r in own]
    lines += [f"#  - {_reference(r)}  # doubtful: {r.evidence()}" for r in doubtful]
    if (above := _somebodys(keys).get(name)) is not None:
        remark = f"each row is its own: it names rows of {above}, but belongs to none of them"
        lines.append(f"privacy_unit: {quoted(key[0])}  # {remark}")
    if name in keys.entity:
        lines.append(
            f"entity: {quoted(keys.entity[name])}  # whose rows follow one another; it is the privacy unit, too"
        )
    if name in keys.order:
        whose = "that" if name in keys.entity else "its owner"
        lines.append(f"order_by: {quoted(keys.order[name])}  # the order of the rows of one, {whose}")
    return [f"        {line}" for line in lines]


def listed_lines(rows: int | None) -> list[str]:
    """``public`` of a short table that others look up, to be decided: drawn rows are none of the real ones."""
    if rows is None:
        return []
    why = f"{rows} rows that others look up: if they are nobody's, uncomment this, and they stay; else they are made up"
    return [f"        # public: true  # {why}"]


def _somebodys(keys: Keys) -> dict[str, str]:
    """Of the tables that belong to none, but name rows that are somebody's, as departments name their heads: such a
    table. Their rows are their own then, and those are who name them in turn."""
    owners = {r.table: r.references for r in keys.foreign if r.owner}

    def top(table: str) -> str:
        while table in owners:
            table = owners[table]
        return table

    units, found, before = {top(t) for t in owners}, dict[str, str](), -1
    while len(found) > before:
        before = len(found)
        for one in keys.foreign:
            free = one.table not in owners and one.table not in found and len(keys.primary.get(one.table, ())) == 1
            if free and one.table not in keys.entity and top(one.references) in units - {one.table}:
                found[one.table] = one.references
                units.add(one.table)
    return found


def _reference(one: Reference) -> str:
    parts = [f"column: {quoted(one.columns[0])}" if len(one.columns) == 1 else f"columns: {_listed(one.columns)}"]
    parts.append(f"references: {one.references}")
    parts += ["owner: true"] * one.owner + ["cut: true"] * one.cut + ["orphans: keep"] * bool(one.orphans)
    return f"{{{', '.join(parts)}}}"


def _listed(names: tuple[str, ...]) -> str:
    return f"[{', '.join(quoted(n) for n in names)}]"


def column_lines(
    seen: Look,
    keys: Keys,
    drafted: Mapping[str, str],
    declared: Mapping[str, str] | None = None,
    catalogue: Catalogued = NOTHING,
) -> list[str]:
    """``columns:`` with what each was taken for.

    Args:
        declared: types that some columns need, whatever they were taken for.
        drafted: of some columns bounds, values and the like, read off the rows.
        catalogue: what a database declares of them.
    """
    lines = [f"        {line}" for line in ABOVE] if drafted else []
    lines.append("        columns:")
    named = {c for r in keys.foreign if r.table == seen.name for c in r.columns}
    key = keys.primary.get(seen.name, ())
    ids = named | {keys.entity.get(seen.name, "")} | (set(key) if len(key) == 1 else set())
    for column in seen.schema.columns:
        pii = None if column.name in ids else seen.pii.get(column.name)
        extra = f", pii: {pii}" if pii else ""
        kind, remark = "text" if pii else column.type, column.sql_type
        said = f"type: {kind}" if pii or column.format is None else f"format: {json.dumps(column.format)}"
        if declared and column.name in declared:
            said = f"type: {declared[column.name]}"
        elif column.name in ids and column.format is None:
            said = "type: id"
        elif column.rare is not None and not pii:
            said += f", rare: {column.rare}"
        elif column.name in categories(catalogue) and not pii:
            said = "type: categorical"
        if column.name in catalogue.columns:
            extra += f", {catalogue.columns[column.name]}"
        if column.name in drafted and column.name not in catalogue.columns:
            extra, remark = f", {drafted[column.name]}", f"{column.sql_type}; {MARK}"
        lines.append(f"          - {{name: {quoted(column.name)}, {said}{extra}}}  # {remark}")
    return lines


def agreed(read: Mapping[str, Look], keys: Keys) -> dict[str, dict[str, str]]:
    """Table → column → the type that makes a key and all that it names, or is named by, the same.

    A code may look written (``B07``) in a list of forty and like anything else in a thousand rows, a day stand as text
    in one file: what is compared must be of one kind, which the compiler asks for.
    """
    groups: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for one in keys.foreign:
        for column, named in zip(one.columns, one.to, strict=True):
            pair = ((one.table, column), (one.references, named))
            both = set().union(*(groups.get(end, {end}) for end in pair))
            groups.update(dict.fromkeys(both, both))
    found: dict[str, dict[str, str]] = {}
    for (table, column), group in groups.items():
        columns = [read[t].schema.by_name[c] for t, c in group]
        stored, own = {provisional_type(c.sql_type) for c in columns}, read[table].schema.by_name[column].sql_type
        if len({kind_of(c) for c in columns}) > 1:
            found.setdefault(table, {})[column] = _one_type(columns)
        elif (
            stored == {"integer", "float"} and provisional_type(own) == "float"
        ):  # as frames hold whole numbers some of which are missing
            found.setdefault(table, {})[column] = "integer"
    return found


def _one_type(columns: list[Column]) -> str:
    if {c.type for c in columns} <= {"date", "datetime"}:
        return "datetime"
    stored = {c.sql_type.startswith("VARCHAR") or c.sql_type == "UUID" for c in columns}
    return "id" if len(stored) == 1 else "text"
