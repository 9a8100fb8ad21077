"""Rows from a row-wise driver into DuckDB: batches of text in Arrow, cast to the types that the database has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.location import column_location
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

EXACT = 15  # digits that every DOUBLE gives back as they were


def load_batches(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    names: Sequence[str],
    types: Sequence[str],
    batches: Iterable[Sequence[Sequence[Any]]],
    scratch: Path | None,
    exact: Sequence[str] = (),
) -> list[str]:
    """Make ``found`` a view of these rows. Memory holds one batch at a time: the rest is Parquet in ``scratch``.

    Decimals have no NaN: it is a missing value, as everywhere. Returns notes that say how many there were.

    Args:
        exact: columns of numbers that are DOUBLE as far as that keeps all their digits.

    Raises BuildError for a value that DuckDB cannot hold in its type.
    """
    if scratch is None:
        columns = ", ".join(f"CAST(NULL AS {t}) AS {quote(n)}" for n, t in zip(names, types, strict=True))
        connection.execute(f"CREATE TEMP VIEW found AS SELECT {columns} WHERE false")
        return []
    scan = at_rest(len(names), batches, scratch)
    texts = [_decimal(f"c{i}") if t.startswith("DECIMAL") else f"c{i}" for i, t in enumerate(types)]
    _check(connection, spec, names, types, texts, scan)
    _check_digits(connection, spec, names, exact, scan)
    parts = zip(names, types, texts, strict=True)
    columns = ", ".join(f"CAST({text} AS {t}) AS {quote(n)}" for n, t, text in parts)
    connection.execute(f"CREATE TEMP VIEW found AS SELECT {columns} FROM {scan}")
    return _notes(connection, names, types, scan)


def _decimal(text: str) -> str:
    return f"nullif({text}, 'NaN')"


def _notes(connection: duckdb.DuckDBPyConnection, names: Sequence[str], types: Sequence[str], scan: str) -> list[str]:
    decimals = [i for i, t in enumerate(types) if t.startswith("DECIMAL")]
    if not decimals:
        return []
    row = connection.execute(
        f"SELECT {', '.join(f'count_if(c{i} = $$NaN$$)' for i in decimals)} FROM {scan}"
    ).fetchone()
    assert row is not None
    return [f"column {names[i]!r}: {n:,} NaN became missing values" for i, n in zip(decimals, row, strict=True) if n]


def _check_digits(
    connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, names: Sequence[str], exact: Sequence[str], scan: str
) -> None:
    """Raises BuildError for numbers of more digits than a DOUBLE gives back."""
    for name in exact:
        text = f"c{names.index(name)}"
        digits = f"length(trim(replace(ltrim({text}, '-'), '.', ''), '0'))"
        query = f"SELECT count(*), first({text}) FROM {scan} WHERE {text} SIMILAR TO '-?[0-9.]+' AND {digits} > {EXACT}"
        row = connection.execute(query).fetchone()
        assert row is not None
        if row[0]:
            what = f"column {name!r} is numeric without a precision of up to 38 digits, and {row[0]:,} values have more"
            ways = f"cast it in query: ({name}::numeric(38, 4), or ::text), or declare it: type: decimal, decimals: 4"
            told = f"{what} digits than a DOUBLE keeps (first: {row[1]!r})"
            raise BuildError(told, column_location(spec, name), ways)


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
    connection.execute(f"CREATE TEMP VIEW raw AS SELECT {columns} FROM {at_rest(len(names), batches, scratch)}")


def at_rest(width: int, batches: Iterable[Sequence[Sequence[Any]]], scratch: Path) -> str:
    """SQL for a scan of the rows, which lie in ``scratch``; columns c0, c1, …"""
    import pyarrow.parquet as pq

    from synthkit.sources.options import file_literal

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
    texts: Sequence[str],
    scan: str,
) -> None:
    typed = [i for i, t in enumerate(types) if t != "VARCHAR"]
    if not typed:
        return
    parts = ", ".join(
        f"count(*) FILTER ({texts[i]} IS NOT NULL AND TRY_CAST({texts[i]} AS {types[i]}) IS NULL),"
        f" first(c{i}) FILTER ({texts[i]} IS NOT NULL AND TRY_CAST({texts[i]} AS {types[i]}) IS NULL)"
        for i in typed
    )
    row = connection.execute(f"SELECT {parts} FROM {scan}").fetchone()
    assert row is not None
    for position, i in enumerate(typed):
        bad, value = row[2 * position], row[2 * position + 1]
        if bad:
            what = f"column {names[i]!r}: {bad:,} values are no {types[i]} (first: {value!r})"
            raise BuildError(what, column_location(spec, names[i]), "mend the rows, or cast the column in query:")


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
