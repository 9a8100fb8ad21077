"""The written-out gradient penalty against autograd's, and the layers."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from synthkit.generators.neural import networks
from synthkit.generators.neural.networks import critic_loss, criticise, generate, new_critic, new_generator


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("hidden", [(16,), (16, 8), (12, 8, 4)])
def test_the_penalty_and_its_gradient_equal_autograds(hidden: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    draws = random()
    critic = {k: w.requires_grad_() for k, w in new_critic(30, hidden, draws).items()}
    real, fake = (torch.randn(12, 30, generator=draws) for _ in range(2))
    masks: list[torch.Tensor] = []
    original = networks.slopes

    def noted(z: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        masks.append(original(z, generator))
        return masks[-1]

    monkeypatch.setattr(networks, "slopes", noted)
    distance, penalty = critic_loss(critic, real, fake, random(1), 10.0)

    share = torch.rand(12, 1, generator=random(1))
    x = (share * real + (1 - share) * fake).requires_grad_()
    h = x
    for i, mask in enumerate(masks[1::2]):  # every second one is of the points in between
        z = functional.linear(h, critic[f"{i}.weight"], critic[f"{i}.bias"])
        kept = mask > 0
        assert torch.equal(mask[kept], torch.where(z > 0, 2.0, 0.4)[kept])  # LeakyReLU and dropout of a half
        h = z * mask
    value = functional.linear(h, critic[f"{len(hidden)}.weight"], critic[f"{len(hidden)}.bias"])
    (gradient,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    wanted = 10 * (gradient.norm(dim=1) - 1).square().mean()
    torch.testing.assert_close(penalty, wanted)
    names = [f"{i}.weight" for i in range(len(hidden) + 1)]
    ours = torch.autograd.grad(penalty, [critic[n] for n in names])
    theirs = torch.autograd.grad(wanted, [critic[n] for n in names])
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
    assert torch.isfinite(distance)


def test_the_penalty_of_a_linear_critic_is_known() -> None:
    weight = torch.tensor([[3.0, 4.0]])  # its gradient has norm 5 everywhere
    critic = {"0.weight": weight, "0.bias": torch.zeros(1)}
    x = torch.randn(7, 2, generator=random())
    gradient = torch.autograd.functional.jacobian(lambda v: criticise(critic, v, random()).sum(), x)
    torch.testing.assert_close(gradient.norm(dim=1), torch.full((7,), 5.0))
    distance, penalty = critic_loss({**critic}, x, x + 1, random(), 10.0)
    assert float(penalty) == pytest.approx(10 * (5 - 1) ** 2)
    assert float(distance) == pytest.approx(-7.0, abs=1e-5)


def test_the_generator_is_the_published_network() -> None:
    weights = new_generator(6, (5, 4), 3, random())
    x = torch.randn(8, 6, generator=random(1))
    out = generate(weights, x, training=False)
    h = torch.relu(functional.linear(x, weights["0.weight"], weights["0.bias"]) / (1 + 1e-5) ** 0.5)
    h = torch.cat([h, x], dim=1)
    h2 = torch.relu(functional.linear(h, weights["1.weight"], weights["1.bias"]) / (1 + 1e-5) ** 0.5)
    wanted = functional.linear(torch.cat([h2, h], dim=1), weights["out.weight"], weights["out.bias"])
    torch.testing.assert_close(out, wanted)
    before = weights["0.mean"].clone()
    generate(weights, x, training=True)
    assert not torch.equal(before, weights["0.mean"])
    assert torch.isfinite(generate(weights, x[:1], training=True)).all()  # one row has no variance
