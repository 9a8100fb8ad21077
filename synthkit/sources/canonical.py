"""What a row is told by: a form of its own raw values alone, whatever lies beside it.

The holdout, the privacy unit and the choice of a unit's rows hash this form. It may therefore depend on nothing that
another row can change: neither on a type that was inferred from a column's values, nor on the width in which a writer
stored them. A file of text gives its text. A stored number gives the same text in every type that holds it: 7 as
TINYINT, as DECIMAL(9,2) and as DOUBLE, which is what one missing value turns a column of integers into when pandas
writes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from synthkit.sources.types import provisional_type
from synthkit.sql.quoting import literal, quote

SEPARATOR = "chr(31)"
_EXACT = 2**53  # below it a DOUBLE holds every whole number


def canonical(column: str, sql_type: str) -> str:
    """SQL for the canonical text of a column that is stored as ``sql_type``; NULL where it is missing."""
    return canonical_value(quote(column), sql_type)


def canonical_value(name: str, sql_type: str) -> str:
    """SQL for the canonical text of a value (SQL) of ``sql_type``."""
    kind = provisional_type(sql_type)
    if kind == "float":
        whole = f"abs({name}) < {_EXACT} AND {name} = trunc({name})"
        # -0.0 is 0; NaN is what some writers store for a missing value
        number = f"CASE WHEN {whole} THEN CAST(TRY_CAST({name} AS BIGINT) AS VARCHAR) ELSE CAST({name} AS VARCHAR) END"
        return f"CASE WHEN isnan({name}) THEN NULL ELSE {number} END"
    if kind == "decimal" and not re.search(r"\(\d+,\s*0\)$", sql_type):
        return f"rtrim(rtrim(CAST({name} AS VARCHAR), '0'), '.')"
    return f"CAST({name} AS VARCHAR)"


def unit_value(raw: str, value: str, sql_type: str) -> str:
    """SQL for what tells a privacy unit of which ``sql_type`` is declared: 7, 07 and 7.0 are one whole number, so one
    person. ``value`` (SQL) is the cast of the row's own ``raw`` text (SQL); text that is no such value stays as it is,
    and two such units stay two."""
    return f"CASE WHEN trim({raw}) <> '' THEN coalesce({canonical_value(f'({value})', sql_type)}, {raw}) END"


def told_apart(value: str) -> str:
    """SQL for a canonical text (SQL) in which a missing value is told apart from every text."""
    return f"coalesce('v' || {value}, 'n')"


def named(column: str, value: str) -> str:
    """SQL for a canonical text (SQL) that names its column and is NULL where it is missing.

    For sources in which a row may bring a column of its own (JSON lines): it does not exist for the others.
    """
    return f"{literal(column + '=')} || {value}"


def joined(salt: str, parts: Sequence[str]) -> str:
    """SQL for one text of the salt and all parts (SQL); parts that are NULL are left out."""
    return f"concat_ws({SEPARATOR}, {literal(salt)}, {', '.join(parts)})"
