"""CSV files: the dialect is fixed first, then DuckDB infers the types, looking at every row.

DuckDB's sniffer would rather find another delimiter, quote or first line than report a ragged row, so it gets no
choice of these. And it looks at all rows: a type that only the first ones have would round or refuse later values.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from synthkit.errors import SynthError
from synthkit.sources.encodings import utf8_files
from synthkit.sources.files import arguments, check_names, check_same_columns, file_literal, sql_value
from synthkit.sources.place import place
from synthkit.sources.readerror import read_error
from synthkit.sources.types import quote, text
from synthkit.spec.types import SourceTableSpec

if TYPE_CHECKING:
    import duckdb

_QUOTED = re.compile(r'"[^"]*"')
_DELIMITERS = ",;\t|"
_FORMAT_ARGUMENTS = ("dateformat", "timestampformat")


@dataclass(frozen=True)
class Sniffed:
    """One file: what to call it, its columns with their types, and the arguments of DuckDB's reader."""

    name: Path
    file: Path
    columns: dict[str, str]
    arguments: dict[str, str]

    def reader(self, types: dict[str, str]) -> str:
        """A table function over the file in which the columns have ``types``."""
        columns = ", ".join(f"{text(n)}: {text(types[n])}" for n in self.columns)
        given = ", ".join(f"{k} = {v}" for k, v in self.arguments.items())
        return f"read_csv({file_literal(self.file)}, auto_detect = false, columns = {{{columns}}}, {given})"


def csv_query(connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, files: list[Path], scratch: Path) -> str:
    """A SELECT of all rows of the files, in their order, columns matched by name.

    Raises:
        SynthError: names that are missing, double, or not the same in all files.
        BuildError: ragged rows, another encoding, quotes that do not end.
    """
    readable = utf8_files(spec, files, scratch)
    parts = [_sniff(connection, spec, *pair) for pair in zip(files, readable, strict=True) if _has_content(pair[1])]
    first = parts[0]
    for part in parts[1:]:
        check_same_columns(first.name, first.columns, part.name, part.columns, place(spec, "path"))
    types = {name: _merged(connection, parts, name) for name in first.columns}
    for name in _words(connection, spec, parts, types):
        types[name] = "VARCHAR"
    names = ", ".join(quote(n) for n in first.columns)
    return " UNION ALL ".join(f"SELECT {names} FROM {part.reader(types)}" for part in parts)


def _has_content(file: Path) -> bool:
    return file.stat().st_size > 0


def _sniff(connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, name: Path, file: Path) -> Sniffed:
    """Fix the dialect, then let DuckDB look at all rows for types and formats."""
    import duckdb

    start = _start(spec, file)
    if start is not None and start.header is not None:
        check_names(start.header, spec)
    given = _dialect(spec, start)
    listed = ", ".join(f"{k} = {v}" for k, v in given.items())
    query = (
        f"SELECT Columns, DateFormat, TimestampFormat FROM sniff_csv({file_literal(file)}, sample_size = -1, {listed})"
    )
    try:
        row = connection.execute(query).fetchone()
    except duckdb.Error as error:
        raise _why(connection, spec, name, file, start, given, error) from None
    assert row is not None
    found = [(str(c["name"]), str(c["type"])) for c in row[0]]
    if start is not None and len(found) != start.width:
        raise _why(connection, spec, name, file, start, given, ValueError("its lines are not alike"))
    names = start.header if start is not None and start.header is not None else [n for n, _ in found]
    for argument, value in zip(_FORMAT_ARGUMENTS, row[1:], strict=True):
        if value and argument not in given:
            given[argument] = text(str(value))
    # Such long numbers are codes; no 128-bit integer is held at rest.
    types = ["VARCHAR" if t in ("HUGEINT", "UHUGEINT") else t for _, t in found]
    return Sniffed(name, file, dict(zip(names, types, strict=True)), given)


@dataclass(frozen=True)
class Start:
    """How a file begins: the lines before its header, the delimiter, the number of columns and their names."""

    skip: int
    delimiter: str
    width: int
    header: list[str] | None


def _start(spec: SourceTableSpec, file: Path) -> Start | None:
    """Look at a file's first lines; None where that takes DuckDB (another compression), or is not text."""
    comment = str(spec.options.get("comment", ""))
    skip = int(spec.options.get("skip", 0))
    try:
        with _opened(file) as handle:
            lines = islice(handle, skip, None)
            for line in lines:
                if line.strip() and not (comment and line.startswith(comment)):
                    break
                # DuckDB passes over comments by itself, but would take a blank line for the header.
                skip += 0 if comment and line.startswith(comment) else 1
            else:
                return None
            delimiter = str(spec.options.get("delimiter") or _delimiter(line))
            quoting = str(spec.options.get("quote", '"'))
            fields = next(
                csv.reader(
                    _then(line, lines),
                    delimiter=delimiter,
                    quotechar=quoting or None,
                    quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
                )
            )
    except (OSError, UnicodeDecodeError, csv.Error, TypeError, StopIteration):
        return None
    header = None if spec.options.get("header") is False else [f.strip() for f in fields]
    return Start(skip, delimiter, len(fields), header)


def _opened(file: Path) -> IO[str]:
    if file.suffix == ".gz":
        return cast(IO[str], gzip.open(file, "rt", encoding="utf-8-sig", newline=""))
    return file.open(encoding="utf-8-sig", newline="")


def _then(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter(line: str) -> str:
    """The likeliest delimiter, judged by the first line outside its quotes."""
    bare = _QUOTED.sub("", line)
    best = max(_DELIMITERS, key=bare.count)
    return best if best in bare else ","


def _dialect(spec: SourceTableSpec, start: Start | None) -> dict[str, str]:
    """Arguments that leave DuckDB nothing to guess but types."""
    given = {
        "header": "true",
        "quote": text('"'),
        "escape": text('"'),
        "nullstr": text(""),
        "comment": text(""),
        "skip": "0",
        "strict_mode": "true",
    } | arguments(spec, "csv", leave_out=["encoding"])
    if "quote" in spec.options and "escape" not in spec.options:
        given["escape"] = given["quote"]
    if start is not None:
        given |= {"delim": text(start.delimiter), "skip": str(start.skip)}
    if "nullstr" in spec.options and not isinstance(spec.options["nullstr"], str):
        given["nullstr"] = sql_value(["", *spec.options["nullstr"]])  # an empty field stays missing
    elif "nullstr" in spec.options:
        given["nullstr"] = sql_value(["", spec.options["nullstr"]])
    return given


def _why(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    name: Path,
    file: Path,
    start: Start | None,
    given: dict[str, str],
    error: Exception,
) -> Exception:
    """Why the sniffer gives up: read all as text, and the reader says which line it is."""
    import duckdb

    if start is not None:
        names = start.header or [f"column{i}" for i in range(start.width)]
        plain = Sniffed(name, file, dict.fromkeys(names, "VARCHAR"), given)
        counts = ", ".join(f"count({quote(n)})" for n in names)
        try:
            connection.execute(f"SELECT {counts} FROM {plain.reader(plain.columns)}").fetchall()
        except duckdb.Error as exact:
            return read_error(exact, spec, name)
    if "It was not possible" in str(error):
        hint = "look at its first lines; options: {delimiter: …, quote: …, skip: …} say how it is written"
        return SynthError(f"{name.name} does not read as a CSV file", place(spec, "path"), hint)
    return read_error(error, spec, name)


def _merged(connection: duckdb.DuckDBPyConnection, parts: list[Sniffed], name: str) -> str:
    """The type that holds a column's values in all files."""
    types = {p.columns[name] for p in parts}
    if len(types) > 1 and "VARCHAR" in types:
        # A column without any value in a file is sniffed as text there.
        filled = [p for p in parts if p.columns[name] != "VARCHAR" or _any_value(connection, p, name)]
        types = {p.columns[name] for p in filled}
    if len(types) == 1:
        return types.pop()
    if types == {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    return "TIMESTAMP" if types == {"DATE", "TIMESTAMP"} else "VARCHAR"


def _any_value(connection: duckdb.DuckDBPyConnection, part: Sniffed, name: str) -> bool:
    row = connection.execute(f"SELECT count({quote(name)}) > 0 FROM {part.reader(part.columns)}").fetchone()
    return bool(row and row[0])


def _words(
    connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, parts: list[Sniffed], types: dict[str, str]
) -> list[str]:
    """Columns that DuckDB takes for booleans, but that are not written true and false.

    It also knows yes/no, t/f and y/n. Those would come back as other words than the source's, so they stay text
    unless they are declared boolean.
    """
    declared = {c.name for c in spec.columns if c.type == "boolean"}
    names = [n for n, t in types.items() if t == "BOOLEAN" and n not in declared]
    if not names:
        return []
    as_text = types | dict.fromkeys(names, "VARCHAR")
    checks = ", ".join(f"bool_and(lower(trim({quote(n)})) IN ('true', 'false'))" for n in names)
    literal = dict.fromkeys(names, True)
    for part in parts:
        row = connection.execute(f"SELECT {checks} FROM {part.reader(as_text)}").fetchone()
        assert row is not None
        for name, is_literal in zip(names, row, strict=True):
            literal[name] = literal[name] and is_literal is not False
    return [n for n in names if not literal[n]]
