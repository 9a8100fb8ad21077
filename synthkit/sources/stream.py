"""Rows from a server, or a row-wise driver, into DuckDB: text in Arrow, cast to the types that the database has."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from synthkit.errors import BuildError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.location import column_location
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Item = TypeVar("Item")
Line = bytes | bytearray | memoryview
EXACT = 15  # digits that every DOUBLE gives back as they were
_MOMENT = "TIME"  # as the names of all types begin that have fractions of a second
_FINER = r"\.\d{6}\d*[1-9]"
CHUNK = 4 << 20  # bytes of lines that are parsed at once
# What is no value of a type in DuckDB, and a missing one here: a condition on its text, and what to call it.
_MISSING = {
    "DECIMAL": ("{text} = 'NaN'", "NaN"),
    "DATE": ("starts_with({text}, '0000-00-00')", "zero dates"),
    "TIMESTAMP": ("starts_with({text}, '0000-00-00')", "zero dates"),
}


def load_lines(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    names: Sequence[str],
    types: Sequence[str],
    lines: Iterable[Line],
    scratch: Path | None,
    exact: Sequence[str] = (),
) -> list[str]:
    """Make ``found`` a view of rows that a server writes as CSV. Memory holds two chunks: the rest is Parquet in
    ``scratch``.

    Decimals have no NaN, and dates no 0000-00-00: it is a missing value, as everywhere. Returns notes that say how many
    there were.

    Args:
        lines: each some whole lines, with their ends; nothing between two commas is NULL, two quotes are empty text.
        exact: columns of numbers that are DOUBLE as far as that keeps all their digits.

    Raises BuildError for a value that DuckDB cannot hold in its type.
    """
    if scratch is None:
        columns = ", ".join(f"CAST(NULL AS {t}) AS {quote(n)}" for n, t in zip(names, types, strict=True))
        connection.execute(f"CREATE TEMP VIEW found AS SELECT {columns} WHERE false")
        return []
    texts = _text_schema(len(names))
    scan = _kept(_chunks(lines), lambda chunk: _parsed(chunk, texts.names), texts, scratch)
    return typed_view(connection, spec, names, types, scan, exact)


def typed_view(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    names: Sequence[str],
    types: Sequence[str],
    scan: str,
    exact: Sequence[str] = (),
    *,
    typed: Collection[str] = (),
    finer: bool = False,
) -> list[str]:
    """Make ``found`` a view of the columns c0, c1, … of ``scan`` (SQL) in their types; returns notes.

    Args:
        typed: columns that came in a type that holds them all; the others are text.
        finer: whether the texts of points in time may say more than microseconds, which are cut, and counted.

    Raises BuildError for a value that DuckDB cannot hold in its type.
    """
    pairs = enumerate(zip(names, types, strict=True))
    texts = [f"c{i}" if n in typed else _valued(f"c{i}", t) for i, (n, t) in pairs]
    told = [(i, n, t) for i, (n, t) in enumerate(zip(names, types, strict=True)) if n not in typed]
    _check(connection, spec, [(n, t, i, texts[i]) for i, n, t in told], scan)
    _check_digits(connection, spec, names, exact, scan)
    parts = zip(names, types, texts, strict=True)
    columns = ", ".join(f"CAST({text} AS {t}) AS {quote(n)}" for n, t, text in parts)
    connection.execute(f"CREATE TEMP VIEW found AS SELECT {columns} FROM {scan}")
    return _notes(connection, told, scan, finer)


def _parsed(chunk: bytes | bytearray, names: Sequence[str]) -> list[pa.RecordBatch]:
    """Columns of text."""
    import pyarrow as pa
    import pyarrow.csv as pc

    if chunk.startswith(BOM_UTF8):  # a value's own, which would be taken for a file's, and left out
        chunk = BOM_UTF8 + chunk
    table = pc.read_csv(
        pa.BufferReader(chunk),
        pc.ReadOptions(column_names=names, block_size=len(chunk) + 1, use_threads=False),
        pc.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        pc.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return table.to_batches()  # type: ignore[no-any-return]


def _chunks(lines: Iterable[Line]) -> Iterator[bytearray]:
    found = bytearray()  # a list of lines would keep an object of each, which costs three times what copying does
    for line in lines:
        found += line
        if len(found) >= CHUNK:
            yield found
            found = bytearray()
    if found:
        yield found


def _missing(text: str, sql_type: str) -> tuple[str, str] | None:
    """Which texts are a missing value, and what they are called."""
    said = next((said for kind, said in _MISSING.items() if sql_type.startswith(kind)), None)
    return None if said is None else (said[0].format(text=text), said[1])


def _valued(text: str, sql_type: str) -> str:
    missing = _missing(text, sql_type)
    return text if missing is None else f"CASE WHEN {missing[0]} THEN NULL ELSE {text} END"


def _notes(
    connection: duckdb.DuckDBPyConnection, told: Sequence[tuple[int, str, str]], scan: str, finer: bool
) -> list[str]:
    """``told``: position, name and type of each column of text."""
    known = [(n, m[0], f"{m[1]} became missing values") for i, n, t in told if (m := _missing(f"c{i}", t)) is not None]
    if finer:
        cut = "values are finer than microseconds, which is what is kept"
        known += [(n, f"regexp_matches(c{i}, '{_FINER}')", cut) for i, n, t in told if t.startswith(_MOMENT)]
    if not known:
        return []
    row = connection.execute(f"SELECT {', '.join(f'count_if({m})' for _, m, _ in known)} FROM {scan}").fetchone()
    assert row is not None
    return [f"column {name!r}: {n:,} {said}" for (name, _, said), n in zip(known, row, strict=True) if n]


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
    """Make ``raw`` a view of these rows, each value as text, in batches, as they come from a row-wise driver."""
    if scratch is None:
        columns = ", ".join(f"CAST(NULL AS VARCHAR) AS {quote(n)}" for n in names)
        connection.execute(f"CREATE TEMP VIEW raw AS SELECT {columns} WHERE false")
        return
    columns = ", ".join(f"c{i} AS {quote(n)}" for i, n in enumerate(names))
    connection.execute(f"CREATE TEMP VIEW raw AS SELECT {columns} FROM {at_rest(len(names), batches, scratch)}")


def at_rest(width: int, batches: Iterable[Sequence[Sequence[Any]]], scratch: Path) -> str:
    """SQL for a scan of the rows, which lie in ``scratch``; columns c0, c1, …"""
    texts = _text_schema(width)
    return _kept(batches, lambda rows: [_as_text(rows, texts)], texts, scratch)


def _kept(
    items: Iterable[Item], parse: Callable[[Item], list[pa.RecordBatch]], schema: pa.Schema, scratch: Path
) -> str:
    """SQL for a scan of what each item holds. One is parsed and written while the server sends the next."""
    import pyarrow.parquet as pq

    from synthkit.sql.filescan import parquet_scan

    scratch.mkdir(parents=True, exist_ok=True)
    file = scratch / "stream.parquet"
    # It is read twice, and then gone: what makes a file small makes its writing slow.
    fast = {"compression": "lz4", "use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(file, schema, **fast) as writer, ThreadPoolExecutor(1) as beside:

        def write(item: Item) -> None:
            for batch in parse(item):
                writer.write_batch(batch)

        begun: Future[None] | None = None
        for item in items:
            if begun is not None:
                begun.result()
            begun = beside.submit(write, item)
        if begun is not None:
            begun.result()
    return parquet_scan(file)


def _check(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    told: Sequence[tuple[str, str, int, str]],
    scan: str,
) -> None:
    """``told``: name, type, position and SQL of the value of each column of text."""
    typed = [one for one in told if one[1] != "VARCHAR"]
    if not typed:
        return
    parts = ", ".join(
        f"count(*) FILTER ({text} IS NOT NULL AND TRY_CAST({text} AS {t}) IS NULL),"
        f" first(c{i}) FILTER ({text} IS NOT NULL AND TRY_CAST({text} AS {t}) IS NULL)"
        for _, t, i, text in typed
    )
    row = connection.execute(f"SELECT {parts} FROM {scan}").fetchone()
    assert row is not None
    for position, (name, sql_type, _, _) in enumerate(typed):
        bad, value = row[2 * position], row[2 * position + 1]
        if bad:
            what = f"column {name!r}: {bad:,} values are no {sql_type} (first: {value!r})"
            raise BuildError(what, column_location(spec, name), "mend the rows, or cast the column in query:")


def _text_schema(width: int) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(f"c{i}", pa.string()) for i in range(width)])


def _as_text(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [pa.array([_text(row[i]) for row in rows], pa.string()) for i in range(len(schema))]
    return pa.record_batch(columns, schema=schema)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"  # as SQL writes it
    return repr(value) if isinstance(value, float) else str(value)
