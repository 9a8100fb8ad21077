"""CSV files: every column is read as the text that is written, in a dialect that the first lines fix.

DuckDB's sniffer would rather find another delimiter, quote or first line than report a ragged row, so it gets no
choice of these. Nor does it guess types: what a column is, is declared, or found by :mod:`.written`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import SynthError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.encodings import opened_bytes, utf8_files
from synthkit.sources.found import check_names, check_same_columns
from synthkit.sources.location import location
from synthkit.sources.options import arguments, sql_value
from synthkit.sources.readerror import read_error
from synthkit.sql.filescan import file_literal
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import duckdb

_QUOTED = re.compile(r'"[^"]*"')
_DELIMITERS = ",;\t|"
# Not DuckDB's: they say what a text means, and every column is text here.
_NOT_READ = ["encoding", "dateformat", "timestampformat", "decimal_separator", "thousands"]


@dataclass(frozen=True)
class Written:
    """One file: what to call it, its columns, and the arguments of DuckDB's reader."""

    name: Path
    file: Path
    columns: list[str]
    arguments: dict[str, str]

    def reader(self) -> str:
        """A table function over the file in which every column is text."""
        columns = ", ".join(f"{literal(n)}: 'VARCHAR'" for n in self.columns)
        given = ", ".join(f"{k} = {v}" for k, v in self.arguments.items())
        options = f"auto_detect = false, hive_partitioning = false, columns = {{{columns}}}, {given}"
        return f"read_csv({file_literal(self.file)}, {options})"


def csv_query(connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, files: list[Path], scratch: Path) -> str:
    """A SELECT of all rows of the files, in their order, columns matched by name.

    Raises:
        SynthError: names that are missing, double, or not the same in all files.
        BuildError: ragged rows, another encoding, quotes that do not end.
    """
    readable = utf8_files(spec, files, scratch)
    parts = [_opening(connection, spec, *pair) for pair in zip(files, readable, strict=True) if _has_content(pair[1])]
    first = parts[0]
    for part in parts[1:]:
        check_same_columns(first.name, first.columns, part.name, part.columns, location(spec, "path"))
    names = ", ".join(quote(n) for n in first.columns)
    return " UNION ALL ".join(f"SELECT {names} FROM {part.reader()}" for part in parts)


def _has_content(file: Path) -> bool:
    return file.stat().st_size > 0


def _opening(connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, name: Path, file: Path) -> Written:
    """Fix the dialect and the columns."""
    start = _start(spec, file)
    given = _dialect(spec, start)
    if start is None:
        return Written(name, file, _sniffed(connection, spec, name, file, given), given)
    if start.header is not None:
        check_names(start.header, spec)
    return Written(name, file, start.header or [f"column{i}" for i in range(start.width)], given)


def _sniffed(
    connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, name: Path, file: Path, given: dict[str, str]
) -> list[str]:
    """The columns of a file whose first lines only DuckDB can read. Raises SynthError or BuildError."""
    import duckdb

    listed = ", ".join(f"{k} = {v}" for k, v in given.items())
    try:
        row = connection.execute(f"SELECT Columns, Delimiter FROM sniff_csv({file_literal(file)}, {listed})").fetchone()
    except duckdb.Error as error:
        if "It was not possible" in str(error):
            hint = "look at its first lines; options: {delimiter: …, quote: …, skip: …} say how it is written"
            raise SynthError(f"{name.name} does not read as a CSV file", location(spec, "path"), hint) from None
        raise read_error(error, spec, name) from None
    assert row is not None
    given.setdefault("delim", literal(str(row[1])))
    names = [str(c["name"]) for c in row[0]]
    check_names(names, spec)
    return names


@dataclass(frozen=True)
class Start:
    """How a file begins: the lines before its header, the delimiter, the number of columns and their names."""

    skip: int
    delimiter: str
    width: int
    header: list[str] | None


def _start(spec: SourceTableSpec, file: Path) -> Start | None:
    """Look at a file's first lines; None where they are not text, or only DuckDB can divide them."""
    try:
        with opened_bytes(file) as handle:
            return start_of(spec, file, io.TextIOWrapper(handle, "utf-8-sig", newline=""))
    except (OSError, ValueError):  # of the encoding, or of how it is packed
        return None


def start_of(spec: SourceTableSpec, file: Path, every: Iterator[str]) -> Start | None:
    """How a file of these lines begins; it takes them up to the header, and with it. None where nothing tells."""
    comment = str(spec.options.get("comment", ""))
    skip = int(spec.options.get("skip", 0))
    lines = islice(every, skip, None)
    for line in lines:
        if line.strip() and not (comment and line.startswith(comment)):
            break
        # DuckDB passes over comments by itself, but would take a blank line for the header.
        skip += 0 if comment and line.startswith(comment) else 1
    else:
        return None
    delimiter = str(spec.options.get("delimiter") or _delimiter(spec, file, line))
    fields = _divided(line, lines, delimiter, str(spec.options.get("quote", '"')))
    if fields is None:
        return None
    header = None if spec.options.get("header") is False else [f.strip() for f in fields]
    return Start(skip, delimiter, len(fields), header)


def _divided(line: str, lines: Iterator[str], delimiter: str, quoting: str) -> list[str] | None:
    """The fields of a row that begins with a line; None where only DuckDB can tell."""
    if not quoting:
        return line.rstrip("\r\n").split(delimiter)
    try:
        return next(csv.reader(chain([line], lines), delimiter=delimiter, quotechar=quoting))
    except (csv.Error, TypeError, StopIteration):
        return None


def usual_delimiter(file: Path) -> str:
    """What a file's name says of its delimiter."""
    return "\t" if ".tsv" in file.suffixes else ","


def _delimiter(spec: SourceTableSpec, file: Path, line: str) -> str:
    """The likeliest delimiter, judged by the header outside its quotes. Raises SynthError for a file that has none and
    is not written as its name says: one row must not decide how the others are divided."""
    bare = _QUOTED.sub("", line)
    if spec.options.get("header") is False:
        usual = usual_delimiter(file)
        if usual not in bare and any(d in bare for d in _DELIMITERS):
            hint = "declare it: options: {header: false, delimiter: …}"
            raise SynthError(
                f"{file.name} has no header, and its rows do not tell their delimiter", location(spec, "options"), hint
            )
        return usual
    best = max(_DELIMITERS, key=bare.count)
    return best if best in bare else ","


def _dialect(spec: SourceTableSpec, start: Start | None) -> dict[str, str]:
    """Arguments that leave DuckDB nothing to guess but types."""
    given = {
        "header": "true",
        "quote": literal('"'),
        "escape": literal('"'),
        "nullstr": literal(""),
        "comment": literal(""),
        "skip": "0",
        "strict_mode": "true",
    } | arguments(spec, "csv", leave_out=_NOT_READ)
    if "quote" in spec.options and "escape" not in spec.options:
        given["escape"] = given["quote"]
    if start is not None:
        given |= {"delim": literal(start.delimiter), "skip": str(start.skip)}
    if "nullstr" in spec.options:
        given["nullstr"] = sql_value(missing_words(spec))
    return given


def missing_words(spec: SourceTableSpec) -> list[str]:
    """What stands for a missing value; an empty field always does."""
    said = spec.options.get("nullstr", ())
    return ["", *((said,) if isinstance(said, str) else said)]
