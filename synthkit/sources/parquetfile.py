"""Parquet files: each value in the type that its file stores it in.

Read together, whole numbers beside a file of fractions become fractions, and beyond 2^53 other numbers. So no file
decides the type of another's values: under a budget, and where a column is declared, each file is read in its own
types; where nothing is declared, what all files are read as must change no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, SynthError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.canonical import canonical
from synthkit.sources.found import check_names, check_same_columns
from synthkit.sources.location import column_location, location
from synthkit.sources.options import arguments
from synthkit.sources.readerror import read_error
from synthkit.sources.types import provisional_type, written_sql_type
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Types = Mapping[str, str]


def parquet_query(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    files: Sequence[Path],
    lenient: bool,
    parts: Types | None = None,
) -> str:
    """A SELECT of all rows of the files, in their order, columns matched by name.

    Args:
        lenient: no row decides how others are read: a column of several types is the canonical text of its values.
        parts: columns that stand in the names of folders (:mod:`.hive`), and their types.

    Raises:
        SynthError: names that are missing, double, or not the same in all files; types that DuckDB lacks.
        BuildError: a file that is no Parquet; a column whose values no type of all files holds.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names: list[str] = []
    stored = set()
    for file in files:
        try:
            schema = pq.read_schema(file)
        except (pa.ArrowInvalid, OSError) as error:
            raise read_error(error, spec, file) from None
        _check_types(schema, file, spec)
        check_names(schema.names, spec)  # DuckDB renames what differs only in case
        names = names or schema.names
        check_same_columns(files[0], names, file, schema.names, location(spec, "path"))
        stored.add(tuple(schema.field(n).type for n in names))
    apart = {n: t for n, t in (parts or {}).items() if n.lower() not in {own.lower() for own in names}}
    hive = {"hive_partitioning": "true", "hive_types_autocast": "false"} if apart else {}
    given = {**hive, **arguments(spec, "parquet")}
    every = parquet_scan(*files, union_by_name="true", **given)
    folders = "".join(f", CAST({quote(n)} AS {t}) AS {quote(n)}" for n, t in apart.items())
    together = f"SELECT {', '.join(map(quote, names))}{folders} FROM {every}"
    if len(stored) == 1:
        return together
    readers = [parquet_scan(f, **given) for f in files]
    types = [_described(connection, f"FROM {r}") for r in readers]
    mixed = [n for n in names if len({t[n] for t in types}) > 1]
    texts = [n for n in mixed if lenient or _fixed(spec, n)]
    union = _described(connection, together)
    rest = [n for n in mixed if n not in texts and provisional_type(union[n]) == "float"]
    _check_exact(connection, spec, files, readers, types, {n: union[n] for n in rest})
    if not texts:
        return together
    selects = []
    for reader, own in zip(readers, types, strict=True):
        columns = [
            f"{canonical(n, own[n])} AS {quote(n)}" if n in texts else f"CAST({quote(n)} AS {union[n]}) AS {quote(n)}"
            for n in names
        ]
        selects.append(f"SELECT {', '.join(columns)}{folders} FROM {reader}")
    return " UNION ALL ".join(selects)


def _described(connection: duckdb.DuckDBPyConnection, query: str) -> Types:
    return {str(r[0]): str(r[1]) for r in connection.execute(f"DESCRIBE {query}").fetchall()}


def _fixed(spec: SourceTableSpec, name: str) -> bool:
    """Whether a column's declaration says what its values are cast to."""
    said = next((c for c in spec.columns if c.name == name), None)
    return said is not None and written_sql_type(said) is not None


def _check_exact(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    files: Sequence[Path],
    readers: Sequence[str],
    types: Sequence[Types],
    union: Types,
) -> None:
    """Raises BuildError for a value that is another one in the type of floats that all files are read as."""
    for file, reader, own in zip(files, readers, types, strict=True):
        for name, wanted in union.items():
            if own[name] == wanted or provisional_type(own[name]) not in ("integer", "decimal"):
                continue
            column = quote(name)
            other = f"{column} IS DISTINCT FROM TRY_CAST(CAST({column} AS {wanted}) AS {own[name]})"
            row = connection.execute(f"SELECT first({column}) FILTER ({other}) FROM {reader}").fetchone()
            if row is not None and row[0] is not None:
                what = f"column {name!r} is {own[name]} in {file.name}, and {row[0]} is no {wanted}, as others have it"
                hint = "declare its type (integer, or decimal): then each file is read in its own; or write all in one"
                raise BuildError(what, column_location(spec, name), hint)


def _check_types(schema: pa.Schema, file: Path, spec: SourceTableSpec) -> None:
    """Raises SynthError for a column that DuckDB would read as another type, in which its values are others."""
    import pyarrow.types as t

    for column in schema:
        if t.is_decimal256(column.type):
            what, way = "more digits than DuckDB's decimals have (38)", "as decimal128, or as text"
        elif t.is_duration(column.type):
            what, way = "no type of DuckDB", f"as whole numbers of its unit ({column.type.unit}), named so"
        else:
            continue
        where = column_location(spec, column.name)
        message = f"column {column.name!r} of {file.name} is {column.type}: {what}"
        raise SynthError(message, where, f"write the file with it {way}")
