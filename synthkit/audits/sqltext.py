"""SQL helpers shared by the audits: quoting, and a read-only DuckDB over Parquet files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import quote
from synthkit.sql.statements import NO_EXTENSIONS, shut

if TYPE_CHECKING:
    import duckdb

# DuckDB types whose values all take as much room
FIXED = re.compile(
    r"BOOLEAN|U?\w*INT|INTEGER|UINTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|DATE|INTERVAL|UUID|TIME[\w ]*|ENUM\(.*\)"
)


def _numbered(path: Path) -> str:
    """The one file of rows at rest, its rows numbered."""
    return parquet_scan(path, file_row_number="true")


def open_views(
    sides: Mapping[str, tuple[Path, ...]],
    relations: Mapping[str, tuple[Path, ...]],
    where: str | None,
    published: Mapping[str, tuple[Path, ...]],
    hold: Mapping[str, int] = MappingProxyType({}),
) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB whose views read the files; ``where`` narrows the sides, not the relations.

    ``relations`` maps an already quoted name (``"crm"."customers"``) to its files. One thread and
    insertion order, so that sums of floats come out the same every time. ``published`` are the files, row by row the
    same, that ``where`` is about, for sides whose own files hold the rows otherwise. The sides in ``hold`` are in
    memory where their texts have at most so many bytes.
    """
    import duckdb

    config = {"threads": 1, "preserve_insertion_order": True, **NO_EXTENSIONS}
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET parquet_metadata_cache = true")  # the files do not change while they are judged
    narrowing = f" WHERE ({where}\n)" if where else ""
    for name, paths in relations.items():
        schema, dot, _ = name.rpartition('"."')
        if dot:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS {schema}"')
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {parquet_scan(*paths)}")
    for side, paths in sides.items():
        # Temporary, so that a model called train or synthetic has its own name; cursors do not see these.
        rows = parquet_scan(*paths)
        if narrowing and published.get(side, paths) != paths:
            of = f"SELECT file_row_number FROM {_numbered(*published[side])}{narrowing}"
            rows = f"(SELECT * EXCLUDE (file_row_number) FROM {_numbered(*paths)} WHERE file_row_number IN ({of}))"
            connection.execute(f"CREATE TEMP VIEW {side} AS SELECT * FROM {rows}")
        else:
            kind = "TABLE" if side in hold and _text(connection, rows) <= hold[side] else "VIEW"
            connection.execute(f"CREATE TEMP {kind} {side} AS SELECT * FROM {rows}{narrowing}")
    # From here on, whatever an audit's SQL says, DuckDB reads these files and writes none.
    files = dict.fromkeys(p for paths in (*sides.values(), *relations.values(), *published.values()) for p in paths)
    shut(connection, files)
    return connection


def held(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The sides that the connection has in memory."""
    return frozenset(str(name) for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall())


def _text(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    """Bytes of all values without a fixed width, as text.

    They are counted: a Parquet file has a text that comes back once, a table in memory as often as it comes.
    """
    types = connection.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()
    bytes_ = [f"sum(strlen(CAST({quote(name)} AS VARCHAR)))" for name, kind, *_ in types if not FIXED.fullmatch(kind)]
    if not bytes_:
        return 0
    return sum(n or 0 for n in connection.execute(f"SELECT {', '.join(bytes_)} FROM {rows}").fetchall()[0])
