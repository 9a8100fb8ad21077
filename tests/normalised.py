"""What a build leaves behind, without what no two builds share: times, durations, run ids, paths, commits, machines.

Everything else is held to the byte by the whole projects of ``tests/projects``: hashes of configurations, sources and
Parquet files, receipts, verdicts, messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b"), "<run>"),
    # With a time zone: what a clock said. Times of rows have none.
    (re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"), "<time>"),
    (re.compile(r'\b(time|timestamp)="[^"]*"'), r'\1="<time>"'),  # of JUnit
    (re.compile(r"\b(?:\d+ h )?(?:\d+ min )?\d+(?:\.\d+)? s\b"), "<seconds>"),
    (re.compile(r"\b(?:\d+ h )?\d+ min\b"), "<seconds>"),
    (re.compile(r"\b(likely|at least) <seconds>.*"), r"\1 <estimate>"),  # of `synth plan`
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "<commit>"),
)
# Of the machine or of the moment; what stands below one of these keys is blanked value by value, its shape is kept.
_BLANKED = frozenset({"seconds", "environment", "versions", "consumed", "queued", "estimates"})
_FIRST = "0" * 64  # what stands before the first entry of a chain


class Normaliser:
    """Takes one project's root, its commits and all that :mod:`tests.normalised` names out of texts and JSON."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commits: set[str] = set()
        self.changing: set[str] = set()  # hashes of texts that hold a time, such as the ledger's lines
        today = datetime.now(UTC).date()
        self.days = "|".join((today + timedelta(days=days)).isoformat() for days in (0, 1))

    def text(self, text: str) -> str:
        """``text`` with a placeholder for each of them; JSON in it is taken apart line by line, or as a whole."""
        whole = _parsed(text)
        if whole is not None:
            return json.dumps(self.value(whole), indent=1, ensure_ascii=False) + "\n"
        # Progress is told as often as time passes.
        lines = [line for line in text.split("\n") if '"event": "ModelProgress"' not in line]
        return "\n".join(self._line(line) for line in lines)

    def value(self, value: Any) -> Any:
        """A JSON value, normalised."""
        if isinstance(value, Mapping):
            return {self._plain(k): self._of(k, v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.value(v) for v in value]
        return self._plain(value) if isinstance(value, str) else value

    def _of(self, key: str, value: Any) -> Any:
        if key in _BLANKED:
            return _blank(value)
        if key == "previous" and isinstance(value, str) and value != _FIRST:
            return "<hash>"  # of a receipt or an entry that holds a time
        return self.value(value)

    def _line(self, line: str) -> str:
        parsed = _parsed(line)
        return self._plain(line) if parsed is None else json.dumps(self.value(parsed), ensure_ascii=False)

    def _plain(self, text: str) -> str:
        text = text.replace(str(self.root), "<project>")
        for commit in self.commits:
            text = re.sub(rf"\b{commit[:7]}[0-9a-f]{{0,33}}\b", "<commit>", text)
        for changing in self.changing:
            text = re.sub(rf"\b{changing[:12]}[0-9a-f]*\b", "<hash>", text)
        text = re.sub(rf"\b(?:{self.days}) \d\d:\d\d:\d\d\b", "<time>", text)
        for pattern, placeholder in _TEXT:
            text = pattern.sub(placeholder, text)
        return text


def _parsed(text: str) -> Any:
    """The JSON object or list that ``text`` is, or None."""
    if not text.lstrip().startswith(("{", "[{")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _blank(value: Any) -> Any:
    if isinstance(value, Mapping):
        # How many kernels and packages there are depends on what the worker has loaded: their names stay.
        return {k: _blank(v) for k, v in value.items() if k not in ("held", "kernels")}
    return None if value is None else "<machine>"


def blurred(text: str) -> str:
    """``text`` without its numbers and hashes, for a processor that computes the last digit otherwise."""
    text = re.sub(r"\b[0-9a-f]{8,64}\b", "<hash>", text)
    return re.sub(r"-?\b\d[\d,]*(?:\.\d+)?(?:e-?\d+)?\b", "<number>", text)
