"""What a column means beyond its type, in words: how it is written, and what becomes of rare values."""

from __future__ import annotations

from synthkit.formats.detect import plural
from synthkit.formats.language import parse_form


def in_words(format: str | None, rare: str | None) -> str:
    """What a column means that its type does not say: ``dates written %d.%m.%Y``; "" where that says it all."""
    if format is not None:
        return f"{plural(parse_form(format))} written {format}"
    return "category of many values, none of few people" if rare is not None else ""
