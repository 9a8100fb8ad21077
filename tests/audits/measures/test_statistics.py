"""Intervals against scikit-learn, against each other, and against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from synthkit.audits.measures.statistics import auc, delong, midranks, t_interval, tpr_at_fpr


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_auc_is_scikit_learns(positive: list[int], negative: list[int]) -> None:
    truth = [1] * len(positive) + [0] * len(negative)
    expected = roc_auc_score(truth, positive + negative)
    assert auc(np.array(positive), np.array(negative)) == pytest.approx(expected, abs=1e-12)
    assert delong(np.array(positive), np.array(negative))[0] == pytest.approx(expected, abs=1e-12)


def test_midranks_share_ties() -> None:
    assert midranks(np.array([10, 20, 20, 5])).tolist() == [2.0, 3.5, 3.5, 1.0]


def test_delongs_interval_covers_the_truth() -> None:
    """Normal scores with a true AUC of Φ(1/√2) = 0.7602; over 400 draws 95 % ± 2.2 % (two standard errors)."""
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        _, low, high = delong(rng.normal(1, 1, 150), rng.normal(0, 1, 150))
        hits += low <= 0.7602 <= high
    assert 0.928 <= hits / 400 <= 0.972


def test_a_perfect_attack_still_has_an_interval() -> None:
    value, low, high = delong(np.arange(100) + 100.0, np.arange(100.0))
    assert (value, high) == (1.0, 1.0)
    assert low == pytest.approx(0.97)


def test_tpr_at_fpr_leaves_ties_to_a_coin() -> None:
    assert tpr_at_fpr(np.array([3.0, 2.0, 2.0]), np.array([2.0, 1.0, 0.0, 0.0]), 0.0) == pytest.approx(1 / 3)
    assert tpr_at_fpr(np.array([1.0, 1.0]), np.array([1.0, 1.0]), 0.01) == pytest.approx(0.01)
    # A full copy by raw distances: all members at 0, as are 5 % of the others. Not 0: a fifth of the ties has room.
    others = np.r_[np.zeros(5), -np.ones(95)]
    assert tpr_at_fpr(np.zeros(100), others, 0.01) == pytest.approx(0.2)


def test_t_interval_is_students() -> None:
    mean, low, high = t_interval(np.array([1.0, 2.0, 3.0]))
    assert mean == 2.0
    # t(0.975, 2) = 4.3027, s/√3 = 0.57735
    assert high - mean == pytest.approx(4.3027 * 0.57735, rel=1e-4)
    assert mean - low == pytest.approx(high - mean)
