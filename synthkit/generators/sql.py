"""SQL models: a SELECT over other tables, run by DuckDB in a box without files, network or writes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from synthkit.errors import BuildError
from synthkit.generators.base import Generator, Params
from synthkit.statements import NO_EXTENSIONS, one_select, shut

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY = "4GB"


class SqlParams(Params):
    """Exactly one of ``query`` and ``file`` (a path from the project's root)."""

    query: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.query is None) == (self.file is None):
            raise ValueError("give exactly one of query and file")
        return self


SQL = Generator(
    name="sql",
    version=1,
    params=SqlParams,
    kind="query",
    supports_conditions=False,
    summary="a Jinja SELECT over refs and sources, run by DuckDB",
    packages=("duckdb",),
)


def run_query(
    sql: str, relations: Mapping[str, tuple[Path, ...]], destination: Path, *, seed: int, threads: int = 1
) -> int:
    """Run one SELECT and write its rows as Parquet; returns how many.

    Args:
        relations: quoted name (``"crm"."customers"``) → Parquet files. Nothing else can be read.
        seed: of ``random()``. One thread keeps the order of rows and the sums of floats.

    Raises:
        BuildError: the SQL does not work, is not one SELECT, reaches for files or the network, or gives two columns
            of one name or a column of a type that Parquet lacks.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": MEMORY,
        "preserve_insertion_order": True,
        **NO_EXTENSIONS,
    }
    spill = destination.with_name(f".spill-{destination.name}")
    connection = duckdb.connect(":memory:", config=config)
    try:
        for name, paths in relations.items():
            _add(connection, name, paths)
        # A large sort may spill, beside the result; and no result depends on where the machine stands.
        connection.execute(f"SET temp_directory = {_text(str(spill))}")
        connection.execute("SET TimeZone = 'UTC'")
        # After this, DuckDB refuses read_csv, COPY, ATTACH, INSTALL and the like, but for the files named here.
        shut(connection, [p for paths in relations.values() for p in paths])
        try:
            select = one_select(connection, sql)
        except ValueError:
            hint = "keep one SELECT, drop the rest"
            raise BuildError("an SQL model must be one SELECT statement", hint=hint) from None
        connection.execute(f"SELECT setseed({(seed % 2**31) / 2**31})").fetchall()
        reader = connection.sql(select).to_arrow_reader(65_536)
        return _write(reader, destination)
    except duckdb.Error as error:
        raise BuildError(f"the query does not work: {str(error).strip()}", hint="see target/compiled/") from None
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


def _add(connection: object, name: str, paths: tuple[Path, ...]) -> None:
    execute = connection.execute  # type: ignore[attr-defined]
    head, dot, _ = name.rpartition('"."')
    if dot:
        execute(f'CREATE SCHEMA IF NOT EXISTS {head}"')
    listed = ", ".join(_text(str(p)) for p in paths)
    execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}])")


def _write(reader: object, destination: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    assert isinstance(reader, pa.RecordBatchReader)
    _check(reader.schema)
    rows = 0
    with pq.ParquetWriter(destination, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _check(schema: pa.Schema) -> None:
    """Column names differ, in more than case, and every type has its place in Parquet."""
    import pyarrow.types as t

    seen: dict[str, str] = {}
    for field in schema:
        other = seen.get(field.name.lower())
        seen[field.name.lower()] = field.name
        if other is not None:
            both = repr(other) if other == field.name else f"{other!r} and {field.name!r}"
            raise BuildError(f"the query gives two columns named {both}", hint="give each a name of its own: … AS name")
        if t.is_interval(field.type) or t.is_union(field.type):
            raise BuildError(
                f"the query's column {field.name!r} is {field.type}, which Parquet cannot hold",
                hint="cast it: ::VARCHAR",
            )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
