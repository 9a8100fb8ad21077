"""The multiplier bootstrap: its covariance, its intervals where nothing differs, and where much does."""

from __future__ import annotations

import numpy as np
import pytest

from synthkit.audits.rows.sampling_error import DRAWS, Draws, deal, gaps, largest, mean


def test_groups_are_even_and_the_error_is_that_of_shares() -> None:
    rng = np.random.default_rng(1)
    codes = rng.choice(4, 6_000, p=[0.5, 0.3, 0.15, 0.05]).astype(np.int16)
    dealt = deal(len(codes), rng)
    table = dealt.table(codes, 4)
    assert table.shape == (64, 4)
    assert set(table.sum(axis=1).tolist()) <= {93, 94}
    assert table.sum(axis=0).tolist() == np.bincount(codes).tolist()
    error = dealt.error(table)
    share = np.bincount(codes) / len(codes)
    truth = np.sqrt(share * (1 - share) / len(codes))
    # 63 degrees of freedom and 1,000 draws: the standard error of a standard deviation is 9 %
    assert error.std(axis=0) == pytest.approx(truth, rel=0.3)
    assert np.abs(error.sum(axis=1)).max() < 1e-5  # groups of 93 and 94 rows aside, shares add up to one


@pytest.mark.parametrize("rows", [1, 2, 3, 30])
def test_few_rows_have_an_error_too(rows: int) -> None:
    dealt = deal(rows, np.random.default_rng(0))
    assert np.isfinite(dealt.error(dealt.table(np.zeros(rows, dtype=np.int16), 2))).all()


def variation(seed: int, p: list[float], q: list[float]) -> tuple[float, float, bool]:
    rng = np.random.default_rng(seed)
    sides = [rng.choice(len(p), n, p=s).astype(np.int16) for n, s in ((1_500, p), (800, q))]
    dealt = [deal(len(s), rng) for s in sides]
    tables = [d.table(s, len(p)) for d, s in zip(dealt, sides, strict=True)]
    shares = [t.sum(axis=0) / t.sum() for t in tables]
    found = gaps(shares[0] - shares[1], dealt[0].error(tables[0]) - dealt[1].error(tables[1]), 0.5).distance()
    return found.low, found.high, found.value > found.noise


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ([0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]),
        ([0.4, 0.3, 0.2, 0.1], [0.3, 0.3, 0.2, 0.2]),
        ([0.7, 0.1, 0.1, 0.1], [0.1, 0.2, 0.3, 0.4]),
    ],
)
def test_intervals_hold_the_truth(p: list[float], q: list[float]) -> None:
    """200 samples; of 95 % a standard error is 1.5 %, so 91 % is less than three below."""
    truth = 0.5 * float(np.abs(np.array(p) - np.array(q)).sum())
    found = [variation(seed, p, q) for seed in range(200)]
    held = sum(low - 1e-12 <= truth <= high + 1e-12 for low, high, _ in found) / 200
    assert held >= 0.91
    if truth == 0:
        assert sum(stands_out for *_, stands_out in found) / 200 <= 0.1


def test_a_mean_has_an_error_of_its_own() -> None:
    rng = np.random.default_rng(2)
    parts = [Draws(0.5, e := rng.normal(0, 0.1, DRAWS), e, np.abs(e)) for _ in range(25)]
    apart = mean(parts).distance()
    together = mean([parts[0]] * 25).distance()
    assert apart.high - apart.low == pytest.approx(0.2 * (together.high - together.low), rel=0.2)


def test_the_largest_is_the_supremum() -> None:
    difference = np.array([0.1, -0.4, 0.39])
    error = np.random.default_rng(3).normal(0, 0.01, (DRAWS, 3))
    found = largest(difference, error, 0.05)
    assert found.value == 0.4
    assert (found.contact >= -error[:, 1]).all()
    assert (found.contact >= error[:, 2]).all()
