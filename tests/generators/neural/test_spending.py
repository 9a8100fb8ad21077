"""How a budget is divided: by what is declared alone, and never more than it holds."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from synthkit.errors import BuildError
from synthkit.generators.base import Budget
from synthkit.generators.neural.ctgan import CTGAN
from synthkit.generators.neural.params import CtganOptions, TvaeOptions
from synthkit.generators.neural.private_params import PrivateCtganParams, PrivateTvaeParams, declared_rows
from synthkit.generators.neural.spending import gradient_mechanism, spending
from synthkit.generators.neural.tvae import TVAE
from synthkit.privacy.accounting import accountant
from synthkit.privacy.accounting.mechanisms import ApproximateDP, SubsampledGaussian, noisy_histograms
from synthkit.schema import Column, Schema

SCHEMA = Schema(
    (
        Column("age", "integer", "BIGINT", nullable=False, bounds=(0, 100)),
        Column("income", "float", "DOUBLE", bounds=(0, 1e6), decimals=2),
        Column("city", "categorical", "VARCHAR", values=("a", "b")),
    )
)
BUDGET = Budget(1.0, 1e-5, rows=20_000)


@pytest.mark.parametrize(("epsilon", "sigma"), [(1.0, 8.120), (3.0, 3.083), (8.0, 1.465)])
def test_the_noise_is_that_of_the_literature(epsilon: float, sigma: float) -> None:
    # Opacus's PRV accountant for q = 500 / 32,561 and 19,500 steps; 0.1 % of the budget is the histograms' here.
    options = CtganOptions(batch_size=500, min_steps=19_500, max_steps=19_500, one_way_share=0.001)
    plan = spending(PrivateCtganParams.of(options), Budget(epsilon, 1e-5, rows=32_561), SCHEMA)
    assert plan.rate == 500 / 32_561
    assert plan.batch == pytest.approx(500)
    assert plan.noise_multiplier == pytest.approx(sigma, rel=0.012)


@pytest.mark.parametrize("unit", [1, 3])
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_what_is_spent_keeps_the_budget_and_uses_it_up(unit: int, share: float) -> None:
    budget = replace(BUDGET, max_rows_per_unit=unit)
    params = PrivateTvaeParams.of(TvaeOptions(one_way_share=share))
    plan = spending(params, budget, SCHEMA)
    assert TVAE.mechanisms is not None
    assert TVAE.mechanisms(TvaeOptions(one_way_share=share), budget, SCHEMA) == plan.mechanisms
    # ages take two histograms, the 10^8 steps of incomes five, cities one
    assert plan.mechanisms == (plan.gradients, noisy_histograms(plan.sigma, unit, 8))
    spent = accountant.epsilon(plan.mechanisms, 1e-5)
    assert spent <= 1.0
    assert spent == pytest.approx(1.0, rel=1e-2)


def test_a_greater_share_makes_the_histograms_quieter() -> None:
    small, large = (spending(PrivateTvaeParams.of(TvaeOptions(one_way_share=s)), BUDGET, SCHEMA) for s in (0.05, 0.5))
    assert large.sigma < small.sigma
    assert large.noise_multiplier > small.noise_multiplier


def test_what_is_not_declared_is_paid_for_too() -> None:
    schema = Schema((*SCHEMA.columns, Column("job", "categorical", "VARCHAR"), Column("pay", "integer", "BIGINT")))
    params = PrivateTvaeParams.of(TvaeOptions(preprocessing_share=0.2))
    plan = spending(params, BUDGET, schema)
    assert plan.mechanisms[2:] == (noisy_histograms(plan.discovery.sigma, 1, 2), ApproximateDP(0.0, 0.2 * 1e-5))
    assert accountant.epsilon(plan.mechanisms, 1e-5) == pytest.approx(1.0, rel=1e-2)
    # two releases of 20 % of the budget, and sum(levels) of 15 % of the rest
    ratio = plan.discovery.sigma / plan.sigma
    assert ratio == pytest.approx(math.sqrt(2 / 0.2 / (sum(plan.levels) / (0.8 * 0.15))))
    assert spending(params, BUDGET, SCHEMA).discovery.columns == 0  # all is declared: nothing is set aside


def test_the_rate_and_the_steps_follow_the_declared_rows_and_the_epochs() -> None:
    params = PrivateCtganParams.of(CtganOptions(batch_size=500, epochs=10, noise_multiplier=5.0))
    plan = spending(params, BUDGET, SCHEMA)
    assert (plan.rate, plan.steps, plan.noise_multiplier) == (500 / 20_000, 400, 5.0)
    assert accountant.epsilon(plan.mechanisms, 1e-5) == pytest.approx(1.0, rel=1e-2)
    every = PrivateCtganParams.of(CtganOptions(batch_size=500))
    assert every.sampling_rate(100) == 1.0
    assert PrivateCtganParams.of(CtganOptions()).sampling_rate(10_000_000) == pytest.approx(16_384 / 10_000_000)


def test_a_unit_of_several_rows_is_bounded_by_more_sampling_and_less_noise() -> None:
    assert gradient_mechanism(4.0, 0.1, 7, 1) == SubsampledGaussian(4.0, 0.1, 7)
    two = gradient_mechanism(4.0, 0.1, 7, 2)
    assert two.noise_multiplier == 2.0
    assert two.sampling_rate == pytest.approx(0.19)
    assert gradient_mechanism(4.0, 1.0, 7, 5).sampling_rate == 1.0


def test_noise_below_what_the_budget_allows_is_refused_with_what_it_allows() -> None:
    params = PrivateTvaeParams.of(TvaeOptions(noise_multiplier=0.5))
    with pytest.raises(BuildError, match=r"noise_multiplier 0\.5 alone spends epsilon") as raised:
        spending(params, BUDGET, SCHEMA)
    assert raised.value.hint is not None
    least = float(raised.value.hint.split("more than ")[1].split(":")[0])
    assert accountant.epsilon([gradient_mechanism(least * 1.01, params.sampling_rate(20_000), 384, 1)], 1e-5) <= 1.0


@pytest.mark.parametrize(
    ("generator", "wrong", "words"),
    [
        (CTGAN, {"pac": 2, "batch_size": 500}, "pac must be 1"),
        (CTGAN, {"amp": True}, "amp is not available"),
        (TVAE, {"compile": True}, "compile is not available"),
        (TVAE, {"patience": 3}, "patience would stop the training by what the rows say"),
        (TVAE, {"prior": "mixture"}, "prior: mixture would be fitted"),
    ],
)
def test_what_breaks_the_guarantee_is_refused_with_a_hint(generator: Any, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(BuildError, match=words) as raised:
        generator.mechanisms(generator.params.model_validate(wrong), BUDGET, SCHEMA)
    assert raised.value.hint == f"leave {next(iter(wrong))} out"


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BuildError, match=r"pac must be 1.*; patience would"):
        PrivateCtganParams.of(CtganOptions(pac=5, batch_size=500, patience=1))


def test_rows_have_to_be_declared_and_delta_small_against_them() -> None:
    with pytest.raises(BuildError, match="number of rows") as raised:
        declared_rows(Budget(1.0, 1e-5))
    assert raised.value.hint is not None
    assert "row_count" in raised.value.hint
    with pytest.raises(BuildError, match=r"delta = 0\.001 is none for 1,000 rows"):
        declared_rows(Budget(1.0, 1e-3, rows=1_000))
    assert declared_rows(Budget(1.0, 9e-4, rows=1_000)) == 1_000


def test_what_is_spent_is_known_without_a_learning_library() -> None:
    code = (
        "import sys\n"
        "from synthkit.generators.base import Budget\n"
        "from synthkit.generators.neural.ctgan import CTGAN\n"
        "from synthkit.generators.neural.tvae import TVAE\n"
        "from synthkit.schema import Column, Schema\n"
        "schema = Schema((Column('a', 'integer', 'BIGINT', bounds=(0, 9)),))\n"
        "for g in (CTGAN, TVAE): assert g.mechanisms(g.params(), Budget(1.0, 1e-6, rows=1_000), schema)\n"
        "bad = [n for n in ('torch', 'sklearn', 'pandas', 'pyarrow') if n in sys.modules]\n"
        "assert not bad, bad"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
