"""Rows from a row-wise driver into DuckDB: batches of text in Arrow, cast to the types that the database has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.sources.place import column_place
from synthkit.sources.types import quote
from synthkit.spec.types import SourceTableSpec

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def load_batches(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    names: Sequence[str],
    types: Sequence[str],
    batches: Iterable[Sequence[Sequence[Any]]],
    scratch: Path | None,
) -> None:
    """Make ``found`` a view of these rows. Memory holds one batch at a time: the rest is Parquet in ``scratch``.

    Raises BuildError for a value that DuckDB cannot hold in its type.
    """
    if scratch is None:
        columns = ", ".join(f"CAST(NULL AS {t}) AS {quote(n)}" for n, t in zip(names, types, strict=True))
        connection.execute(f"CREATE TEMP VIEW found AS SELECT {columns} WHERE false")
        return
    scan = _at_rest(len(names), batches, scratch)
    _check(connection, spec, names, types, scan)
    columns = ", ".join(f"CAST(c{i} AS {t}) AS {quote(n)}" for i, (n, t) in enumerate(zip(names, types, strict=True)))
    connection.execute(f"CREATE TEMP VIEW found AS SELECT {columns} FROM {scan}")


def load_texts(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    batches: Iterable[Sequence[Sequence[Any]]],
    scratch: Path | None,
) -> None:
    """Make ``raw`` a view of these rows, each value as text, as :func:`load_batches` does."""
    if scratch is None:
        columns = ", ".join(f"CAST(NULL AS VARCHAR) AS {quote(n)}" for n in names)
        connection.execute(f"CREATE TEMP VIEW raw AS SELECT {columns} WHERE false")
        return
    columns = ", ".join(f"c{i} AS {quote(n)}" for i, n in enumerate(names))
    connection.execute(f"CREATE TEMP VIEW raw AS SELECT {columns} FROM {_at_rest(len(names), batches, scratch)}")


def _at_rest(width: int, batches: Iterable[Sequence[Sequence[Any]]], scratch: Path) -> str:
    """SQL for a scan of the rows, which lie in ``scratch``; columns c0, c1, …"""
    import pyarrow.parquet as pq

    from synthkit.sources.files import file_literal

    scratch.mkdir(parents=True, exist_ok=True)
    file = scratch / "stream.parquet"
    schema = _text_schema(width)
    with pq.ParquetWriter(file, schema) as writer:
        for batch in _as_text(batches, schema):
            writer.write_batch(batch)
    return f"read_parquet({file_literal(file)})"


def _check(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    names: Sequence[str],
    types: Sequence[str],
    scan: str,
) -> None:
    typed = [i for i, t in enumerate(types) if t != "VARCHAR"]
    if not typed:
        return
    parts = ", ".join(
        f"count(*) FILTER (c{i} IS NOT NULL AND TRY_CAST(c{i} AS {types[i]}) IS NULL),"
        f" first(c{i}) FILTER (c{i} IS NOT NULL AND TRY_CAST(c{i} AS {types[i]}) IS NULL)"
        for i in typed
    )
    row = connection.execute(f"SELECT {parts} FROM {scan}").fetchone()
    assert row is not None
    for position, i in enumerate(typed):
        bad, value = row[2 * position], row[2 * position + 1]
        if bad:
            what = f"column {names[i]!r}: {bad:,} values are no {types[i]} (first: {value!r})"
            raise BuildError(what, column_place(spec, names[i]), "mend the rows, or cast the column in query:")


def _text_schema(width: int) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(f"c{i}", pa.string()) for i in range(width)])


def _as_text(batches: Iterable[Sequence[Sequence[Any]]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for rows in batches:
        columns = [pa.array([_text(row[i]) for row in rows], pa.string()) for i in range(len(schema))]
        yield pa.record_batch(columns, schema=schema)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"  # as SQL writes it
    return repr(value) if isinstance(value, float) else str(value)
