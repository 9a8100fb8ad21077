"""Gradients as outer products: the same as autograd's row by row, never longer than the clipping norm."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import grad, vmap

from synthkit.generators.neural.clipping import Gradients, Products, clipped_sum, norms
from synthkit.generators.neural.layout import Layout
from synthkit.generators.neural.networks import SLOPE, new_critic
from synthkit.generators.neural.params import TvaeOptions
from synthkit.generators.neural.private_gan import critic_gradients
from synthkit.generators.neural.private_params import PrivateTvaeParams
from synthkit.generators.neural.private_vae import gradients_of, new_networks

ROWS = 7
Weights = dict[str, torch.Tensor]


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def layout() -> Layout:
    widths = (3, 2, 4)
    return Layout((0, 1, 2), widths, 3, torch.zeros(9, dtype=torch.bool))


def written_out(gradients: Gradients) -> Weights:
    """Each row's gradient by weight name, in full."""
    found: Weights = {}
    for name, p in gradients.items():
        found[f"{name}.weight"] = torch.einsum("nro,nri->noi", p.left, p.right)
        if any(p.bias):
            found[f"{name}.bias"] = torch.einsum("nro,r->no", p.left, torch.tensor(p.bias, dtype=p.left.dtype))
    return found


def critic_value(weights: Weights, x: torch.Tensor) -> torch.Tensor:
    last = len(weights) // 2 - 1
    for i in range(last + 1):
        x = weights[f"{i}.weight"] @ x + weights[f"{i}.bias"]
        x = torch.nn.functional.leaky_relu(x, SLOPE) if i < last else x
    return x[0]


def plain_critic_loss(
    weights: Weights, real: torch.Tensor, fake: torch.Tensor, share: torch.Tensor, penalty: float
) -> torch.Tensor:
    """The loss of one row as the article writes it, differentiated twice by autograd."""
    slope = grad(critic_value, argnums=1)(weights, share * real + (1 - share) * fake)
    return critic_value(weights, fake) - critic_value(weights, real) + penalty * (slope.norm() - 1) ** 2


@pytest.mark.parametrize("hidden", [(16,), (16, 8), (12, 8, 4)])
@pytest.mark.parametrize("penalty", [0.0, 10.0])
def test_the_critics_gradients_equal_autograds_of_the_plain_loss(hidden: tuple[int, ...], penalty: float) -> None:
    critic = new_critic(9, hidden, random())
    real, fake = (torch.randn(ROWS, 9, generator=random(s)) for s in (1, 2))
    share = torch.rand(ROWS, generator=random(3))
    ours = written_out(critic_gradients(critic, real, fake, share, penalty))
    per_row = vmap(grad(plain_critic_loss), in_dims=(None, 0, 0, 0, None))(critic, real, fake, share, penalty)
    assert ours.keys() == per_row.keys()
    for name, theirs in per_row.items():
        torch.testing.assert_close(ours[name], theirs, atol=1e-5, rtol=1e-4)


def test_the_made_up_rows_and_the_penalty_change_the_critics_update() -> None:
    critic = new_critic(9, (16,), random())
    real, fake, other = (torch.randn(ROWS, 9, generator=random(s)) for s in (1, 2, 3))
    share = torch.rand(ROWS, generator=random(4))

    def update(fake: torch.Tensor, penalty: float) -> Weights:
        return clipped_sum(critic_gradients(critic, real, fake, share, penalty), 1.0)

    first = update(fake, 10.0)
    for changed in (update(other, 10.0), update(fake, 1.0), update(fake, 0.0)):
        assert all((first[n] - changed[n]).abs().max() > 1e-4 for n in ("0.weight", "1.weight", "0.bias"))
    # one layer's last bias cancels between real and made-up rows: the loss does not depend on it
    torch.testing.assert_close(first["1.bias"], torch.zeros(1), atol=1e-5, rtol=0)


def plain_vae_loss(
    weights: Weights, cells: torch.Tensor, noise: torch.Tensor, shares: torch.Tensor, factor: float
) -> torch.Tensor:
    """Of one row: cross entropy of every column by torch's own function, and the divergence."""
    x = torch.zeros(9).scatter(0, cells, 1.0) - shares

    def layer(name: str, x: torch.Tensor) -> torch.Tensor:
        return weights[f"{name}.weight"] @ x + weights[f"{name}.bias"]

    h = layer("in.0", x).relu()
    mean, log_variance = layer("mean", h), layer("log_variance", h)
    logits = layer("out.1", layer("out.0", mean + noise * (log_variance / 2).exp()).relu())
    wrong, start = torch.zeros(()), 0
    for i, width in enumerate(layout().widths):
        part = logits[start : start + width][None]
        wrong = wrong + torch.nn.functional.cross_entropy(part, cells[i : i + 1] - start)
        start += width
    return factor * wrong - 0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()


def test_the_autoencoders_gradients_equal_autograds_of_the_plain_loss() -> None:
    shares = torch.tensor([0.2, 0.3, 0.5, 0.6, 0.4, 0.1, 0.2, 0.3, 0.4])
    params = PrivateTvaeParams.of(TvaeOptions(compress_dims=(6,), decompress_dims=(5,), embedding_dim=3))
    weights = new_networks(layout(), shares, params, seed=0)
    codes = torch.stack([torch.randint(w, (ROWS,), generator=random(i)) for i, w in enumerate((3, 2, 4))], dim=1)
    cells = layout().cells_of(codes)
    noise = torch.randn(ROWS, 3, generator=random(5))
    ours = written_out(gradients_of(weights, layout(), shares, cells.int(), noise, 2.0))
    per_row = vmap(grad(plain_vae_loss), in_dims=(None, 0, 0, None, None))(weights, cells, noise, shares, 2.0)
    assert ours.keys() == per_row.keys() - {"out.1.bias"}  # which the histograms give, and no gradient moves
    for name in ours:
        torch.testing.assert_close(ours[name], per_row[name], atol=1e-5, rtol=1e-4)


def total(weights: Weights) -> float:
    return float(torch.cat([w.double().flatten() for w in weights.values()]).norm())


def some_products(seed: int, rows: int, scale: float) -> Gradients:
    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random(seed + sum(shape))) * scale

    return {
        "a": Products(draw(rows, 3, 4), draw(rows, 3, 5), (1, 1, 0)),
        "b": Products(draw(rows, 1, 2), draw(rows, 1, 4), (0,)),
    }


def part(gradients: Gradients, keep: torch.Tensor) -> Gradients:
    return {k: Products(p.left[keep], p.right[keep], p.bias) for k, p in gradients.items()}


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(1, 12),
    scale=st.sampled_from([1e-6, 1e-2, 1.0, 30.0, 1e4, 1e8, 1e18]),
    norm=st.sampled_from([1e-3, 0.5, 1.0, 20.0]),
    odd=st.sampled_from([None, float("nan"), float("inf"), 1e30]),
)
def test_one_row_more_moves_the_sum_by_the_norm_at_most(
    seed: int, rows: int, scale: float, norm: float, odd: float | None
) -> None:
    gradients = some_products(seed, rows, scale)
    if odd is not None:
        gradients["a"].left[0, 0, 0] = odd
    all_rows, rest = torch.ones(rows, dtype=torch.bool), torch.arange(rows) > 0
    one = clipped_sum(part(gradients, all_rows & ~rest), norm)
    assert total(one) <= norm * (1 + 1e-5)
    whole, fewer = clipped_sum(gradients, norm), clipped_sum(part(gradients, rest), norm)
    difference = {k: whole[k].double() - fewer[k].double() for k in whole}
    # float32 rounds the sums of the other rows, each at most the norm
    assert total(difference) <= norm * (1 + 1e-5 + 1e-6 * rows)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([1e-3, 1.0, 1e4]))
def test_norms_are_those_of_the_written_out_gradients(seed: int, scale: float) -> None:
    gradients = some_products(seed, 9, scale)
    exact = torch.cat([g.double().flatten(1) for g in written_out(gradients).values()], dim=1).norm(dim=1)
    found = norms(gradients).double()
    assert (found >= exact * (1 - 1e-6)).all()
    torch.testing.assert_close(found, exact, rtol=1e-3, atol=1e-12)


def test_products_that_cancel_are_not_taken_for_shorter_than_they_are() -> None:
    a, b = torch.randn(50, 1, 200, generator=random(1)) * 1e3, torch.randn(50, 1, 200, generator=random(2)) * 1e3
    nearly = b + torch.randn(50, 1, 200, generator=random(3)) * 1e-3
    gradients = {"a": Products(torch.cat([a, -a], 1), torch.cat([b, nearly], 1), (0, 0))}
    exact = (a.double().norm(dim=2) * (b.double() - nearly.double()).norm(dim=2))[:, 0]
    assert (norms(gradients).double() >= exact * (1 - 1e-6)).all()


def test_short_gradients_are_summed_as_they_are() -> None:
    gradients = some_products(1, 5, 1e-3)
    found = clipped_sum(gradients, 1.0)
    for name, rows in written_out(gradients).items():
        torch.testing.assert_close(found[name], rows.sum(0), rtol=1e-4, atol=1e-12)
    assert "b.bias" not in found
