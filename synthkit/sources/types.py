"""Logical types and DuckDB types: how the one is guessed from the other, and how a declared type is cast."""

from __future__ import annotations

import re

from synthkit.schema import LogicalType
from synthkit.spec.types import ColumnSpec

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}
_UNSIGNED = {"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}


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
    if base in ("TIME", "TIME WITH TIME ZONE"):
        return "time"
    if base.startswith(("TIMESTAMP", "DATETIME")):
        return "datetime"
    if base == "UUID":
        return "id"
    if base in ("BLOB", "JSON") or base.endswith("]") or base.startswith(("STRUCT", "MAP", "UNION")):
        return "text"
    return "categorical"


def declared_sql_type(spec: ColumnSpec, found: str) -> str:
    """The DuckDB type of a column that is declared as ``spec.type`` and was found as ``found``.

    Categories, keys and text stay what they are in the source.
    """
    fixed = {
        "boolean": "BOOLEAN",
        "date": "DATE",
        "time": "TIME",
        "datetime": "TIMESTAMP",
        "float": "DOUBLE",
    }
    kind = spec.type
    if kind is None or kind in ("categorical", "id", "text"):
        return found
    if kind == "decimal":
        already = re.match(r"^DECIMAL\(\d+,\s*(\d+)\)$", found)
        if already and (spec.decimals is None or int(already[1]) == spec.decimals):
            return found
        return f"DECIMAL(18,{2 if spec.decimals is None else spec.decimals})"
    if kind == "integer":
        return found if provisional_type(found) == "integer" else "BIGINT"
    if provisional_type(found) == kind:
        return found
    return fixed[kind]


def quote(identifier: str) -> str:
    """A quoted SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def cast(column: str, found: str, wanted: str) -> str:
    """SQL that casts a column to ``wanted``, giving NULL where a value does not fit."""
    name = quote(column)
    if found == wanted:
        return name
    if wanted == "BOOLEAN" and found == "VARCHAR":
        # DuckDB knows true/false, yes/no, t/f, 1/0; trimmed and in any case.
        return f"TRY_CAST(trim({name}) AS BOOLEAN)"
    if found == "VARCHAR" and wanted != "VARCHAR":
        return f"TRY_CAST(nullif(trim({name}), '') AS {wanted})"
    if wanted == "BIGINT" and provisional_type(found) in ("float", "decimal"):
        # 3.7 is no integer: rounding it away would hide that the declaration is wrong.
        return f"CASE WHEN {name} = round({name}) THEN TRY_CAST({name} AS BIGINT) END"
    return f"TRY_CAST({name} AS {wanted})"
