"""The keys and columns of a source table as YAML: beside each guess stands what it rests on, to be struck out."""

from __future__ import annotations

import json
from collections.abc import Mapping

from synthkit.scaffold.looking import Look
from synthkit.scaffold.seen import ABOVE, MARK
from synthkit.scaffold.writing import quoted
from synthkit.sources.keys.seen import Keys, Reference


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
    if name in keys.entity:
        lines.append(
            f"entity: {quoted(keys.entity[name])}  # whose rows follow one another; it is the privacy unit, too"
        )
    if name in keys.order:
        whose = "that" if name in keys.entity else "its owner"
        lines.append(f"order_by: {quoted(keys.order[name])}  # the order of the rows of one, {whose}")
    return [f"        {line}" for line in lines]


def _reference(one: Reference) -> str:
    parts = [f"column: {quoted(one.columns[0])}" if len(one.columns) == 1 else f"columns: {_listed(one.columns)}"]
    parts.append(f"references: {one.references}")
    parts += ["owner: true"] * one.owner + ["cut: true"] * one.cut + ["orphans: keep"] * bool(one.orphans)
    return f"{{{', '.join(parts)}}}"


def _listed(names: tuple[str, ...]) -> str:
    return f"[{', '.join(quoted(n) for n in names)}]"


def column_lines(
    seen: Look, keys: Keys, drafted: Mapping[str, str], declared: Mapping[str, str] | None = None
) -> list[str]:
    """``columns:`` with what each was taken for.

    Args:
        declared: types that some columns need, whatever they were taken for.
        drafted: of some columns bounds, values and the like, read off the rows.
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
        if column.name in drafted:
            extra, remark = f", {drafted[column.name]}", f"{column.sql_type}; {MARK}"
        lines.append(f"          - {{name: {quoted(column.name)}, {said}{extra}}}  # {remark}")
    return lines


def moments(read: Mapping[str, Look], keys: Keys) -> dict[str, dict[str, str]]:
    """Table → column → the type that makes a key and what it names the same, where one is a moment and the other text
    that is one, or a day."""
    found: dict[str, dict[str, str]] = {}
    for one in keys.foreign:
        for column, named in zip(one.columns, one.to, strict=True):
            ours = read[one.table].schema.by_name[column]
            theirs = read[one.references].schema.by_name[named]
            temporal = {ours.type, theirs.type} <= {"date", "datetime"}
            if temporal and (ours.format, ours.sql_type) != (theirs.format, theirs.sql_type):
                found.setdefault(one.table, {})[column] = "datetime"
                found.setdefault(one.references, {})[named] = "datetime"
    return found
