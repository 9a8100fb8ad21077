"""Mechanisms survive JSON unchanged, and nothing out of range is one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthkit.privacy.accounting.mechanisms import (
    ZCDP,
    ApproximateDP,
    BoundedRange,
    DiscreteGaussian,
    Gaussian,
    Laplace,
    Mechanism,
    SubsampledGaussian,
    mechanism_from_json,
    same_releases,
)

positive = st.floats(min_value=1e-3, max_value=1e3)
counts = st.integers(1, 10**6)
mechanisms = st.one_of(
    st.builds(DiscreteGaussian, positive, positive, counts),
    st.builds(Gaussian, positive, counts),
    st.builds(SubsampledGaussian, positive, st.floats(min_value=1e-6, max_value=1.0), counts),
    st.builds(Laplace, positive, positive, counts),
    st.builds(BoundedRange, positive, counts),
    st.builds(ZCDP, positive),
    st.builds(ApproximateDP, st.floats(0, 100), st.floats(0, 0.99)),
)


@given(mechanisms)
def test_json_keeps_a_mechanism_to_the_last_bit(mechanism: Mechanism) -> None:
    assert mechanism_from_json(json.loads(json.dumps(mechanism.to_json()))) == mechanism


def test_json_names_the_mechanism_and_every_parameter() -> None:
    assert SubsampledGaussian(1.5, 0.01, 300).to_json() == {
        "mechanism": "subsampled_gaussian",
        "noise_multiplier": 1.5,
        "sampling_rate": 0.01,
        "steps": 300,
    }


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"mechanism": "gauss", "noise_multiplier": 1.0, "count": 1},
        {"mechanism": "gaussian", "noise_multiplier": 1.0},
        {"mechanism": "gaussian", "noise_multiplier": 1.0, "count": 1, "steps": 2},
        {"mechanism": "gaussian", "noise_multiplier": "1", "count": 1},
        {"mechanism": "gaussian", "noise_multiplier": 0.0, "count": 1},
        {"mechanism": "gaussian", "noise_multiplier": float("nan"), "count": 1},
        {"mechanism": "gaussian", "noise_multiplier": float("inf"), "count": 1},
        {"mechanism": "gaussian", "noise_multiplier": 1.0, "count": 0},
        {"mechanism": "gaussian", "noise_multiplier": 1.0, "count": 1.0},
        {"mechanism": "gaussian", "noise_multiplier": 1.0, "count": True},
        {"mechanism": "subsampled_gaussian", "noise_multiplier": 1.0, "sampling_rate": 1.01, "steps": 1},
        {"mechanism": "subsampled_gaussian", "noise_multiplier": 1.0, "sampling_rate": 0.0, "steps": 1},
        {"mechanism": "laplace", "scale": -1.0, "sensitivity": 1.0, "count": 1},
        {"mechanism": "zcdp", "rho": -0.1},
        {"mechanism": "approximate_dp", "epsilon": -0.1, "delta": 0.0},
        {"mechanism": "approximate_dp", "epsilon": 1.0, "delta": 1.0},
    ],
)
def test_what_is_no_mechanism_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        mechanism_from_json(data)


SPENT = [DiscreteGaussian(sigma=12.373709649083521, count=11).to_json(), Gaussian(noise_multiplier=2.0).to_json()]


def test_a_release_is_the_same_on_another_processor() -> None:
    other = [{**SPENT[0], "sigma": 12.373709649073076}, SPENT[1]]  # as AVX2 and AVX-512 calibrate it
    assert same_releases(SPENT, SPENT)
    assert same_releases(SPENT, other)


@pytest.mark.parametrize(
    "other",
    [
        [{**SPENT[0], "sigma": SPENT[0]["sigma"] * (1 + 1e-7)}, SPENT[1]],
        [{**SPENT[0], "count": 12}, SPENT[1]],
        SPENT[:1],
        [],
        [SPENT[1], SPENT[0]],
    ],
    ids=["sigma", "count", "fewer", "none", "order"],
)
def test_another_release_is_not_the_same(other: list[dict[str, Any]]) -> None:
    assert not same_releases(SPENT, other)
