"""Nearest neighbours against brute force."""

from __future__ import annotations

import numpy as np

from synthkit.audits.rows.neighbours import nearest_distance


def test_nearest_distance_is_brute_force() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(50, 4)).astype(np.float32), rng.normal(size=(70, 4)).astype(np.float32)
    expected = np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)).min(axis=1)
    np.testing.assert_allclose(nearest_distance(a, [b[:30], b[30:]], block=7), expected, atol=1e-3)
    assert nearest_distance(a, [a]).max() == 0.0
