"""What each column of a file was taken for, why, and what becomes of it: a table for whoever ran ``synth init``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from synthkit.encoding.states import rows_of
from synthkit.formats.composed import INVENTED, Composed
from synthkit.formats.detect import plural
from synthkit.formats.language import parse_form
from synthkit.formats.tags import Tags
from synthkit.scaffold.looking import Look
from synthkit.schema import Column
from synthkit.sources.infer import Profile

_WIDEST = 44  # characters of a cell
_ISO = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S")


def taken_for(seen: Look, key: Sequence[str]) -> list[str]:
    """Lines of a table: column, what it was taken for, why, what happens to it."""
    rows = [("column", "taken for", "why", "what happens to it")]
    rows += [(c.name, *column_said(c, seen, key)) for c in seen.schema.columns]
    widths = [min(_WIDEST, max(len(row[i]) for row in rows)) for i in range(3)]
    return [
        "  ".join([*(_cut(cell, w).ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def column_said(column: Column, seen: Look, key: Sequence[str]) -> tuple[str, str, str]:
    """What a column was taken for, what shows it, and what happens to it."""
    shown = seen.profiles[column.name]
    present = shown.rows - shown.nulls
    values = f"{shown.distinct:,} value{'' if shown.distinct == 1 else 's'} in {present:,} rows"
    pii = seen.pii.get(column.name)
    if pii is not None and not (column.name in key and len(key) == 1):
        form = "" if column.format is None else f"; format: {column.format} learns a part of it"
        return f"pii ({pii})", f"its name; {values}", f"made up by Faker{form}"
    if column.name in key and len(key) == 1:
        return "key", "each row has its own", "made up: other keys"
    if column.type == "id":
        repeats = "made up: other ones" if shown.unique else "made up: repeats as often"
        return "id", f"{'it counts the rows' if _counts(shown) else 'its name'}; {values}", repeats
    if shown.distinct == 0:
        return column.type, "no row has a value", "stays empty"
    if shown.distinct == 1 and not shown.nulls and column.modelled:
        return column.type, "one value in every row", "constant"
    if column.format is not None:
        return f"{_kind(column)} {column.format}", f"{_evidence(column, seen)}{values}", _becomes(column)
    if column.rare is not None:
        return "category", f"{values}: they repeat", "learnt; rare values in groups, those of < 5 never published"
    if column.type == "text":
        zeros = "digits that begin with 0 are a code; " if _leading_zeros(shown) else ""
        return "text", f"{zeros}{values}: they hardly repeat", "MADE UP of words or its shape: tells nothing of the row"
    if column.type == "categorical":
        zeros = "digits that begin with 0 are a code; " if _leading_zeros(shown) else ""
        return "category", f"{zeros}{values}", "learnt"
    return column.type, f"{column.sql_type}; {values}", _typed(seen.written.get(column.name, ""))


def _kind(column: Column) -> str:
    form = parse_form(column.format or "")
    return plural(form) if form.type in ("text", "categorical") else form.type


def _becomes(column: Column) -> str:
    """What a build does with a column of a written form."""
    form = parse_form(column.format or "")
    if isinstance(form, Composed):
        made = [p.said for shape in form.shapes for p in shape.parts if p.said in INVENTED]
        if made:
            return f"what people share of it is learnt; {', '.join(dict.fromkeys(made))} made up, never a real one"
        if all(p.number is not None or not p.code for shape in form.shapes for p in shape.parts):
            return "learnt, published as it is written"
        return "parts that people share are learnt, the rest made up in the form"
    if isinstance(form, Tags):
        return "each frequent tag is learnt, and how many others"
    return "learnt, published as it is written"


def _typed(inferred: str) -> str:
    """What becomes of a column whose text all reads as one type."""
    kind, _, form = inferred.partition(" written ")
    if not form or form in _ISO:
        return "learnt"
    return f"learnt, published as {kind} (format: {form} keeps how it is written)"


def _evidence(column: Column, seen: Look) -> str:
    """The share of values that have the form, where that is not all, and one that has not."""
    import pyarrow.compute as pc

    texts, _ = rows_of(seen.train, column.name)
    if not column.sql_type.startswith("VARCHAR"):
        return ""
    known = texts.drop_null()
    fits = parse_form(column.format or "").read(known).fits
    share = pc.sum(fits).as_py() / max(1, len(known))
    if share == 1:
        return ""
    odd = known.filter(pc.invert(fits))[0].as_py()
    return f"{min(share, 0.999):.1%} of values, not {odd!r}; "


def _leading_zeros(shown: Profile) -> bool:
    return bool(shown.low and re.fullmatch(r"0[0-9]+", shown.low) and shown.high and shown.high.isdigit())


def _counts(shown: Profile) -> bool:
    """Whether a column counts the rows from 0 or 1."""
    return shown.unique and shown.low in ("0", "1") and (shown.high or "").isdigit()
