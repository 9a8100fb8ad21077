"""Logical types and DuckDB types: how the one is guessed from the other, and how a declared type is cast."""

from __future__ import annotations

import re
from collections.abc import Sequence

from synthkit.formats.language import parse_form
from synthkit.project.types import ColumnSpec
from synthkit.schema import NUMERIC, LogicalType
from synthkit.sql.quoting import literal, quote

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}
_UNSIGNED = {"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
_NESTED = ("STRUCT", "MAP", "UNION", "VARIANT", "TUPLE")
_AS_TEXT = ("JSON", "UUID", "INTERVAL", "BIT", "BIGNUM", "TYPE", '"NULL"', "TIME WITH TIME ZONE", "TIME_NS")
_AT_REST = {"HUGEINT": "BIGINT", "UHUGEINT": "BIGINT"}  # checked value by value
_BINARY = ("BLOB", "GEOMETRY")
DEFAULT_DECIMALS = 2
NOT_NUMBERS = r"^[+-]?(?i:nan|inf|infinity)$"
_DIGITS = r"^([+-]?[0-9]+)(\.0*)?$"
_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$|" + NOT_NUMBERS


def provisional_type(sql_type: str) -> LogicalType:
    """The logical type that a DuckDB type suggests before any row has been looked at."""
    base = re.sub(r"\(.*", "", sql_type.upper()).strip()
    if base in _INTEGERS or base in _UNSIGNED:
        return "integer"
    if base in ("FLOAT", "DOUBLE", "REAL"):
        return "float"
    if base in ("DECIMAL", "NUMERIC"):
        return "decimal"
    if base == "BOOLEAN":
        return "boolean"
    if base == "DATE":
        return "date"
    if base in ("TIME", "TIME WITH TIME ZONE", "TIME_NS"):
        return "time"
    if base.startswith(("TIMESTAMP", "DATETIME")):
        return "datetime"
    if base == "UUID":
        return "id"
    if base in ("BLOB", "JSON") or base.endswith("]") or base.startswith(_NESTED):
        return "text"
    return "categorical"


def normal(name: str, sql_type: str) -> str | None:
    """SQL that turns a column into a type that tables at rest have; None for binary data, which they do not.

    Nested values become the text of their JSON; enums, UUIDs, intervals and what else Parquet lacks the text that
    DuckDB writes.
    """
    column, kind = quote(name), sql_type.upper()
    if kind.startswith(_BINARY):
        return None
    if kind.endswith("]") or kind.startswith(_NESTED):
        return f"CAST(to_json({column}) AS VARCHAR) AS {column}"
    if kind.startswith(("ENUM", "CHAR", "VARCHAR(")) or kind in _AS_TEXT:
        return f"CAST({column} AS VARCHAR) AS {column}"
    if kind in ("TIMESTAMP_S", "TIMESTAMP_MS"):
        return f"CAST({column} AS TIMESTAMP) AS {column}"
    return column


def is_nested(sql_type: str) -> bool:
    """Whether a column of the type holds documents, lists or the like, which no generator learns."""
    return sql_type == "JSON" or sql_type.endswith("]") or sql_type.startswith(_NESTED)


def at_rest(sql_type: str) -> str:
    """The type of a column that is found as ``sql_type`` and of which nothing is declared."""
    return _AT_REST.get(sql_type, sql_type)


def declared_sql_type(spec: ColumnSpec, found: str) -> str:
    """The DuckDB type of a column that is declared as ``spec.type`` and was found as ``found``.

    Categories, keys and text stay what they are in the source.
    """
    found = at_rest(found)
    if spec.format is not None and spec.pii is None:
        return found if provisional_type(found) == "integer" and parse_form(spec.format).digits else "VARCHAR"
    fixed = {"boolean": "BOOLEAN", "date": "DATE", "time": "TIME", "datetime": "TIMESTAMP", "float": "DOUBLE"}
    kind = spec.type
    if kind is None or kind in ("categorical", "id", "text"):
        return found
    if kind == "decimal":
        already = re.match(r"^DECIMAL\(\d+,\s*(\d+)\)$", found)
        if already and (spec.decimals is None or int(already[1]) == spec.decimals):
            return found
        return f"DECIMAL(18,{DEFAULT_DECIMALS if spec.decimals is None else spec.decimals})"
    if kind == "integer":
        return found if provisional_type(found) == "integer" else "BIGINT"
    if provisional_type(found) == kind:
        return found
    return fixed[kind]


def written_sql_type(spec: ColumnSpec) -> str | None:
    """The DuckDB type of a column of text that is declared as ``spec.type``; None where the declaration leaves it open.

    Categories and keys are declared without saying how they are stored.
    """
    if spec.format is not None and spec.pii is None:
        return "BIGINT" if parse_form(spec.format).digits else "VARCHAR"
    if spec.type is None or spec.type in ("categorical", "id"):
        return None
    return "VARCHAR" if spec.type == "text" else declared_sql_type(spec, "VARCHAR")


def number_text(value: str, separators: tuple[str, str]) -> str:
    """SQL for a text (SQL) as numbers are written in SQL, given the separators of thousands and of decimals."""
    thousands, decimal = separators
    if thousands:
        value = f"replace({value}, {literal(thousands)}, '')"
    return value if decimal == "." else f"replace({value}, {literal(decimal)}, '.')"


def cast_text(value: str, wanted: str, formats: Sequence[str] = (), separators: tuple[str, str] = ("", ".")) -> str:
    """SQL that casts text (SQL) to ``wanted`` strictly and row by row: NULL where it is blank, or no such value.

    Args:
        formats: strptime's, of dates and times; ISO 8601 is read as well.
        separators: of thousands and of decimals.
    """
    if wanted == "VARCHAR":
        return value
    trimmed = f"nullif(trim({value}), '')"
    if provisional_type(wanted) in NUMERIC:
        number = number_text(trimmed, separators)
        if provisional_type(wanted) == "integer":
            return _whole(number, wanted)
        return f"CASE WHEN regexp_matches({number}, {literal(_NUMBER)}) THEN {_from(number, wanted)} END"
    iso = _from(trimmed, wanted)
    if not formats or provisional_type(wanted) not in ("date", "datetime"):
        return iso
    moments = ", ".join(f"try_strptime({trimmed}, {literal(f)})" for f in formats)
    moment = f"coalesce({moments})" if len(formats) > 1 else moments
    if wanted == "DATE":
        moment = f"CASE WHEN {moment} = date_trunc('day', {moment}) THEN CAST({moment} AS DATE) END"
    elif wanted != "TIMESTAMP":
        moment = f"CAST({moment} AS {wanted})"
    return f"coalesce({moment}, {iso})"


def _whole(number: str, wanted: str) -> str:
    """Digits are taken as they are; 3.0 and 3e2 too, as far as a DOUBLE is exact."""
    digits = f"TRY_CAST(regexp_extract({number}, {literal(_DIGITS)}, 1) AS {wanted})"
    double = f"TRY_CAST({number} AS DOUBLE)"
    exact = f"regexp_matches({number}, {literal(_NUMBER)}) AND {double} = round({double}) AND abs({double}) < {2**53}"
    return (
        f"CASE WHEN regexp_matches({number}, {literal(_DIGITS)}) THEN {digits}"
        f" WHEN {exact} THEN TRY_CAST({double} AS {wanted}) END"
    )


def cast(column: str, found: str, wanted: str) -> str:
    """SQL that casts a column to ``wanted``, giving NULL where that would lose something.

    3.7 is no integer, 1.239 has no two decimals, 7 is no boolean and 10:30 has no place in a date: to round such
    values would hide that the declaration is wrong. Text is trimmed first, and blank text is NULL.
    """
    name = quote(column)
    if found == wanted:
        return name
    kind = provisional_type(found)
    if wanted.startswith("TIMESTAMP") and kind == "date":
        return f"TRY_CAST({name} AS {wanted})"  # there are more days than points in time
    if wanted == "DATE" and kind == "datetime":
        return f"CASE WHEN {name} = date_trunc('day', {name}) THEN CAST({name} AS DATE) END"
    if wanted == "BOOLEAN" and kind in NUMERIC:
        return f"CASE WHEN {name} IN (0, 1) THEN CAST({name} AS BOOLEAN) END"
    if wanted in ("DATE", "TIME", "TIMESTAMP") and kind == "datetime":
        return "NULL"
    if kind in NUMERIC and provisional_type(wanted) in NUMERIC:
        return _number(name, found, wanted)
    if found == "VARCHAR":
        return cast_text(name, wanted)
    return _from(f"nullif(trim(CAST({name} AS VARCHAR)), '')", wanted)


def _number(value: str, found: str, wanted: str) -> str:
    """A number (SQL) stored as ``found`` as another type of numbers; NULL where it is another number then."""
    tried, back = f"TRY_CAST({value} AS {wanted})", f"TRY_CAST(TRY_CAST({value} AS {wanted}) AS {found})"
    if provisional_type(found) != "float":
        # Fractions of a float are those of the nearest one: that is what declaring it says.
        return tried if provisional_type(wanted) == "float" else f"CASE WHEN {back} = {value} THEN {tried} END"
    if wanted.startswith("DECIMAL"):
        return f"CASE WHEN {_dust(value, wanted, found)} THEN {tried} END"
    return f"CASE WHEN {value} = round({value}) THEN {tried} END" if provisional_type(wanted) == "integer" else tried


def _dust(number: str, wanted: str, kind: str = "DOUBLE") -> str:
    """SQL for whether a float (SQL) is the one nearest to a decimal, or within a millionth of its last digit: 0.1 + 0.2
    is 0.3 to two decimals, as the dust of binary fractions is no loss."""
    tried, decimals = f"TRY_CAST({number} AS {wanted})", int(wanted.rstrip(")").split(",")[1])
    near = f"abs({number} - CAST({tried} AS DOUBLE)) <= 1e-{decimals + 6}"
    return f"(CAST({tried} AS {kind}) = {number} OR {near})"


def _from(value: str, wanted: str) -> str:
    """Cast text to ``wanted``, strictly."""
    tried = f"TRY_CAST({value} AS {wanted})"
    if wanted.startswith("DECIMAL"):
        decimals = int(wanted.rstrip(")").split(",")[1])
        exact = rf"regexp_matches({value}, '^[+-]?[0-9]*(\.[0-9]{{0,{decimals}}}0*)?$')"
        # What writes a float writes 16 digits or more of it, or an exponent. Beyond 15 a float does not hold them all.
        float_ = f"(contains(lower({value}), 'e') OR length(regexp_replace({value}, '[^0-9]', '', 'g')) > 15)"
        double = f"TRY_CAST({value} AS DOUBLE)"
        of_float = f"{float_} AND abs({double}) < 1e{15 - decimals} AND {_dust(double, wanted)}"
        return f"CASE WHEN {exact} THEN {tried} WHEN {of_float} THEN TRY_CAST({double} AS {wanted}) END"
    if wanted == "TIMESTAMP":
        # A time with an offset is a point in time: kept in UTC.
        offset = r"regexp_matches(" + value + r", ':\d\d(\.\d+)?\s*([zZ]|[+-]\d\d(:?\d\d)?)$')"
        return f"CASE WHEN {offset} THEN timezone('UTC', TRY_CAST({value} AS TIMESTAMPTZ)) ELSE {tried} END"
    if wanted == "DATE":
        midnight = f"TRY_CAST({value} AS TIMESTAMP) = TRY_CAST({tried} AS TIMESTAMP)"
        return f"CASE WHEN {midnight} THEN {tried} END"
    if wanted == "TIME":
        return rf"CASE WHEN regexp_matches({value}, '^\d\d?:\d\d') THEN {tried} END"
    return tried
