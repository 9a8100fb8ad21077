"""A source as DuckDB sees it: one connection with a view (or table) ``raw`` over the real rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import SynthError, did_you_mean
from synthkit.sources.files import check_names, open_scan
from synthkit.spec.types import ConnectionSpec, SourceTableSpec

if TYPE_CHECKING:
    import duckdb

MEMORY = "4GB"  # DuckDB spills to disk beyond it


@contextmanager
def opened(
    spec: SourceTableSpec, *, root: Path, connections: Mapping[str, ConnectionSpec], scratch: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection in which ``raw`` holds the source's rows, in the source's order.

    Args:
        scratch: a folder for what a database streams in and for spilling; None only describes: ``raw`` then
            has the columns but, for a database server or SQLite, no rows.

    Raises:
        SynthError: the source cannot be found or reached.
        BuildError: it can, but not read.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": MEMORY, "preserve_insertion_order": True}
    if scratch is not None:
        config["temp_directory"] = str(scratch / "spill")
    connection = duckdb.connect(":memory:", config=config)
    try:
        if spec.path is not None:
            open_scan(connection, spec, root)
        else:
            _open_database(connection, spec, root, connections, scratch)
        names = [str(r[0]) for r in connection.execute("DESCRIBE raw").fetchall()]
        check_names(names, spec)
        yield connection
    finally:
        connection.close()


def connection_of(spec: SourceTableSpec, connections: Mapping[str, ConnectionSpec]) -> ConnectionSpec:
    """The connection that a source table names. Raises SynthError, with the nearest name."""
    name = spec.connection or ""
    if name not in connections:
        hint = did_you_mean(name, connections, "a connection")
        hint += "; connections are declared under connections: in synth_project.yml"
        raise SynthError(f"there is no connection {name!r}", spec.origin.at("connection"), hint)
    return connections[name]


def _open_database(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    root: Path,
    connections: Mapping[str, ConnectionSpec],
    scratch: Path | None,
) -> None:
    chosen = connection_of(spec, connections)
    if chosen.type == "duckdb":
        from synthkit.sources.duckdbfile import open_duckdb

        open_duckdb(connection, spec, chosen, root)
    elif chosen.type == "sqlite":
        from synthkit.sources.sqlite import open_sqlite

        open_sqlite(connection, spec, chosen, root, scratch)
    else:
        from synthkit.sources.postgres import open_postgres

        open_postgres(connection, spec, chosen, scratch)
