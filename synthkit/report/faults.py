"""The report of everything that is wrong with a project: place, line with a caret, message, fix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from synthkit.errors import Fault, Location, SynthError

RED, YELLOW, BLUE, BOLD, OFF = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[1m", "\x1b[0m"
WINDOW = 120  # characters of a line that are shown
BEFORE = 60  # of these, how many before the fault
_TOKEN = re.compile(r""""[^"]*"|'[^']*'|[^\s,\[\]{}:#"']+""")  # a scalar of YAML, more or less


def render_faults(faults: Sequence[Fault], *, color: bool = False, base: Path | None = None) -> str:
    """One paragraph a fault, in the order of files and lines, and a closing count.

    Args:
        base: paths below it are shown relative to it; default: the current folder.
    """
    parts = [paragraph(f, "error", color, base or Path.cwd()) for f in faults]
    files = len({f.where.file for f in faults if f.where})
    closing = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
    closing += f" in {files} file{'s' if files != 1 else ''}" if files else ""
    return "\n\n".join([*parts, _paint(f"{closing}; nothing was run", BOLD, color)])


def render_warning(fault: Fault, *, color: bool = False, base: Path | None = None) -> str:
    """A fault that does not stop anything, in the same form."""
    return paragraph(fault, "warning", color, base or Path.cwd())


def render_error(error: SynthError, *, color: bool = False, base: Path | None = None) -> str:
    """A single error in the same form."""
    return paragraph(Fault(error.message, error.where, None, error.hint), "error", color, base or Path.cwd())


def paragraph(fault: Fault, level: str, color: bool, base: Path, details: Sequence[str] = ()) -> str:
    """Place, message, the line with carets, ``details`` line by line, and the fix."""
    place = ""
    if fault.where is not None:
        shown = _relative(fault.where.file, base)
        place = f"{shown}:{fault.where.line}:{fault.where.column}: " if fault.where.line else f"{shown}: "
    shade = {"error": RED, "warning": YELLOW}.get(level, BLUE)
    lines = [f"{_paint(place, BOLD, color)}{_paint(level, shade, color)}: {fault.message}"]
    lines += _snippet(fault.where, fault.value, shade, color)
    lines += [f"    {line}" for line in details]
    if fault.hint:
        lines.append(f"  {_paint('fix', BLUE, color)}: {fault.hint}")
    return "\n".join(lines)


def _snippet(where: Location | None, value: str | None, shade: str, color: bool) -> list[str]:
    """The line of the file and, below it, carets under the offending value (or the word that is there)."""
    if where is None or not where.line:
        return []
    try:
        text = where.file.read_text("utf-8-sig").split("\n")[where.line - 1].rstrip("\r")
    except (OSError, IndexError, UnicodeDecodeError):
        return []
    # A tab is as wide as the terminal likes: shown as one space, the caret stands where it should.
    text = "".join(c if c.isprintable() else " " for c in text)
    at = max(0, where.column - 1)
    start = max(0, at - BEFORE)
    token = _TOKEN.match(text, at)
    found = value if value and text.startswith(value, at) else token.group() if token else ""
    width = max(1, min(cells(found), WINDOW - (at - start)))
    number = str(where.line)
    carets = " " * cells(text[start:at]) + _paint("^" * width, shade, color)
    return [f"  {number} | {text[start : start + WINDOW]}", f"  {' ' * len(number)} | {carets}"]


def cells(text: str) -> int:
    """How many columns of a terminal a text takes: East Asian characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _relative(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)


def _paint(text: str, code: str, color: bool) -> str:
    return f"{code}{text}{OFF}" if color and text else text
