"""Annotations of GitHub Actions: messages that it shows at the very lines of a pull request.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

PER_KIND = 10  # GitHub shows no more of a kind per step, and says nothing of the others
SUMMARY_BYTES = 1024 * 1024  # a step summary of more is dropped whole
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


@dataclass(frozen=True)
class Notice:
    """One message at one place; ``file`` counts from the top of the repository."""

    level: Literal["error", "warning", "note"]
    title: str
    message: str
    file: str | None = None
    line: int = 0
    column: int = 0


def commands(notices: Sequence[Notice]) -> list[str]:
    """Workflow commands, at most ten of each kind; a last notice says how many were left out."""
    lines, left = [], []
    for level in _COMMANDS:
        all_of = [n for n in notices if n.level == level]
        # one notice is kept for what is said of those left out
        most = PER_KIND - 1 if level == "note" else PER_KIND
        lines += [_command(n) for n in all_of[:most]]
        if len(all_of) > most:
            left.append(f"{len(all_of) - most} more {level}{'s' if len(all_of) - most > 1 else ''}")
    if left:
        text = f"{' and '.join(left)} not shown here: GitHub shows {PER_KIND} of a kind. The summary has all."
        lines.append(_command(Notice("note", "synthkit", text)))
    return lines


def _command(notice: Notice) -> str:
    properties = {
        "file": notice.file or None,
        "line": notice.line or None,
        "col": notice.column or None,
        "title": notice.title,
    }
    given = ",".join(f"{k}={_property(str(v))}" for k, v in properties.items() if v is not None)
    return f"::{_COMMANDS[notice.level]} {given}::{_data(notice.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def fitting(text: str, limit: int = SUMMARY_BYTES) -> str:
    """Markdown of at most ``limit`` bytes, cut between paragraphs, and saying so."""
    if len(text.encode("utf-8")) <= limit:
        return text
    note = "\n\n…the rest is left out: a summary may hold 1 MiB. The report's file, or synth verify, has all.\n"
    kept = text.encode("utf-8")[: limit - len(note.encode("utf-8"))].decode("utf-8", "ignore")
    return kept[: kept.rfind("\n")] + note
