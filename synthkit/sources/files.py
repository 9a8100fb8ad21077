"""Files as sources: CSV, Parquet and JSON lines, one file or a glob, read by DuckDB."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, Location, SynthError, nearest
from synthkit.project.addresses import scheme_of
from synthkit.project.containment import HINT, hidden_way_out
from synthkit.project.types import SourceTableSpec
from synthkit.sources.encodings import utf8_files
from synthkit.sources.found import Scan
from synthkit.sources.location import location
from synthkit.sources.options import check_options
from synthkit.sources.readerror import read_error
from synthkit.sources.remote import remote_files
from synthkit.sql.quoting import quote

if TYPE_CHECKING:
    import duckdb

_FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
_GLOB = re.compile(r"[*?\[]")


def find_files(spec: SourceTableSpec, root: Path) -> list[Path]:
    """The files that ``path`` names, sorted. Raises SynthError, naming the nearest file, where there is none."""
    assert spec.path is not None
    where = location(spec, "path")
    if scheme_of(spec.path) is not None:
        return remote_files(spec.path, root, where)
    base = root / spec.path  # an absolute path stands for itself
    if base.is_file():  # before globbing: a file may be called data[1].csv
        return [inside_as_written(base, root, where)]
    if base.is_dir():
        raise SynthError(f"{spec.path} is a folder", where, f"write {spec.path.rstrip('/')}/*.csv")
    if _GLOB.search(spec.path):
        start = Path(base.anchor) if Path(spec.path).is_absolute() else root
        pattern = str(base.relative_to(start)) if Path(spec.path).is_absolute() else spec.path
        found = sorted(p for p in start.glob(pattern) if p.is_file())
        if not found:
            raise SynthError(f"no file matches {spec.path!r}", where, "check the pattern; paths count from the root")
        return [inside_as_written(file, root, where) for file in found]
    folder = base.parent
    if not folder.is_dir():
        raise SynthError(f"there is no folder {folder}", where, "paths count from the project's root")
    close = nearest(base.name, [p.name for p in folder.iterdir() if p.is_file()])
    hint = f"did you mean {(Path(spec.path).parent / close).as_posix()!r}?" if close else "check the path"
    raise SynthError(f"there is no file {spec.path!r}", where, hint)


def inside_as_written(path: Path, root: Path, where: Location | None) -> Path:
    """The path. Raises SynthError where it reads as one inside the project and a link takes it out."""
    way = hidden_way_out(path, root)
    if way is not None:
        raise SynthError(f"{path} is, or lies behind, a link to {way}", where, f"name that path itself; or {HINT}")
    return path


def may_bring_columns(spec: SourceTableSpec) -> bool:
    """Whether each row names its own columns, as in JSON lines."""
    if spec.path is None or spec.format is not None:
        return spec.format == "jsonl"
    return file_kind(spec.path) == "jsonl"


def file_kind(name: str) -> str | None:
    """What a file's name says of its format; None where it says nothing."""
    return _FORMATS.get(Path(name.removesuffix(".gz").removesuffix(".zst")).suffix.lower())


def file_format(spec: SourceTableSpec, files: list[Path]) -> str:
    """csv, parquet or jsonl. Raises SynthError where the suffix does not tell."""
    if spec.format is not None:
        return spec.format
    kind = file_kind(files[0].name)
    if kind is None:
        hint = "write format: csv, parquet or jsonl"
        raise SynthError(f"the format of {files[0].name!r} is not clear", location(spec, "path"), hint)
    return kind


def open_scan(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    root: Path,
    scratch: Path,
    lenient: bool = False,
    look: bool = False,
) -> Scan:
    """Make the view ``raw`` over files of text, ``found`` over Parquet. Raises SynthError or BuildError.

    Args:
        lenient: no row stops the others or decides how they are read.
        look: only names and types are wanted.
    """
    import duckdb

    files = find_files(spec, root)
    kind = file_format(spec, files)
    check_options(spec, kind)
    if all(f.stat().st_size == 0 for f in files):
        raise BuildError(f"{spec.path} is empty", location(spec, "path"), "give it a header and rows")
    if lenient and kind != "parquet":
        from synthkit.sources.lenient import open_csv, open_json

        return (open_csv if kind == "csv" else open_json)(connection, spec, files, scratch, look)
    try:
        if kind == "csv":
            from synthkit.sources.csvfile import csv_query

            query = csv_query(connection, spec, files, scratch)
            connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS {query}")
            return Scan(written=True)
        if kind == "parquet":
            from synthkit.sources.parquetfile import parquet_query

            query = parquet_query(connection, spec, files, lenient)
            connection.execute(f"CREATE OR REPLACE TEMP VIEW found AS {query}")
            return Scan()
        from synthkit.sources.jsonfile import json_kinds, json_query

        query = json_query(connection, spec, utf8_files(spec, files, scratch))
        connection.execute(f"CREATE OR REPLACE TEMP VIEW found AS {query}")
        kinds, nested = json_kinds(connection)
        texts = ", ".join(f"{quote(n)} ->> '$' AS {quote(n)}" for n in kinds)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT {texts} FROM found")
        return Scan(written=True, loose=True, kinds=kinds, nested=nested)
    except duckdb.Error as error:
        raise read_error(error, spec) from None
