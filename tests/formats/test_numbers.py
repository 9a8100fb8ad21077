"""Written forms of numbers: what is read, what is no such number, and that everything comes back as it was."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.formats.language import parse_form

FORMS = ["1234", "1,234.56", "1.234,5 €", "$1,234", "$-1,234", "(1,234)", "1 234.567 kg", "1'234", "1234%"]
OPEN = ["1234.5…", "1234.0…", "1.234,5… €"]


@settings(deadline=None)  # the first call imports Arrow's functions
@given(st.sampled_from(FORMS), st.lists(st.none() | st.integers(-(10**14), 10**14), min_size=1))
def test_numbers_come_back_from_what_is_written(form: str, numbers: list[int | None]) -> None:
    kind = parse_form(form)
    places = {"1,234.56": 2, "1.234,5 €": 1, "1 234.567 kg": 3}.get(form, 0)
    values = [None if n is None else n // 10**places / 10**places if places else n // 10 for n in numbers]
    read = kind.read(kind.write(pa.array(values, pa.float64() if places else pa.int64())))
    assert read.values.to_pylist() == values
    assert read.fits.to_pylist() == [n is not None for n in numbers]


@settings(deadline=None)
@given(st.sampled_from(OPEN), st.lists(st.decimals(-(10**9), 10**9, places=5), min_size=1))
def test_numbers_of_any_decimals_come_back(form: str, numbers: list[object]) -> None:
    values = [float(str(n)) for n in numbers]
    assert parse_form(form).read(parse_form(form).write(pa.array(values))).values.to_pylist() == values


@settings(deadline=None)
@given(st.sampled_from([*FORMS, *OPEN, "1234 - 1234"]), st.lists(st.text("0123456789.,-()$€%' kg", max_size=12)))
def test_what_fits_is_written_back_character_by_character(form: str, texts: list[str]) -> None:
    kind = parse_form(form)
    read = kind.read(pa.array(texts, pa.string()))
    fits = read.fits.to_pylist()
    if form == "1234 - 1234":
        return
    assert [w for w, f in zip(kind.write(read.values).to_pylist(), fits, strict=True) if f] == [
        t for t, f in zip(texts, fits, strict=True) if f
    ]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("1234", "007"),
        ("1,234", "1234"),
        ("1,234", "1,23"),
        ("1,234.56", "12.5"),
        ("1234.5…", "1.50"),
        ("1234.0…", "2"),
        ("(1,234)", "-5"),
        ("$1,234", "1,234"),
        ("1234", "12345678901234567890"),
        ("1234 - 1234", "9 - 3"),
    ],
)
def test_what_is_no_such_number_is_not_read(form: str, text: str) -> None:
    read = parse_form(form).read(pa.array([text]))
    assert (read.values.to_pylist(), read.fits.to_pylist()) == ([None], [False])


def test_ranges_mean_their_middle_and_stand_beside_numbers() -> None:
    read = parse_form("1234.5… | 1234.5… - 1234.5…").read(pa.array(["1056", "1133 - 1384", "34.46Sq. Meter", None]))
    assert read.values.to_pylist() == [1056, 1258.5, None, None]
    assert read.fits.to_pylist() == [True, True, False, False]


@pytest.mark.parametrize("form", ["1,234,5", "(1234", "1.234.56", "12.34", "1234.65", "1234 | %Y-%m-%d", "(-1234)"])
def test_a_form_that_is_none_says_why(form: str) -> None:
    with pytest.raises(ValueError, match=r"write it as|one sign|mixes|no part|no whole|names no part|brackets"):
        parse_form(form)
