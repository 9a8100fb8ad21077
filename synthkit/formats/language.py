"""The language of ``format:``: one line of text names a written form of any family."""

from __future__ import annotations

from functools import cache

from synthkit.formats.form import Form
from synthkit.formats.moments import parse_moment


@cache
def parse_form(text: str) -> Form:
    """The written form that ``format:`` names. Raises ValueError: what is wrong, and how it is written."""
    return parse_moment(text)
