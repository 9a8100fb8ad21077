"""Names and values as SQL writes them: the only place that quotes."""

from __future__ import annotations


def quote(identifier: str) -> str:
    """A quoted SQL identifier.

    >>> print(quote('a "b" c'))
    "a ""b"" c"
    """
    return '"' + identifier.replace('"', '""') + '"'


def backticked(identifier: str) -> str:
    """A quoted identifier of MySQL, whatever its ``sql_mode`` takes double quotes for.

    >>> print(backticked('a `b` c'))
    `a ``b`` c`
    """
    return "`" + identifier.replace("`", "``") + "`"


def bracketed(identifier: str) -> str:
    """A quoted identifier of SQL Server, whatever ``QUOTED_IDENTIFIER`` takes double quotes for.

    >>> print(bracketed("a ]b"))
    [a ]]b]
    """
    return "[" + identifier.replace("]", "]]") + "]"


def literal(value: object) -> str:
    """A SQL literal for a string, number, boolean or None; of anything else, of its text.

    >>> print(literal("it's"), literal(1.5), literal(None))
    'it''s' 1.5 NULL
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def backslashed(text: str, mark: str = "'") -> str:
    """A text of Databricks' SQL, where two quotes are no quote: they end one text and begin another. With a backtick
    for the mark, a quoted identifier of BigQuery's.

    >>> print(backslashed("it's"), backslashed("a`b", "`"))
    'it\\'s' `a\\`b`
    """
    return mark + text.replace("\\", "\\\\").replace(mark, f"\\{mark}") + mark
