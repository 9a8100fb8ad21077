"""The YAML of a file or table that could not be read: what is known of it, and what is wrong, as comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthkit.errors import SynthError
from synthkit.scaffold.options import options_yaml
from synthkit.scaffold.writing import SCHEMA, model_lines, place_lines, source_lines

MARK = "# NOT READ YET: "  # begins the file, which is written anew where that first line is still there
_WAYS = (
    "# Set it right below, and synth compile looks again. Or run synth init --from again with --option KEY=VALUE: that",
    "# writes this file anew, with the columns.",
)
_WAYS_BEHIND = (
    "# Mend it there, or write query: below with what can be read, and synth compile looks again. Or run synth init",
    "# --from again: that writes this file anew, with the columns.",
)


def unread(name: str, group: str, shown: str, options: Mapping[str, Any], error: SynthError, file: Path) -> str:
    """A source and its model without columns.

    Args:
        shown: how the YAML names the file.
        error: why it could not be read.
    """
    likely = "# options: {encoding: latin-1}" if "encoding" in (error.hint or "") else None
    given = options_yaml(options) if options else likely
    what, fix = ((text or "").replace(str(file), shown) for text in (error.message, error.hint))
    return _yaml(name, group, what, fix, _WAYS, source_lines(group, name, place_lines(shown, given)))


def unread_behind(name: str, group: str, connection: str, place: Sequence[str], error: SynthError) -> str:
    """:func:`unread`, of a table behind a connection.

    Args:
        place: how the YAML says which table it is.
    """
    source = source_lines(group, name, [*place], connection)
    return _yaml(name, group, error.message, error.hint or "", _WAYS_BEHIND, source)


def _yaml(name: str, group: str, what: str, fix: str, ways: Sequence[str], source: Sequence[str]) -> str:
    first, *more = what.splitlines()
    lines = [
        f"{MARK}{first}",
        *(f"#   {line}" for line in more),
        *(f"# fix: {line}" for line in fix.splitlines()),
        *ways,
        SCHEMA,
        "version: 1",
        "",
        *source,
        "",
        *model_lines(group, name),
    ]
    return "\n".join(lines) + "\n"


def is_unread(file: Path) -> bool:
    """Whether the file is such YAML, which nobody has taken over yet."""
    try:
        with file.open(encoding="utf-8") as text:
            return text.readline().startswith(MARK)
    except (OSError, UnicodeDecodeError):
        return False
