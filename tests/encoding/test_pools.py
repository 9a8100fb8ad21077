"""Pools: what stands for values of few people is no nearer to them than the next people's values are."""

from __future__ import annotations

import numpy as np
import pytest

from synthkit.encoding.cells import Values
from synthkit.encoding.pools import fit_bins
from synthkit.schema import MIN_COUNT


@pytest.mark.parametrize(("rows", "span"), [(1_000, 1_000), (3_000, 1_500), (3_000, 6_000), (500, 4_000)])
def test_few_peoples_values_come_back_as_often_as_new_people_bring_them(rows: int, span: int) -> None:
    """Days at random, about as many as rows: of what the pools give out, the share that some one of few people holds is
    that of new people's days, and no more than a twentieth above it (30 samples; with pools that leave out the gap at
    which they were cut it is a fifth). It is below where days of MIN_COUNT people come back as they are."""
    rng, given, fresh = np.random.default_rng(5), [], []
    for _ in range(30):
        days = rng.integers(0, span, rows)
        positions, counts = np.unique(days, return_counts=True)
        bins = fit_bins(Values(positions.astype(float), counts, counts, rounded=True), most=64)
        few = set(positions[counts < MIN_COUNT].tolist())
        piece, _ = bins.pieces(days.astype(float))
        share = np.bincount(piece, minlength=len(bins.low)) / rows
        inside = [
            np.mean([d in few for d in range(int(low), int(high) + 1)])
            for low, high in zip(bins.low, bins.high, strict=True)
        ]
        given.append(float(share @ inside))
        fresh.append(np.mean([d in few for d in rng.integers(0, span, rows)]))
    assert -0.15 < np.mean(given) - np.mean(fresh) < 0.05
