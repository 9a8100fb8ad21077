"""How a published table's types and names stand in MySQL and MariaDB, and what they have no place for.

Text compares as it is written, byte by byte. Points in time are UTC in a ``datetime``, as a ``timestamp`` ends in 2038.
"""

from __future__ import annotations

import re

from synthkit.sql.types import NoPlaceError, is_nested

LONGEST = 64  # characters of a name
MOST_COLUMNS = 1_017  # of InnoDB
KEY = 255  # characters of a text that is in a key: an index holds so many

# As information_schema.columns spells them.
_TYPES = {
    "BOOLEAN": "tinyint(1)",
    "TINYINT": "tinyint(4)",
    "UTINYINT": "tinyint(3) unsigned",
    "SMALLINT": "smallint(6)",
    "USMALLINT": "smallint(5) unsigned",
    "INTEGER": "int(11)",
    "UINTEGER": "int(10) unsigned",
    "BIGINT": "bigint(20)",
    "UBIGINT": "bigint(20) unsigned",
    "FLOAT": "float",
    "DOUBLE": "double",
    "VARCHAR": "longtext",
    "DATE": "date",
    "TIME": "time(6)",
    "TIMESTAMP": "datetime(6)",
    "TIMESTAMP WITH TIME ZONE": "datetime(6)",
    "TIMESTAMPTZ": "datetime(6)",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")
_NANOSECONDS = {"TIMESTAMP_NS": "TIMESTAMP", "TIMESTAMPTZ_NS": "TIMESTAMPTZ"}
_WIDTH = re.compile(r"((?:big|small|tiny|medium)?int)\((?!1\))\d+\)")


def type_of(sql_type: str, *, key: bool = False) -> str:
    """The type of a column of a published table. Raises NoPlaceError.

    Args:
        key: whether it is part of a key, which no text without an end can be.

    >>> type_of("DECIMAL(18,2)"), type_of("UBIGINT"), type_of("VARCHAR"), type_of("VARCHAR", key=True)
    ('decimal(18,2)', 'bigint(20) unsigned', 'longtext', 'varchar(255)')
    """
    if sql_type in _NANOSECONDS:
        cast = f"cast it to {_NANOSECONDS[sql_type]} (microseconds), or to VARCHAR"
        raise NoPlaceError(f"MySQL has no nanoseconds ({sql_type})", cast)
    if is_nested(sql_type):
        return "longtext"  # JSON; MariaDB's type of that name is this one with a check
    found = _DECIMAL.fullmatch(sql_type)
    if found is not None:
        if int(found[2]) > 30:
            raise NoPlaceError(f"MySQL has at most 30 digits after the point ({sql_type})", "cast it to fewer")
        return f"decimal({found[1]},{found[2]})"
    if sql_type not in _TYPES:
        raise NoPlaceError(f"MySQL has no type for {sql_type}", "cast it to VARCHAR")
    return f"varchar({KEY})" if key and sql_type == "VARCHAR" else _TYPES[sql_type]


def same_type(one: str, other: str) -> bool:
    """Whether two spellings are of one type: MySQL 8 leaves widths out, which mean nothing.

    >>> same_type("bigint(20) unsigned", "bigint unsigned"), same_type("varchar(255)", "longtext")
    (True, False)
    """
    return _WIDTH.sub(r"\1", one) == _WIDTH.sub(r"\1", other)


def misfit_of(name: str, what: str = "column") -> tuple[str, str] | None:
    """Why a name cannot stand there, and what to do; None where it can."""
    if len(name) > LONGEST:
        return f"MySQL has no names of more than {LONGEST} characters ({what}): {name}", "give it a shorter name"
    if name.endswith(" "):
        return f"MySQL has no names that end in a space ({what}): {name!r}", "rename it"
    return None
