"""How a published table's types, names and comments stand in PostgreSQL, and what it has no place for.

Nothing is rounded on the way: a type is the one that holds every value of DuckDB's, or it is refused with a cast.
Lists of single values are arrays; structs, maps and lists of lists are ``jsonb``.
"""

from __future__ import annotations

import re

from synthkit.sql.types import NoPlaceError, is_nested

LONGEST = 63  # bytes of a name: a longer one is cut off without a word
MOST_COLUMNS = 1_600
TAKEN = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})  # columns that every table has

# As PostgreSQL's own catalogue spells them.
_TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "UTINYINT": "smallint",
    "SMALLINT": "smallint",
    "USMALLINT": "integer",
    "INTEGER": "integer",
    "UINTEGER": "bigint",
    "BIGINT": "bigint",
    "UBIGINT": "numeric(20,0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "DATE": "date",
    "TIME": "time without time zone",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "TIMESTAMPTZ": "timestamp with time zone",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")
_NANOSECONDS = {"TIMESTAMP_NS": "TIMESTAMP", "TIMESTAMPTZ_NS": "TIMESTAMPTZ"}


def type_of(sql_type: str) -> str:
    """The type of a column of a published table. Raises NoPlaceError.

    >>> type_of("DECIMAL(18,2)"), type_of("UBIGINT"), type_of("VARCHAR[]"), type_of("STRUCT(a INTEGER)")
    ('numeric(18,2)', 'numeric(20,0)', 'text[]', 'jsonb')
    """
    if sql_type in _NANOSECONDS:
        cast = f"cast it to {_NANOSECONDS[sql_type]} (microseconds), or to VARCHAR"
        raise NoPlaceError(f"PostgreSQL has no nanoseconds ({sql_type})", cast)
    if is_nested(sql_type):
        inner = sql_type.removesuffix("[]")
        simple = inner != sql_type and not is_nested(inner) and inner not in _NANOSECONDS
        return f"{type_of(inner)}[]" if simple else "jsonb"
    found = _DECIMAL.fullmatch(sql_type)
    if found is not None:
        return f"numeric({found[1]},{found[2]})"
    if sql_type not in _TYPES:
        raise NoPlaceError(f"PostgreSQL has no type for {sql_type}", "cast it to VARCHAR")
    return _TYPES[sql_type]


def misfit_of(name: str, what: str = "column") -> tuple[str, str] | None:
    """Why a name cannot stand there, and what to do; None where it can."""
    if len(name.encode()) > LONGEST:
        return f"PostgreSQL cuts the name of the {what} off after {LONGEST} bytes: {name}", "give it a shorter name"
    if what == "column" and name in TAKEN:
        return f"PostgreSQL keeps the name {name!r} for a column of its own", f"rename it (as {name}_)"
    return None
