"""Pieces of YAML that init writes: what is read of them is the text that was given, whatever Jinja would make of it."""

from __future__ import annotations

import string

import jinja2
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from synthkit.scaffold.writing import quoted

BRACES = st.text(alphabet="{}%# '\"x-", max_size=12)


@given(st.one_of(BRACES, st.text(alphabet=string.printable, max_size=20)))
@example("{{ env_var('HOME') }}")
@example("{% raw %}{{{")
def test_a_scalar_is_read_as_the_text_and_calls_nothing(text: str) -> None:
    said = yaml.safe_load(f"a: {quoted(text)}")["a"]
    assert jinja2.Environment(keep_trailing_newline=True, newline_sequence="\n").from_string(
        said
    ).render() == text.replace("\r\n", "\n").replace("\r", "\n")
