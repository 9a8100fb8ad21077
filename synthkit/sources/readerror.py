"""What DuckDB says about a file that it cannot read, in plain words: where, and the way out."""

from __future__ import annotations

import re
from pathlib import Path

from synthkit.errors import BuildError
from synthkit.project.types import SourceTableSpec
from synthkit.sources.location import location

_COUNTS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_CONVERSION = re.compile(r'converting column "(.+?)"\. Could not convert string "(.*?)" to \'(.+?)\'', re.DOTALL)
_LINE = re.compile(r"(?:CSV Error on Line|in line|[Ll]ine)[: ]+(\d+)")
_NOT_UTF8 = ("not utf-8", "invalid unicode", "invalid utf-8", "invalid utf8")
_READ_FILE = re.compile(r"^ *file = (.+)$", re.MULTILINE)
_IN_FILE = re.compile(r' (?:in|reading) file "[^"]*",?')


def read_error(error: Exception, spec: SourceTableSpec, file: Path | None = None) -> BuildError:
    """The error to raise for DuckDB's ``error``; ``file`` is the one of a glob that it is about."""
    message = str(error)
    if file is None and (read := _READ_FILE.search(message)):
        file = Path(read[1])
    name = spec.path if file is None or spec.path is None else _named(spec.path, file)
    line = _LINE.search(message)
    at = f"{name}, line {int(line[1]):,}" if line else str(name)
    what, hint = _explained(message, at, str(name))
    return BuildError(what, location(spec, "path"), hint)


def write_error(error: Exception, name: str) -> BuildError | None:
    """An error of the disk that is written to, or of memory, while ``name`` is read; None if it is neither."""
    message = str(error)
    if re.search(r"no space left|disk quota|could not write", message, re.IGNORECASE):
        return BuildError(f"{name}: the disk is full", hint="free some space (synth clean removes scratch)")
    if type(error).__name__ == "OutOfMemoryException":
        return BuildError(f"{name} does not fit: {message.splitlines()[0]}", hint="free memory or disk space")
    return None


def _named(path: str, file: Path) -> str:
    return path if Path(path).name == file.name else file.name


def _explained(message: str, at: str, name: str) -> tuple[str, str]:
    if columns := _COUNTS.search(message):
        what = f"{at}: {columns[2]} field{'s' * (columns[2] != '1')} where the header has {columns[1]}"
        return what, "mend the row, or set options: {delimiter: …, quote: …}"
    if "unterminated quote" in message:
        hint = 'double the quote inside the value (""), or set options: {quote: …}; quote: "" turns quoting off'
        return f"{at}: a quoted value does not end", hint
    if conversion := _CONVERSION.search(message):
        what = f"{at}: column {conversion[1]!r}: {conversion[2]!r} is not {conversion[3]}"
        return what, "mend the value, or declare the column's type (text takes everything)"
    if "expected records" in message or "Expected OBJECT" in message:
        return f"{at}: a row is no JSON object", 'write every row as {"column": value, …}'
    if any(words in message.lower() for words in _NOT_UTF8):
        hint = "say which encoding it has: options: {encoding: latin-1}, or cp1252, utf-16, …"
        return f"{at} is not UTF-8", hint
    if "Maximum line size" in message or "maximum_object_size" in message:
        return f"{at} is too long a row", "set options: {max_line_size: 50000000} (in bytes)"
    if "invalid state" in message:
        return f"{name} mixes line ends (of Windows and Unix, say)", "write all lines with the same ending"
    first = _IN_FILE.sub("", re.sub(r"^\w[\w ]*Error: ", "", message.strip().split("\n")[0])).rstrip(". ")
    return f"cannot read {at}: {first}", "mend the file, or set options for its reader"
