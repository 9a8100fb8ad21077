"""Read a source once, in its declared types, into training and holdout rows at rest in Parquet.

The side of a row depends on nothing but that row (or its privacy unit): the MD5 of a fixed salt and the row's text,
held against the share. So one record's side never depends on another record, duplicates fall on the same side, and
the split is the same on every machine.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.schema import Schema, Table
from synthkit.sources.describe import typed
from synthkit.sources.files import read_error
from synthkit.sources.infer import infer
from synthkit.sources.relation import opened
from synthkit.sources.types import cast, quote, text
from synthkit.spec.types import ConnectionSpec, SourceTableSpec

if TYPE_CHECKING:
    import duckdb

VERSION = 1  # of the rows that the same source gives: enters the key
SALT = "synthkit holdout 1"
_BUCKETS = 1_000_000


@dataclass(frozen=True)
class Split:
    """A source's rows at rest. ``rows`` counts both sides; ``holdout`` is None where it is turned off."""

    train: Table
    holdout: Table | None
    rows: int
    directory: Path

    @property
    def schema(self) -> Schema:
        return self.train.schema


def parse_share(value: str | float) -> float:
    """``"20%"``, ``0.2`` or ``0`` as a share in [0, 1). Raises ValueError."""
    given = str(value).strip()
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", given)
    try:
        share = float(match[1]) / 100 if match else float(given)
    except ValueError:
        raise ValueError(f"{value!r} is not a share") from None
    if not 0 <= share < 1:
        raise ValueError(f"{value!r} is not a share between 0 and 1")
    return share


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

    Raises:
        BuildError: rows that cannot be read, values that do not fit their declared type, no rows.
        SynthError: the source cannot be found or reached.
    """
    decides = [VERSION, source_hash, holdout, spec.model_dump(mode="json", exclude={"description", "meta", "tags"})]
    key = hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()[:32]
    folder = directory / key
    if (folder / "split.json").exists():
        return load_split(folder)
    with _private_folder(folder) as making:
        if progress is not None:
            progress(0, 1, "sources", spec.name)
        with opened(spec, root=root, connections=connections, scratch=making / "scratch") as connection:
            found = {str(r[0]): str(r[1]) for r in connection.execute("DESCRIBE raw").fetchall()}
            schema = typed(spec, found)
            _write_all(connection, spec, schema, found, making)
            _write_sides(connection, schema, spec, holdout, making)
        shutil.rmtree(making / "scratch", ignore_errors=True)
        making.finish()
    return load_split(folder)


def split_table(table: Table, *, holdout: float, directory: Path) -> Split:
    """Split a synthetic table that a model learns from, by the same rule, into ``directory``."""
    if (directory / "split.json").exists():
        return load_split(directory)
    import duckdb

    with _private_folder(directory) as making, duckdb.connect(":memory:") as connection:
        listed = ", ".join(text(str(p)) for p in table.paths)
        every = text(str(making / "all.parquet"))
        connection.execute(f"COPY (SELECT * FROM read_parquet([{listed}])) TO {every} (FORMAT parquet)")
        _write_sides(connection, table.schema, None, holdout, making)
        making.finish()
    return load_split(directory)


def load_split(directory: Path) -> Split:
    """A split from its folder. Raises FileNotFoundError where it is not complete."""
    record = json.loads((directory / "split.json").read_text("utf-8"))
    schema = Schema.from_json(record["schema"])
    train = Table(schema, (directory / "train.parquet",), record["train_rows"])
    held_out = None
    if record["holdout"] > 0:
        held_out = Table(schema, (directory / "holdout.parquet",), record["holdout_rows"])
    return Split(train, held_out, record["train_rows"] + record["holdout_rows"], directory)


class _private_folder:  # noqa: N801 - reads as a verb
    """A folder under a temporary name, readable by its owner alone, that gets its name when it is whole."""

    def __init__(self, final: Path) -> None:
        self.final = final
        self.temporary = final.with_name(f".tmp-{final.name}")

    def __enter__(self) -> _private_folder:
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir(parents=True, mode=0o700)
        return self

    def __truediv__(self, name: str) -> Path:
        return self.temporary / name

    def finish(self) -> None:
        shutil.rmtree(self.final, ignore_errors=True)
        self.temporary.replace(self.final)

    def __exit__(self, *_error: object) -> None:
        shutil.rmtree(self.temporary, ignore_errors=True)


def _write_all(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    schema: Schema,
    found: Mapping[str, str],
    making: _private_folder,
) -> None:
    """One pass over the source: every column in its type, beside it whether the cast failed."""
    import duckdb

    columns, checked = [], []
    for i, column in enumerate(schema.columns):
        name, wanted = quote(column.name), column.sql_type
        value = cast(column.name, found[column.name], wanted)
        if found[column.name] != wanted:
            blank = f"trim(CAST({name} AS VARCHAR)) = ''"
            columns.append(f"({name} IS NOT NULL AND NOT ({blank}) AND {value} IS NULL) AS __bad_{i}")
            checked.append(i)
        if wanted in ("DOUBLE", "FLOAT"):
            columns.append(f"coalesce(isinf({value}), false) AS __inf_{i}")
            value = f"CASE WHEN isnan({value}) THEN NULL ELSE {value} END"
        columns.append(f"{value} AS {name}")
    every = making / "every.parquet"
    try:
        connection.execute(f"COPY (SELECT {', '.join(columns)} FROM raw) TO {text(str(every))} (FORMAT parquet)")
    except duckdb.OutOfMemoryException as error:
        raise BuildError(f"reading {spec.name!r}: {error}", spec.origin.at("name")) from None
    except duckdb.Error as error:
        if spec.path is not None:
            raise read_error(error, spec) from None
        raise BuildError(f"cannot read {spec.name!r}: {error}", spec.origin.at("name")) from None
    _check(connection, spec, schema, found, checked, every)
    names = ", ".join(quote(c.name) for c in schema.columns)
    target = text(str(making / "all.parquet"))
    connection.execute(f"COPY (SELECT {names} FROM read_parquet({text(str(every))})) TO {target} (FORMAT parquet)")
    every.unlink()


def _check(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    schema: Schema,
    found: Mapping[str, str],
    checked: Sequence[int],
    every: Path,
) -> None:
    """Values that do not fit, infinities, nulls where there may be none, and a table without rows."""
    scan = f"read_parquet({text(str(every))})"
    rows = _one(connection, f"SELECT count(*) FROM {scan}")
    if rows == 0:
        raise BuildError(f"source table {spec.name!r} has no rows", spec.origin.at("name"), "give it some")
    for i, column in enumerate(schema.columns):
        where = _declared_at(spec, column.name)
        if i in checked and (bad := _one(connection, f"SELECT count(*) FROM {scan} WHERE __bad_{i}")):
            raise BuildError(
                f"column {column.name!r}: {bad:,} of {rows:,} values are not {column.type}"
                f"{_first_bad(connection, column.name, found[column.name], column.sql_type)}",
                where,
                "declare another type, or say which words stand for missing: options: {nullstr: [...]}",
            )
        infinite = column.sql_type in ("DOUBLE", "FLOAT") and _one(
            connection, f"SELECT count(*) FROM {scan} WHERE __inf_{i}"
        )
        if infinite:
            raise BuildError(
                f"column {column.name!r} holds {infinite:,} infinite values",
                where,
                "replace them in the source: no generator can learn infinity",
            )
        if not column.nullable:
            nulls = _one(connection, f"SELECT count(*) FROM {scan} WHERE {quote(column.name)} IS NULL")
            if nulls:
                hint = "drop nullable: false, or mend the source"
                raise BuildError(f"column {column.name!r} is declared not nullable: {nulls:,} nulls", where, hint)


def _first_bad(connection: duckdb.DuckDBPyConnection, column: str, found: str, wanted: str) -> str:
    """The first offending value and its row, looked up in the source."""
    name = quote(column)
    bad = f"{name} IS NOT NULL AND {cast(column, found, wanted)} IS NULL AND trim(CAST({name} AS VARCHAR)) <> ''"
    row = connection.execute(
        f"SELECT n, CAST({name} AS VARCHAR) FROM (SELECT row_number() OVER () AS n, {name} FROM raw)"
        f" WHERE {bad} LIMIT 1"
    ).fetchone()
    return "" if row is None else f" (first: {row[1]!r} in row {row[0]:,})"


def _declared_at(spec: SourceTableSpec, column: str) -> Any:
    for index, declared in enumerate(spec.columns):
        if declared.name == column:
            return declared.origin.at("name") if declared.origin.path else spec.origin.at("columns", index)
    return spec.origin.at("name")


def _write_sides(
    connection: duckdb.DuckDBPyConnection,
    schema: Schema,
    spec: SourceTableSpec | None,
    holdout: float,
    making: _private_folder,
) -> None:
    """Write both sides, infer the logical types from the training side, and record the counts."""
    every = f"read_parquet({text(str(making / 'all.parquet'))})"
    side = _side(schema, holdout)
    counts = {}
    for name, condition in (("train", f"NOT ({side})"), ("holdout", side)):
        target = text(str(making / f"{name}.parquet"))
        connection.execute(f"COPY (SELECT * FROM {every} WHERE {condition}) TO {target} (FORMAT parquet)")
        counts[name] = _one(connection, f"SELECT count(*) FROM read_parquet({target})")
    (making / "all.parquet").unlink()
    if counts["train"] == 0:
        raise BuildError(
            f"there is nothing to learn from: all {counts['holdout']:,} rows fall into the holdout",
            None if spec is None else spec.origin.at("name"),
            "set holdout: 0 for so small a table",
        )
    if spec is not None:
        schema = infer(connection, schema, spec, making / "train.parquet")
    record = {
        "schema": schema.to_json(),
        "holdout": holdout,
        "train_rows": counts["train"],
        "holdout_rows": counts["holdout"],
    }
    (making / "split.json").write_text(json.dumps(record, default=str, ensure_ascii=False), "utf-8")


def _side(schema: Schema, holdout: float) -> str:
    """A SQL condition that is true for the rows of the holdout."""
    if holdout == 0:
        return "false"
    unit = (schema.privacy_unit,) if schema.privacy_unit is not None else schema.names
    parts = ", ".join(f"coalesce('v' || CAST({quote(n)} AS VARCHAR), 'n')" for n in unit)
    digest = f"md5_number_lower(concat_ws(chr(31), {text(SALT)}, {parts}))"
    return f"{digest} % {_BUCKETS} < {round(holdout * _BUCKETS)}"


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
