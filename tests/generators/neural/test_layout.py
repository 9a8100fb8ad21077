"""Operations on all one-hot segments at once, against torch's own on each."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.generators.neural.layout import Layout


def layout_of(widths: list[int], discrete: int) -> Layout:
    residual = torch.cat([torch.full((w,), i >= discrete) for i, w in enumerate(widths)])
    return Layout(tuple(reversed(range(len(widths)))), tuple(widths), discrete, residual)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=9), st.integers(0, 2**20), st.data())
@settings(max_examples=40, deadline=None)
def test_softmax_and_normaliser_equal_those_of_each_segment(widths: list[int], seed: int, data: st.DataObject) -> None:
    layout = layout_of(widths, data.draw(st.integers(0, len(widths))))
    logits = torch.randn(6, layout.cells, generator=torch.Generator().manual_seed(seed)) * 60
    parts = torch.split(logits, widths, dim=1)
    torch.testing.assert_close(layout.softmax(logits), torch.cat([p.softmax(1) for p in parts], dim=1))
    wanted = torch.stack([p.logsumexp(1) for p in parts], dim=1)
    torch.testing.assert_close(layout.log_normaliser(logits), wanted)
    if layout.conditions:
        found = layout.log_normaliser(logits[:, : layout.conditions])
        torch.testing.assert_close(found, wanted[:, : layout.discrete])


@given(st.lists(st.integers(1, 12), min_size=1, max_size=9), st.integers(0, 2**20))
@settings(max_examples=40, deadline=None)
def test_codes_come_back_and_expand_to_one_hots(widths: list[int], seed: int) -> None:
    layout = layout_of(widths, len(widths) // 2)
    draws = torch.Generator().manual_seed(seed)
    cells = torch.stack([torch.randint(w, (5,), generator=draws) for w in reversed(widths)], dim=1)
    placed = layout.cells_of(cells)
    assert torch.equal(layout.codes_of(placed), cells)
    residuals = torch.rand(5, layout.scalars, generator=draws)
    row = layout.expand(placed, residuals)
    assert row.shape == (5, layout.width)
    for i, part in enumerate(torch.split(row[:, : layout.cells], widths, dim=1)):
        assert torch.equal(part.argmax(1), cells[:, layout.order[i]])
        assert torch.equal(part.sum(1), torch.ones(5))
    assert torch.equal(row[:, layout.cells :], residuals)


def test_draws_follow_the_softmax_of_their_segment() -> None:
    layout = layout_of([3, 2], 2)
    chances = torch.tensor([0.2, 0.3, 0.5, 0.9, 0.1])
    cells = layout.sampled(chances.log().expand(100_000, -1), torch.Generator().manual_seed(0))
    assert int(cells[:, 0].max()) == 2
    assert int(cells[:, 1].min()) == 3
    # Standard error of a share over 100,000 rows is at most 0.0016.
    torch.testing.assert_close(torch.bincount(cells.flatten(), minlength=5) / 100_000, chances, atol=0.007, rtol=0)
    impossible = torch.tensor([0.0, -torch.inf, 0.0, -torch.inf, 0.0]).expand(1_000, -1)
    drawn = layout.sampled(impossible, torch.Generator().manual_seed(0))
    assert set(drawn[:, 0].tolist()) == {0, 2}
    assert set(drawn[:, 1].tolist()) == {4}
