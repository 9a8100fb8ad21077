"""SQL that somebody else wrote, before DuckDB runs it: one SELECT, and nothing beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def one_select(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The text of the one SELECT that ``sql`` consists of.

    Raises:
        ValueError: it is another statement, or several: a second one could write files or load an extension.
        duckdb.Error: it is no SQL.
    """
    import duckdb

    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ValueError("it must be one SELECT statement")
    return str(statements[0].query)
