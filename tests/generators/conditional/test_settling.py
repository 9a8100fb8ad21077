"""Fields drawn one after another hang together as the rows that they were learnt from do."""

from __future__ import annotations

import numpy as np
import pytest

from synthkit.generators.conditional.columns import Chain, Context, field_of, fit_chain, numbers_encoded
from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.conditional.settling import LEAST, settled

BETWEEN = 8  # numbers that stand between an entity's level and the last one
DRAWS = 16  # whose mean is what the chain says, but for a few thousandths


def _rows(size: int, seed: int) -> dict[str, np.ndarray]:
    """Numbers that each follow a little of the level, and mostly one that all of them share."""
    rng = np.random.default_rng(seed)
    level, shared = rng.normal(size=(2, size))
    return {
        "level": level,
        **{f"n{i}": 0.3 * level + 0.6 * shared + rng.normal(size=size) for i in range(BETWEEN)},
    }


def _chain(size: int, seed: int) -> tuple[Chain, Context, np.ndarray]:
    params, numbers = ConditionalParams(), _rows(size, seed)
    codecs, codes = numbers_encoded(numbers, params, 0, units=None)
    fields = [field_of(codec, codes[:, k]) for k, codec in enumerate(codecs)]
    context = Context.of(fields[:1], codes[:, :1])
    part = np.random.default_rng(seed).integers(0, 9, size)
    return fit_chain(fields[1:], codes[:, 1:], context, part, params), context, codes[:, 1:]


def _off(chain: Chain, context: Context, cells: np.ndarray) -> float:
    """How far correlations of drawn cells are from those of the rows learnt from, in the mean."""
    found = []
    for seed in range(DRAWS):
        drawn = chain.draw(context, np.random.default_rng(seed))[0]
        found.append(np.corrcoef(np.column_stack([context.codes, drawn]).T))
    real = np.corrcoef(np.column_stack([context.codes, cells]).T)
    return float(np.abs(np.mean(found, axis=0) - real).mean())


def test_what_is_lost_along_a_chain_is_made_good() -> None:
    before, after = [], []
    for seed in range(3):
        chain, context, cells = _chain(400, seed)
        before.append(_off(chain, context, cells))
        after.append(_off(settled(chain, context, cells, seed), context, cells))
    assert np.mean(after) < 0.7 * np.mean(before)  # 0.012 and 0.022


def test_chances_are_said_as_they_are_drawn_and_few_rows_are_left_alone() -> None:
    chain, context, cells = _chain(600, 0)
    after = settled(chain, context, cells, 0)
    shifted = next(j for j, part in enumerate(after.parts) if part.shift_of is not None and len(part.shift_of))
    part, x = after.parts[shifted], np.column_stack([context.codes, cells]).astype(np.uint8)
    said = part.log_probs(x, after.fields[shifted].cells)
    assert np.allclose(np.exp(said).sum(axis=1), 1)
    assert np.allclose(said[np.arange(len(x)), cells[:, shifted]], part.log_prob(x, cells[:, shifted]))
    drawn = part.draw(np.repeat(x[:1], 40_000, axis=0), np.random.default_rng(0))
    seen = np.bincount(drawn, minlength=said.shape[1]) / 40_000
    assert seen == pytest.approx(np.exp(said[0]), abs=0.01)
    few = _chain(LEAST - 1, 0)
    assert settled(*few, 0) is few[0]
