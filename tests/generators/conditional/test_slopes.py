"""What a fork learns from the one above it: weak dependence is kept below the first forks, and chances stay chances."""

from __future__ import annotations

import numpy as np
import pytest

from synthkit.generators.conditional import dichotomies
from synthkit.generators.conditional.additive import Shape
from synthkit.generators.conditional.boosting import Learning
from synthkit.generators.conditional.dichotomies import Conditional, Features, fit_conditional
from synthkit.generators.conditional.slopes import chances, fork_slope, places, run_slope

OTHERS = 4  # features that tell nothing


def _rows(size: int, cells: int, strength: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features and a column of equally frequent cells, whose ranks correlate with the first feature's."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(size, 1 + OTHERS))
    y = strength * z[:, 0] + np.sqrt(1 - strength**2) * rng.normal(size=size)
    x = np.stack([np.argsort(np.argsort(column)) * 48 // size for column in z.T], axis=1).astype(np.uint8)
    return x, np.argsort(np.argsort(y)) * cells // size


def _learnt(x: np.ndarray, cells: np.ndarray, seed: int, *, ordered: bool = True) -> Conditional:
    shape = Shape(np.full(x.shape[1], 49), np.zeros(x.shape[1], dtype=bool), np.full(x.shape[1], 48))
    part = np.random.default_rng(seed).integers(0, 9, len(x))
    features = np.arange(x.shape[1])
    return fit_conditional(cells, Features(x, shape), features, part, ordered=ordered, learning=Learning())


@pytest.mark.parametrize(("size", "cells", "strength"), [(300, 12, 0.3), (1_000, 24, 0.3), (2_000, 48, 0.6)])
def test_rows_not_seen_are_likelier_and_a_correlation_is_kept(
    monkeypatch: pytest.MonkeyPatch, size: int, cells: int, strength: float
) -> None:
    """Without slopes a correlation of 0.3 falls to 0.24 where there are 300 rows, and with them to 0.27."""
    found = {}
    for slopes in (True, False):
        if not slopes:
            monkeypatch.setattr(dichotomies, "fork_slope", lambda above, yes: (0.0, 0.0))
            monkeypatch.setattr(dichotomies, "run_slope", lambda above, place, counts: (0.0, 0.0))
        likely, kept = [], []
        for seed in range(5):
            learnt = _learnt(*_rows(size, cells, strength, seed), seed)
            x, other = _rows(4 * size, cells, strength, 100 + seed)
            likely.append(learnt.log_prob(x, other).mean())
            drawn = learnt.draw(x, np.random.default_rng(seed))
            kept.append(np.corrcoef(x[:, 0], drawn)[0, 1] / np.corrcoef(x[:, 0], other)[0, 1])
        found[slopes] = np.mean(likely), np.mean(kept)
    assert found[True][0] > found[False][0]
    assert found[True][1] > max(found[False][1], 0.85)


def test_what_is_drawn_has_the_chances_that_are_said() -> None:
    x, cells = _rows(600, 12, 0.7, 0)
    learnt = _learnt(x, cells, 0)
    assert any(fork.slope and fork.forest is None for fork in learnt.forks)
    assert any(fork.slope and fork.forest is not None for fork in learnt.forks)
    said = learnt.log_probs(x, 12)
    assert np.allclose(np.exp(said).sum(axis=1), 1)
    assert np.allclose(said[np.arange(len(x)), cells], learnt.log_prob(x, cells))
    one = np.repeat(x[:1], 40_000, axis=0)
    drawn = np.bincount(learnt.draw(one, np.random.default_rng(0)), minlength=12) / len(one)
    assert np.abs(drawn - np.exp(said[0])).max() < 0.01  # four standard errors of a share of one half


def test_cells_drawn_by_counts_keep_their_slope_and_have_none_by_chance() -> None:
    rng = np.random.default_rng(0)
    above, counts = rng.normal(size=4_000), np.array([3.0, 1.0, 2.0, 2.0, 4.0])
    each = np.cumsum(chances(counts, 0.8 * above), axis=1)
    place = (each[:, :-1] <= rng.random((len(above), 1))).sum(axis=1)
    slope, middle = run_slope(above, place, counts)
    assert abs(slope - 0.8) < 0.1
    assert abs(middle) < 0.1
    none = [run_slope(rng.normal(size=60), rng.integers(0, 5, 60), np.ones(5))[0] for _ in range(200)]
    assert np.mean(np.array(none) != 0) < 0.3  # a nat is gained by chance in 16 of 100


def test_a_fork_has_no_slope_where_all_its_rows_stand_alike() -> None:
    yes = np.arange(100) % 2 == 0
    assert fork_slope(np.full(100, 1.5), yes)[0] == 0
    assert fork_slope(np.where(yes, 1.0, -1.0) + np.arange(100) % 3, yes)[0] > 0


def test_places_have_mean_nothing_and_variance_one_over_their_rows() -> None:
    counts = np.array([5.0, 1.0, 0.0, 3.0])
    at = places(counts)
    assert abs((counts * at).sum()) < 1e-9
    assert abs((counts * at**2).sum() / counts.sum() - 1) < 1e-9
    assert (places(np.array([4.0])) == 0).all()
