"""A kind of connection that somebody else wrote: a folder of Arrow files, a table each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import SynthError
from synthkit.project.types import ConnectionSpec, SourceTableSpec
from synthkit.sources.duckdbfile import file_identity
from synthkit.sources.found import Scan
from synthkit.sources.location import location
from synthkit.sources.reader import Asked, Entry, Lookup, Reader

if TYPE_CHECKING:
    import duckdb


def _file(spec: SourceTableSpec, chosen: ConnectionSpec, root: Path) -> Path:
    path = root / (chosen.path or "") / f"{spec.table or spec.name}.arrow"
    if not path.is_file():
        raise SynthError(f"there is no {path.name}", location(spec, "connection"))
    return path


def _open(connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, chosen: ConnectionSpec, asked: Asked) -> Scan:
    import pyarrow as pa

    with pa.ipc.open_file(_file(spec, chosen, asked.root)) as file:
        table = file.read_all()
    connection.register("arrow_rows", table if asked.scratch is not None else table.slice(0, 0))
    connection.execute("CREATE TEMP VIEW found AS SELECT * FROM arrow_rows")
    return Scan()


@contextmanager
def _catalogue(spec: SourceTableSpec, chosen: ConnectionSpec, root: Path) -> Iterator[Lookup]:
    import pyarrow as pa

    with pa.ipc.open_file(_file(spec, chosen, root)) as file:
        names = tuple(file.schema.names)
    yield lambda name: Entry("main", name[1], names)


READER = Reader(
    dialect="duckdb",
    default_schema="main",
    folds=False,
    open=_open,
    catalogue=_catalogue,
    database=file_identity,
    files=lambda spec, chosen, root: [_file(spec, chosen, root)],
)
