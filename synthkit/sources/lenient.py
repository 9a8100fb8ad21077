"""CSV and JSON lines read row by row, as a budget demands: what is wrong with one row stays that row's own affair.

DuckDB's readers stop at the first row that is not as the others are, and look at many rows for the names and kinds of
columns. Here each row is read by itself, and left out by itself where it is none:

========== ==================================================================================================
JSON lines a row is a line. It is left out where it is no JSON object, has a declared key twice, or is too
           long; keys that are not declared are not read.
CSV        a row is a line, or the lines that a quoted value joins. It is left out where it has another number
           of fields than the header, or is too long.
========== ==================================================================================================

Bytes that are none of the encoding become U+FFFD in their row. One thing is beyond a single row: a quoted value of CSV
that does not end, as it takes in what follows. With ``options: {quote: ""}`` there are no quoted values, and every line
is a row. Otherwise the file has to be written as CSV is, quotes within quotes doubled; where that shows not to be so,
nothing is read at all.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError, SynthError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.csvfile import missing_words, start_of, usual_delimiter
from synthkit.sources.found import Scan, check_names, check_same_columns
from synthkit.sources.lines import text_lines
from synthkit.sources.location import location
from synthkit.sources.stream import at_rest, load_texts
from synthkit.sql.quoting import literal, quote

if TYPE_CHECKING:
    import duckdb

BATCH = 20_000  # rows
_LONGEST = {"csv": 2_000_000, "jsonl": 16_777_216}  # bytes of a row: what DuckDB's readers take by themselves
_ENDLESS = 64_000_000  # characters, after which a quoted value counts as one that does not end
_POSITION = re.compile(r"column(\d+)")


class _EndlessError(Exception):
    """A quoted value is longer than any is."""


class _Lines:
    """Lines, and the number of the last one that was taken."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self.number = lines, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        return line


@dataclass
class _Counted:
    """Rows as they pass, and how many were none."""

    left_out: int = 0

    def rows(self, found: Iterator[list[str | None] | None]) -> Iterator[list[str | None]]:
        for row in found:
            if row is None:
                self.left_out += 1
            else:
                yield row

    def notes(self, why: str) -> tuple[str, ...]:
        """For the console of who builds, and nobody else."""
        return (f"{self.left_out:,} rows are left out: {why}",) if self.left_out else ()


def _batches(rows: Iterator[list[str | None]]) -> Iterator[list[list[str | None]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _too_long(spec: SourceTableSpec, kind: str, row: str) -> bool:
    most = int(spec.options.get("max_line_size", _LONGEST[kind]))
    return len(row) > most or (4 * len(row) > most and len(row.encode()) > most)


# -- CSV -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Dialect:
    delimiter: str
    quote: str
    escape: str
    comment: str
    missing: frozenset[str]

    @staticmethod
    def of(spec: SourceTableSpec, delimiter: str) -> _Dialect:
        """Raises SynthError for a delimiter that only DuckDB divides by."""
        quoting = str(spec.options.get("quote", '"'))
        if len(delimiter) != 1 and quoting:
            hint = 'write the file with one character between values, or without quotes: options: {quote: ""}'
            what = f"delimiter {delimiter!r} has several characters, by which no quoted values are read under epsilon"
            raise SynthError(what, location(spec, "options", "delimiter"), hint)
        escape, comment = str(spec.options.get("escape", quoting)), str(spec.options.get("comment", ""))
        return _Dialect(delimiter, quoting, escape, comment, frozenset(missing_words(spec)))

    def reader(self, lines: Iterator[str], first: str) -> Iterator[list[str]]:
        """A reader of rows in which there are quotes; ``first`` is the first line."""
        own = self.escape not in ("", self.quote)
        padded = f"{re.escape(self.delimiter)} +{re.escape(self.quote)}"  # "a", "b": blanks before a quote are no value
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            doublequote=not own,
            escapechar=self.escape if own else None,
            skipinitialspace=self.delimiter != " " and re.search(padded, first) is not None,
            strict=True,
        )


def open_csv(
    connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, files: Sequence[Path], scratch: Path, look: bool
) -> Scan:
    """Make ``raw`` the rows of the files as text, columns matched by name; no rows where it is only a ``look``.

    Raises:
        SynthError: names that are missing, double, or not the same in all files.
        BuildError: a quoted value that does not end.
    """
    filled = [f for f in files if f.stat().st_size > 0]
    names: list[str] = []
    for file in filled:
        with _csv(spec, file, scratch) as (found, _, _):
            check_names(found, spec)
            names = names or found
            check_same_columns(filled[0], names, file, found, location(spec, "path"))
    counted = _Counted()

    def every() -> Iterator[list[str | None]]:
        for file in filled:
            with _csv(spec, file, scratch) as (found, dialect, lines):
                order = [found.index(n) for n in names]
                for row in counted.rows(_rows(spec, file, dialect, lines, len(found))):
                    yield [row[i] for i in order]

    load_texts(connection, names, _batches(every()), None if look else scratch)
    return Scan(written=True, notes=counted.notes("they have other numbers of fields than the header, or are too long"))


@contextmanager
def _csv(spec: SourceTableSpec, file: Path, scratch: Path) -> Iterator[tuple[list[str], _Dialect, _Lines]]:
    """A file's columns, its dialect, and its lines from the first row on. The header fixes all of it; where there is
    none, the declaration does: no row may."""
    with text_lines(spec, file, scratch) as decoded:
        lines = _Lines(decoded)
        if spec.options.get("header") is False:
            for _ in range(int(spec.options.get("skip", 0))):
                next(lines, None)
            numbers = [int(m[1]) for c in spec.columns if (m := _POSITION.fullmatch(c.name))]
            names = [f"column{i}" for i in range(max(numbers, default=-1) + 1)]
            delimiter = str(spec.options.get("delimiter") or usual_delimiter(file))
            yield names, _Dialect.of(spec, delimiter), lines
            return
        _Dialect.of(spec, str(spec.options.get("delimiter") or usual_delimiter(file)))
        start = start_of(spec, file, lines)
        if start is None or start.header is None or any("\r" in name for name in start.header):
            hint = "its first line names the columns, and ends as Unix or Windows writes it"
            raise SynthError(f"{file.name} does not read as a CSV file", location(spec, "path"), hint)
        yield start.header, _Dialect.of(spec, start.delimiter), lines


def _rows(
    spec: SourceTableSpec, file: Path, dialect: _Dialect, lines: _Lines, width: int
) -> Iterator[list[str | None] | None]:
    """The rows; None for one that is left out."""
    for line in lines:
        if dialect.comment and line.lstrip().startswith(dialect.comment):
            continue
        fields: list[str] | None
        if dialect.quote and dialect.quote in line:
            fields = _quoted(spec, file, dialect, lines, line)
        else:
            bare = line.removesuffix("\n").removesuffix("\r")
            if not bare and width > 1:
                continue  # a blank line
            fields = None if _too_long(spec, "csv", line) else bare.split(dialect.delimiter)
        if fields is not None and len(fields) == width + 1 and fields[-1] == "":
            fields.pop()  # the row ends in a delimiter
        whole = fields is not None and len(fields) == width
        yield [None if f in dialect.missing else f for f in fields or ()] if whole else None


def _quoted(spec: SourceTableSpec, file: Path, dialect: _Dialect, lines: _Lines, line: str) -> list[str] | None:
    """The fields of a row in which there are quotes; None for one that is left out. Raises BuildError."""
    start, taken = lines.number, [line]
    before = csv.field_size_limit(2**31 - 1)
    try:
        fields = next(dialect.reader(_joined(line, lines, taken), line))
        return None if _too_long(spec, "csv", "".join(taken)) else fields
    except (csv.Error, _EndlessError) as error:
        if "new-line character" in str(error):
            return None  # a line end of old in a value without quotes
        hint = (
            'double the quotes inside values (""), or set options: {quote: ""}, with which every line is a row;'
            " nothing was read: docs/privacy.md says why this is no matter of one row"
        )
        what = f"{file.name}, line {start:,}: a quoted value does not end, or goes on after its quote"
        raise BuildError(what, location(spec, "path"), hint) from None
    finally:
        csv.field_size_limit(before)


def _joined(line: str, lines: _Lines, taken: list[str]) -> Iterator[str]:
    """A line, and those that a quoted value joins to it, as a reader asks for them."""
    yield line
    size = len(line)
    for more in lines:
        taken.append(more)
        size += len(more)
        if size > _ENDLESS:
            raise _EndlessError
        yield more


# -- JSON lines ----------------------------------------------------------------------------------------


def open_json(
    connection: duckdb.DuckDBPyConnection, spec: SourceTableSpec, files: Sequence[Path], scratch: Path, look: bool
) -> Scan:
    """Make ``raw`` the declared columns of all rows as text; no rows where it is only a ``look``."""
    names = list(dict.fromkeys([c.name for c in spec.columns] + [*spec.primary_key]))
    names += [spec.privacy_unit] if spec.privacy_unit is not None and spec.privacy_unit not in names else []
    check_names(names, spec)
    if look:
        load_texts(connection, names, iter(()), None)
        return Scan(written=True)
    counted = _Counted()

    def every() -> Iterator[list[str | None] | None]:
        for file in files:
            with text_lines(spec, file, scratch) as lines:
                for line in lines:
                    if line.strip():
                        yield None if _too_long(spec, "jsonl", line) else [line]

    stored = at_rest(1, _batches(counted.rows(every())), scratch)
    keys = ", ".join(literal(n) for n in names)
    own = f"list_filter(json_keys(line), lambda k: k IN ({keys}))"
    whole = f"coalesce(json_type(line) = 'OBJECT' AND len({own}) = len(list_distinct({own})), false)"
    objects = f"(SELECT TRY_CAST(c0 AS JSON) AS line FROM {stored})"
    row = connection.execute(f"SELECT count(*) FROM {objects} WHERE NOT {whole}").fetchone()
    counted.left_out += 0 if row is None else int(row[0])
    pointers = ", ".join(literal("/" + n.replace("~", "~0").replace("/", "~1")) for n in names)
    columns = ", ".join(f"found[{i}] AS {quote(n)}" for i, n in enumerate(names, 1))
    extracted = f"SELECT json_extract_string(line, [{pointers}]) AS found FROM {objects} WHERE {whole}"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT {columns} FROM ({extracted})")
    why = "they are no JSON objects with each declared key once, or are too long"
    return Scan(written=True, notes=counted.notes(why))
