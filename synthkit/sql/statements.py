"""SQL that somebody else wrote, before DuckDB runs it: one SELECT, and nothing beside it, in a box without doors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.sql.filescan import pattern_of
from synthkit.sql.quoting import literal

if TYPE_CHECKING:
    import duckdb

# Of each connection that sees such SQL: DuckDB would fetch an extension for a function that it lacks.
NO_EXTENSIONS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


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


def shut(
    connection: duckdb.DuckDBPyConnection,
    files: Iterable[Path] = (),
    folders: Iterable[Path] = (),
    *,
    lock: bool = True,
) -> None:
    """From here on DuckDB opens these files, and files in these folders, and no other; it loads and attaches nothing.

    While a database is open, none of this can be taken back.

    Args:
        lock: nor any other setting.
    """
    for setting, paths in (("allowed_paths", files), ("allowed_directories", folders)):
        # A glob that finds nothing else is looked at before what it finds is.
        names = dict.fromkeys(name for path in paths for name in (str(path), pattern_of(path)))
        listed = ", ".join(map(literal, names))
        connection.execute(f"SET {setting} = [{listed}]")
    connection.execute("SET enable_external_access = false")
    if lock:
        connection.execute("SET lock_configuration = true")
