"""Excel workbooks (and OpenDocument's sheets), through calamine (python-calamine, MIT): one sheet, below its header.

A cell has a type of its own, as a value of JSON has: a column is numbers, dates, booleans or text where all its cells
are, and text where they differ. A formula is the value that the program which saved the file computed for it; one that
nobody computed would be read as a missing value, so it is an error; ``#N/A`` and its like are missing. A whole sheet is
in memory while it is read: a sheet has 1,048,576 rows at most.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from synthkit.errors import BuildError, SynthError
from synthkit.extras import refuse_absent
from synthkit.project.types import SourceTableSpec
from synthkit.sources.found import Scan, check_names, check_same_columns
from synthkit.sources.location import location
from synthkit.sources.stream import load_texts
from synthkit.sources.written import Kind

if TYPE_CHECKING:
    import duckdb

BATCH = 20_000  # rows
_WHOLE = 2**53
_ZIPPED = (".xlsx", ".xlsm")
_FORMULA = re.compile(
    rb'<c (?![^>]*t="str")[^>]*?r="([A-Z]+[0-9]+)"[^>]*>\s*<f\b[^>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>'
)
_LONGEST = 1 << 16  # bytes of a cell with a formula
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_KINDS: dict[type, str] = {bool: "boolean", float: "number", int: "number", str: "string"}


@dataclass
class _Sheet:
    """A sheet's header, and the rows below it."""

    file: Path
    names: list[str]
    left: int  # columns that are empty, before the first
    unnamed: int  # columns from there on that stand before the header's first name
    first: int  # row of the first value, from 1
    rows: Iterator[Sequence[Any]]
    spec: SourceTableSpec


@dataclass
class _Cells:
    """Rows as text, as they pass; what their cells were, and how many rows were left out."""

    lenient: bool
    seen: dict[str, set[str]] = field(default_factory=dict)
    left_out: int = 0

    def batches(self, sheets: Sequence[_Sheet], names: Sequence[str]) -> Iterator[list[list[str | None]]]:
        for sheet in sheets:
            order = [sheet.names.index(name) for name in names]
            rows = self._texts(sheet)
            while batch := list(islice(rows, BATCH)):
                yield [[row[i] for i in order] for row in batch]

    def _texts(self, sheet: _Sheet) -> Iterator[list[str | None]]:
        kinds = [self.seen.setdefault(name, set()) for name in sheet.names]
        start, end = sheet.unnamed, sheet.unnamed + len(sheet.names)
        for number, row in enumerate(sheet.rows, sheet.first):
            if all(cell == "" for cell in row):
                continue  # a blank row
            more = next((i for i, cell in enumerate(row) if cell != "" and not start <= i < end), None)
            if more is not None:
                self._beyond(sheet, f"{_letters(sheet.left + more)}{number}")
                continue
            row = row[start:end]
            for kind, cell in zip(kinds, row, strict=False):
                if cell != "":
                    kind.add(_KINDS.get(type(cell), "moment"))
            texts = [_text(cell) for cell in row]
            yield texts + [None] * (end - start - len(texts))

    def _beyond(self, sheet: _Sheet, cell: str) -> None:
        self.left_out += 1
        if not self.lenient:
            what = f"{sheet.file.name}: the cell {cell} has a value, and its column has no name"
            raise BuildError(what, location(sheet.spec, "path"), "name the column in the header, or empty the cell")

    def kinds(self) -> dict[str, Kind]:
        known: dict[frozenset[str], Kind] = {
            frozenset(("number",)): "number",
            frozenset(("boolean",)): "boolean",
            frozenset(("string",)): "string",
            frozenset(("moment",)): "any",
            frozenset(): "any",
        }
        return {name: known.get(frozenset(kinds), "mixed") for name, kinds in self.seen.items()}

    def notes(self) -> tuple[str, ...]:
        """For the console of who builds, and nobody else."""
        return (f"{self.left_out:,} rows are left out: they have cells beyond the header",) if self.left_out else ()


def open_excel(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceTableSpec,
    files: Sequence[Path],
    scratch: Path,
    *,
    lenient: bool,
    look: bool,
) -> Scan:
    """Make ``raw`` the rows of the sheets as text, columns matched by name.

    Args:
        lenient: no row stops the others or decides how they are read; with ``look``, only names are wanted.

    Raises:
        SynthError: no such sheet, or several and none named; names that are missing, double, or not the same in all;
            no header, where it is lenient.
        BuildError: a file that is no workbook; a formula that nobody computed.
    """
    if lenient and spec.options.get("header") is False:
        what = f"{spec.path} has no header: its rows alone say which columns there are, and under epsilon none may"
        raise SynthError(what, location(spec, "options", "header"), "give it a header, or write it as CSV")
    sheets = [_sheet(spec, file) for file in files]
    names = sheets[0].names
    for sheet in sheets[1:]:
        check_same_columns(sheets[0].file, names, sheet.file, sheet.names, location(spec, "path"))
    if not lenient:
        for sheet in sheets:
            _check_computed(spec, sheet.file)
    cells = _Cells(lenient)
    empty = lenient and look
    load_texts(connection, names, iter(()) if empty else cells.batches(sheets, names), None if empty else scratch)
    return Scan(written=True, kinds=cells.kinds(), notes=cells.notes())


@contextmanager
def _explained(spec: SourceTableSpec, file: Path) -> Iterator[None]:
    import python_calamine

    try:
        yield
    except (python_calamine.CalamineError, OSError, zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        what = f"{file.name} does not read as an Excel workbook: {' '.join(str(error).split())}"
        hint = "is it whole, and not protected by a password? format: says what else it is"
        raise BuildError(what, location(spec, "path"), hint) from None


def _sheet(spec: SourceTableSpec, file: Path) -> _Sheet:
    refuse_absent(f"{spec.path} is an Excel workbook: it", "excel", "python_calamine", location(spec, "path"))
    import python_calamine

    with _explained(spec, file):
        book = python_calamine.CalamineWorkbook.from_path(str(file))
        name = _chosen(spec, file, book.sheet_names)
        sheet = book.get_sheet_by_name(name)
        rows = iter(sheet.iter_rows())  # from the first column that is not empty
    left = 0 if sheet.start is None else int(sheet.start[1])
    skip = int(spec.options.get("skip", 0))
    listed = islice(rows, skip, None)
    if spec.options.get("header", True) is False:
        every = list(listed)
        width = max((i for row in every for i, cell in enumerate(row, 1) if cell != ""), default=0)
        return _Sheet(file, [f"column{i}" for i in range(width)], left, 0, skip + 1, iter(every), spec)
    header = next(listed, None)
    if header is None or all(cell == "" for cell in header):
        hint = "options: {skip: …} passes over the rows above the header, {header: false} says that there is none"
        raise SynthError(f"{file.name}: row {skip + 1} of {name!r}, the header, is empty", location(spec, "path"), hint)
    # The sheet begins at its leftmost cell, which may be of any row: the header begins where it does itself.
    start = next(i for i, cell in enumerate(header) if cell != "")
    names = _names(spec, file, header[start:], left + start, skip + 1)
    return _Sheet(file, names, left, start, skip + 2, listed, spec)


def _chosen(spec: SourceTableSpec, file: Path, names: Sequence[str]) -> str:
    given, where = spec.options.get("sheet"), location(spec, "options", "sheet")
    if given is None and len(names) == 1:
        return names[0]
    listed = ", ".join(map(repr, names))
    if given is None:
        hint = f"name one of them: options: {{sheet: {names[0]}}}"
        raise SynthError(f"{file.name} has several sheets: {listed}", location(spec, "path"), hint)
    if given not in names:
        raise SynthError(f"{file.name} has no sheet {given!r}", where, f"it has {listed}")
    return str(given)


def _names(spec: SourceTableSpec, file: Path, header: Sequence[Any], left: int, row: int) -> list[str]:
    """The header's names, up to the last one. Raises SynthError for an empty cell between them."""
    last = max(i for i, cell in enumerate(header) if cell != "")
    for i, cell in enumerate(header[: last + 1]):
        if str(cell).strip() == "":
            what = f"{file.name}: the cell {_letters(left + i)}{row} of the header is empty, or part of a merged one"
            hint = "name every column in one row: options: {skip: …} passes over titles above it"
            raise SynthError(what, location(spec, "path"), hint)
    names = [_text(cell) or "" for cell in header[: last + 1]]
    check_names(names, spec)
    return names


def _text(cell: Any) -> str | None:
    """A cell as its column would be written in CSV."""
    if cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _WHOLE else repr(cell)
    if isinstance(cell, datetime):
        midnight = cell.time() == time()
        return cell.date().isoformat() if midnight else cell.isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(int(cell.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return str(cell)


def _letters(column: int) -> str:
    """A column's letters, counted from 0.

    >>> _letters(0), _letters(25), _letters(26), _letters(702)
    ('A', 'Z', 'AA', 'AAA')
    """
    letters, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def _check_computed(spec: SourceTableSpec, file: Path) -> None:
    """Raises BuildError for a formula without the value that was computed for it."""
    if file.suffix.lower() not in _ZIPPED:
        return
    with _explained(spec, file), zipfile.ZipFile(file) as book, book.open(_part(spec, file, book)) as sheet:
        rest = b""
        while chunk := sheet.read(1 << 20):
            found = _FORMULA.search(rest + chunk)
            if found is not None:
                what = f"{file.name}: the formula in {found[1].decode()} has no value: nobody computed it"
                hint = "open the file in Excel or LibreOffice and save it, or write values instead of formulas"
                raise BuildError(what, location(spec, "path"), hint)
            rest = chunk[-_LONGEST:]


def _part(spec: SourceTableSpec, file: Path, book: zipfile.ZipFile) -> str:
    """Where in the file the sheet lies."""
    sheets = [e for e in ElementTree.fromstring(book.read("xl/workbook.xml")).iter() if e.tag.endswith("}sheet")]
    name = _chosen(spec, file, [str(e.get("name")) for e in sheets])
    relation = next(e.get(_RELATION) for e in sheets if e.get("name") == name)
    relations = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    target = next(str(e.get("Target")) for e in relations if e.get("Id") == relation)
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
