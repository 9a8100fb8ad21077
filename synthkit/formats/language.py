"""The language of ``format:``: one line of text names a written form of any family, or several between ``|``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from synthkit.formats.composed import parse_composed
from synthkit.formats.form import Form
from synthkit.formats.intervals import parse_interval
from synthkit.formats.mixed import Mixed
from synthkit.formats.moments import parse_moment
from synthkit.formats.numbers import parse_number, parse_range
from synthkit.formats.tags import parse_tags
from synthkit.formats.words import parse_words


@cache
def parse_form(text: str) -> Form:
    """The written form that ``format:`` names. Raises ValueError: what is wrong, and how it is written."""
    whole = parse_tags(text) or parse_composed(text)
    if whole is not None:
        return whole
    several = text.split(" | ")
    if len(several) == 1:
        return parse_words(text) or _one(text)
    forms = tuple(_one(part) for part in several)
    kinds = {"number" if form.type in ("integer", "float") else form.type for form in forms}
    if len(kinds) > 1:
        raise ValueError(f"{text!r} mixes {' and '.join(sorted(kinds))} values")
    return Mixed(text, forms)


def nameable(forms: Iterable[str]) -> list[str]:
    """Those of some guessed forms that the language can name: not all signs may stand around a number."""
    found = []
    for text in forms:
        try:
            parse_form(text)
        except ValueError:
            continue
        found.append(text)
    return found


def _one(text: str) -> Form:
    """One form: of moments where it has a directive, of numbers where it shows one."""
    if "1" in text and "234" in text:
        return parse_interval(text) or parse_range(text) or parse_number(text)
    return parse_moment(text)
