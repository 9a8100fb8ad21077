"""The parts of the training loops: plan, averaged weights, the judge, stopping, calibration."""

from __future__ import annotations

import pytest
import torch

from synthkit.errors import BuildError
from synthkit.generators.neural.calibration import Calibration, fit_quantiles, fit_shift, shares_of
from synthkit.generators.neural.judge import Judge, Verdict
from synthkit.generators.neural.params import CtganParams, TvaeParams
from synthkit.generators.neural.rows import Rows
from synthkit.generators.neural.training import Averaged, History, Plan
from tests.generators.neural.test_layout import layout_of


def rows_of(cells: torch.Tensor, residuals: torch.Tensor) -> Rows:
    layout = layout_of([2, 3, 2], 2)
    return Rows(layout, cells.int(), residuals, cells.int(), residuals)


def some_rows(count: int = 4_000, seed: int = 0) -> Rows:
    """Two equal coins (the second column never shows its last category) and a value that follows the first."""
    draws = torch.Generator().manual_seed(seed)
    coin = torch.randint(2, (count,), generator=draws)
    value = (coin * 2 - 1) * 0.5 + 0.1 * torch.randn(count, generator=draws)
    return rows_of(torch.stack([coin, 2 + coin, 5 + coin], dim=1), value[:, None].clamp(-1, 1))


def test_the_plan_bounds_the_steps_whatever_the_rows() -> None:
    params = CtganParams(batch_size=500, epochs=10, min_steps=20, max_steps=1_000)
    assert Plan.of(5_000, params) == Plan(steps=100, per_epoch=10, every=10)
    assert Plan.of(10**6, params).steps == 1_000
    assert Plan.of(3, params).steps == 20
    assert Plan.of(5_000, TvaeParams(batch_size=500, epochs=200, looks=10, max_steps=2_000)).every == 200
    plan = Plan.of(5_000, params)
    assert plan.rate(0, "cosine") == 1
    assert plan.rate(50, "cosine") == pytest.approx(0.5)
    assert plan.rate(99, "constant") == 1


def test_averaged_weights_follow_and_settle() -> None:
    weights = {"w": torch.zeros(3)}
    mean = Averaged.of(weights, 0.9)
    weights["w"] = torch.ones(3)
    for _ in range(200):
        mean.update(weights)
    torch.testing.assert_close(mean.weights["w"], torch.ones(3), atol=1e-3, rtol=0)
    last = Averaged.of(weights, 0.0)
    last.update({"w": torch.full((3,), 7.0)})
    assert torch.equal(last.weights["w"], torch.full((3,), 7.0))


def test_a_loss_that_is_not_finite_ends_the_training_with_a_reason() -> None:
    history = History(("a", "b"), None)
    history.add((torch.tensor(1.0), torch.tensor(float("nan"))))
    with pytest.raises(BuildError, match="diverged at step 40"):
        history.look(40, 1.0, {}, Verdict(1, 0, 0))


def test_the_best_weights_are_kept_and_patience_ends_the_run() -> None:
    history = History(("a",), 2)
    going = []
    for i, pairs in enumerate([0.5, 0.3, 0.4, 0.35]):
        history.add((torch.tensor(float(i)),))
        going.append(history.look(i, i, {"w": torch.tensor(float(i))}, Verdict(1, 0, pairs)))
    assert going == [True, True, True, False]
    assert float(history.best["w"]) == 1
    assert history.record()["kept"] == 1


def test_the_judge_sees_lost_modes_and_lost_association() -> None:
    rows = some_rows()
    judge = Judge(rows, 0)
    draws = torch.Generator().manual_seed(1)

    def logits(cells: torch.Tensor) -> torch.Tensor:
        return torch.full((len(cells), rows.layout.cells), -20.0).scatter_(1, cells, 0.0)

    other = some_rows(judge.rows, seed=5)
    cells = other.cells.long()
    good = judge(logits(cells), other.residuals, draws)
    assert good.coverage == 1
    assert good.pairs < 0.001
    shuffled = cells.clone()
    shuffled[:, 1] = cells[torch.randperm(len(cells), generator=draws), 1]
    assert judge(logits(shuffled), other.residuals, draws).pairs > 0.03
    collapsed = cells[:1].expand(len(cells), -1)
    verdict = judge(logits(collapsed), other.residuals[:1].expand(len(cells), -1), draws)
    assert verdict.coverage == 0.5
    assert verdict.marginals == pytest.approx(0.5, abs=0.05)


def test_calibration_gives_the_marginals_and_keeps_the_order() -> None:
    rows = some_rows()
    layout = rows.layout
    draws = torch.Generator().manual_seed(2)
    logits = torch.randn(6_000, layout.cells, generator=draws) + torch.tensor([2.0, 0, 0, 1, 0, 0, 1.5])
    shares = shares_of(layout, rows.cells)
    shift = fit_shift(layout, shares, logits)
    found = layout.softmax(logits + shift).mean(0)
    torch.testing.assert_close(found, shares, atol=2e-3, rtol=0)
    assert shift[4] == -torch.inf  # the category that no training row has

    cells = layout.sampled(logits + shift, draws)
    scalars = torch.rand(6_000, 1, generator=draws) * 0.2
    calibration = Calibration(shift, *fit_quantiles(layout, rows, cells, scalars))
    moved = calibration.residuals(layout, cells, scalars)
    for cell in (5, 6):
        ours, theirs = moved[cells[:, 2] == cell, 0], rows.residuals[rows.cells[:, 2] == cell, 0]
        assert float(ours.mean()) == pytest.approx(float(theirs.mean()), abs=0.01)
        assert float(ours.std()) == pytest.approx(float(theirs.std()), abs=0.01)
        order = scalars[cells[:, 2] == cell, 0].argsort()
        assert (ours[order].diff() >= 0).all()
    same = Calibration.none(layout)
    torch.testing.assert_close(same.residuals(layout, cells, scalars), scalars)
