"""What a column's values are taken for: the form, how many have it, and what else they could be."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from synthkit.formats.detect import Detected, candidates, detect

RNG = random.Random(7)
DAYS = [dt.datetime(1990, 1, 1) + dt.timedelta(RNG.randint(0, 9_000), RNG.randint(0, 86_399)) for _ in range(400)]
SIZES = [RNG.lognormvariate(6, 1) for _ in range(400)]


def found(values: list[str], name: str = "x", whole: bool = False) -> Detected | None:
    counted = pc.value_counts(pa.array(values, pa.string()))
    texts, counts = counted.field("values"), counted.field("counts")
    return detect(candidates(name, texts.to_pylist(), whole=whole), texts, counts)


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("%-m/%-d/%Y 0:00:00", lambda d: f"{d.month}/{d.day}/{d.year} 0:00:00"),
        ("%d.%m.%y", lambda d: f"{d:%d.%m.%y}"),
        ("%A, %d %B %Y", lambda d: f"{d:%A, %d %B %Y}"),
        ("%d-%b-%y", lambda d: f"{d:%d-%b-%y}"),
        ("%b-%Y", lambda d: f"{d:%b-%Y}"),
        ("%Y-%m-%dT%H:%M:%SZ", lambda d: f"{d:%Y-%m-%dT%H:%M:%SZ}"),
        ("%m/%d/%Y %I:%M:%S %p", lambda d: f"{d:%m/%d/%Y %I:%M:%S %p}"),
        ("%H:%M", lambda d: f"{d:%H:%M}"),
        ("%Y/%-m/%-d", lambda d: f"{d.year}/{d.month}/{d.day}"),
        ("%d%^b%Y", lambda d: f"{d:%d%b%Y}".upper()),
    ],
)
def test_dates_and_times(form: str, written: Callable[[dt.datetime], str]) -> None:
    one = found([written(d) for d in DAYS])
    assert one == Detected(form, one.type if one else "date", 1.0)


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("1,234.56", lambda n: f"{n:,.2f}"),
        ("$1,234", lambda n: f"${n:,.0f}"),
        ("1.234,56 €", lambda n: f"{n:,.2f} €".translate(str.maketrans(",.", ".,"))),
        ("1234.5%", lambda n: f"{n / 100:.1f}%"),
        ("(1,234)", lambda n: f"({n:,.0f})" if n < 300 else f"{n:,.0f}"),
        ("1234 kg", lambda n: f"{n:.0f} kg"),
        ("$1234.56", lambda n: f"-${n:.2f}" if n < 100 else f"${n:.2f}"),
    ],
)
def test_numbers(form: str, written: Callable[[float], str]) -> None:
    one = found([written(n) for n in SIZES])
    assert one is not None
    assert (one.form, one.share) == (form, 1.0)


def test_areas_are_numbers_and_ranges_and_what_is_neither_is_said() -> None:
    areas = [f"{n:.0f} - {n * 1.2:.0f}" if i % 40 == 0 else f"{n:.0f}" for i, n in enumerate(SIZES)]
    one = found([*areas, "34.46Sq. Meter", "4125Perch"])
    assert one is not None
    assert one.form.endswith(" | 1234 - 1234")
    assert one.share == 400 / 402
    assert set(one.odd) == {"34.46Sq. Meter", "4125Perch"}
    assert "99.5% of its values" in one.said("area")


def test_days_and_months_either_way_round_are_said() -> None:
    one = found([f"{min(d.day, 12)}/{d.month}/{d.year}" for d in DAYS])
    assert one is not None
    assert (one.form, one.other) == ("%-m/%-d/%Y", "%-d/%-m/%Y")
    assert one.ambiguous == sum(min(d.day, 12) != d.month for d in DAYS)
    assert "declare format:" in one.said("x")


def test_whole_numbers_are_days_only_where_all_are() -> None:
    days = [f"{d:%Y%m%d}" for d in DAYS]
    assert found(days, whole=True) == Detected("%Y%m%d", "date", 1.0)
    assert found([f"{d:%Y%m}" for d in DAYS], whole=True) == Detected("%Y%m", "date", 1.0)
    assert found([*days, "20221131"], whole=True) is None
    assert found([str(200001 + i) for i in range(12)], whole=True) is None  # counted on: no more months than that
    assert found([str(RNG.randint(10_000_000, 99_999_999)) for _ in range(400)], whole=True) is None


def test_seconds_since_1970_are_moments_only_under_such_a_name() -> None:
    seconds = [str(int(d.timestamp()) + 10**9) for d in DAYS]
    assert found(seconds, name="population", whole=True) is None
    one = found(seconds, name="created_at", whole=True)
    assert one is not None
    assert one.form == "%s"


@pytest.mark.parametrize(
    "written",
    [
        lambda n: f"A{n:.0f}",
        lambda n: f"{n:.0f}",
        lambda n: f"{n:05.0f}",
        lambda n: f"+49 {n * 1e6:.0f} {n:.0f}",
        lambda n: f"{RNG.randint(0, 255)}.{RNG.randint(0, 255)}.{RNG.randint(0, 255)}.{n % 255:.0f}",
        lambda n: f"{n:.0f} {RNG.choice(['oak', 'elm', 'main'])} street",
        lambda n: f"ada{n:.0f}@example.org",
    ],
)
def test_codes_and_names_are_neither(written: Callable[[float], str]) -> None:
    assert found([written(n) for n in SIZES]) is None
