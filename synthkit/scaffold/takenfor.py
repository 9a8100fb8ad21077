"""What each column of a file was taken for, why, and what becomes of it: a table for whoever ran ``synth init``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synthkit.formats.language import parse_form
from synthkit.schema import Column, Schema
from synthkit.sources.infer import Profile

_WIDEST = 44  # characters of a cell


def taken_for(schema: Schema, profiles: Mapping[str, Profile], key: Sequence[str], pii: Mapping[str, str]) -> list[str]:
    """Lines of a table: column, what it was taken for, why, what happens to it."""
    rows = [("column", "taken for", "why", "what happens to it")]
    rows += [(c.name, *_said(c, profiles[c.name], key, pii.get(c.name))) for c in schema.columns]
    widths = [min(_WIDEST, max(len(row[i]) for row in rows)) for i in range(3)]
    return [
        "  ".join([*(_cut(cell, w).ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _said(column: Column, seen: Profile, key: Sequence[str], pii: str | None) -> tuple[str, str, str]:
    present = seen.rows - seen.nulls
    values = f"{seen.distinct:,} value{'' if seen.distinct == 1 else 's'} in {present:,} rows"
    if pii is not None:
        return f"pii ({pii})", f"its name; {values}", "made up by Faker"
    if column.name in key and len(key) == 1:
        return "key", "each row has its own", "made up: other keys"
    if column.type == "id":
        return "id", f"its name; {values}", "made up: repeats as often"
    if seen.distinct == 0:
        return column.type, "no row has a value", "stays empty"
    if seen.distinct == 1 and not seen.nulls and column.modelled:
        return column.type, "one value in every row", "constant"
    if column.format is not None:
        return f"{parse_form(column.format).type} {column.format}", values, "learnt, published as it is written"
    if column.rare is not None:
        return "category", f"{values}: they repeat", "learnt; rare values in groups, those of < 5 never published"
    if column.type == "text":
        return "text", f"{values}: they hardly repeat", "MADE UP of words or its shape: tells nothing of the row"
    if column.type == "categorical":
        return "category", values, "learnt"
    return column.type, f"{column.sql_type}; {values}", "learnt"
