"""Limits, and what holds an estimate against them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from synthkit.audits.gate import Estimate, GateParams, ShareParams, gated, judge, limit_of

NUMBERS = st.floats(0, 1, allow_nan=False)


def test_a_limit_is_absolute_or_follows_from_the_floor() -> None:
    assert limit_of(GateParams(max=0.1), 0.03, {}).text == "max 0.1"
    assert limit_of(GateParams(within="2x floor"), 0.03, {}).value == pytest.approx(0.06)
    assert limit_of(GateParams(max_excess=0.02), 0.03, {}).shown == "max floor + 0.02 = 0.05"
    assert limit_of(GateParams(max_excess=0.02), 0.03, {}).text == "max floor + 0.02"  # what is published
    assert limit_of(ShareParams(max_shortfall=0.1), 0.95, {}).value == pytest.approx(0.85)
    assert limit_of(ShareParams(within="0.9x floor"), 1.0, {}).shown == "min 0.9x floor = 0.9"
    assert limit_of(GateParams(), 0.03, {"max": 0.2}).value == 0.2
    assert limit_of(GateParams(max_excess=0.02), None, {}).value is None


@pytest.mark.parametrize("wrong", [{"max": 0.1, "max_excess": 0.1}, {"within": "2 floors"}, {"max_excess": -0.1}])
def test_a_limit_that_makes_no_sense_is_refused(wrong: dict[str, float | str]) -> None:
    with pytest.raises(ValidationError):
        GateParams.model_validate(wrong)


@pytest.mark.parametrize(
    ("decide", "value", "low", "high", "status"),
    [
        ("interval", 0.05, 0.03, 0.08, "pass"),
        ("interval", 0.05, 0.03, 0.12, "inconclusive"),
        ("interval", 0.11, 0.09, 0.13, "fail"),
        ("point", 0.09, 0.03, 0.5, "pass"),
        ("point", 0.11, 0.03, 0.5, "fail"),
        ("lower", 0.3, 0.09, 0.5, "pass"),
        ("lower", 0.3, 0.11, 0.5, "fail"),
        ("upper", 0.05, 0.03, 0.12, "inconclusive"),
    ],
)
def test_what_decides(decide: str, value: float, low: float, high: float, status: str) -> None:
    limit = limit_of(GateParams.model_validate({"max": 0.1, "decide": decide}), None, {})
    assert judge(Estimate(value, low, high), limit) == status
    # the mirror image, for a measure that is better the higher
    swapped = {"lower": "upper", "upper": "lower"}.get(decide, decide)
    limit = limit_of(ShareParams.model_validate({"min": 0.9, "decide": swapped}), None, {})
    assert judge(Estimate(1 - value, 1 - high, 1 - low), limit) == status


def test_what_noise_may_be_does_not_fail() -> None:
    limit = limit_of(GateParams(max=0.1, decide="point"), None, {})
    assert judge(Estimate(0.15, 0.0, 0.3, noise=0.2), limit) == "inconclusive"
    assert judge(Estimate(0.25, 0.0, 0.5, noise=0.2), limit) == "fail"
    assert judge(Estimate(0.15, 0.12, 0.3, noise=0.2), limit) == "fail"  # the interval is sure


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["interval", "point", "lower", "upper"]))
def test_a_stricter_limit_never_turns_a_fail_into_a_pass(a: float, b: float, c: float, at: float, decide: str) -> None:
    low, value, high = sorted((a, b, c))
    order = {"pass": 0, "inconclusive": 1, "fail": 2}
    ranks = []
    for limit in (at, at / 2):
        params = GateParams.model_validate({"max": limit, "decide": decide})
        ranks.append(order[judge(Estimate(value, low, high), limit_of(params, None, {}))])
    assert ranks[0] <= ranks[1]


def test_a_result_carries_what_a_report_draws() -> None:
    for better, status in product(("lower", "higher"), ("pass", "fail")):
        good = (status == "pass") == (better == "lower")
        params = GateParams(max=0.5) if better == "lower" else ShareParams(min=0.5)
        value = 0.2 if good else 0.8
        result = gated(params, Estimate(value, value - 0.1, value + 0.1, 0.4), {}, "it is so", advice="something else")
        assert (result.status, result.limit, result.better, result.decide) == (status, 0.5, better, "interval")
        assert result.message.startswith("it is so (95 % interval")
        assert ("Try something else" in result.message) == (status == "fail")


def test_no_floor_no_verdict() -> None:
    result = gated(GateParams(within="2x floor"), Estimate(0.1, 0.0, 0.2), {}, "it is so")
    assert result.status == "inconclusive"
    assert "floor" in result.message
