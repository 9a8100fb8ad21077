"""Read a source once, in its declared types, into training and holdout rows at rest in Parquet.

Text becomes its declared type by a strict cast (:func:`synthkit.sources.types.cast`); NaN becomes NULL, and how many is
noted; infinities, values that do not fit and undeclared nulls are errors. How rows are divided: :mod:`.split`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.schema import Schema, Table
from synthkit.sources.describe import typed
from synthkit.sources.files import file_literal
from synthkit.sources.infer import infer, profile
from synthkit.sources.place import column_place, place
from synthkit.sources.readerror import read_error, write_error
from synthkit.sources.relation import connected, opened
from synthkit.sources.split import Split, load_split, parse_share, private_folder, record_split, write_sides
from synthkit.sources.types import DEFAULT_DECIMALS, cast, provisional_type, quote, text
from synthkit.spec.decides import deciding
from synthkit.spec.types import ColumnSpec, ConnectionSpec, SourceTableSpec

if TYPE_CHECKING:
    import duckdb

__all__ = ["Split", "ingest", "load_split", "parse_share", "split_table"]

VERSION = 3  # of the rows that the same source gives: enters the key
_SHOWN = 3  # offending values in an error


def ingest(
    spec: SourceTableSpec,
    *,
    root: Path,
    connections: Mapping[str, ConnectionSpec],
    holdout: float,
    directory: Path,
    source_hash: str,
    progress: Callable[..., None] | None = None,
) -> Split:
    """Read the source into a folder below ``directory``, or find it there from before.

    Memory is bounded: DuckDB streams the rows, and spills beside them.

    Raises:
        BuildError: rows that cannot be read, values that do not fit their declared type, no rows.
        SynthError: the source cannot be found or reached.
    """
    folder = directory / split_key(spec, holdout, source_hash)
    if (folder / "split.json").exists():
        return load_split(folder)
    if progress is not None:
        progress(0, 1, "sources", spec.name)
    with private_folder(folder) as making:
        scratch = making / "scratch"
        with opened(spec, root=root, connections=connections, scratch=scratch, making=making) as connection:
            found = {str(r[0]): str(r[1]) for r in connection.execute("DESCRIBE raw").fetchall()}
            schema = typed(spec, found)
            every = scratch / "every.parquet"
            notes = _read(connection, spec, schema, found, every)
            rows = write_sides(connection, schema, [every], holdout, making, place(spec, "name"))
            profiles = profile(connection, schema, making / "train.parquet")
            record_split(making, infer(schema, spec, profiles).undescribed(), holdout, rows, profiles, notes)
        shutil.rmtree(scratch, ignore_errors=True)
    if progress is not None:
        progress(1, 1, "sources", spec.name)
    return load_split(folder)


def split_key(spec: SourceTableSpec, holdout: float, source_hash: str) -> str:
    """The name of the folder that holds a source's rows, split so: 32 hexadecimal digits."""
    decides = deciding(spec, "rows", "split") | {"holdout": holdout}
    canonical = json.dumps([VERSION, source_hash, decides], sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def split_table(table: Table, *, holdout: float, directory: Path, unit: str | None = None) -> Split:
    """Split a synthetic table that a model learns from, by the same rule, into ``directory``.

    Args:
        unit: the column whose values stay together; default: the schema's privacy unit, else the whole row.
    """
    if (directory / "split.json").exists():
        return load_split(directory)
    with private_folder(directory) as making:
        with connected(making / "scratch") as connection:
            rows = write_sides(connection, table.schema, table.paths, holdout, making, None, unit)
            profiles = profile(connection, table.schema, making / "train.parquet")
            record_split(making, table.schema, holdout, rows, profiles, ())
        shutil.rmtree(making / "scratch", ignore_errors=True)
    return load_split(directory)


def _read(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    schema: Schema,
    found: Mapping[str, str],
    every: Path,
) -> tuple[str, ...]:
    """One pass over the source: each column in its type, beside it what is wrong. Returns notes for people."""
    import duckdb

    mark = "__"
    while any(c.name.lower().startswith(mark) for c in schema.columns):
        mark += "_"
    columns, faults = [], {}
    for i, c in enumerate(schema.columns):
        value, wrong = _checked(c.name, found[c.name], c.sql_type)
        columns.append(f"{value} AS {quote(c.name)}")
        columns += [f"{condition} AS {mark}{what}{i}" for what, condition in wrong.items()]
        faults[c.name] = {what: f"{mark}{what}{i}" for what in wrong}
    every.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection.execute(f"COPY (SELECT {', '.join(columns)} FROM raw) TO {text(str(every))} (FORMAT parquet)")
        return _check(connection, spec, schema, every, faults)
    except duckdb.Error as error:
        full = write_error(error, spec.name)
        if full is not None:
            raise full from None
        if spec.path is not None:
            raise read_error(error, spec) from None
        reason = str(error).split("\n")[0]
        raise BuildError(f"cannot read {spec.name!r}: {reason}", place(spec, "name")) from None


def _checked(column: str, found: str, wanted: str) -> tuple[str, dict[str, str]]:
    """SQL of a column's value, and of what may be wrong with it: misfit, nan, infinite."""
    name, value = quote(column), cast(column, found, wanted)
    wrong = {}
    if found != wanted:
        blank = f"trim(CAST({name} AS VARCHAR)) = ''"
        wrong["misfit"] = f"({name} IS NOT NULL AND NOT ({blank}) AND ({value}) IS NULL)"
    kind = provisional_type(wanted)
    if kind == "float":
        wrong["nan"] = f"coalesce(isnan({value}), false)"
        wrong["infinite"] = f"coalesce(isinf({value}), false)"
        value = f"CASE WHEN isnan({value}) THEN NULL ELSE {value} END"
    elif kind in ("date", "datetime"):
        wrong["infinite"] = f"coalesce(NOT isfinite({value}), false)"
    return value, wrong


def _check(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    schema: Schema,
    every: Path,
    faults: Mapping[str, Mapping[str, str]],
) -> tuple[str, ...]:
    """Raise for values that do not fit, infinities, nulls where there may be none, and a table without rows.

    ``faults`` gives, by column, the boolean columns that mark what is wrong with its values.
    """
    scan = f"read_parquet({file_literal(every)}, file_row_number = true)"
    counts = ["count(*)"]
    for column in schema.columns:
        marks = faults[column.name]
        counts += [f"count(*) FILTER ({marks.get(what, 'false')})" for what in ("misfit", "infinite", "nan")]
        counts.append(f"count(*) - count({quote(column.name)})")
    row = connection.execute(f"SELECT {', '.join(counts)} FROM {scan}").fetchone()
    assert row is not None
    rows = int(row[0])
    if rows == 0:
        hint = "a generator learns from rows: check the file, or the query"
        raise BuildError(f"source table {spec.name!r} has no rows", place(spec, "name"), hint)
    notes, declared = [], {c.name: c for c in spec.columns}
    for i, column in enumerate(schema.columns):
        misfits, infinite, nans, nulls = (int(n) for n in row[1 + 4 * i : 5 + 4 * i])
        where = column_place(spec, column.name)
        if misfits:
            bad = f"SELECT file_row_number FROM {scan} WHERE {faults[column.name]['misfit']}"
            what = f"column {column.name!r}: {misfits:,} of {rows:,} values are not {_wanted(declared[column.name])}"
            raise BuildError(f"{what} ({_offending(connection, column.name, bad)})", where, _misfit_hint(spec))
        if infinite:
            what = f"column {column.name!r} holds {infinite:,} infinite value{'s' if infinite > 1 else ''}"
            raise BuildError(what, where, "replace them in the source: no generator can learn infinity")
        if nulls and not column.nullable:
            empty = f"SELECT min(file_row_number) + 1 FROM {scan} WHERE {quote(column.name)} IS NULL"
            first = connection.execute(empty).fetchone()
            assert first is not None
            what = f"column {column.name!r} is declared not nullable: {nulls:,} nulls in {rows:,} rows"
            raise BuildError(f"{what} (first: row {first[0]:,})", where, "drop nullable: false, or mend the source")
        if nans:
            notes.append(f"column {column.name!r}: {nans:,} NaN became missing values")
    return tuple(notes)


def _wanted(declared: ColumnSpec) -> str:
    if declared.type != "decimal":
        return str(declared.type)
    decimals = DEFAULT_DECIMALS if declared.decimals is None else declared.decimals
    return f"decimal of {decimals} decimals"


def _misfit_hint(spec: SourceTableSpec) -> str:
    ways = "mend the source, or declare another type (float and decimals: widen; text takes everything)"
    if spec.path is not None:
        ways += "; options: {nullstr: [...]} says which words stand for missing"
    return ways


def _offending(connection: duckdb.DuckDBPyConnection, column: str, rows: str) -> str:
    """The first values that do not fit as they are in the source, and where: rows count from 1, without the header."""
    numbers = [int(r[0]) for r in connection.execute(f"{rows} ORDER BY 1 LIMIT {_SHOWN}").fetchall()]
    shown = []
    for number in numbers:
        row = connection.execute(f"SELECT CAST({quote(column)} AS VARCHAR) FROM raw LIMIT 1 OFFSET {number}").fetchone()
        assert row is not None
        shown.append(f"{row[0]!r} in row {number + 1:,}")
    return ", ".join(shown)
