"""Audits of wide tables: pairs are drawn without a list of all of them, and neighbours searched in smaller blocks."""

from __future__ import annotations

import tracemalloc
from itertools import combinations
from typing import Any, cast

import numpy as np
import pytest

from synthkit.audits.context import AuditContext
from synthkit.audits.fidelity.pairs import MOST_PAIRS, chosen_pairs
from synthkit.audits.rows import neighbours
from synthkit.audits.rows.neighbours import nearest


class Seeded:
    """The part of a context that drawing pairs asks for."""

    def rng(self, *_purpose: object) -> np.random.Generator:
        return np.random.default_rng(5)


def chosen(columns: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return chosen_pairs(cast(AuditContext, Seeded()), columns)


def test_pairs_that_are_drawn_are_those_of_the_list_of_all() -> None:
    for count in (2, 32, 33, 90):
        columns = tuple(f"c{i}" for i in range(count))
        every = list(combinations(columns, 2))
        places: Any = range(len(every))
        if len(every) > MOST_PAIRS:
            places = sorted(np.random.default_rng(5).choice(len(every), MOST_PAIRS, replace=False).tolist())
        assert chosen(columns) == tuple(every[i] for i in places)


def test_pairs_of_many_columns_are_drawn_in_little_memory() -> None:
    columns = tuple(f"c{i}" for i in range(1_500))
    tracemalloc.start()
    try:
        assert len(chosen(columns)) == MOST_PAIRS
        assert tracemalloc.get_traced_memory()[1] < 30e6  # a list of all is 70 MB
    finally:
        tracemalloc.stop()


def test_neighbours_of_many_dimensions_are_the_same_in_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    points, others = (rng.standard_normal((400, 2_000)).astype(np.float32) for _ in range(2))
    whole = nearest(points, [others], 2)
    monkeypatch.setattr(neighbours, "QUERY_CELLS", 2_000 * 20)
    tracemalloc.start()
    try:
        found = nearest(points, [others], 2)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.array_equal(found[0], whole[0])
    assert np.allclose(found[1], whole[1], rtol=1e-12)
    assert most < 12e6  # the other points in double precision are 6.4 MB; all differences at once were as much again
