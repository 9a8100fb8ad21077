"""Columns with a written form, as what they mean: schemas and conditions in the terms of the typed values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from synthkit.formats.composed import Composed
from synthkit.formats.form import SQL_TYPES, Form, as_text, sql_type
from synthkit.formats.intervals import Interval
from synthkit.formats.language import parse_form
from synthkit.formats.tags import Tags
from synthkit.schema import Column, LogicalType, Schema


def form_of(column: Column) -> Form | None:
    """The written form by which the column is learnt; None where it has none, is made up anyway, or stays as it is."""
    form = None if column.format is None or not column.modelled else parse_form(column.format)
    return None if form is None or form.type not in SQL_TYPES else form


def composed_of(column: Column) -> Composed | Tags | None:
    """The form of a text of several parts, which a generator may learn; None where the column is none."""
    form = None if column.format is None or column.pii is not None else parse_form(column.format)
    return form if isinstance(form, Composed | Tags) else None


def forms_of(schema: Schema) -> dict[str, Form]:
    """The columns that are learnt by a written form, with it."""
    return {c.name: form for c in schema.columns if (form := form_of(c)) is not None}


def said_otherwise(
    column: Column, *, type: LogicalType | None, format: str | None, pii: str | None, rare: str | None
) -> Column:
    """The column with what somebody else says of it, where they do: a type of their own ends its written form."""
    kind = parse_form(format).type if format is not None else type
    kept = format or (column.format if type is None or type == column.type else None)
    tail = rare or (column.rare if kind is None else None)
    return replace(column, type=kind or column.type, format=kept, pii=pii or column.pii, rare=tail)


def form_fault(column: Column) -> str | None:
    """Why the column cannot be written in its form, in words; None where it can."""
    form = None if column.format is None or column.pii is not None else parse_form(column.format)
    if form is None or column.sql_type == "VARCHAR" or (form.digits and "INT" in column.sql_type.upper()):
        return None
    return f"its values are {column.sql_type} already, which is written in one way alone"


def as_read(schema: Schema) -> Schema:
    """The schema with each column of a written form in the SQL type of what it means, and no form any more."""
    if all(form_of(c) is None for c in schema.columns):
        return schema
    return replace(schema, columns=tuple(_read(c) for c in schema.columns))


def _read(column: Column) -> Column:
    form = form_of(column)
    if form is None:
        return column
    read = replace(column, type=form.type, sql_type=sql_type(form), format=None)
    if isinstance(form, Interval) and column.values:
        middles = form.read(as_text_list(column.values)).values.drop_null().to_pylist()
        ends = (min(middles), max(middles)) if middles else None
        return replace(read, bounds=ends, values=None)
    return read


def as_text_list(values: Iterable[Any]) -> Any:
    """Declared values as the texts that a form reads."""
    import pyarrow as pa

    return pa.array([str(v) for v in values], pa.string())


def conditions_as_read(conditions: Mapping[str, Any], forms: Mapping[str, Form]) -> dict[str, Any]:
    """``conditions:`` with the values of columns of a written form as what they mean, whichever way they are written.

    A value that is written otherwise stays as it is: it may be one of the typed column (``1990-09-30``).

    >>> conditions_as_read({"born": "30.09.1990", "sex": "F"}, {"born": parse_form("%d.%m.%Y")})
    {'born': '1990-09-30', 'sex': 'F'}
    """
    found: dict[str, Any] = {}
    for name, wanted in conditions.items():
        form = forms.get(name)
        if form is None:
            found[name] = wanted
        elif isinstance(wanted, Mapping):
            found[name] = {_meant(form, value): share for value, share in wanted.items()}
        else:
            found[name] = _meant(form, wanted)
    return found


def _meant(form: Form, value: Any) -> Any:
    import pyarrow as pa

    if value is None:
        return None
    read = form.read(as_text(pa.array([str(value)])))
    return str(read.values[0].as_py()) if read.fits[0].as_py() else value
