"""A source as DuckDB sees it: one connection with a view ``raw`` over the real rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, SynthError, did_you_mean
from synthkit.sources.files import check_names, open_scan
from synthkit.sources.place import place
from synthkit.sources.types import normal
from synthkit.spec.types import ConnectionSpec, SourceTableSpec
from synthkit.statements import NO_EXTENSIONS

if TYPE_CHECKING:
    import duckdb

MEMORY = "4GB"  # DuckDB spills to disk beyond it


@contextmanager
def opened(
    spec: SourceTableSpec,
    *,
    root: Path,
    connections: Mapping[str, ConnectionSpec],
    scratch: Path | None = None,
    making: Path | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection in which ``raw`` holds the source's rows, in the source's order.

    Its columns have types that tables at rest have (:func:`synthkit.sources.types.normal`).

    Args:
        scratch: a folder for what a database streams in and for spilling; None only describes: ``raw`` then
            has the columns but, for a database server or SQLite, no rows.
        making: a folder that the caller writes to; what DuckDB may open is listed where it runs somebody's SQL.

    Raises:
        SynthError: the source cannot be found or reached.
        BuildError: it can, but not read.
    """
    with ExitStack() as stack:
        work = scratch or Path(stack.enter_context(TemporaryDirectory(prefix="synthkit-")))
        connection = stack.enter_context(connected(work))
        if spec.path is not None:
            open_scan(connection, spec, root, work)
        else:
            _open_database(connection, spec, root, connections, scratch, [f for f in (work, making) if f is not None])
        _normalise(connection, spec)
        yield connection


@contextmanager
def connected(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty DuckDB in memory that keeps the order of rows, reckons time in UTC and spills into ``scratch``."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "preserve_insertion_order": True,
        "temp_directory": str(scratch / "spill"),
        **NO_EXTENSIONS,
    }
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")  # how a point in time is written decides its side of the split
        yield connection


def connection_of(spec: SourceTableSpec, connections: Mapping[str, ConnectionSpec]) -> ConnectionSpec:
    """The connection that a source table names. Raises SynthError, with the nearest name."""
    name = spec.connection or ""
    if name not in connections:
        hint = did_you_mean(name, connections, "a connection")
        hint += "; connections are declared under connections: in synth_project.yml"
        raise SynthError(f"there is no connection {name!r}", place(spec, "connection"), hint)
    return connections[name]


def _open_database(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    root: Path,
    connections: Mapping[str, ConnectionSpec],
    scratch: Path | None,
    folders: Sequence[Path],
) -> None:
    """Make the view ``found`` over the table or query."""
    chosen = connection_of(spec, connections)
    if chosen.type == "duckdb":
        from synthkit.sources.duckdbfile import open_duckdb

        open_duckdb(connection, spec, chosen, root, folders)
    elif chosen.type == "sqlite":
        from synthkit.sources.sqlite import open_sqlite

        open_sqlite(connection, spec, chosen, root, scratch)
    else:
        from synthkit.sources.postgres import open_postgres

        open_postgres(connection, spec, chosen, scratch)


def _normalise(connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec) -> None:
    """``raw``: the columns of ``found`` in types that tables at rest have. Raises SynthError for binary data."""
    described = [(str(r[0]), str(r[1])) for r in connection.execute("DESCRIBE found").fetchall()]
    check_names([name for name, _ in described], spec)
    columns = []
    for name, sql_type in described:
        column = normal(name, sql_type)
        if column is None:
            raise binary_column(name, spec)
        columns.append(column)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT {', '.join(columns)} FROM found")


def binary_column(name: str, spec: SourceTableSpec) -> BuildError:
    """The error for a column that no generator can learn and no table holds."""
    if spec.path is None:
        where, hint = (
            place(spec, "query" if spec.query is not None else "table"),
            "leave it out: write query: with the others",
        )
    else:
        where, hint = (
            place(spec, "path"),
            "leave it out of the file; if it is text, set options: {binary_as_string: true}",
        )
    return BuildError(f"column {name!r} holds binary data", where, hint)
