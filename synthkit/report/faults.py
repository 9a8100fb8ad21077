"""The report of everything that is wrong with a project: place, line with a caret, message, fix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from synthkit.errors import Fault, Location, SynthError

RED, BLUE, BOLD, OFF = "\x1b[31m", "\x1b[34m", "\x1b[1m", "\x1b[0m"


def render_faults(faults: Sequence[Fault], *, color: bool = False, base: Path | None = None) -> str:
    """One paragraph a fault, in the order of files and lines, and a closing count."""
    parts = [_paragraph(f, color, base or Path.cwd()) for f in faults]
    files = len({f.where.file for f in faults if f.where})
    count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
    closing = f"{count} in {files} file{'s' if files != 1 else ''}; nothing was run"
    return "\n\n".join([*parts, _paint(closing, BOLD, color)])


def render_error(error: SynthError, *, color: bool = False, base: Path | None = None) -> str:
    """A single error in the same form."""
    return _paragraph(Fault(error.message, error.where, None, error.hint), color, base or Path.cwd())


def _paragraph(fault: Fault, color: bool, base: Path) -> str:
    place = ""
    if fault.where is not None:
        shown = _relative(fault.where.file, base)
        place = f"{shown}:{fault.where.line}:{fault.where.column}: " if fault.where.line else f"{shown}: "
    lines = [f"{_paint(place, BOLD, color)}{_paint('error', RED, color)}: {fault.message}"]
    lines += _snippet(fault.where, color)
    if fault.hint:
        lines.append(f"  {_paint('fix', BLUE, color)}: {fault.hint}")
    return "\n".join(lines)


def _snippet(where: Location | None, color: bool) -> list[str]:
    """The line of the file, and a caret below the place."""
    if where is None or not where.line:
        return []
    try:
        text = where.file.read_text("utf-8").splitlines()[where.line - 1]
    except (OSError, IndexError, UnicodeDecodeError):
        return []
    number = str(where.line)
    start = max(0, where.column - 60)
    caret = " " * (where.column - 1 - start) + _paint("^", RED, color)
    return [f"  {number} | {text[start : start + 120]}", f"  {' ' * len(number)} | {caret}"]


def _relative(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)


def _paint(text: str, code: str, color: bool) -> str:
    return f"{code}{text}{OFF}" if color and text else text
