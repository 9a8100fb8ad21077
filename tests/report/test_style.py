"""Numbers for people."""

from __future__ import annotations

import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.report.style import measured, number, plural, seconds, wants_colour
from tests.report.runs import BROKEN, KS, NOT_NULL


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (0.1 + 0.2, "0.3"),
        (0.18249, "0.182"),
        (0.00001234, "1.23e-05"),
        (99.94, "99.9"),
        (99.96, "100"),
        (999.7, "1,000"),
        (12345.678, "12,346"),
        (1_000_000, "1,000,000"),
        (-1234.5, "-1,234"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_number(value: float | None, text: str) -> None:
    assert number(value) == text


@given(st.floats(min_value=-1e14, max_value=1e14, allow_nan=False))
def test_a_number_is_within_half_a_percent_of_what_it_says(value: float) -> None:
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=0.0051)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3725, "1 h 02 min"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


def test_measured_never_leaves_out_the_error() -> None:
    assert measured(KS) == "0.182 [0.16, 0.204] against max 0.1, floor 0.03"
    assert measured(NOT_NULL) == "0 against no nulls"
    assert measured(BROKEN) == "no value"


def test_plural() -> None:
    assert plural(1, "row") == "1 row"
    assert plural(0, "row") == "0 rows"
    assert plural(12_345, "row") == "12,345 rows"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals_whose_user_did_not_refuse_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colour(Terminal())
