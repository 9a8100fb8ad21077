"""The strongest attack on DP-SGD's one door: canaries that choose their gradients, and see every noisy sum.

The guarantee of DP-SGD holds whatever the gradients are, so the attacker may choose them (Nasr, Hayes, Steinke et al.
2023, "Tight auditing of differentially private machine learning", https://arxiv.org/abs/2302.07956): canary i steps
along coordinate i alone, far beyond the clipping norm. What the ledger is charged for (noise, sampling rate, steps) is
carried out by the code that trains (:class:`~synthkit.generators.neural.dpsgd.PrivateGradients`) on rows that are
nothing but canaries, each in or out by a coin. No network is trained, so hundreds of canaries take seconds.

Canaries along different coordinates do not touch each other: where the code is right, the guesses about them are
independent, and each is right with at most the chance that the best attacker on the mechanism has. The number of right
guesses then is at most binomial, a test that needs no theorem on dependent coins and is as sharp as the mechanism's
curve. It is done twice:

- *noise*: the plan as it is. Gradients that are not clipped row by row, noise that is too small, left out of some steps
  or drawn once for all of them show here.
- *sampling*: one epoch with hardly any noise, so that what hides a row is that it may be in no sample: the chance of
  that is (1 - rate)^steps. Another rate, or batches of a shuffled epoch, in which every row is, show here.

What it cannot see is what happens before the door: a row's gradient that depends on other rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from synthkit.audits.context import PrivateTraining

if TYPE_CHECKING:
    import numpy as np

    from synthkit.generators.neural.spending import Spending

    Array = np.ndarray[Any, Any]

CANARIES = 2_000  # of one training, at most
DRAWS = 8_000_000  # of noise in all trainings of one experiment: a few seconds
MOST_TRAININGS = 8
FEW_TRAININGS = 2  # of the experiment on sampling, whose guesses are sure
FAR = 10.0  # clipping norms that a canary's gradient is long
BARE = 0.02  # noise multiplier that hides nothing
EPOCH = 200  # steps of the experiment on sampling, at most
EXACT = 1e-3  # clipping norms: this near to a whole step there was no noise


@dataclass(frozen=True)
class Evidence:
    """What one experiment found: ``right`` of ``guesses`` by the best of several readings of the sums.

    Args:
        most: the chance of a right guess, at most, by the mechanism.
        p: the chance of as many right guesses, or more, where the code does what was charged.
        epsilon: of the gradients alone, at least: that of the Gaussian trade-off curve with the lower end of the
            guesses' accuracy (the limit of many steps: Dong, Roth & Su 2022), at the budget's δ.
    """

    experiment: str
    guesses: int
    right: int
    most: float
    p: float
    epsilon: float


def trains_by_gradients(training: PrivateTraining) -> bool:
    """Whether the training's gradients go through the door."""
    from synthkit.privacy.accounting.mechanisms import SubsampledGaussian

    return any(isinstance(m, SubsampledGaussian) for m in training.mechanisms)


def probe(training: PrivateTraining, seed: int, level: float) -> tuple[Evidence, ...]:
    """Both experiments on a training's plan; the same seed gives the same evidence.

    Args:
        level: the chance that ``epsilon`` of an experiment is too high.
    """
    plan = charged_plan(training)
    norm = float(training.params.get("max_per_sample_grad_norm") or 1.0)
    single = replace(plan, unit=1, noise_multiplier=BARE, steps=max(1, min(EPOCH, round(1 / plan.rate))))
    delta = training.budget.delta
    return (
        experiment("noise", plan, norm, delta, (seed, 1), level),
        experiment("sampling", single, norm, delta, (seed, 2), level, FEW_TRAININGS),
    )


def charged_plan(training: PrivateTraining) -> Spending:
    """The steps that the ledger is charged for, as DP-SGD takes them."""
    import math

    from synthkit.generators.neural.spending import Spending
    from synthkit.privacy.accounting.mechanisms import SubsampledGaussian

    charged = next(m for m in training.mechanisms if isinstance(m, SubsampledGaussian))
    unit, rows = training.budget.max_rows_per_unit, training.budget.rows or 1
    sampled = charged.sampling_rate
    rate = sampled if unit == 1 or sampled == 1 else -math.expm1(math.log1p(-sampled) / unit)
    return Spending((1,), 1.0, rate, rate * rows, charged.steps, charged.noise_multiplier * unit, unit)


def experiment(
    name: str,
    plan: Spending,
    norm: float,
    delta: float,
    seed: tuple[int, int],
    level: float,
    most_trainings: int | None = None,
) -> Evidence:
    """Carry the plan out several times, guess every canary, and hold the guesses against the plan's mechanism."""
    import numpy as np
    from scipy.stats import beta, binom

    from synthkit.privacy.accounting.bounds import of_mechanisms

    random = np.random.default_rng(seed)
    canaries = int(np.clip(DRAWS // plan.steps, 20, CANARIES))
    trainings = int(np.clip(DRAWS // (plan.steps * canaries), 1, most_trainings or MOST_TRAININGS))
    right: dict[str, int] = {}
    for _ in range(trainings):
        inside = random.random(canaries) < 0.5
        sums = observed(plan, norm, inside, int(random.integers(2**31)))
        for reading, scores in readings(sums, plan).items():
            said = np.where(scores == 0, random.random(canaries) < 0.5, scores > 0)
            right[reading] = right.get(reading, 0) + int((said == inside).sum())
    guesses, best = canaries * trainings, max(right.values())
    most = of_mechanisms([plan.gradients]).accuracy
    p = min(1.0, len(right) * float(binom.sf(best - 1, guesses, most)))
    low = float(beta.ppf(level / len(right), best, guesses - best + 1)) if best else 0.0
    return Evidence(name, guesses, best, most, p, epsilon_of(low, delta))


def observed(plan: Spending, norm: float, inside: Array, seed: int) -> Array:
    """Every noisy sum of one training, in clipping norms: shape (steps, canaries)."""
    import numpy as np
    import torch

    from synthkit.generators.neural.clipping import Gradients, Products
    from synthkit.generators.neural.dpsgd import PrivateGradients
    from synthkit.privacy.accounting.noise import Noise

    count = len(inside)
    rows = torch.from_numpy(np.flatnonzero(inside).repeat(plan.unit)[:, None])
    source = PrivateGradients(rows, plan, norm, Noise.seeded(seed))
    shapes = {"canaries.weight": torch.zeros(count, 1)}

    def gradients(cells: torch.Tensor) -> Gradients:
        left = torch.zeros(len(cells), count)
        left[torch.arange(len(cells)), cells[:, 0]] = FAR * norm
        return {"canaries": Products.single(left, torch.ones(len(cells), 1), bias=False)}

    found = np.empty((plan.steps, count), np.float32)
    for step in range(plan.steps):
        found[step] = source.mean(gradients, shapes)["canaries.weight"][:, 0].numpy()
    return found * np.float32(plan.batch / norm)


def readings(sums: Array, plan: Spending) -> dict[str, Array]:
    """What the sums say of each canary, above 0 for "in": shape (canaries,) each.

    ``ratio`` is the best there is where the code is right; the others look for noise of another width, noise that stays
    the same from step to step, and steps without any.
    """
    import numpy as np

    over = sums - np.median(sums, axis=0)  # noise that stays the same drops out; canaries are in few of the samples
    exact = ((np.abs(sums - np.rint(sums)) < EXACT) & (sums > 0.5)).sum(0)
    ratio = _ratio(sums, plan)
    return {
        "ratio": ratio,
        "centred": _centred(ratio),
        "standing": _centred(np.maximum(over, 0.0).max(0)),
        "exact": _centred(exact),
    }


def _centred(values: Array) -> Array:
    """Against the middle of the canaries, of which about half are in."""
    import numpy as np

    return np.asarray(values - (np.quantile(values, 0.25) + np.quantile(values, 0.75)) / 2)


def _ratio(sums: Array, plan: Spending) -> Array:
    """Log-likelihood ratio over the steps: of a unit's rows j are in the sample, which moves the sum by j norms."""
    import numpy as np
    from scipy.stats import binom

    total = np.zeros(sums.shape[1])
    for part in np.array_split(sums.astype(np.float64), max(1, len(sums) // 1_000)):
        found = np.full(part.shape, -np.inf)
        for j in range(plan.unit + 1):
            moved = (2 * j * part - j * j) / (2 * plan.noise_multiplier**2)
            found = np.logaddexp(found, binom.logpmf(j, plan.unit, plan.rate) + moved)
        total += found.sum(0)
    return total


def epsilon_of(accuracy: float, delta: float) -> float:
    """ε at δ of the Gaussian trade-off curve whose best guess is right with this chance (Dong, Roth & Su 2022)."""
    import numpy as np
    from scipy.optimize import brentq
    from scipy.stats import norm

    if accuracy <= 0.5:
        return 0.0
    mu = 2 * float(norm.ppf(min(accuracy, 1 - 1e-12)))

    def over(epsilon: float) -> float:
        return float(norm.cdf(mu / 2 - epsilon / mu) - np.exp(epsilon + norm.logcdf(-mu / 2 - epsilon / mu))) - delta

    return 0.0 if over(0.0) <= 0 else float(brentq(over, 0.0, mu * (mu / 2 + 40)))


def in_words(evidence: Sequence[Evidence]) -> str:
    """In words; empty without evidence."""
    parts = [
        f"by {e.experiment} {e.right / e.guesses:.1%} of {e.guesses:,} are right ({e.most:.1%} at most is charged)"
        for e in evidence
    ]
    if not parts:
        return ""
    noise = next((e for e in evidence if e.experiment == "noise"), None)
    tight = f" (the gradients' own ε ≥ {noise.epsilon:.3g})" if noise is not None else ""
    return f"; canaries that choose their gradients: {'; '.join(parts)}{tight}"
