"""What the keys between tables were taken for, and why: a table for whoever ran ``synth init``."""

from __future__ import annotations

from synthkit.sources.keys.seen import Keys, Reference

_WIDEST = 40  # characters of a cell


def keys_table(keys: Keys) -> list[str]:
    """Lines of a table: child, its columns, the parent, what the key was taken for, and the evidence."""
    for_whom = [f"primary key of {table}: {', '.join(key)}" for table, key in keys.primary.items()]
    said = [*for_whom, *(f"the rows of one {column} in {t} follow one another" for t, column in keys.entity.items())]
    if not keys.foreign and not keys.doubtful:
        return [*said, "no keys between the tables were recognised"]
    rows = [("table", "columns", "names a row of", "taken for", "evidence")]
    rows += [_row(one, _meaning(one, keys)) for one in keys.foreign]
    rows += [_row(one, "no key: doubtful") for one in keys.doubtful]
    widths = [min(_WIDEST, max(len(row[i]) for row in rows)) for i in range(4)]
    for row in rows:
        cells = [_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=False)]
        said.append("  ".join([*cells, row[4]]))
    return said


def _row(one: Reference, meaning: str) -> tuple[str, str, str, str, str]:
    return one.table, ", ".join(one.columns), one.references, meaning, one.evidence()


def _meaning(one: Reference, keys: Keys) -> str:
    if one.owner:
        order = f", by {keys.order[one.table]}" if one.table in keys.order else ""
        return f"its owner{order}" if not one.one_to_one else "its owner, one to one"
    if one.cut:
        return "looked up; closes a circle, cut"
    return "a row above it" if one.table == one.references else "looked up"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def will_not_join(keys: Keys) -> list[str]:
    """A warning that tables which are made one by one have keys of their own."""
    if not keys.foreign:
        return []
    listed = ", ".join(f"{r.table}.{'+'.join(r.columns)} → {r.references}" for r in keys.foreign)
    return [
        f"WARNING: these tables will not join: {listed}. Each is made by itself, with keys of its own;"
        " a family (source: the group alone) makes them together"
    ]
