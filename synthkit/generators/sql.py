"""SQL models: a SELECT over other tables, run by DuckDB in a box without files, network or writes."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from pydantic import model_validator

from synthkit.errors import BuildError
from synthkit.generators.base import Params, Query
from synthkit.sql.atrest import at_rest
from synthkit.sql.filescan import parquet_scan
from synthkit.sql.quoting import literal
from synthkit.sql.statements import NO_EXTENSIONS, one_select, shut
from synthkit.sql.types import NoPlaceError, misfit_in, publishable

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY = "4GB"


class SqlParams(Params):
    """Exactly one of the two.

    Args:
        query: a SELECT with ``{{ ref('model') }}`` and ``{{ source('group', 'table') }}``.
        file: that holds it, a path from the project's root.
    """

    query: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.query is None) == (self.file is None):
            raise ValueError("give exactly one of query and file")
        return self


SQL = Query(
    name="sql",
    version=2,
    params=SqlParams,
    summary="a Jinja SELECT over refs and sources, run by DuckDB",
    packages=("duckdb",),
)


class Queried(NamedTuple):
    """What a query gave: its columns, name → SQL type as the file holds them, and notes for people."""

    rows: int
    types: dict[str, str]
    notes: tuple[str, ...]


def run_query(
    sql: str, relations: Mapping[str, tuple[Path, ...]], destination: Path, *, seed: int, threads: int = 1
) -> Queried:
    """Run one SELECT and write its rows as Parquet, in types and values that every way out has (docs/types.md).

    Args:
        relations: quoted name (``"crm"."customers"``) → Parquet files. Nothing else can be read.
        seed: of ``random()``. One thread keeps the order of rows and the sums of floats.

    Raises:
        BuildError: the SQL does not work, is not one SELECT, reaches for files or the network, or gives two columns
            of one name, or a type or value that no published table holds.
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
        connection.execute(f"SET temp_directory = {literal(str(spill))}")
        connection.execute("SET TimeZone = 'UTC'")
        # After this, DuckDB refuses read_csv, COPY, ATTACH, INSTALL and the like, but for the files named here.
        shut(connection, [p for paths in relations.values() for p in paths])
        try:
            select = one_select(connection, sql)
        except ValueError:
            hint = "keep one SELECT, drop the rest"
            raise BuildError("an SQL model must be one SELECT statement", hint=hint) from None
        connection.execute(f"SELECT setseed({(seed % 2**31) / 2**31})").fetchall()
        query = publishable(connection.sql(select))
        types = {name: str(t) for name, t in zip(query.columns, query.types, strict=True)}
        return _write(query.to_arrow_reader(65_536), types, destination)
    except NoPlaceError as error:
        raise BuildError(str(error), hint=error.hint) from None
    except duckdb.Error as error:
        misfit = misfit_in(str(error))
        if misfit is not None:
            raise BuildError(misfit) from None
        raise BuildError(f"the query does not work: {str(error).strip()}", hint="see target/compiled/") from None
    finally:
        connection.close()
        shutil.rmtree(spill, ignore_errors=True)


def _add(connection: object, name: str, paths: tuple[Path, ...]) -> None:
    execute = connection.execute  # type: ignore[attr-defined]
    head, dot, _ = name.rpartition('"."')
    if dot:
        execute(f'CREATE SCHEMA IF NOT EXISTS {head}"')
    execute(f"CREATE VIEW {name} AS SELECT * FROM {parquet_scan(*paths)}")


def _write(reader: pa.RecordBatchReader, types: dict[str, str], destination: Path) -> Queried:
    import pyarrow.parquet as pq

    rows, nans = 0, Counter[str]()
    with pq.ParquetWriter(destination, reader.schema) as writer:
        for batch in at_rest(reader, nans):
            writer.write_batch(batch)
            rows += batch.num_rows
    notes = (f"column {name!r}: {many:,} NaN became missing values" for name, many in nans.items())
    return Queried(rows, types, tuple(notes))
