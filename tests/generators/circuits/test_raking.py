"""Raking: a refinement bends shares, and the raked tree has them again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from synthkit.generators.circuit import fit
from synthkit.generators.circuit.em import marginal_counts, start_tree
from synthkit.generators.circuit.params import CircuitParams
from synthkit.generators.circuit.raking import raked
from synthkit.generators.circuit.refine import Refinement, Round, learn_ratio
from synthkit.generators.circuit.sampling import sampler_of
from synthkit.generators.circuit.structure import chow_liu, mutual_information
from synthkit.generators.circuit.tree import HiddenTree

CELLS = (12, 30, 2, 5)


def planted(rows: int) -> torch.Tensor:
    """A rare category (8 %) that goes with one end of two numbers: what boosted trees like to bend."""
    rng = np.random.default_rng(0)
    rare = rng.random(rows) < 0.08
    first = np.where(rare, rng.integers(8, 12, rows), rng.integers(0, 12, rows))
    second = np.clip(first * 2 + rng.integers(0, 9, rows), 0, 29)
    return torch.from_numpy(np.stack([first, second, rare, (first + second) % 5], axis=1).astype(np.int64))


def bent(codes: torch.Tensor) -> tuple[HiddenTree, Refinement]:
    """A tree that was hardly trained, and a refinement of it whose weights are cut off low."""
    structure = chow_liu(mutual_information(codes.numpy(), CELLS))
    tree = start_tree(structure, CELLS, 3, marginal_counts(codes, CELLS), seed=1)
    drawn = sampler_of(tree, None).draw(2 * len(codes), torch.Generator().manual_seed(1)).long()
    forest = learn_ratio(codes, drawn, CELLS, [2, 3], trees=20, seed=1)
    return tree, Refinement((Round(forest, float(np.log(2.0))),))


def furthest(tree: HiddenTree, refinement: Refinement, codes: torch.Tensor) -> float:
    """The greatest difference between a cell's share of drawn rows and of the given ones."""
    drawn = sampler_of(tree, refinement).draw(400_000, torch.Generator().manual_seed(9)).long()
    return float((marginal_counts(drawn, CELLS) - marginal_counts(codes, CELLS)).abs().max())


def test_a_raked_tree_draws_the_shares_of_the_rows() -> None:
    codes = planted(4_000)
    tree, refinement = bent(codes)
    assert furthest(tree, refinement, codes) > 0.015
    drawn = sampler_of(tree, None).draw(400_000, torch.Generator().manual_seed(2)).long()
    parts = torch.split(drawn, 70_000)
    again = raked(tree, refinement, marginal_counts(codes, CELLS), parts)
    assert furthest(again, refinement, codes) < 0.006  # five standard errors of 400,000 rows twice, at a share of 1/2


def test_a_fitted_refinement_is_raked() -> None:
    codes = planted(4_000)
    tree, _ = bent(codes)
    params = CircuitParams(refinements=2, refinement_trees=10)
    again, refinement = fit.fit_refinement(tree, codes, [2, 3], params, 4, lambda *_: None)
    assert refinement is not None
    assert furthest(again, refinement, codes) < 0.006


def test_a_cell_that_is_never_drawn_is_left_alone() -> None:
    codes = planted(2_000)
    tree, refinement = bent(codes)
    shares = marginal_counts(codes, CELLS)
    drawn = codes[codes[:, 0] != 3].repeat(20, 1)
    again = raked(tree, refinement, shares, [drawn])
    assert bool(torch.isfinite(again.emissions).all())
    assert again.emissions.shape == tree.emissions.shape


@pytest.mark.parametrize("rows", [5_000, 40_000])
def test_of_a_wide_table_chance_is_not_raked(rows: int) -> None:
    """3,240 cells and one or twelve drawn rows for each: a factor for every cell, and their product would be noise.

    The tree has the columns' shares, as one that was trained has; the refinement bends the rare category.
    """
    wide = np.random.default_rng(1).integers(0, 40, (4_000, 80))
    codes, cells = torch.cat([planted(4_000), torch.from_numpy(wide)], dim=1), (*CELLS, *[40] * 80)
    shares, (_, refinement) = marginal_counts(codes, cells), bent(planted(4_000))
    tree = start_tree(chow_liu(mutual_information(codes.numpy(), cells)), cells, 3, shares, seed=1)
    own = torch.cat([block / block.sum() for block in torch.split(shares, list(cells))])
    tree = replace(tree, emissions=own[:, None].expand(-1, 3).contiguous().to(tree.emissions.dtype))

    def bend(found: HiddenTree) -> tuple[float, float]:
        drawn = sampler_of(found, refinement).draw(40_000, torch.Generator().manual_seed(9)).long()
        apart = (marginal_counts(drawn, cells) - shares).abs()
        of_the_rare = sum(CELLS[:2])
        return float(apart[of_the_rare]), float(apart[sum(CELLS) :].sum()) / 160

    drawn = sampler_of(tree, None).draw(rows, torch.Generator().manual_seed(1)).long()
    before, after = bend(tree), bend(raked(tree, refinement, shares, [drawn]))
    assert after[0] < before[0] / 2  # what was bent comes back
    assert after[1] < before[1] + 0.004  # the others' total variation, of which chance is .012; raked whole: .3, .036
