"""The rows of a table or query of a warehouse: one query, in batches, to Parquet; and a digest of the same rows.

A table has no order of its own, and its content hash does not depend on one; so that the same content gives the same
bytes everywhere, rows come ordered by the primary key and by their digest. They are sorted here, by DuckDB, which
spills to disk: to sort a large result is what a warehouse charges most for, or fails at.

Each row comes with a number that the server makes of it. The sum of all is the digest; so what was read is digested by
the query that read it, and need not be the state of a moment of which a second query sees the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, SynthError
from synthkit.extras import refuse_absent
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.duckdbfile import missing_table, select
from synthkit.sources.found import Scan, binary_column, check_names
from synthkit.sources.location import column_location, location
from synthkit.sources.projection import LONE_RETURN
from synthkit.sources.reader import Asked
from synthkit.sources.stream import typed_view
from synthkit.sources.types import provisional_type
from synthkit.sources.warehouses.address import Address
from synthkit.sources.warehouses.byrow import UnfitError
from synthkit.sources.warehouses.engine import BINARY, UNBOUND, Described, Engine, Field, NoTypeError, Session
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import literal, quote
from synthkit.sql.serveraddress import without

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

DIGEST = "synthkit_digest"  # the name of the column that is no column of the table
_FAST = {"compression": "lz4", "use_dictionary": False, "write_statistics": False}  # read once, and then gone
_WHOLE = {"TINYINT": "int8", "SMALLINT": "int16", "INTEGER": "int32", "BIGINT": "int64"}
_OTHERS = {"BOOLEAN": "bool_", "FLOAT": "float32", "DOUBLE": "float64", "DATE": "date32"}


@dataclass(frozen=True)
class Column:
    """A column of the result, and how it is fetched."""

    described: Described
    field: Field

    @property
    def name(self) -> str:
        return self.described.name


@contextmanager
def connected(engine: Engine, spec: SourceTableSpec, chosen: ConnectionSpec) -> Iterator[tuple[Session, Address]]:
    """An open session. Raises SynthError without showing a secret."""
    where = location(spec, "connection")
    refuse_absent(f"connection {spec.connection!r}", engine.extra, where=where)
    address = address_of(engine, spec, chosen)
    faults = engine.errors()
    with ExitStack() as opened:
        try:
            session = engine.connect(address)
            opened.callback(_closed, session)
            session.begin()
        except faults as error:
            message = f"cannot reach {engine.called} ({spec.connection}): {_reason(error, address)}"
            raise SynthError(message, where, "check the url, the network and the server") from None
        try:
            yield session, address
        except faults as error:
            raise _explained(engine, session, address, spec, error) from None


def _closed(session: Session) -> None:
    with suppress(Exception):
        session.close()


def address_of(engine: Engine, spec: SourceTableSpec, chosen: ConnectionSpec) -> Address:
    """What the url of a connection says. Raises SynthError."""
    where = location(spec, "connection")
    if not chosen.url:
        hint = f"write url: {engine.url} (its secrets from env_var)"
        raise SynthError(f"connection {spec.connection!r} has no url", where, hint)
    try:
        return engine.parsed(chosen.url)
    except ValueError as error:
        hint = f"write {engine.url}, special characters in % notation"
        raise SynthError(f"the url of connection {spec.connection!r} {error}", where, hint) from None


def _explained(
    engine: Engine, session: Session, address: Address, spec: SourceTableSpec, error: Exception
) -> SynthError:
    reason = _reason(error, address)
    if engine.broken(error):
        hint = "check the network and the server, and run it again: nothing of what was read is kept"
        message = f"the connection to {engine.called} ({spec.connection}) broke: {reason}"
        return BuildError(message, location(spec, "connection"), hint)
    if spec.query is None and engine.missing(error):
        names: list[str] = []
        with suppress(*engine.errors()):
            names = engine.tables(session, address)
        return missing_table(spec, names)
    key = "query" if spec.query is not None else "table"
    return SynthError(f"{engine.called}: {reason}", location(spec, key), "mend the query, or the rights of the user")


def _reason(error: Exception, address: Address) -> str:
    said = (getattr(error, name, None) for name in ("text", "msg", "message"))
    text = without(address.secrets, str(next(filter(None, said), error)))  # before it is cut: a part of one is one
    return text.strip().split("\n")[0][:500] or type(error).__name__


def derived(engine: Engine, spec: SourceTableSpec) -> str:
    """What is read, as a table ``t``. Raises SynthError for a query that is not one SELECT."""
    if spec.query is not None:
        _check_one(engine, spec)
    return f"(\n{select(spec, engine.named)}\n) AS t"


def _check_one(engine: Engine, spec: SourceTableSpec) -> None:
    """Not every server has transactions that only read."""
    import sqlglot
    from sqlglot import exp

    where, hint = location(spec, "query"), "keep one SELECT, drop the rest"
    if re.search(LONE_RETURN, spec.query or ""):
        raise SynthError("the query has a carriage return alone, which ends a line for some only", where, "use \\n")
    try:
        trees = [t for t in sqlglot.parse(spec.query or "", dialect=engine.dialect) if t is not None]
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        reason = str(error).split("\n")[0]
        raise SynthError(f"the query does not read as {engine.called}'s SQL: {reason}", where, hint) from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise SynthError("the query: it must be one SELECT statement", where, hint)


def described(engine: Engine, session: Session, spec: SourceTableSpec) -> list[Column]:
    """The columns. Raises SynthError for names that differ in case only, BuildError for a type that no table has."""
    found = session.describe(f"SELECT * FROM {derived(engine, spec)}")
    check_names([one.name for one in found], spec)
    columns = []
    for one in found:
        try:
            columns.append(Column(one, engine.field(one)))
        except NoTypeError:
            where = location(spec, "query" if spec.query is not None else "table")
            hint = "leave it out, or cast it: write query: with the others"
            raise BuildError(f"column {one.name!r} is {one.kind}, which no table holds", where, hint) from None
        if columns[-1].field.sql_type == BINARY:
            raise binary_column(one.name, spec)
    return columns


def open_rows(
    engine: Engine,
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    chosen: ConnectionSpec,
    asked: Asked,
) -> Scan:
    """Make ``found`` hold the rows (none, without scratch), and digest them by the same query. Raises SynthError.

    A number of more than 38 digits is a DOUBLE where that keeps them all, else an error, unless the column is declared:
    then its text is cast, row by row, to what is declared. Where the asking is lenient, whatever is fetched as text
    stays text: no value can then stop the others.
    """
    declared = {c.name for c in spec.columns if c.type is not None}
    with connected(engine, spec, chosen) as (session, _):
        columns = described(engine, session, spec)
        unbound = [c.name for c in columns if c.field.sql_type == UNBOUND]
        types = [_type_of(c, declared, asked.lenient) for c in columns]
        exact = [] if asked.lenient else [n for n in unbound if n not in declared]
        names = [c.name for c in columns]
        nested = frozenset(c.name for c in columns if c.field.nested)
        if asked.scratch is None:
            empty = ", ".join(f"CAST(NULL AS {t}) AS {quote(n)}" for n, t in zip(names, types, strict=True))
            connection.execute(f"CREATE TEMP VIEW found AS SELECT {empty} WHERE false")
            return Scan(nested=nested)
        batches = session.batches(_query(engine, spec, columns), _schema(columns))
        scan, total = _at_rest(connection, spec, columns, batches, asked.scratch)
    if asked.snapshot is not None:
        asked.snapshot.digest = _digest(engine, columns, *total)
    typed = {c.name for c in columns if not c.field.text}
    notes = typed_view(connection, spec, names, types, scan, exact, typed=typed, finer=True)
    return Scan(nested=nested, notes=tuple(notes))


def server_digest(engine: Engine, spec: SourceTableSpec, chosen: ConnectionSpec) -> str:
    """A digest of names, types and rows that does not depend on the rows' order, computed by the server."""
    with connected(engine, spec, chosen) as (session, _):
        columns = described(engine, session, spec)
        total = engine.totalled(_row(engine, columns))
        ((rows, one),) = session.rows(f"SELECT COUNT(*), {total} FROM {derived(engine, spec)}")
    return _digest(engine, columns, int(rows), int(one or 0))


def _digest(engine: Engine, columns: Sequence[Column], rows: int, total: int) -> str:
    return f"{engine.extra}:{[(c.name, c.described.stored) for c in columns]}:{rows}:{total}"


def _type_of(column: Column, declared: set[str], lenient: bool) -> str:
    if column.field.text and lenient:
        return "VARCHAR"
    if column.field.sql_type == UNBOUND:
        return "VARCHAR" if column.name in declared else "DOUBLE"
    return column.field.sql_type


def _query(engine: Engine, spec: SourceTableSpec, columns: Sequence[Column]) -> str:
    fetched = [
        f"{c.field.fetched(f't.{engine.quoted(c.name)}')} AS {engine.quoted(f'c{i}')}" for i, c in enumerate(columns)
    ]
    digest = f"{engine.digested(_row(engine, columns))} AS {engine.quoted(DIGEST)}"
    return f"SELECT {', '.join([*fetched, digest])} FROM {derived(engine, spec)}"


def _row(engine: Engine, columns: Sequence[Column]) -> list[str]:
    return [c.field.fetched(f"t.{engine.quoted(c.name)}") for c in columns]


def _schema(columns: Sequence[Column]) -> pa.Schema:
    """Columns c0, c1, … as they are fetched, and the row's digest as text."""
    import pyarrow as pa

    fields = [(f"c{i}", _arrow(c.field)) for i, c in enumerate(columns)]
    return pa.schema([*fields, ("digest", pa.string())])


def _arrow(field: Field) -> pa.DataType:
    import pyarrow as pa

    kind = field.sql_type
    if field.text or kind == "VARCHAR":
        return pa.string()
    if kind == "HUGEINT":
        return pa.decimal128(38, 0)
    if provisional_type(kind) == "decimal":
        precision, scale = kind.removeprefix("DECIMAL(").rstrip(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return getattr(pa, {**_WHOLE, **_OTHERS}[kind])()


def _at_rest(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    columns: Sequence[Column],
    batches: Iterator[pa.RecordBatch | pa.Table],
    scratch: Path,
) -> tuple[str, tuple[int, int]]:
    """SQL for a scan of the rows, in their order; how many there are, and the sum of their digests."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    scratch.mkdir(parents=True, exist_ok=True)
    came, sorted_ = scratch / "came.parquet", scratch / "sorted.parquet"
    schema = _schema(columns)
    with pq.ParquetWriter(came, schema, **_FAST) as writer:
        try:
            for batch in batches:
                found = [_cast(batch.column(i), column, spec) for i, column in enumerate(columns)]
                writer.write_table(pa.table([*found, batch.column(len(columns)).cast(pa.string())], schema))
        except UnfitError as error:
            raise _unfit(columns[error.at], spec, "what") from None
    scan = parquet_scan(came)
    row = connection.execute(f"SELECT count(*), coalesce(sum(CAST(digest AS HUGEINT)), 0) FROM {scan}").fetchone()
    assert row is not None
    names = [c.name for c in columns]
    keys = [f"c{names.index(k)}" for k in spec.primary_key if k in names]
    order = ", ".join([*keys, "CAST(digest AS HUGEINT)"])
    kept, file = "FORMAT parquet, COMPRESSION lz4", literal(str(sorted_))  # what is written to is no glob
    connection.execute(f"COPY (SELECT * EXCLUDE (digest) FROM {scan} ORDER BY {order}) TO {file} ({kept})")
    came.unlink()
    return parquet_scan(sorted_), (int(row[0]), int(row[1]))


def _cast(found: pa.Array | pa.ChunkedArray, column: Column, spec: SourceTableSpec) -> pa.Array | pa.ChunkedArray:
    """A column in the type that the server said. Raises BuildError."""
    import pyarrow as pa

    try:
        return found.cast(_arrow(column.field))
    except pa.ArrowException:
        raise _unfit(column, spec, f"{found.type} that") from None


def _unfit(column: Column, spec: SourceTableSpec, sent: str) -> BuildError:
    """It shows no value, which may be under a budget."""
    what = f"column {column.name!r}: the server says {column.described.stored}, and sends {sent} does not fit it"
    return BuildError(what, column_location(spec, column.name), "cast the column in query:")
