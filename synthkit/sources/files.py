"""Files as sources: one, a glob, or a table that is a folder; CSV, Parquet and JSON lines are read by DuckDB."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, Location, SynthError, nearest
from synthkit.project.addresses import scheme_of
from synthkit.project.containment import HINT, hidden_way_out
from synthkit.project.types import SourceTableSpec
from synthkit.sources.deltatable import LOG
from synthkit.sources.encodings import utf8_files
from synthkit.sources.filekinds import KINDS, at_rest
from synthkit.sources.found import Scan
from synthkit.sources.hive import Parts, partition_types, partitions
from synthkit.sources.icebergtable import ENDS, newest_metadata
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
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".avro": "avro",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}
TYPED = ("parquet", *KINDS)  # formats whose columns have types, whatever the rows
_PACKED = ("csv", "jsonl")  # formats of which there are .gz and .zst
_PARQUET = (".parquet", ".pq")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Located:
    """What ``path`` names: files, in their order.

    Args:
        base: the folder below which folders may stand for columns (:mod:`.hive`).
        table: of a table that is a folder (or is named by a file of its metadata): that; ``kind`` is its format.
    """

    files: list[Path]
    base: Path
    table: Path | None = None
    kind: str | None = None


def find_files(spec: SourceTableSpec, root: Path) -> list[Path]:
    """The files that ``path`` names, sorted. Raises SynthError, naming the nearest file, where there is none."""
    return located(spec, root).files


def located(spec: SourceTableSpec, root: Path) -> Located:
    """The files that ``path`` names, sorted, and what they are of. Raises SynthError as :func:`find_files` does."""
    assert spec.path is not None
    where = location(spec, "path")
    if scheme_of(spec.path) is not None:
        found = remote_files(spec.path, root, where)
        return _folder(spec, found.base) if found.table else Located(found.files, found.base)
    base = root / spec.path  # an absolute path stands for itself
    if base.is_file():  # before globbing: a file may be called data[1].csv
        file = inside_as_written(base, root, where)
        return _iceberg(spec, file) if base.name.endswith(ENDS) else Located([file], base.parent)
    if base.is_dir():
        return _folder(spec, inside_as_written(base, root, where))
    if _GLOB.search(spec.path):
        start = Path(base.anchor) if Path(spec.path).is_absolute() else root
        pattern = str(base.relative_to(start)) if Path(spec.path).is_absolute() else spec.path
        matched = sorted(p for p in start.glob(pattern) if p.is_file())
        if not matched:
            raise SynthError(f"no file matches {spec.path!r}", where, "check the pattern; paths count from the root")
        fixed = list(takewhile(lambda part: not _GLOB.search(part), Path(pattern).parts))
        return Located([inside_as_written(file, root, where) for file in matched], start.joinpath(*fixed))
    folder = base.parent
    if not folder.is_dir():
        raise SynthError(f"there is no folder {folder}", where, "paths count from the project's root")
    close = nearest(base.name, [p.name for p in folder.iterdir() if p.is_file()])
    hint = f"did you mean {(Path(spec.path).parent / close).as_posix()!r}?" if close else "check the path"
    raise SynthError(f"there is no file {spec.path!r}", where, hint)


def _folder(spec: SourceTableSpec, folder: Path) -> Located:
    """A table that is a folder: of Delta, of Iceberg, or of Parquet files in folders. Raises SynthError."""
    if (folder / LOG).is_dir():
        KINDS["delta"].check(spec)
        check_options(spec, "delta")
        from synthkit.sources.deltatable import files_of

        return Located(files_of(spec, folder), folder, folder, "delta")
    if newest_metadata(folder) is not None:
        return _iceberg(spec, folder)
    files = sorted(p for p in folder.rglob("*") if p.suffix in _PARQUET and p.is_file() and not _aside(p, folder))
    if not files or all(file.parent == folder for file in files):
        suffix = "parquet" if files else "csv"
        hint = f"write {str(spec.path).rstrip('/')}/*.{suffix}"
        raise SynthError(f"{spec.path} is a folder", location(spec, "path"), hint)
    return Located([inside_as_written(file, folder, location(spec, "path")) for file in files], folder)


def is_table(folder: Path) -> bool:
    """Whether a folder is one table, of Delta, of Iceberg, or of Parquet files in folders that stand for columns."""
    if (folder / LOG).is_dir() or newest_metadata(folder) is not None:
        return True
    divided = (p for p in folder.iterdir() if p.is_dir() and "=" in p.name)
    return any(file.suffix in _PARQUET for part in divided for file in part.rglob("*"))


def _aside(file: Path, folder: Path) -> bool:
    """Whether it is none of the rows: what writes such folders leaves others that begin so."""
    return any(part.startswith(("_", ".")) for part in file.relative_to(folder).parts)


def _iceberg(spec: SourceTableSpec, place: Path) -> Located:
    KINDS["iceberg"].check(spec)
    check_options(spec, "iceberg")
    from synthkit.sources.icebergtable import files_of

    return Located(files_of(spec, place), place, place, "iceberg")


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
    plain = name.removesuffix(".gz").removesuffix(".zst")
    kind = _FORMATS.get(Path(plain).suffix.lower())
    return kind if plain == name or kind in _PACKED else None


def file_format(spec: SourceTableSpec, found: Located) -> str:
    """The format of what was found. Raises SynthError where the suffix does not tell, or nothing is packed so."""
    if found.kind is not None:
        return found.kind
    name = found.files[0].name
    kind = spec.format or file_kind(name)
    if kind is None:
        hint = f"write format: {', '.join(_formats())}"
        raise SynthError(f"the format of {name!r} is not clear", location(spec, "path"), hint)
    if kind in ("delta", "iceberg"):
        what = f"{spec.path} is no {kind.capitalize()} table"
        raise SynthError(what, location(spec, "format"), "name the table's folder in path:")
    return kind


def _formats() -> list[str]:
    return list(dict.fromkeys(_FORMATS.values()))


def state_of(spec: SourceTableSpec, root: Path) -> str | None:
    """What is known of the rows beside the files' bytes: what the folders of files stand for, or what a table's log
    says; None where there is nothing."""
    found = located(spec, root)
    if found.kind == "delta":
        from synthkit.sources import deltatable

        assert found.table is not None
        return deltatable.state_of(spec, found.table)
    if found.kind == "iceberg":
        from synthkit.sources import icebergtable

        assert found.table is not None
        return icebergtable.state_of(spec, found.table)
    if file_format(spec, found) != "parquet":
        return None
    parts = partitions(spec, found.files, found.base)
    return json.dumps(parts) if any(parts) else None


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

    found = located(spec, root)
    files, kind = found.files, file_format(spec, found)
    check_options(spec, kind)
    if kind in KINDS:
        every = files if found.table is None else [found.table]
        stored = at_rest(spec, kind, every, scratch, lenient=lenient, look=look)
        return _parquet(connection, spec, stored, lenient)
    if all(f.stat().st_size == 0 for f in files):
        raise BuildError(f"{spec.path} is empty", location(spec, "path"), "give it a header and rows")
    if kind == "excel":
        from synthkit.sources.excelfile import open_excel

        return open_excel(connection, spec, files, scratch, lenient=lenient, look=look)
    if kind == "parquet":
        return _parquet(connection, spec, files, lenient, partitions(spec, files, found.base))
    if lenient:
        from synthkit.sources.lenient import open_csv, open_json

        return (open_csv if kind == "csv" else open_json)(connection, spec, files, scratch, look)
    try:
        if kind == "csv":
            from synthkit.sources.csvfile import csv_query

            query = csv_query(connection, spec, files, scratch)
            connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS {query}")
            return Scan(written=True)
        from synthkit.sources.jsonfile import json_kinds, json_query

        query = json_query(connection, spec, utf8_files(spec, files, scratch))
        connection.execute(f"CREATE OR REPLACE TEMP VIEW found AS {query}")
        kinds, nested = json_kinds(connection)
        texts = ", ".join(f"{quote(n)} ->> '$' AS {quote(n)}" for n in kinds)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT {texts} FROM found")
        return Scan(written=True, loose=True, kinds=kinds, nested=nested)
    except duckdb.Error as error:
        raise read_error(error, spec) from None


def _parquet(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    files: list[Path],
    lenient: bool,
    parts: list[Parts] | None = None,
) -> Scan:
    import duckdb

    from synthkit.sources.parquetfile import parquet_query

    try:
        query = parquet_query(connection, spec, files, lenient, partition_types(spec, parts or [], lenient))
        connection.execute(f"CREATE OR REPLACE TEMP VIEW found AS {query}")
        return Scan()
    except duckdb.Error as error:
        raise read_error(error, spec) from None
