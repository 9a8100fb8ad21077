"""The YAML of a file that could not be read: what is known of it, and what is wrong, as comments."""

from __future__ import annotations

from collections.abc import Mapping
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


def unread(name: str, group: str, shown: str, options: Mapping[str, Any], error: SynthError, file: Path) -> str:
    """A source and its model without columns.

    Args:
        shown: how the YAML names the file.
        error: why it could not be read.
    """
    what = error.message.replace(str(file), shown).splitlines()
    fix = [f"# fix: {line}" for line in (error.hint or "").replace(str(file), shown).splitlines()]
    likely = "# options: {encoding: latin-1}" if "encoding" in (error.hint or "") else None
    given = options_yaml(options) if options else likely
    lines = [
        f"{MARK}{what[0]}",
        *(f"#   {line}" for line in what[1:]),
        *fix,
        *_WAYS,
        SCHEMA,
        "version: 1",
        "",
        *source_lines(group, name, place_lines(shown, given)),
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
