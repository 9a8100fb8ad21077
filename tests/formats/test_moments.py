"""Written forms of dates and times: what is read, what is no such value, and that everything comes back as it was."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.formats.language import parse_form

DATES = ["%m/%d/%Y", "%-m/%-d/%Y", "%-d.%-m.%y", "%Y%m%d", "%Y%j", "%a, %-d %b %Y", "%^B %d %Y", "%-m/%-d/%Y 0:00:00"]
MOMENTS = ["%Y-%m-%dT%H:%M:%SZ", "%d/%m/%Y %-I:%M:%S %p", "%Y-%m-%d %H:%M:%S.%f", "%A %d %B %Y %H:%M:%S.%g", "%s", "%Q"]
SECONDS = {"%Y-%m-%d %H:%M:%S.%f": 1e-6, "%A %d %B %Y %H:%M:%S.%g": 1e-3, "%Q": 1e-3}  # what a form can tell; others 1


@settings(deadline=None)  # the first call imports Arrow's functions
@given(st.sampled_from(DATES), st.lists(st.none() | st.dates(dt.date(1969, 1, 1), dt.date(2068, 12, 31)), min_size=1))
def test_dates_come_back_from_what_is_written(form: str, days: list[dt.date | None]) -> None:
    written = parse_form(form).write(pa.array(days, pa.date32()))
    read = parse_form(form).read(written)
    assert read.values.to_pylist() == days
    assert read.fits.to_pylist() == [d is not None for d in days]


@settings(deadline=None)  # the first call imports Arrow's functions
@given(st.sampled_from(MOMENTS), st.lists(st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)), min_size=1))
def test_moments_come_back_as_far_as_they_are_written(form: str, moments: list[dt.datetime]) -> None:
    step = round(SECONDS.get(form, 1) * 1_000_000)
    step = 60_000_000 if "%M" in form and "%S" not in form else step
    cut = [
        m - dt.timedelta(microseconds=(m - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1) % step)
        for m in moments
    ]
    read = parse_form(form).read(parse_form(form).write(pa.array(moments, pa.timestamp("us"))))
    assert read.values.to_pylist() == cut


@settings(deadline=None)  # the first call imports Arrow's functions
@given(
    st.sampled_from([*DATES, *MOMENTS, "%H:%M", "%-I%P"]),
    st.lists(st.text("0123456789/ :-.APMapmJanuryMoTZ", max_size=20)),
)
def test_what_fits_is_written_back_character_by_character(form: str, texts: list[str]) -> None:
    read = parse_form(form).read(pa.array(texts, pa.string()))
    back = parse_form(form).write(read.values).to_pylist()
    assert [b for b, fits in zip(back, read.fits.to_pylist(), strict=True) if fits] == [
        t for t, fits in zip(texts, read.fits.to_pylist(), strict=True) if fits
    ]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%Y%m%d", "20221131"),
        ("%m/%d/%Y", "9/30/1990"),
        ("%-m/%-d/%Y", "09/30/1990"),
        ("%a %d %b %Y", "Mon 29 Nov 2026"),
        ("%Y%j", "2021366"),
        ("%H:%M", "24:00"),
        ("%Y-%m-%d", " 2020-01-01"),
        ("%I:%M %p", "13:00 PM"),
    ],
)
def test_what_is_no_such_value_is_not_read(form: str, text: str) -> None:
    read = parse_form(form).read(pa.array([text]))
    assert (read.values.to_pylist(), read.fits.to_pylist()) == ([None], [False])


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("%d.%m", "no whole date"),
        ("%Y-%m-%d %m", "twice"),
        ("%Y-%k", "'%k' is no part"),
        ("%I:%M", "need each other"),
        ("%Y-%m %H:%M", "no day"),
        ("%M:%S", "begins with the hour"),
        ("%A", "without a date"),
        ("on time", "names no part"),
    ],
)
def test_a_form_that_is_none_says_why(form: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_form(form)
