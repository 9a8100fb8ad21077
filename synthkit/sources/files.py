"""Files as sources: CSV, Parquet and JSON lines, one file or a glob, read by DuckDB."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError, SynthError, did_you_mean, nearest
from synthkit.sources.types import quote, text
from synthkit.spec.types import SourceTableSpec

if TYPE_CHECKING:
    import duckdb

CSV_OPTIONS: Mapping[str, str] = {
    "delimiter": "delim",
    "quote": "quote",
    "escape": "escape",
    "header": "header",
    "encoding": "encoding",
    "nullstr": "nullstr",
    "skip": "skip",
    "comment": "comment",
    "dateformat": "dateformat",
    "timestampformat": "timestampformat",
    "decimal_separator": "decimal_separator",
    "thousands": "thousands",
}
SNIFFED_ROWS = 20_480
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
    where = spec.origin.at("path")
    pattern = Path(spec.path)
    base = pattern if pattern.is_absolute() else root / pattern
    if not _GLOB.search(spec.path):
        if base.is_file():
            return [base]
        folder = base.parent
        if base.is_dir():
            raise SynthError(f"{spec.path} is a folder", where, f"write {spec.path.rstrip('/')}/*.csv")
        if not folder.is_dir():
            raise SynthError(f"there is no folder {folder}", where, "paths count from the project's root")
        names = [p.name for p in folder.iterdir() if p.is_file()]
        close = nearest(base.name, names)
        hint = f"did you mean {(Path(spec.path).parent / close).as_posix()!r}?" if close else "check the path"
        raise SynthError(f"there is no file {spec.path!r}", where, hint)
    anchor = Path(base.anchor)
    found = sorted(p for p in anchor.glob(str(base.relative_to(anchor))) if p.is_file())
    if not found:
        raise SynthError(f"no file matches {spec.path!r}", where, "check the pattern; paths count from the root")
    return found


def file_format(spec: SourceTableSpec, files: list[Path]) -> str:
    """csv, parquet or jsonl. Raises SynthError where the suffix does not tell."""
    if spec.format is not None:
        return spec.format
    name = files[0].name.removesuffix(".gz").removesuffix(".zst")
    kind = _FORMATS.get(Path(name).suffix.lower())
    if kind is None:
        hint = "write format: csv, parquet or jsonl"
        raise SynthError(f"the format of {files[0].name!r} is not clear", spec.origin.at("path"), hint)
    return kind


def check_options(spec: SourceTableSpec) -> None:
    """Reader options exist and fit. Raises SynthError."""
    for key in spec.options:
        if key not in CSV_OPTIONS:
            hint = did_you_mean(key, CSV_OPTIONS, "an option")
            raise SynthError(f"there is no reader option {key!r}", spec.origin.at("options", key, key=True), hint)


def scan_sql(spec: SourceTableSpec, files: list[Path], *extra: str) -> str:
    """A DuckDB table function that reads the files; ``extra`` are further arguments of read_csv."""
    listed = "[" + ", ".join(text(str(f)) for f in files) + "]"
    kind = file_format(spec, files)
    if kind == "parquet":
        return f"read_parquet({listed}, union_by_name = true, hive_partitioning = false)"
    if kind == "jsonl":
        return f"read_json({listed}, format = 'auto', union_by_name = true, sample_size = -1)"
    check_options(spec)
    arguments = [f"{CSV_OPTIONS[k]} = {_option(v)}" for k, v in sorted(spec.options.items())]
    if "delimiter" not in spec.options and (delimiter := delimiter_of(spec, files[0])) is not None:
        arguments.append(f"delim = {text(delimiter)}")
    if "header" not in spec.options:
        arguments.append("header = true")
    arguments.extend(extra)
    if "nullstr" not in spec.options:
        arguments.append("nullstr = ''")
    arguments.append(f"sample_size = {SNIFFED_ROWS}")
    return f"read_csv({listed}, union_by_name = true, strict_mode = true, {', '.join(arguments)})"


def _option(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(text(str(v)) for v in value) + "]"
    return text(str(value))


def read_error(error: Exception, spec: SourceTableSpec) -> BuildError:
    """DuckDB's complaint about a file in plain words, with the line and the way out."""
    message = str(error)
    where = spec.origin.at("path")
    if "not utf-8" in message.lower() or "invalid unicode" in message.lower() or "encod" in message.lower():
        hint = "say which encoding it has: options: {encoding: latin-1}"
        return BuildError(f"{spec.path} is not UTF-8", where, hint)
    line = re.search(r"(?:CSV Error on Line|Line|line)[: ]+(\d+)", message)
    at = f", line {line[1]}" if line else ""
    first = message.split("\n")[0]
    columns = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if columns:
        text_ = f"{spec.path}{at}: {columns[2]} fields where the header has {columns[1]}"
        return BuildError(text_, where, "mend the row, or set options: {delimiter: …, quote: …}")
    return BuildError(f"cannot read {spec.path}{at}: {first}", where, "mend the file, or set options for its reader")


def first_line(spec: SourceTableSpec, file: Path) -> str | None:
    """The first line of a CSV file (after ``skip``), or None where it cannot be read as text."""
    import gzip
    from typing import IO, cast

    if file.suffix == ".zst":
        return None
    encoding = str(spec.options.get("encoding", "utf-8"))
    encoding = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
    try:
        opener = gzip.open if file.suffix == ".gz" else open
        with cast(IO[str], opener(file, "rt", encoding=encoding)) as lines:
            for _ in range(int(spec.options.get("skip", 0))):
                lines.readline()
            return lines.readline()
    except (OSError, UnicodeDecodeError, LookupError):
        return None


def delimiter_of(spec: SourceTableSpec, file: Path) -> str | None:
    """The declared delimiter, else the likeliest of the first line; None leaves it to DuckDB.

    DuckDB's sniffer would rather find another delimiter than report a ragged row.
    """
    if "delimiter" in spec.options:
        return str(spec.options["delimiter"])
    line = first_line(spec, file)
    if line is None:
        return None
    counts = {d: line.count(d) for d in ",;\t|"}
    best = max(counts, key=lambda d: counts[d])
    return best if counts[best] else ","


def csv_header(spec: SourceTableSpec, files: list[Path]) -> list[str] | None:
    """The names in a CSV file's first line as they are written; DuckDB renames duplicates silently."""
    import csv

    if file_format(spec, files) != "csv" or spec.options.get("header") is False:
        return None
    line, delimiter = first_line(spec, files[0]), delimiter_of(spec, files[0])
    if not line or delimiter is None:
        return None
    return next(csv.reader([line], delimiter=delimiter), None)


def check_names(names: list[str], spec: SourceTableSpec) -> None:
    """Column names exist and differ, also in case. Raises SynthError."""
    seen: dict[str, str] = {}
    where = spec.origin.at("path" if spec.path is not None else "name")
    for name in names:
        if name.strip() == "":
            raise SynthError("a column has no name", where, "name every column in the first line")
        if name.lower() in seen:
            other = seen[name.lower()]
            how = "twice" if other == name else f"as {other!r} and {name!r}, which differ only in case"
            raise SynthError(f"column {name!r} is there {how}", where, "rename one of them in the source")
        seen[name.lower()] = name


def open_scan(connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, root: Path) -> None:
    """Make the view ``raw`` over the files, with the types DuckDB infers. Raises SynthError or BuildError."""
    import duckdb

    files = find_files(spec, root)
    if all(f.stat().st_size == 0 for f in files):
        raise BuildError(f"{spec.path} is empty", spec.origin.at("path"), "give it a header and rows")
    header = csv_header(spec, files)
    if header is not None:
        check_names(header, spec)
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {scan_sql(spec, files)}").fetchall()
        words = _worded(connection, described, spec, files)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS {_select(described, words, spec, files)}")
    except duckdb.Error as error:
        raise read_error(error, spec) from None


def _worded(
    connection: duckdb.DuckDBPyConnection, described: list[tuple[Any, ...]], spec: SourceTableSpec, files: list[Path]
) -> list[str]:
    """CSV columns that DuckDB takes for booleans, but that are not written true and false.

    It also knows yes/no, t/f and y/n. Those would come back as other words than the source's, so they stay text
    unless they are declared boolean. Looks at the rows that DuckDB's sniffer looks at.
    """
    if file_format(spec, files) != "csv":
        return []
    declared = {c.name for c in spec.columns if c.type == "boolean"}
    names = [str(r[0]) for r in described if r[1] == "BOOLEAN" and r[0] not in declared]
    if not names:
        return []
    types = ", ".join(f"{text(n)}: 'VARCHAR'" for n in names)
    checks = ", ".join(f"bool_and(lower(trim({quote(n)})) IN ('true', 'false'))" for n in names)
    scan = scan_sql(spec, files, f"types = {{{types}}}")
    row = connection.execute(f"SELECT {checks} FROM (FROM {scan} LIMIT {SNIFFED_ROWS})").fetchone()
    assert row is not None
    return [name for name, literal in zip(names, row, strict=True) if literal is False]


def _select(described: list[tuple[Any, ...]], words: list[str], spec: SourceTableSpec, files: list[Path]) -> str:
    """All columns: those of ``words`` as text, nested JSON as its text."""
    types = ", ".join(f"{text(n)}: 'VARCHAR'" for n in words)
    scan = scan_sql(spec, files, f"types = {{{types}}}") if words else scan_sql(spec, files)
    columns = []
    for name, sql_type, *_ in described:
        nested = sql_type.endswith("]") or sql_type.startswith(("STRUCT", "MAP"))
        columns.append(f"CAST(to_json({quote(name)}) AS VARCHAR) AS {quote(name)}" if nested else quote(name))
    return f"SELECT {', '.join(columns)} FROM {scan}"
