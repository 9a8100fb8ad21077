"""Associations against known values: scipy's, closed forms, and their limits."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from synthkit.audits.profile import make_profile
from synthkit.audits.profile.association import FEWEST, correlation_ratio, cramers_v, matrix
from tests.audits.sides import context

RNG = np.random.default_rng(5)
X = RNG.normal(size=400)
Y = np.round(X + RNG.normal(size=400), 1)  # ties too


def test_numbers_have_spearmans_correlation() -> None:
    found = matrix(np.column_stack([X, Y]), [False, False])
    assert found[0, 1] == pytest.approx(stats.spearmanr(X, Y).statistic, abs=1e-12)
    assert found[0, 1] == found[1, 0]
    assert found[0, 0] == 1.0


def test_a_falling_relation_has_a_sign() -> None:
    assert matrix(np.column_stack([X, -(X**3)]), [False, False])[0, 1] == pytest.approx(-1.0)


def test_missing_values_take_their_rows_out_of_a_pair() -> None:
    y = Y.copy()
    y[::3] = np.nan
    found = matrix(np.column_stack([X, y]), [False, False])[0, 1]
    there = np.isfinite(y)
    # Ranks are of the whole column, so this is close to Spearman's of the complete rows, not equal to it.
    assert found == pytest.approx(stats.spearmanr(X[there], y[there]).statistic, abs=0.02)


def test_the_correlation_ratio_is_the_root_of_the_variance_between_groups() -> None:
    codes = np.array([0] * 10 + [1] * 10)
    ranks = np.array([0.1] * 10 + [0.9] * 10)
    assert correlation_ratio(codes, ranks) == pytest.approx(1.0)
    mixed = np.concatenate([np.linspace(0, 1, 10), np.linspace(0, 1, 10)])
    assert correlation_ratio(codes, mixed) == pytest.approx(0.0, abs=1e-9)
    f = stats.f_oneway(X[:200] + 1, X[200:]).statistic
    # η² = F / (F + (n - k) / (k - 1)), less what noise alone gives: ε² = 1 - (1 - η²) (n - 1) / (n - k), Kelley 1935
    joined = np.concatenate([X[:200] + 1, X[200:]])
    groups = np.repeat([0, 1], 200)
    assert correlation_ratio(groups, joined) ** 2 == pytest.approx(1 - (1 - f / (f + 398)) * 399 / 398)


def test_cramers_v_is_bergsmas() -> None:
    a, b = RNG.integers(0, 3, 500), RNG.integers(0, 4, 500)
    b[:200] = a[:200]
    table = np.zeros((3, 4), dtype=int)
    np.add.at(table, (a, b), 1)
    phi2 = stats.contingency.association(table, "cramer") ** 2 * 2  # V² · min(r − 1, k − 1)
    corrected = max(0, phi2 - 2 * 3 / 499)
    smaller = min(3 - 4 / 499, 4 - 9 / 499)
    assert cramers_v(a, b) == pytest.approx(math.sqrt(corrected / (smaller - 1)))


def test_independent_categories_have_next_to_none() -> None:
    """The correction's point: without it, V of 30 × 30 categories over 1,000 rows is about 0.17."""
    a, b = RNG.integers(0, 30, 1000), RNG.integers(0, 30, 1000)
    assert cramers_v(a, b) < 0.08
    assert cramers_v(a, a) == pytest.approx(1.0)


def test_a_number_and_thirty_categories_that_are_independent_have_next_to_none() -> None:
    """Without the correction, η of 30 categories over 1,000 rows is about sqrt(29 / 999) = 0.17."""
    groups, number = RNG.integers(0, 30, 1000), RNG.random(1000)
    assert correlation_ratio(groups, number) < 0.1
    assert correlation_ratio(groups, groups.astype(float)) == pytest.approx(1.0)


def test_what_cannot_be_told_has_no_figure() -> None:
    few = np.arange(FEWEST - 1)
    assert math.isnan(cramers_v(few, few))
    assert math.isnan(correlation_ratio(np.zeros(50, dtype=int), np.linspace(0, 1, 50)))
    constant = matrix(np.column_stack([X, np.ones(400)]), [False, False])
    assert math.isnan(constant[0, 1])


def test_the_profile_has_one_matrix_per_side_over_the_same_columns(tmp_path: Path) -> None:
    def rows(n: int, link: float) -> dict[str, object]:
        x = np.random.default_rng(n).normal(size=n)
        y = link * x + np.random.default_rng(n + 1).normal(size=n)
        return {"x": x, "y": y, "c": np.where(x > 0, "high", "low"), "k": [f"id{i}" for i in range(n)]}

    audit = context(tmp_path, rows(500, 0.0), rows(600, 3.0), rows(200, 3.0), types={"k": "id"})
    found = make_profile(audit)["associations"]
    assert found["columns"] == ["x", "y", "c"]
    assert found["rows"] == {"synthetic": 500, "real": 800}
    assert found["real"][0][1] > 0.9
    assert abs(found["synthetic"][0][1]) < 0.15
    assert found["real"][0][2] > 0.8  # the category is the number's sign
