"""Excel: a workbook with a sheet for each table, after one that says what they are. No cell of it is a formula."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError
from synthkit.exports.card import facts, nature, verdicts
from synthkit.exports.contract import Exporter, Package
from synthkit.report.cells import as_text, values

ROWS, COLUMNS, CHARACTERS, NAME = 1_048_576, 16_384, 32_767, 31  # the most that a sheet, cell or name of a sheet has
ABOUT = "About"
_DIGITS = 15  # of a number that Excel keeps
_FIRST = date(1900, 3, 1)  # Excel takes 1900 for a leap year, so its days before that are off by one
_BARRED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what XML has no way to write


def write(package: Package, path: Path) -> None:
    from openpyxl import Workbook

    _refuse(package)
    book = Workbook(write_only=True)
    book.properties.title = package.name
    book.properties.description = package.description
    book.properties.keywords = ", ".join(package.natures)
    book.properties.creator = "synthkit"
    about = book.create_sheet(ABOUT)
    for row in _about(package):
        about.append([_text(about, cell) for cell in row])
    names = sheet_names([table.name for table in package.tables])
    for table in package.tables:
        sheet = book.create_sheet(names[table.name])
        sheet.freeze_panes = "A2"
        sheet.append([_text(sheet, column.name) for column in table.columns])
        for batch in table.batches():
            columns = [[(value, column.type) for value in values(column)] for column in batch.columns]
            for cells in zip(*columns, strict=True):
                sheet.append([_cell(sheet, value, type_) for value, type_ in cells])
    book.save(path)


def sheet_names(tables: list[str]) -> dict[str, str]:
    """Table → its sheet's name: at most 31 characters, none twice in any case.

    >>> sheet_names(["a" * 40, "a" * 40 + "b", "about"])["about"]
    'about~2'
    """
    taken, found = {ABOUT.casefold()}, {}
    for table in tables:
        name, count = table[:NAME], 1
        while name.casefold() in taken:
            count += 1
            name = f"{table[: NAME - len(str(count)) - 1]}~{count}"
        taken.add(name.casefold())
        found[table] = name
    return found


def _refuse(package: Package) -> None:
    """Raises SynthError where a sheet has no room for a table."""
    for table in package.tables:
        for count, most, what in ((table.rows + 1, ROWS, "rows"), (len(table.columns), COLUMNS, "columns")):
            if count > most:
                message = f"{table.name!r} has {table.rows:,} rows" if what == "rows" else f"{table.name!r} is too wide"
                hint = "--to parquet, csv or jsonl takes any table"
                raise SynthError(f"{message}, and a sheet of Excel has at most {most:,} {what}", hint=hint)


def _about(package: Package) -> Iterator[list[str]]:
    yield [package.name]
    yield [package.description]
    for table in package.tables:
        yield []
        yield ["table", table.name]
        if table.description:
            yield ["description", table.description]
        yield ["nature", nature(table)]
        yield from ([name, value] for name, value in facts(table))
        yield from (["audit", verdict] for verdict in verdicts(table))
        yield from (["key", f"{', '.join(key.columns)} names a row of {key.target}"] for key in table.keys)


def _cell(sheet: Any, value: Any, type_: Any) -> Any:
    """A number, date or truth as Excel's own; as text what it would change: long numbers, early dates, time zones."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if len(str(abs(value))) <= _DIGITS else _text(sheet, str(value))
    if isinstance(value, Decimal):
        return value if len(value.as_tuple().digits) <= _DIGITS else _text(sheet, as_text(value, type_))
    if isinstance(value, float):
        return value if value - value == 0 else _text(sheet, str(value))  # neither infinite nor none
    if isinstance(value, datetime):
        kept = value.tzinfo is None and value.date() >= _FIRST and value.microsecond % 1000 == 0
        return value if kept and type(value) is datetime else _text(sheet, value.isoformat())
    if isinstance(value, date):
        return value if value >= _FIRST else _text(sheet, value.isoformat())
    if isinstance(value, time):
        return value if value.microsecond % 1000 == 0 else _text(sheet, value.isoformat())
    return _text(sheet, as_text(value, type_))


def _text(sheet: Any, text: str) -> Any:
    """Text that stays text, whatever it begins with."""
    from openpyxl.cell import WriteOnlyCell

    if len(text) > CHARACTERS:
        message = f"a text of {len(text):,} characters does not fit into a cell of Excel, which has {CHARACTERS:,}"
        raise SynthError(message, hint="--to parquet, csv or jsonl takes any text")
    cell = WriteOnlyCell(sheet, _BARRED.sub("\ufffd", text))
    cell.data_type = "s"
    return cell


EXCEL = Exporter("excel", write, (".xlsx",), "openpyxl", "excel")
