"""What may be known of a private table without paying: what its YAML declares, and the physical schema of a database.

A differentially private model takes nothing else from the rows but through its mechanisms. The types that a reader
guesses from the text of a CSV file depend on every row of it (one word among a thousand numbers makes the column text),
so they count as learnt from the rows; the column types of a Parquet file, of DuckDB and of PostgreSQL are part of the
table's definition, and count as declared. Column names always do.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal

from synthkit.formats.columns import as_read, form_of
from synthkit.formats.intervals import Interval
from synthkit.schema import TEMPORAL, Column, Schema
from synthkit.sources.types import DEFAULT_DECIMALS

_SQL_TYPES = {
    "integer": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "datetime": "TIMESTAMP",
    "id": "BIGINT",
    "text": "VARCHAR",
}
_EXAMPLES = {
    "integer": "[0, 100]",
    "float": "[0.0, 1.0]",
    "decimal": "[0.00, 1000.00]",
    "date": '["2000-01-01", "2030-12-31"]',
    "datetime": '["2000-01-01 00:00:00", "2030-12-31 23:59:59"]',
    "time": '["00:00:00", "23:59:59"]',
}


@dataclass(frozen=True)
class Unknown:
    """A column of which something must be declared or estimated: of ``type``, ``bounds`` and ``values``, what."""

    column: Column
    what: tuple[str, ...]

    @property
    def estimable(self) -> bool:
        """Whether a mechanism can find it out: bounds and values yes, a type no."""
        return "type" not in self.what and not isinstance(form_of(self.column), Interval)

    @property
    def yaml(self) -> str:
        """The declaration to write, with values to be replaced."""
        c = self.column
        parts = [f"name: {c.name}", f"type: {c.type}" if c.format is None else f'format: "{c.format}"']
        if "values" in self.what:
            parts.append('values: ["[0-10)", "[10-20)"]' if isinstance(form_of(c), Interval) else "values: [A, B]")
        if "bounds" in self.what:
            parts.append(f"bounds: {_EXAMPLES.get(c.type, '[LOW, HIGH]')}")
        return "{" + ", ".join(parts) + "}"


def undeclared(column: Column) -> Literal["bounds", "values"] | None:
    """What a learnt column of this type needs declared and has not; None where nothing is missing."""
    if column.values is not None or column.type == "boolean":
        return None
    if isinstance(form_of(column), Interval):
        return "values"  # which there are is no part of the form
    if column.continuous:
        return "bounds" if column.bounds is None else None
    return "values"


def unknown(schema: Schema, typed: Collection[str]) -> list[Unknown]:
    """The columns of which a private model would have to learn more than is declared.

    Args:
        typed: names of the columns whose type is declared, or part of a database's definition.
    """
    found = []
    for column in schema.columns:
        what = [] if column.name in typed else ["type"]
        lacking = undeclared(column) if column.modelled else None
        if lacking is not None:
            what.append(lacking)
        if what:
            found.append(Unknown(column, tuple(what)))
    return found


def declared_schema(schema: Schema, *, sniffed: bool) -> Schema:
    """The schema that a private model works with: nothing in it depends on a row.

    Args:
        schema: of the compiled source, every column with its declared type.
        sniffed: whether the physical types were read off the rows (CSV, JSON lines); they then follow from the
            declaration: whole numbers are BIGINT; categories are numbers where all declared values are, else text.
    """
    if not sniffed:
        return schema
    return replace(schema, columns=tuple(replace(c, sql_type=_sql_type(c)) for c in schema.columns))


def learnt_columns(schema: Schema) -> Schema:
    """The columns that a private model learns, as what they mean; keys, texts and those with ``pii`` are made up."""
    return as_read(schema).select([c.name for c in schema.columns if c.modelled and schema.primary_key != (c.name,)])


def _sql_type(column: Column) -> str:
    if column.pii is not None:
        return "VARCHAR"
    form = form_of(column)
    if form is not None:
        return "BIGINT" if form.digits else "VARCHAR"
    if column.type == "decimal":
        return f"DECIMAL(18,{DEFAULT_DECIMALS if column.decimals is None else column.decimals})"
    if column.type == "categorical":
        values = column.values or ()
        if values and all(isinstance(v, bool) for v in values):
            return "BOOLEAN"
        numbers = values and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        whole = numbers and all(isinstance(v, int) for v in values)
        return "BIGINT" if whole else "DOUBLE" if numbers else "VARCHAR"
    return _SQL_TYPES[column.type]


def bounds_fault(column: Column) -> str | None:
    """What is wrong with a column's declared bounds or values, in words; None where they can be used."""
    if column.values is not None:
        texts = [str(v) for v in column.values]
        if not texts:
            return "values: names none"
        form = form_of(column)
        if isinstance(form, Interval) and (strange := form.misfit(texts)) is not None:
            return f"values: {strange!r} is no interval written {form.text}"
        double = next((t for i, t in enumerate(texts) if t in texts[:i]), None)
        if double is not None:
            return f"values: names {double!r} twice"
    if column.bounds is None:
        return None
    if not column.continuous:
        return f"bounds: on a column of type {column.type}, which has no order"
    try:
        low, high = (parse_bound(column, b) for b in column.bounds)
    except ValueError as error:
        return f"bounds: {error}"
    return None if low <= high else f"bounds: {column.bounds[0]} is greater than {column.bounds[1]}"


def parse_bound(column: Column, value: Any) -> Any:
    """A declared bound as the column's own kind of value: a Decimal, date, datetime or time. Raises ValueError."""
    if column.type in TEMPORAL:
        kinds: dict[str, Any] = {"date": date, "datetime": datetime, "time": time}
        kind = kinds[column.type]
        if type(value) is kind:
            return value
        try:
            return kind.fromisoformat(str(value))
        except ValueError:
            raise ValueError(f"{value!r} is no {column.type}: write it as in ISO 8601") from None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        raise ValueError(f"{value!r} is no number") from None
    if isinstance(value, bool) or not number.is_finite():
        raise ValueError(f"{value!r} is no finite number")
    return number
