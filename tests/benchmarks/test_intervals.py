"""Intervals, ratios, exponents and verdicts of the generator benchmark, on figures that are known."""

from __future__ import annotations

import math

import pytest

from benchmarks.generators.compare import _order
from benchmarks.generators.intervals import Estimate, difference, mean, middle, paired_ratio, slope
from benchmarks.generators.peers import Comparison
from benchmarks.generators.tables import verdict


def test_a_mean_has_students_interval() -> None:
    found = mean([1.0, 2.0, 3.0])
    assert found.value == 2
    assert found.high - found.value == pytest.approx(4.3027 / math.sqrt(3), abs=1e-3)  # t(2) at 97.5 %
    assert math.isnan(mean([1.0]).low)
    assert math.isnan(mean([1.0, math.nan]).value)
    assert math.isnan(mean([]).value)


def test_differences_ratios_and_medians() -> None:
    gap = difference([2.0, 2.1, 1.9], [1.0, 1.1, 0.9])
    assert gap.value == pytest.approx(1)
    assert 0 < gap.low < gap.high
    assert math.isnan(difference([1.0], [math.nan]).value)
    assert middle([3.0, 1.0, 2.0]) == Estimate(2, 1, 3)
    assert paired_ratio({0: 2.0, 1: 3.0, 2: 1.0}, {0: 4.0, 1: 6.0}) == Estimate(0.5, 0.5, 0.5)


def test_the_exponent_of_a_power_law_is_found() -> None:
    sizes = [10.0, 100.0, 1_000.0]
    assert slope(sizes, [3 * s**0.7 for s in sizes]).value == pytest.approx(0.7)
    assert math.isnan(slope([10.0, 10.0], [1.0, 2.0]).value)


def test_verdicts_need_an_interval_that_leaves_zero_out() -> None:
    assert verdict(Estimate(0.1, 0.05, 0.15), less_is_better=False) == "ahead"
    assert verdict(Estimate(0.1, 0.05, 0.15), less_is_better=True) == "behind"
    assert verdict(Estimate(0.1, -0.05, 0.25), less_is_better=False) == "level"
    assert verdict(Estimate(0.1, math.nan, math.nan), less_is_better=False) == "one run"
    assert verdict(Estimate(math.nan, math.nan, math.nan), less_is_better=False) == "–"


def test_ours_and_the_peer_take_turns_in_going_first() -> None:
    found = list(_order([Comparison("ctgan", "sdv.ctgan", ("adult",))], [0, 1]))
    assert [g for _, _, g in found] == ["ctgan", "sdv.ctgan", "sdv.ctgan", "ctgan"]
