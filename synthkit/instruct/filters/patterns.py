"""Lists of patterns kept as data: one regular expression a line under the name of its category."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from synthkit.errors import SynthError


@cache
def read(name: str) -> Mapping[str, tuple[str, ...]]:
    """Category → its patterns, of the data file ``name``.

    A line is a comment (#), a category in brackets, or a pattern.
    """
    found: dict[str, list[str]] = {}
    category = ""
    for line in _text(name).splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]") and re.fullmatch(r"\[[a-z_]+\]", line):
            category = line[1:-1]
        elif line and not line.startswith("#"):
            found.setdefault(category, []).append(line)
    return {c: tuple(p) for c, p in found.items()}


def digest(name: str) -> str:
    """Of a data file, for fingerprints."""
    return hashlib.sha256(_text(name).encode()).hexdigest()[:16]


def compiled(patterns: Sequence[str]) -> re.Pattern[str]:
    """One expression for all, whatever the case. Raises SynthError at the first that is none."""
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise SynthError(
                f"{pattern!r} is no regular expression: {error}", hint="escape it, or correct it"
            ) from None
    return re.compile("|".join(f"(?:{p})" for p in patterns) or r"(?!)", re.IGNORECASE)


def searched(text: str, by_category: Mapping[str, re.Pattern[str]]) -> Iterator[tuple[str, str]]:
    """(category, the words that match) of each category that does.

    All white space is one space to a pattern, and an apostrophe is one whatever its shape.
    """
    plain = " ".join(text.split()).replace("’", "'").replace("ʼ", "'")
    for category, pattern in by_category.items():
        match = pattern.search(plain)
        if match is not None:
            yield category, match[0].strip()


def _text(name: str) -> str:
    return (files("synthkit.instruct.filters") / "data" / name).read_text("utf-8")
