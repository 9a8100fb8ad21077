"""Trees of noisy histograms: how many releases, spikes, wide ranges, rare categories; and cells back to values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.encoding.axes import Axis, grid_points
from synthkit.generators.marginals.cuts import Cut, _weights, cut
from synthkit.generators.marginals.decode import positions_of
from synthkit.generators.marginals.release import Releases
from synthkit.generators.marginals.tree import Histogram, histogram, levels_of
from synthkit.privacy.accounting.noise import Noise
from synthkit.schema import Column


def grid(points: int, nullable: bool = False) -> Axis:
    return Axis("x", nullable, points, whole=True)


def found(axis: Axis, positions: np.ndarray, levels: int, sigma: float, bins: int = 32, least: float = 0.0) -> Cut:
    releases = Releases(Noise.seeded(1))
    here = histogram(axis, positions, levels, sigma, releases)
    assert sum(m.count for m in releases.spent) == levels  # never more, never fewer, whatever the rows
    return cut(axis, here, bins, least)


@pytest.mark.parametrize(
    ("column", "levels"),
    [
        (Column("a", "integer", "BIGINT", bounds=(0, 63)), 1),
        (Column("a", "integer", "BIGINT", bounds=(0, 64)), 2),
        (Column("a", "integer", "BIGINT", bounds=(0, 99_999)), 3),
        (Column("a", "float", "DOUBLE", bounds=(0.0, 1.0)), 5),
        (Column("a", "float", "DOUBLE", bounds=(0.0, 1.0), decimals=1), 1),
        (Column("a", "decimal", "DECIMAL(18,2)", bounds=(0, 100)), 3),
        (Column("a", "date", "DATE", bounds=("2020-01-01", "2020-12-31")), 2),
        (Column("a", "datetime", "TIMESTAMP", bounds=("2020-01-01", "2020-12-31")), 5),
        (Column("a", "time", "TIME", bounds=("00:00:00", "23:59:59")), 3),
        (Column("a", "categorical", "VARCHAR", values=tuple("ab")), 1),
        (Column("a", "boolean", "BOOLEAN"), 1),
        (Column("a", "integer", "BIGINT", bounds=(0, 10**6), values=(1, 10**6)), 1),
    ],
)
def test_the_declaration_decides_how_often_a_column_is_refined(column: Column, levels: int) -> None:
    assert levels_of(column) == levels, grid_points(column)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 5_000),
    st.integers(1, 4),
    st.lists(st.floats(0, 1), max_size=300),
    st.floats(0.5, 50),
    st.booleans(),
)
def test_leaves_tile_the_axis_whatever_the_rows(
    points: int, levels: int, shares: list[float], sigma: float, nullable: bool
) -> None:
    axis = grid(points, nullable)
    positions = np.minimum((np.array(shares) * axis.size).astype(np.int64), axis.size - 1)
    here = found(axis, positions, levels, sigma)
    assert here.starts[0] == 0
    assert (np.diff(here.starts) > 0).all()
    assert here.end == axis.size
    assert (here.ends > here.starts).all()
    assert here.codes(np.arange(axis.size)).max() == here.cells - 1
    assert np.bincount(here.cell, here.weights) == pytest.approx(np.ones(here.cells))
    if nullable:  # missing values share no leaf with others
        assert here.starts[-1] == points


def test_spikes_stand_by_themselves_and_wide_ranges_do_not_hide_them() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([np.zeros(9_000), np.full(600, 15_024), rng.integers(20_000, 30_000, 2_000)])
    here = found(grid(10**6), values.astype(np.int64), 3, sigma=20.0)
    spikes = here.starts[here.ends - here.starts == 1]
    assert {0, 15_024} <= set(spikes.tolist())
    assert here.codes(np.array([0])) != here.codes(np.array([1]))
    # The 980,000 positions that hold nothing come back hardly ever.
    positions, inner = positions_of(here, here.codes(values.astype(np.int64)), rng)
    assert ((positions == 0) | (positions == 15_024)).mean() == pytest.approx(9_600 / 11_600, abs=0.01)
    assert ((positions > 30_500) | ((positions > 0) & (positions < 15_024))).mean() < 0.02
    assert np.isnan(inner[positions == 0]).all()


def test_cells_are_about_equally_full() -> None:
    rng = np.random.default_rng(0)
    values = np.clip(rng.lognormal(8, 1, 50_000), 0, 10**6).astype(np.int64)
    here = found(grid(10**6 + 1), values, 3, sigma=10.0, bins=20)
    counts = np.bincount(here.codes(values), minlength=here.cells)
    assert 10 <= here.cells <= 25
    assert counts.max() < 3 * 50_000 / 20


def test_what_noise_would_drown_is_joined() -> None:
    values = np.random.default_rng(0).integers(0, 100, 1_000)
    here = found(grid(100), values, 1, sigma=10.0, bins=50, least=150.0)
    assert np.bincount(here.codes(values)).min() > 100


def test_rare_categories_share_a_cell_and_come_back_by_their_count() -> None:
    axis = Axis("x", True, 5, values=tuple("abcde"))
    positions = np.repeat([0, 1, 2, 3], [5_000, 3_000, 60, 60])
    here = found(axis, positions, 1, sigma=25.0)
    assert here.cells in (2, 3)
    assert here.codes(np.array([2])) == here.codes(np.array([3])) == here.codes(np.array([5]))
    back, _ = positions_of(here, here.codes(positions), np.random.default_rng(0))
    counts = np.bincount(back, minlength=6)
    assert counts[:2] == pytest.approx([5_000, 3_000], abs=150)


@pytest.mark.parametrize("rows", [0, 1])
def test_no_rows_at_all(rows: int) -> None:
    for axis in (grid(1), grid(10**7, True), Axis("x", False, 3, values=tuple("abc"))):
        here = found(axis, np.zeros(rows, dtype=np.int64), 1 if not axis.continuous else 4, sigma=5.0)
        back, _ = positions_of(here, np.zeros(100, dtype=np.int64), np.random.default_rng(0))
        assert ((back >= 0) & (back < axis.size)).all()


def test_noise_alone_makes_few_leaves() -> None:
    """Of a million positions without a row, noise must not make spikes: 4 standard deviations in 300 nodes."""
    here = found(grid(10**6), np.zeros(0, dtype=np.int64), 3, sigma=30.0)
    assert len(here.starts) < 40
    assert math.isfinite(float(here.weights.sum()))


def test_no_leaf_is_lost_to_its_noise() -> None:
    """40 rows at an end of the range under noise of 31: a projection onto counts of at least 0 loses the end in 3 of 100."""
    counts = np.array([40, 136, 253, 500, 460, 344])
    positions = np.repeat(np.arange(6), counts)
    rng = np.random.default_rng(0)
    for seed in range(60):
        histogram_ = Histogram(np.arange(6), counts + rng.normal(0, 31, 6), np.full(6, 31.0**2), 6)
        here = cut(grid(6), histogram_, 16, 138.0)
        back, _ = positions_of(here, here.codes(positions), np.random.default_rng(seed))
        assert back.min() == 0, seed
        assert back.max() == 5, seed


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-2_000, 20_000), min_size=1, max_size=40), st.floats(0.5, 100), st.floats(0.05, 3))
def test_leaves_of_a_cell_are_positive_add_up_and_keep_their_order(
    counts: list[float], sigma: float, slack: float
) -> None:
    """Checked against the conditions of the optimum: p + soft log p - y is the same for all leaves of a cell."""
    y = np.array(counts)
    here = Histogram(np.arange(len(y)), y, np.full(len(y), sigma**2), len(y))
    weights = _weights(here, np.zeros(len(y), dtype=np.int64), slack)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    order = np.argsort(y)
    assert (np.diff(weights[order]) >= -1e-12).all()
    if y.sum() > 1:
        p, soft = weights * y.sum(), slack * sigma
        seen = p > 1e-6
        level = (p + soft * np.log(np.where(seen, p, 1)) - y)[seen]
        assert np.ptp(level) <= 1e-6 * (1 + np.abs(y).max())
