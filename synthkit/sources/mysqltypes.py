"""The types of MySQL's columns, and a row of them as one text: as CSV, which the server writes.

A row in one text costs the client one value, not one for each column, and Arrow parses CSV as fast as it arrives. The
same text is what a digest is taken of. How each type is written must give its value back exactly:

| MySQL | is read as | written |
| --- | --- | --- |
| TINYINT(1), BIT(1) | BOOLEAN; a TINYINT(1) that is declared as another type: that | its digit |
| TINYINT … BIGINT, UNSIGNED too, YEAR | the integer of its width | its digits |
| BIT(n) | UBIGINT | its digits |
| DECIMAL(p, s) up to 38 digits | the same | its digits |
| DECIMAL of more digits | DOUBLE where that keeps them, or what is declared | its digits |
| FLOAT | FLOAT | as a DOUBLE: of a FLOAT MySQL itself shows six digits |
| DATE, DATETIME | DATE, TIMESTAMP | `0000-00-00` as it is |
| TIMESTAMP | TIMESTAMP WITH TIME ZONE | in UTC |
| TIME | TIME; declared as another type: that, for durations | as it is |
| JSON | nested | its text |
| BINARY, VARBINARY, BLOB, GEOMETRY | refused | |
| CHAR, VARCHAR, TEXT, ENUM, SET, UUID, … | VARCHAR | its text, quotes doubled |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from synthkit.sql.quoting import backticked

UNBOUND = "NUMERIC"  # more digits than any type of DuckDB has
BINARY = "BLOB"
JSON = "JSON"
_MOST_DIGITS = 38
_BINARY_CHARSET = 63
_UNSIGNED = 32  # flags of a column, by MySQL's protocol
_INTEGERS = {1: "TINYINT", 2: "SMALLINT", 9: "INTEGER", 3: "INTEGER", 8: "BIGINT", 13: "SMALLINT"}
_PLAIN = {4: "FLOAT", 5: "DOUBLE", 10: "DATE", 14: "DATE", 11: "TIME", 12: "TIMESTAMP", 245: JSON, 255: BINARY}
_TIMESTAMP, _BIT, _OLD_DECIMAL, _DECIMAL = 7, 16, 0, 246
_TEXTS = (15, 249, 250, 251, 252, 253, 254)  # VARCHAR, the BLOBs and TEXTs, VAR_STRING, STRING


@dataclass(frozen=True)
class Field:
    """A column of a result: its type as DuckDB has it, and SQL of its text, which is NULL where the value is."""

    name: str
    sql_type: str
    text: Callable[[str], str]
    quoted: bool = False


def field_of(described: Any, declared: str | None = None) -> Field:
    """What a column is by the protocol's description of it.

    Args:
        described: PyMySQL's ``FieldDescriptorPacket``.
        declared: the type that the YAML gives it, where it gives one: it decides what may be read in two ways.
    """
    code, length, name = described.type_code, described.length, described.name
    unsigned = bool(described.flags & _UNSIGNED)
    if code in _INTEGERS:
        if code == 1 and length == 1 and declared in (None, "boolean"):
            return Field(name, "BOOLEAN", _as_it_is)
        return Field(name, ("U" if unsigned and code != 13 else "") + _INTEGERS[code], _as_it_is)
    if code == _BIT:
        return Field(name, "BOOLEAN" if length == 1 else "UBIGINT", lambda column: f"{column} + 0")
    if code in (_DECIMAL, _OLD_DECIMAL):
        digits = length - (described.scale > 0) - (not unsigned)
        fits = 0 < digits <= _MOST_DIGITS and described.scale <= digits
        return Field(name, f"DECIMAL({digits},{described.scale})" if fits else UNBOUND, _as_it_is)
    if code == _TIMESTAMP:
        return Field(name, "TIMESTAMP WITH TIME ZONE", lambda column: f"CONCAT({column}, '+00')")
    if code in _PLAIN:
        kind = _PLAIN[code]
        if kind == "TIME" and declared not in (None, "time"):
            return Field(name, "VARCHAR", _as_it_is)
        if kind == "FLOAT":
            return Field(name, kind, lambda column: f"{column} + 0e0")
        return Field(name, kind, _utf8 if kind == JSON else _as_it_is, quoted=kind == JSON)
    if code in _TEXTS and described.charsetnr == _BINARY_CHARSET:
        return Field(name, BINARY, _as_it_is)
    return Field(name, "VARCHAR", _utf8, quoted=True)


def row_text(fields: Sequence[Field]) -> str:
    """SQL of a row of ``t`` as a line of CSV, which has no line end of its own: nothing between two commas is NULL, two
    quotes are empty text. NULL where it is longer than the server's ``max_allowed_packet``."""
    return "CONCAT(" + ", ',', ".join(_field_text(f) for f in fields) + ")"


def _field_text(field: Field) -> str:
    column = f"t.{backticked(field.name)}"
    text = field.text(column)
    if field.quoted:
        text = f"""CONCAT('"', REPLACE({text}, '"', '""'), '"')"""
    return f"CASE WHEN {column} IS NULL THEN '' ELSE {text} END"  # NULL text of a value makes the whole row NULL


def _as_it_is(column: str) -> str:
    return column


def _utf8(column: str) -> str:
    return f"CONVERT({column} USING utf8mb4)"
