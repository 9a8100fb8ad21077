"""Columns drawn given others: as the joint distribution, written out in full, has them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from synthkit.generators.marginals.junction import junction_tree
from synthkit.generators.marginals.model import from_logs, spread
from synthkit.generators.units.given import Given

SIZES = (3, 2, 4, 2, 3, 2)
SETS = ((0, 1, 2), (2, 3), (3, 4), (1, 5))
ROWS = 60_000


@pytest.mark.parametrize(
    "known", [k for n in range(len(SIZES)) for k in itertools.combinations(range(len(SIZES)), n)], ids=str
)
def test_each_row_is_drawn_as_the_joint_distribution_has_it_given_what_is_known(known: tuple[int, ...]) -> None:
    random = np.random.default_rng(5)
    tree = junction_tree(SETS, SIZES)
    logs = [random.normal(size=tuple(SIZES[c] for c in clique)) for clique in tree.cliques]
    joint = np.ones(SIZES)
    for clique, log in zip(tree.cliques, logs, strict=True):
        joint = joint * spread(np.exp(log), clique, tuple(range(len(SIZES))))
    model = from_logs(tree, SIZES, logs, 1000.0)
    codes = np.zeros((len(SIZES), ROWS), dtype=np.int64)
    for c in known:
        codes[c] = random.integers(SIZES[c], size=ROWS)
    given = codes.copy()

    Given(model, known).draw(codes, random)

    assert (codes[list(known)] == given[list(known)]).all()
    free = tuple(c for c in range(len(SIZES)) if c not in known)
    chances = joint / joint.sum(axis=free, keepdims=True)
    of = np.zeros(SIZES)
    np.add.at(of, tuple(codes), 1)
    expected = of.sum(axis=free, keepdims=True) * chances
    deviation = (of - expected) / np.sqrt(np.maximum(expected, 1e-9))
    # Pearson's statistic, whose mean is the number of free cells: six standard deviations above it by chance never.
    cells = float(np.prod(SIZES)) - float(np.prod([SIZES[c] for c in known]))
    assert float((deviation[expected > 0] ** 2).sum()) < cells + 6 * np.sqrt(2 * cells)


def test_where_nothing_is_possible_every_cell_is_drawn() -> None:
    tree = junction_tree(((0, 1),), (2, 3))
    model = from_logs(tree, (2, 3), [np.zeros((2, 3))], 10.0)
    model.tables[0][1] = 0.0
    codes = np.ones((2, 3000), dtype=np.int64)
    Given(model, {0}).draw(codes, np.random.default_rng(1))
    assert np.bincount(codes[1], minlength=3).min() > 900
